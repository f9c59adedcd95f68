"""first tables"""

import sqlalchemy as sa
from alembic import op

import reportapp.models.types

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "apscheduler_jobs",
        sa.Column("id", sa.Unicode(length=191), nullable=False),
        sa.Column("next_run_time", sa.Float(precision=25), nullable=True),
        sa.Column("job_state", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_apscheduler_jobs")),
    )
    with op.batch_alter_table("apscheduler_jobs", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_apscheduler_jobs_next_run_time"), ["next_run_time"], unique=False
        )

    op.create_table(
        "scheduler_lease",
        sa.Column("name", sa.String(length=30), nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column(
            "heartbeat_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=False
        ),
        sa.Column("expires_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_scheduler_lease")),
    )
    op.create_table(
        "school",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sourced_id", sa.String(length=255), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_school")),
        sa.UniqueConstraint("sourced_id", name=op.f("uq_school_sourced_id")),
    )
    op.create_table(
        "academic_session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("sourced_id", sa.String(length=255), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("type", sa.String(length=30), nullable=False),
        sa.Column("start_date", sa.Date(), nullable=False),
        sa.Column("end_date", sa.Date(), nullable=False),
        sa.CheckConstraint(
            "end_date >= start_date", name=op.f("ck_academic_session_dates_in_order")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["school.id"], name=op.f("fk_academic_session_school_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_academic_session")),
        sa.UniqueConstraint(
            "school_id", "sourced_id", name=op.f("uq_academic_session_school_id_sourced_id")
        ),
    )
    op.create_table(
        "course",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("sourced_id", sa.String(length=255), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_course_school_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course")),
        sa.UniqueConstraint("school_id", "sourced_id", name=op.f("uq_course_school_id_sourced_id")),
    )
    op.create_table(
        "user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("sourced_id", sa.String(length=255), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column(
            "role",
            sa.Enum(
                "admin",
                "teacher",
                "tutor",
                "parent",
                "student",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("given_name", sa.String(length=100), nullable=False),
        sa.Column("family_name", sa.String(length=100), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("time_zone", sa.String(length=64), nullable=True),
        sa.Column("locale", sa.String(length=16), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("session_version", sa.Integer(), nullable=False),
        sa.Column("created_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_user_school_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("email", name=op.f("uq_user_email")),
        sa.UniqueConstraint("school_id", "sourced_id", name=op.f("uq_user_school_id_sourced_id")),
    )
    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_user_school_id_role"), ["school_id", "role"], unique=False
        )

    op.create_table(
        "api_token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("expires_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_api_token_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_token_token_hash")),
    )
    with op.batch_alter_table("api_token", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_token_user_id"), ["user_id"], unique=False)

    op.create_table(
        "class_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("academic_session_id", sa.Integer(), nullable=True),
        sa.Column("sourced_id", sa.String(length=255), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["academic_session_id"],
            ["academic_session.id"],
            name=op.f("fk_class_group_academic_session_id"),
        ),
        sa.ForeignKeyConstraint(
            ["course_id"], ["course.id"], name=op.f("fk_class_group_course_id")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["school.id"], name=op.f("fk_class_group_school_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_class_group")),
        sa.UniqueConstraint(
            "school_id", "sourced_id", name=op.f("uq_class_group_school_id_sourced_id")
        ),
    )
    with op.batch_alter_table("class_group", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_class_group_course_id"), ["course_id"], unique=False)

    op.create_table(
        "guardian_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("guardian_id", sa.Integer(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=False),
        sa.Column("begin_date", sa.Date(), nullable=True),
        sa.Column("end_date", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["guardian_id"], ["user.id"], name=op.f("fk_guardian_link_guardian_id")
        ),
        sa.ForeignKeyConstraint(
            ["student_id"], ["user.id"], name=op.f("fk_guardian_link_student_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guardian_link")),
        sa.UniqueConstraint(
            "guardian_id", "student_id", name=op.f("uq_guardian_link_guardian_id_student_id")
        ),
    )
    with op.batch_alter_table("guardian_link", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_guardian_link_student_id"), ["student_id"], unique=False
        )

    op.create_table(
        "report_schedule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column(
            "report_type",
            sa.Enum(
                "student_report",
                "tutor_weekly_report",
                "teacher_weekly_report",
                name="report_type",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column(
            "frequency",
            sa.Enum(
                "daily",
                "weekly",
                "monthly",
                name="frequency",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("day_of_week", sa.Integer(), nullable=True),
        sa.Column("day_of_month", sa.Integer(), nullable=True),
        sa.Column("time", sa.Time(), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column(
            "export_format",
            sa.Enum(
                "csv",
                "xlsx",
                "pdf",
                name="export_format",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("created_by_id", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("last_sent", reportapp.models.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column(
            "last_generated", reportapp.models.types.UtcDateTime(timezone=True), nullable=True
        ),
        sa.Column(
            "next_scheduled", reportapp.models.types.UtcDateTime(timezone=True), nullable=True
        ),
        sa.Column("deleted_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("created_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "frequency <> 'monthly' OR day_of_month IS NOT NULL",
            name=op.f("ck_report_schedule_monthly_day"),
        ),
        sa.CheckConstraint(
            "frequency <> 'weekly' OR day_of_week IS NOT NULL",
            name=op.f("ck_report_schedule_weekly_day"),
        ),
        sa.CheckConstraint(
            "day_of_month BETWEEN 1 AND 31", name=op.f("ck_report_schedule_day_of_month")
        ),
        sa.CheckConstraint(
            "day_of_week BETWEEN 1 AND 7", name=op.f("ck_report_schedule_day_of_week")
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user.id"], name=op.f("fk_report_schedule_created_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_schedule")),
    )
    with op.batch_alter_table("report_schedule", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_report_schedule_created_by_id_is_active"),
            ["created_by_id", "is_active"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_report_schedule_is_active_next_scheduled"),
            ["is_active", "next_scheduled"],
            unique=False,
        )

    op.create_table(
        "tutor_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tutor_id", sa.Integer(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=False),
        sa.Column("begin_date", sa.Date(), nullable=True),
        sa.Column("end_date", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["student_id"], ["user.id"], name=op.f("fk_tutor_link_student_id")),
        sa.ForeignKeyConstraint(["tutor_id"], ["user.id"], name=op.f("fk_tutor_link_tutor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tutor_link")),
        sa.UniqueConstraint(
            "tutor_id", "student_id", name=op.f("uq_tutor_link_tutor_id_student_id")
        ),
    )
    with op.batch_alter_table("tutor_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tutor_link_student_id"), ["student_id"], unique=False)

    op.create_table(
        "tutor_weekly_report",
        sa.Column("week_start", sa.Date(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("progress_percent", sa.Integer(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "sent",
                "read",
                "archived",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("show_to_parent", sa.Boolean(), nullable=False),
        sa.Column("created_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("sent_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("read_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "progress_percent BETWEEN 0 AND 100",
            name=op.f("ck_tutor_weekly_report_progress_percent"),
        ),
        sa.ForeignKeyConstraint(
            ["author_id"], ["user.id"], name=op.f("fk_tutor_weekly_report_author_id")
        ),
        sa.ForeignKeyConstraint(
            ["student_id"], ["user.id"], name=op.f("fk_tutor_weekly_report_student_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tutor_weekly_report")),
        sa.UniqueConstraint(
            "author_id",
            "student_id",
            "week_start",
            name=op.f("uq_tutor_weekly_report_author_id_student_id_week_start"),
        ),
    )
    with op.batch_alter_table("tutor_weekly_report", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_tutor_weekly_report_student_id_week_start"),
            ["student_id", "week_start"],
            unique=False,
        )

    op.create_table(
        "attendance_record",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=False),
        sa.Column("class_group_id", sa.Integer(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("lesson", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "present",
                "late",
                "absent",
                "excused",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(
            ["class_group_id"], ["class_group.id"], name=op.f("fk_attendance_record_class_group_id")
        ),
        sa.ForeignKeyConstraint(
            ["student_id"], ["user.id"], name=op.f("fk_attendance_record_student_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attendance_record")),
        sa.UniqueConstraint(
            "student_id",
            "date",
            "class_group_id",
            "lesson",
            name=op.f("uq_attendance_record_student_id_date_class_group_id_lesson"),
        ),
    )
    with op.batch_alter_table("attendance_record", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_attendance_record_class_group_id_date"),
            ["class_group_id", "date"],
            unique=False,
        )

    op.create_table(
        "enrollment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("class_group_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("sourced_id", sa.String(length=255), nullable=True),
        sa.Column(
            "role",
            sa.Enum(
                "student",
                "teacher",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("begin_date", sa.Date(), nullable=True),
        sa.Column("end_date", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["class_group_id"], ["class_group.id"], name=op.f("fk_enrollment_class_group_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_enrollment_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrollment")),
        sa.UniqueConstraint(
            "class_group_id", "sourced_id", name=op.f("uq_enrollment_class_group_id_sourced_id")
        ),
        sa.UniqueConstraint(
            "class_group_id",
            "user_id",
            "role",
            name=op.f("uq_enrollment_class_group_id_user_id_role"),
        ),
    )
    with op.batch_alter_table("enrollment", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_enrollment_user_id_role"), ["user_id", "role"], unique=False
        )

    op.create_table(
        "line_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("class_group_id", sa.Integer(), nullable=False),
        sa.Column("sourced_id", sa.String(length=255), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("category", sa.String(length=100), nullable=False),
        sa.Column("assign_date", sa.Date(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("result_value_min", sa.Double(), nullable=False),
        sa.Column("result_value_max", sa.Double(), nullable=False),
        sa.CheckConstraint(
            "result_value_max > result_value_min", name=op.f("ck_line_item_values_in_order")
        ),
        sa.ForeignKeyConstraint(
            ["class_group_id"], ["class_group.id"], name=op.f("fk_line_item_class_group_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_item")),
        sa.UniqueConstraint(
            "class_group_id", "sourced_id", name=op.f("uq_line_item_class_group_id_sourced_id")
        ),
    )
    with op.batch_alter_table("line_item", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_line_item_class_group_id_due_date"),
            ["class_group_id", "due_date"],
            unique=False,
        )

    op.create_table(
        "report_schedule_execution",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("schedule_id", sa.Integer(), nullable=False),
        sa.Column(
            "scheduled_for", reportapp.models.types.UtcDateTime(timezone=True), nullable=False
        ),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column(
            "trigger",
            sa.Enum(
                "schedule",
                "manual",
                "test",
                name="trigger",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "started",
                "completed",
                "failed",
                "partial",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("total_recipients", sa.Integer(), nullable=False),
        sa.Column("successful_sends", sa.Integer(), nullable=False),
        sa.Column("failed_sends", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("unknown_sends", sa.Integer(), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("started_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("completed_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["schedule_id"],
            ["report_schedule.id"],
            name=op.f("fk_report_schedule_execution_schedule_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_schedule_execution")),
    )
    with op.batch_alter_table("report_schedule_execution", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_report_schedule_execution_schedule_id_started_at"),
            ["schedule_id", "started_at"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_report_schedule_execution_status"), ["status"], unique=False
        )
        batch_op.create_index(
            "uq_report_schedule_execution_schedule_id_scheduled_for",
            ["schedule_id", "scheduled_for"],
            unique=True,
            sqlite_where=sa.text("trigger = 'schedule'"),
            postgresql_where=sa.text("trigger = 'schedule'"),
        )

    op.create_table(
        "report_schedule_recipient",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("schedule_id", sa.Integer(), nullable=False),
        sa.Column("recipient_id", sa.Integer(), nullable=False),
        sa.Column("is_subscribed", sa.Boolean(), nullable=False),
        sa.Column("unsubscribe_token", sa.String(length=43), nullable=False),
        sa.Column("added_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column(
            "unsubscribed_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=True
        ),
        sa.Column("removed_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["recipient_id"], ["user.id"], name=op.f("fk_report_schedule_recipient_recipient_id")
        ),
        sa.ForeignKeyConstraint(
            ["schedule_id"],
            ["report_schedule.id"],
            name=op.f("fk_report_schedule_recipient_schedule_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_schedule_recipient")),
        sa.UniqueConstraint(
            "schedule_id",
            "recipient_id",
            name=op.f("uq_report_schedule_recipient_schedule_id_recipient_id"),
        ),
        sa.UniqueConstraint(
            "unsubscribe_token", name=op.f("uq_report_schedule_recipient_unsubscribe_token")
        ),
    )
    with op.batch_alter_table("report_schedule_recipient", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_report_schedule_recipient_recipient_id"), ["recipient_id"], unique=False
        )

    op.create_table(
        "student_report",
        sa.Column("class_group_id", sa.Integer(), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("grade", sa.String(length=20), nullable=True),
        sa.Column("progress_percent", sa.Integer(), nullable=True),
        sa.Column("behaviour", sa.Text(), nullable=False),
        sa.Column("concerns", sa.Text(), nullable=False),
        sa.Column("recommendations", sa.Text(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "sent",
                "read",
                "archived",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("show_to_parent", sa.Boolean(), nullable=False),
        sa.Column("created_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("sent_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("read_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "period_end > period_start", name=op.f("ck_student_report_period_in_order")
        ),
        sa.CheckConstraint(
            "progress_percent BETWEEN 0 AND 100", name=op.f("ck_student_report_progress_percent")
        ),
        sa.ForeignKeyConstraint(
            ["author_id"], ["user.id"], name=op.f("fk_student_report_author_id")
        ),
        sa.ForeignKeyConstraint(
            ["class_group_id"], ["class_group.id"], name=op.f("fk_student_report_class_group_id")
        ),
        sa.ForeignKeyConstraint(
            ["student_id"], ["user.id"], name=op.f("fk_student_report_student_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_student_report")),
        sa.UniqueConstraint(
            "author_id",
            "student_id",
            "class_group_id",
            "period_start",
            name=op.f("uq_student_report_author_id_student_id_class_group_id_period_start"),
        ),
    )
    with op.batch_alter_table("student_report", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_student_report_student_id_class_group_id_period_end"),
            ["student_id", "class_group_id", "period_end"],
            unique=False,
        )

    op.create_table(
        "teacher_weekly_report",
        sa.Column("class_group_id", sa.Integer(), nullable=False),
        sa.Column("week_start", sa.Date(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "sent",
                "read",
                "archived",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("show_to_parent", sa.Boolean(), nullable=False),
        sa.Column("created_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("sent_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("read_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["author_id"], ["user.id"], name=op.f("fk_teacher_weekly_report_author_id")
        ),
        sa.ForeignKeyConstraint(
            ["class_group_id"],
            ["class_group.id"],
            name=op.f("fk_teacher_weekly_report_class_group_id"),
        ),
        sa.ForeignKeyConstraint(
            ["student_id"], ["user.id"], name=op.f("fk_teacher_weekly_report_student_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teacher_weekly_report")),
        sa.UniqueConstraint(
            "author_id",
            "student_id",
            "class_group_id",
            "week_start",
            name=op.f("uq_teacher_weekly_report_author_id_student_id_class_group_id_week_start"),
        ),
    )
    with op.batch_alter_table("teacher_weekly_report", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_teacher_weekly_report_student_id_class_group_id_week_start"),
            ["student_id", "class_group_id", "week_start"],
            unique=False,
        )

    op.create_table(
        "report_delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("execution_id", sa.Integer(), nullable=False),
        sa.Column("recipient_id", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "pending",
                "sending",
                "sent",
                "failed",
                "skipped",
                "unknown",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column(
            "phase",
            sa.Enum(
                "claimed",
                "data",
                name="phase",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=True,
        ),
        sa.Column(
            "reason",
            sa.Enum(
                "unsubscribed",
                "no_data",
                "no_address",
                "inactive",
                "out_of_scope",
                "author_inactive",
                "schedule_off",
                "removed",
                "temporary",
                "permanent",
                "server",
                "ambiguous",
                "too_large",
                "error",
                name="reason",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=True,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column(
            "next_attempt_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=True
        ),
        sa.Column("claimed_by", sa.String(length=80), nullable=True),
        sa.Column(
            "claimed_until", reportapp.models.types.UtcDateTime(timezone=True), nullable=True
        ),
        sa.Column("message_id", sa.String(length=255), nullable=False),
        sa.Column("smtp_reply", sa.Text(), nullable=True),
        sa.Column("sent_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("artefact", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["execution_id"],
            ["report_schedule_execution.id"],
            name=op.f("fk_report_delivery_execution_id"),
        ),
        sa.ForeignKeyConstraint(
            ["recipient_id"], ["user.id"], name=op.f("fk_report_delivery_recipient_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_delivery")),
        sa.UniqueConstraint(
            "execution_id",
            "recipient_id",
            name=op.f("uq_report_delivery_execution_id_recipient_id"),
        ),
        sa.UniqueConstraint("message_id", name=op.f("uq_report_delivery_message_id")),
    )
    with op.batch_alter_table("report_delivery", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_report_delivery_recipient_id"), ["recipient_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_report_delivery_status_claimed_until"),
            ["status", "claimed_until"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_report_delivery_status_next_attempt_at"),
            ["status", "next_attempt_at"],
            unique=False,
        )

    op.create_table(
        "result",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("line_item_id", sa.Integer(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=False),
        sa.Column("sourced_id", sa.String(length=255), nullable=True),
        sa.Column(
            "score_status",
            sa.Enum(
                "fully graded",
                "partially graded",
                "submitted",
                "not submitted",
                "exempt",
                name="score_status",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("score_date", sa.Date(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["line_item_id"], ["line_item.id"], name=op.f("fk_result_line_item_id")
        ),
        sa.ForeignKeyConstraint(["student_id"], ["user.id"], name=op.f("fk_result_student_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_result")),
        sa.UniqueConstraint(
            "line_item_id", "sourced_id", name=op.f("uq_result_line_item_id_sourced_id")
        ),
        sa.UniqueConstraint(
            "line_item_id", "student_id", name=op.f("uq_result_line_item_id_student_id")
        ),
    )
    with op.batch_alter_table("result", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_result_student_id"), ["student_id"], unique=False)


def downgrade():
    with op.batch_alter_table("result", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_result_student_id"))

    op.drop_table("result")
    with op.batch_alter_table("report_delivery", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_report_delivery_status_next_attempt_at"))
        batch_op.drop_index(batch_op.f("ix_report_delivery_status_claimed_until"))
        batch_op.drop_index(batch_op.f("ix_report_delivery_recipient_id"))

    op.drop_table("report_delivery")
    with op.batch_alter_table("teacher_weekly_report", schema=None) as batch_op:
        batch_op.drop_index(
            batch_op.f("ix_teacher_weekly_report_student_id_class_group_id_week_start")
        )

    op.drop_table("teacher_weekly_report")
    with op.batch_alter_table("student_report", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_student_report_student_id_class_group_id_period_end"))

    op.drop_table("student_report")
    with op.batch_alter_table("report_schedule_recipient", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_report_schedule_recipient_recipient_id"))

    op.drop_table("report_schedule_recipient")
    with op.batch_alter_table("report_schedule_execution", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_report_schedule_execution_schedule_id_scheduled_for",
            sqlite_where=sa.text("trigger = 'schedule'"),
            postgresql_where=sa.text("trigger = 'schedule'"),
        )
        batch_op.drop_index(batch_op.f("ix_report_schedule_execution_status"))
        batch_op.drop_index(batch_op.f("ix_report_schedule_execution_schedule_id_started_at"))

    op.drop_table("report_schedule_execution")
    with op.batch_alter_table("line_item", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_line_item_class_group_id_due_date"))

    op.drop_table("line_item")
    with op.batch_alter_table("enrollment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_enrollment_user_id_role"))

    op.drop_table("enrollment")
    with op.batch_alter_table("attendance_record", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_attendance_record_class_group_id_date"))

    op.drop_table("attendance_record")
    with op.batch_alter_table("tutor_weekly_report", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_tutor_weekly_report_student_id_week_start"))

    op.drop_table("tutor_weekly_report")
    with op.batch_alter_table("tutor_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_tutor_link_student_id"))

    op.drop_table("tutor_link")
    with op.batch_alter_table("report_schedule", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_report_schedule_is_active_next_scheduled"))
        batch_op.drop_index(batch_op.f("ix_report_schedule_created_by_id_is_active"))

    op.drop_table("report_schedule")
    with op.batch_alter_table("guardian_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_guardian_link_student_id"))

    op.drop_table("guardian_link")
    with op.batch_alter_table("class_group", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_class_group_course_id"))

    op.drop_table("class_group")
    with op.batch_alter_table("api_token", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_token_user_id"))

    op.drop_table("api_token")
    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_user_school_id_role"))

    op.drop_table("user")
    op.drop_table("course")
    op.drop_table("academic_session")
    op.drop_table("school")
    op.drop_table("scheduler_lease")
    with op.batch_alter_table("apscheduler_jobs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_apscheduler_jobs_next_run_time"))

    op.drop_table("apscheduler_jobs")
