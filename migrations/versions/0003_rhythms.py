"""every rhythm that a school has, and the day that a run stands for"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BEFORE, AFTER = ("daily", "weekly", "monthly"), ("daily", "weekly", "monthly", "cron")


def _word(name, *choices):
    return sa.Enum(*choices, name=name, native_enum=False, create_constraint=True, length=30)


def _among(choices):
    return f"frequency IN ({', '.join(repr(choice) for choice in choices)})"


def upgrade():
    with op.batch_alter_table("report_schedule") as batch_op:
        for column in (
            sa.Column("days_of_week", sa.String(7), nullable=False, server_default=""),
            sa.Column("interval", sa.Integer(), nullable=False, server_default="1"),
            sa.Column(
                "month_mode",
                _word("month_mode", "day", "weekday", "school_day"),
                nullable=False,
                server_default="day",
            ),
            sa.Column("nth", sa.Integer(), nullable=False, server_default="1"),
            sa.Column("cron", sa.String(100), nullable=True),
            sa.Column("start_date", sa.Date(), nullable=True),
            sa.Column("end_date", sa.Date(), nullable=True),
            sa.Column("paused_until", sa.Date(), nullable=True),
            sa.Column("max_runs", sa.Integer(), nullable=True),
            sa.Column(
                "closed_days",
                _word("closed_days", "send", "skip", "before", "after"),
                nullable=False,
                server_default="send",
            ),
            sa.Column("exams_closed", sa.Boolean(), nullable=False, server_default=sa.false()),
            sa.Column(
                "period",
                _word(
                    "period",
                    "rhythm",
                    "last_day",
                    "last_week",
                    "last_month",
                    "last_7_days",
                    "last_30_days",
                    "term_to_date",
                    "since_sent",
                ),
                nullable=False,
                server_default="rhythm",
            ),
        ):
            batch_op.add_column(column)
        batch_op.drop_constraint(op.f("ck_report_schedule_frequency"), type_="check")
        batch_op.create_check_constraint(op.f("ck_report_schedule_frequency"), _among(AFTER))
        batch_op.drop_constraint(op.f("ck_report_schedule_monthly_day"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_report_schedule_monthly_day"),
            "frequency <> 'monthly' OR month_mode <> 'day' OR day_of_month IS NOT NULL",
        )
        for name, condition in (
            ("cron_rule", "frequency <> 'cron' OR cron IS NOT NULL"),
            ("interval", "interval BETWEEN 1 AND 52"),
            ("dates_in_order", "end_date >= start_date"),
            ("max_runs", "max_runs > 0"),
        ):
            batch_op.create_check_constraint(op.f(f"ck_report_schedule_{name}"), condition)
    op.execute(
        "UPDATE report_schedule SET days_of_week = CAST(day_of_week AS VARCHAR(7))"
        " WHERE frequency = 'weekly'"
    )
    with op.batch_alter_table("report_schedule_execution") as batch_op:
        batch_op.add_column(sa.Column("planned_day", sa.Date(), nullable=True))
    # Until now a period ended with the day that its run stood for.
    op.execute("UPDATE report_schedule_execution SET planned_day = period_end")
    with op.batch_alter_table("report_schedule_execution") as batch_op:
        batch_op.alter_column("planned_day", existing_type=sa.Date(), nullable=False)


def downgrade():
    with op.batch_alter_table("report_schedule_execution") as batch_op:
        batch_op.drop_column("planned_day")
    # What the older version has no words for is switched off and becomes a daily rhythm.
    op.execute(
        "UPDATE report_schedule SET frequency = 'daily', is_active = false, next_scheduled = NULL"
        " WHERE frequency = 'cron' OR (frequency = 'monthly' AND day_of_month IS NULL)"
    )
    with op.batch_alter_table("report_schedule") as batch_op:
        for name in ("cron_rule", "interval", "dates_in_order", "max_runs"):
            batch_op.drop_constraint(op.f(f"ck_report_schedule_{name}"), type_="check")
        for name in ("month_mode", "closed_days", "period"):
            batch_op.drop_constraint(op.f(f"ck_report_schedule_{name}"), type_="check")
        batch_op.drop_constraint(op.f("ck_report_schedule_frequency"), type_="check")
        batch_op.create_check_constraint(op.f("ck_report_schedule_frequency"), _among(BEFORE))
        batch_op.drop_constraint(op.f("ck_report_schedule_monthly_day"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_report_schedule_monthly_day"),
            "frequency <> 'monthly' OR day_of_month IS NOT NULL",
        )
        for name in (
            "period",
            "exams_closed",
            "closed_days",
            "max_runs",
            "paused_until",
            "end_date",
            "start_date",
            "cron",
            "nth",
            "month_mode",
            "interval",
            "days_of_week",
        ):
            batch_op.drop_column(name)
