"""What a notice says, on the page and in the mail, and where its link leads."""

from zoneinfo import ZoneInfo

from reportapp.constants import ExecutionStatus, NoticeKind, Role
from reportapp.mail import News
from reportapp.models import Notice, ReportScheduleExecution, User
from reportapp.recurrence import moment


def news_of(notice: Notice, reader: User) -> News:
    """The notice in plain words, for a person who reads times in their own zone."""
    kind = notice.kind
    if kind is NoticeKind.MAIL_STOPPED:
        return News(
            "No mails can leave: the mail server refuses them",
            f"Somebody has to look at the settings of the mail server. It says: {notice.detail}.",
            "See it and try again",
            "/notices/",
        )
    if kind is NoticeKind.NO_HEARTBEAT:
        return News(
            "The schedules stood still for a while",
            f"{notice.detail} Since then they run again.",
            "See the schedules",
            "/schedules/?everybody=1",
        )
    if kind is NoticeKind.SUSPENDED_ADDRESS:
        return _suspended(notice, reader)
    return _of_schedule(notice, reader)


def _suspended(notice: Notice, reader: User) -> News:
    title = "An address takes no mails any more"
    text = f"{notice.detail}. Nothing more is sent there until the address is put right."
    if notice.schedule is None:
        person_id = notice.key.split(":")[1]
        return News(title, text, "Correct the address", f"/people/{person_id}")
    ask = "" if reader.role is Role.ADMIN else " An administrator can do that."
    return News(title, text + ask, "See the recipients", f"/schedules/{notice.schedule_id}")


def _of_schedule(notice: Notice, reader: User) -> News:
    assert notice.schedule is not None
    name, run = f"“{notice.schedule.name}”", notice.execution
    page = f"/schedules/{notice.schedule_id}"
    if run is None:
        return News(
            f"{name} is overdue",
            "Its time has come and gone, and it has not been sent, although the schedules are "
            "running. If it does not come soon, an administrator has to look into it.",
            "Look at it",
            page,
        )
    when = moment(run.scheduled_for, ZoneInfo(reader.zone_name))
    of_run = f"/executions/{run.id}"
    if notice.kind is NoticeKind.MISSED_RUN:
        return News(
            f"{name} was not sent",
            f"Its time was {when}, but nothing was running then, nor in the day after. You can "
            "still send it by hand.",
            "Send it by hand",
            page,
        )
    if notice.kind is NoticeKind.PAUSED_SCHEDULE:
        return News(
            f"{name} was switched off",
            f"{notice.schedule.paused_reason or 'Its last runs reached nobody.'} See why, put it "
            "right, and switch it on again.",
            "See why and switch it on again",
            page,
        )
    if notice.kind is NoticeKind.NO_DATA:
        return News(
            f"{name} had nothing to report",
            f"On {when}, {notice.detail} recipients got no mail, since there was nothing in it for "
            "them.",
            "See who got nothing",
            of_run,
        )
    return News(f"{name} {_how(run)}", f"{when}: {_counts(run)}", "See why and send again", of_run)


def _how(run: ReportScheduleExecution) -> str:
    return "reached nobody" if run.status is ExecutionStatus.FAILED else "did not reach everybody"


def _counts(run: ReportScheduleExecution) -> str:
    parts = [
        f"{run.failed_sends} could not be delivered" if run.failed_sends else "",
        f"{run.unknown_sends} may or may not have arrived" if run.unknown_sends else "",
    ]
    told = ", ".join(filter(None, parts))
    if not told:
        return "whatever had failed has been delivered since."
    return f"of its {run.total_recipients} mails, {told}."
