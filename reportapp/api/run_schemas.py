"""How a run and its mails look from outside."""

from typing import Any

from marshmallow import fields

from reportapp.api.schemas import Answer, Choice
from reportapp.constants import DeliveryStatus, ExecutionStatus, Reason, Trigger
from reportapp.schedules.run_page import RunPage
from reportapp.schedules.runs import Progress

RUN_EXAMPLE = {
    "id": 41,
    "schedule": 7,
    "schedule_name": "Monday report",
    "trigger": "schedule",
    "status": "completed",
    "total_recipients": 3,
    "successful_sends": 2,
    "failed_sends": 0,
    "skipped": 1,
    "unknown_sends": 0,
    "error_message": None,
    "started_at": "2026-11-23T08:00:02+00:00",
    "completed_at": "2026-11-23T08:00:04+00:00",
    "duration_seconds": 2.0,
    "success_rate_percent": 100.0,
    "scheduled_for": "2026-11-23T08:00:00+00:00",
    "period_start": "2026-11-16",
    "period_end": "2026-11-23",
}


class RunAnswer(Answer):
    """One run of a schedule."""

    id = fields.Integer()
    schedule = fields.Integer()
    schedule_name = fields.String()
    trigger = Choice(Trigger, metadata={"description": "What began it."})
    status = Choice(ExecutionStatus)
    total_recipients = fields.Integer()
    successful_sends = fields.Integer(metadata={"description": "The mail server said yes."})
    failed_sends = fields.Integer()
    skipped = fields.Integer()
    unknown_sends = fields.Integer(
        metadata={"description": "May or may not have left when a process died."}
    )
    error_message = fields.String(allow_none=True)
    started_at = fields.DateTime()
    completed_at = fields.DateTime(allow_none=True)
    duration_seconds = fields.Float(allow_none=True)
    success_rate_percent = fields.Float(
        allow_none=True, metadata={"description": "Of those that were to be sent, 0 to 100."}
    )
    scheduled_for = fields.DateTime()
    period_start = fields.Date(metadata={"description": "The first day covered."})
    period_end = fields.Date(metadata={"description": "The day after the last one covered."})


def run_fields(progress: Progress) -> dict[str, Any]:
    """For `RunAnswer`; the counts are those of this moment, also while it goes on."""
    run, counts = progress.execution, progress.counts
    sent, skipped = counts.get(DeliveryStatus.SENT, 0), counts.get(DeliveryStatus.SKIPPED, 0)
    due = run.total_recipients - skipped
    names = ("id", "status", "trigger", "total_recipients", "error_message", "started_at")
    more = ("completed_at", "scheduled_for", "period_start", "period_end")
    return {
        **{name: getattr(run, name) for name in (*names, *more)},
        "schedule": run.schedule_id,
        "schedule_name": run.schedule.name,
        "successful_sends": sent,
        "failed_sends": counts.get(DeliveryStatus.FAILED, 0),
        "skipped": skipped,
        "unknown_sends": counts.get(DeliveryStatus.UNKNOWN, 0),
        "duration_seconds": run.duration,
        "success_rate_percent": 100.0 * sent / due if due else None,
    }


class RunsAnswer(Answer):
    """The latest runs, and how many there are in all."""

    count = fields.Integer()
    results = fields.List(fields.Nested(RunAnswer))


MAIL_EXAMPLE = {
    "id": 301,
    "execution": 41,
    "recipient": 31,
    "recipient_name": "Pia Example",
    "recipient_email": "pia@parent.example",
    "status": "sent",
    "reason": None,
    "attempts": 1,
    "next_attempt_at": None,
    "message_id": "9f86d081884c7d659a2feaa0@reports.example",
    "smtp_reply": "250 2.0.0 OK",
    "sent_at": "2026-11-23T08:00:03+00:00",
}


class MailAnswer(Answer):
    """One mail of a run: the ledger's line."""

    id = fields.Integer()
    execution = fields.Integer(attribute="execution_id")
    recipient = fields.Integer(attribute="recipient_id")
    recipient_name = fields.String(attribute="recipient.name")
    recipient_email = fields.String(attribute="recipient.email", allow_none=True)
    status = Choice(DeliveryStatus)
    reason = Choice(
        Reason,
        allow_none=True,
        metadata={"description": "Why it was skipped, failed or has to wait:"},
    )
    attempts = fields.Integer()
    next_attempt_at = fields.DateTime(allow_none=True)
    message_id = fields.String(metadata={"description": "The same on every attempt."})
    smtp_reply = fields.String(
        allow_none=True, metadata={"description": "The mail server's last words."}
    )
    sent_at = fields.DateTime(allow_none=True)


class TestAnswer(Answer):
    """That a test mail is on its way."""

    message = fields.String()
    task_id = fields.String(metadata={"description": "For looking what became of it."})
    recipient_email = fields.String()


class TaskAnswer(Answer):
    """What became of a test mail."""

    task_id = fields.String()
    schedule = fields.Integer()
    recipient_email = fields.String(allow_none=True)
    status = Choice(DeliveryStatus)
    reason = Choice(Reason, allow_none=True)
    smtp_reply = fields.String(allow_none=True)
    started_at = fields.DateTime()
    completed_at = fields.DateTime(allow_none=True)


TASK_EXAMPLE = {
    "task_id": "41",
    "schedule": 7,
    "recipient_email": "tom@teacher.example",
    "status": "sent",
    "reason": None,
    "smtp_reply": "250 2.0.0 OK",
    "started_at": "2026-11-23T07:30:00+00:00",
    "completed_at": "2026-11-23T07:30:02+00:00",
}


def task_fields(page: RunPage) -> dict[str, Any]:
    """For `TaskAnswer`; a test has one mail."""
    run, mail = page.execution, page.deliveries[0].row
    return {
        "task_id": str(run.id),
        "schedule": run.schedule_id,
        "recipient_email": mail.recipient.email,
        "status": mail.status,
        "reason": mail.reason,
        "smtp_reply": mail.smtp_reply,
        "started_at": run.started_at,
        "completed_at": run.completed_at,
    }
