"""The demo school's schedules and what they have sent."""

from collections import Counter

from sqlalchemy import func, select

from reportapp.access import REPORT_AUTHORS, REPORT_READERS
from reportapp.constants import (
    DeliveryStatus,
    ExecutionStatus,
    ExportFormat,
    Frequency,
    Reason,
    ReportType,
    Role,
)
from reportapp.extensions import db
from reportapp.models import (
    Notice,
    ReportDelivery,
    ReportSchedule,
    ReportScheduleExecution,
    ReportScheduleRecipient,
    User,
)
from reportapp.recurrence import next_run_after
from reportapp.reports import scopes_of
from reportapp.schedules.timing import period_of, rule_of, timing_of
from tests.school.reading import NOW, values


def test_schedules_are_of_every_kind_and_by_every_author_role(demo):
    assert values(ReportSchedule.report_type) == set(ReportType)
    assert values(ReportSchedule.frequency) >= set(Frequency) - {Frequency.CRON}
    assert values(ReportSchedule.export_format) == set(ExportFormat)
    schedules = db.session.scalars(select(ReportSchedule)).all()
    assert {s.created_by.role for s in schedules} == {Role.ADMIN, Role.TEACHER, Role.TUTOR}
    assert [s.is_active for s in schedules].count(False) == 1
    for schedule in schedules:
        wanted = next_run_after(rule_of(schedule), NOW) if schedule.is_active else None
        assert schedule.next_scheduled == wanted


def test_authors_and_recipients_are_allowed_to_be_that(demo):
    childless = 0
    for schedule in db.session.scalars(select(ReportSchedule)):
        author, kind = schedule.created_by, schedule.report_type
        assert author.role in REPORT_AUTHORS[kind]
        recipients = db.session.scalars(
            select(User)
            .join(ReportScheduleRecipient)
            .where(ReportScheduleRecipient.schedule_id == schedule.id)
        ).all()
        assert author in recipients
        assert all(person.role in REPORT_READERS[kind] for person in recipients)
        scopes = scopes_of(db.session(), schedule, recipients, NOW)
        childless += sum(not scopes[person.id] for person in recipients if person.is_active)
    assert childless == 1
    assert values(ReportScheduleRecipient.is_subscribed) == {True, False}


def test_the_counts_of_every_execution_are_those_of_its_deliveries(demo):
    executions = db.session.scalars(select(ReportScheduleExecution)).all()
    for execution in executions:
        deliveries = db.session.scalars(
            select(ReportDelivery).where(ReportDelivery.execution_id == execution.id)
        ).all()
        ends = Counter(delivery.status for delivery in deliveries)
        assert execution.total_recipients == len(deliveries)
        assert execution.successful_sends == ends[DeliveryStatus.SENT]
        assert execution.failed_sends == ends[DeliveryStatus.FAILED]
        assert execution.skipped == ends[DeliveryStatus.SKIPPED]
        assert sum(ends.values()) == execution.successful_sends + execution.failed_sends + (
            execution.skipped
        )
        timing = timing_of(db.session(), execution.schedule, execution.scheduled_for)
        period = period_of(execution.schedule.period, timing, execution.scheduled_for)
        assert (execution.period_start, execution.period_end) == (period.start, period.end)
        assert execution.scheduled_for <= execution.started_at <= execution.completed_at <= NOW
    statuses = Counter(execution.status for execution in executions)
    assert statuses[ExecutionStatus.PARTIAL] == statuses[ExecutionStatus.FAILED] == 1
    assert statuses[ExecutionStatus.COMPLETED] == len(executions) - 2 > 20


def test_the_partial_and_the_failed_run_tell_why(demo):
    def fates(status: ExecutionStatus) -> list[ReportDelivery]:
        return list(
            db.session.scalars(
                select(ReportDelivery)
                .join(ReportScheduleExecution)
                .where(ReportScheduleExecution.status == status)
            )
        )

    partial = Counter((d.status, d.reason) for d in fates(ExecutionStatus.PARTIAL))
    assert partial[DeliveryStatus.FAILED, Reason.PERMANENT] == 1
    assert partial[DeliveryStatus.SKIPPED, Reason.UNSUBSCRIBED] == 1
    assert partial[DeliveryStatus.SKIPPED, Reason.OUT_OF_SCOPE] == 1
    assert partial[DeliveryStatus.SENT, None] > 1
    refused = db.session.scalars(
        select(ReportDelivery.smtp_reply).where(ReportDelivery.reason == Reason.PERMANENT)
    ).one()
    assert refused == "550 5.1.1 No such mailbox"
    failed = fates(ExecutionStatus.FAILED)
    assert {(d.status, d.reason) for d in failed} == {(DeliveryStatus.FAILED, Reason.SERVER)}
    sentence = db.session.scalars(
        select(ReportScheduleExecution.error_message).where(
            ReportScheduleExecution.status == ExecutionStatus.FAILED
        )
    ).one()
    assert sentence == f"{len(failed)} mails could not be delivered."


def test_sent_deliveries_say_when_and_how(demo):
    deliveries = db.session.scalars(select(ReportDelivery)).all()
    for delivery in deliveries:
        sent = delivery.status is DeliveryStatus.SENT
        assert (delivery.sent_at is not None) == sent
        assert not sent or (delivery.attempts, delivery.smtp_reply) == (1, "250 OK")
        key, _, domain = delivery.message_id.partition("@")
        assert len(bytes.fromhex(key)) == 12
        assert domain == "lindenhof.example"
    for schedule in db.session.scalars(select(ReportSchedule)):
        ended = db.session.scalar(
            select(func.max(ReportScheduleExecution.completed_at)).where(
                ReportScheduleExecution.schedule_id == schedule.id,
                ReportScheduleExecution.successful_sends > 0,
            )
        )
        assert schedule.last_sent == ended
        assert schedule.last_generated == ended


def test_what_went_wrong_is_told_in_the_app_and_mails_nobody_today(demo):
    notices = db.session.scalars(select(Notice)).all()
    assert notices
    assert [notice.mailed_at for notice in notices] == [notice.created_at for notice in notices]
