"""A schedule as an example, on the way in and on the way out."""

from typing import Any

BODY_EXAMPLE = {
    "name": "Monday report",
    "report_type": "student_report",
    "frequency": "weekly",
    "day_of_week": 1,
    "time": "09:00",
    "time_zone": "Europe/Berlin",
    "export_format": "pdf",
    "is_active": True,
}
ANSWER_EXAMPLE: dict[str, Any] = {
    "id": 7,
    **BODY_EXAMPLE,
    "class_group_id": None,
    "days_of_week": [1],
    "interval": 1,
    "day_of_month": None,
    "month_mode": "day",
    "nth": 1,
    "cron": None,
    "start_date": None,
    "end_date": None,
    "paused_until": None,
    "max_runs": None,
    "closed_days": "send",
    "exams_closed": False,
    "period": "rhythm",
    "delivery_mode": "attachment",
    "link_access": "login",
    "when_empty": "skip",
    "created_by": 2,
    "created_by_name": "Tom Example",
    "last_sent": None,
    "last_generated": None,
    "next_scheduled": "2026-11-30T08:00:00+00:00",
    "paused_reason": None,
    "created_at": "2026-11-23T07:30:00+00:00",
    "updated_at": "2026-11-23T07:30:00+00:00",
    "description": "Mondays at 09:00, Berlin",
    "active_recipients_count": 1,
}
RECIPIENT_EXAMPLE = {
    "id": 12,
    "schedule": 7,
    "recipient": 31,
    "recipient_email": "pia@parent.example",
    "recipient_name": "Pia Example",
    "is_subscribed": True,
    "added_at": "2026-11-23T07:30:00+00:00",
    "unsubscribed_at": None,
}
DETAIL_EXAMPLE = {
    **ANSWER_EXAMPLE,
    "recipients": [RECIPIENT_EXAMPLE],
    "audiences": [],
    "recent_executions": [],
}
