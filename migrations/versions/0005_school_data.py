"""school data"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

REPORT_TYPES = ("student_report", "tutor_weekly_report", "teacher_weekly_report")
MORE_TYPES = (*REPORT_TYPES, "class_analytics", "parent_progress")
ATTENDANCE = ("present", "late", "absent", "excused")
MORE_ATTENDANCE = (*ATTENDANCE, "partial", "left_early")


def _words(table, column, choices):
    """The column takes these words only."""
    name = op.f(f"ck_{table}_{column}")
    with op.batch_alter_table(table) as batch_op:
        batch_op.drop_constraint(name, type_="check")
        batch_op.create_check_constraint(
            name, f"{column} IN ({', '.join(repr(choice) for choice in choices)})"
        )


def upgrade():
    op.create_table(
        "import_mapping",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "oneroster",
                "attendance",
                "marks",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id"], ["school.id"], name=op.f("fk_import_mapping_school_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_mapping")),
        sa.UniqueConstraint(
            "school_id", "kind", "name", name=op.f("uq_import_mapping_school_id_kind_name")
        ),
    )
    op.create_table(
        "import_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("started_by_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "oneroster",
                "attendance",
                "marks",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "received",
                "checking",
                "checked",
                "saving",
                "done",
                "failed",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("stored_as", sa.String(length=100), nullable=True),
        sa.Column("mapping", sa.Text(), nullable=True),
        sa.Column("rows_done", sa.Integer(), nullable=False),
        sa.Column("rows_total", sa.Integer(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.Column("error_count", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_import_run_school_id")),
        sa.ForeignKeyConstraint(
            ["started_by_id"], ["user.id"], name=op.f("fk_import_run_started_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_run")),
    )
    with op.batch_alter_table("import_run", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_import_run_school_id_created_at"),
            ["school_id", "created_at"],
            unique=False,
        )

    op.create_table(
        "report_reading",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column("reader_id", sa.Integer(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('student_report', 'tutor_weekly_report', 'teacher_weekly_report')",
            name=op.f("ck_report_reading_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["reader_id"], ["user.id"], name=op.f("fk_report_reading_reader_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_reading")),
        sa.UniqueConstraint(
            "kind",
            "report_id",
            "reader_id",
            name=op.f("uq_report_reading_kind_report_id_reader_id"),
        ),
    )
    with op.batch_alter_table("report_reading", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_report_reading_reader_id"), ["reader_id"], unique=False
        )

    op.create_table(
        "report_schedule_audience",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("schedule_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "my_guardians",
                "class_guardians",
                "class_teachers",
                "class_tutors",
                "all_tutors",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("class_group_id", sa.Integer(), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["class_group_id"],
            ["class_group.id"],
            name=op.f("fk_report_schedule_audience_class_group_id"),
        ),
        sa.ForeignKeyConstraint(
            ["schedule_id"],
            ["report_schedule.id"],
            name=op.f("fk_report_schedule_audience_schedule_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_schedule_audience")),
        sa.UniqueConstraint(
            "schedule_id",
            "kind",
            "class_group_id",
            name=op.f("uq_report_schedule_audience_schedule_id_kind_class_group_id"),
        ),
    )
    with op.batch_alter_table("report_schedule_audience", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_report_schedule_audience_schedule_id"), ["schedule_id"], unique=False
        )

    with op.batch_alter_table("academic_session", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("is_active", sa.Boolean(), server_default=sa.true(), nullable=False)
        )

    with op.batch_alter_table("attendance_record", schema=None) as batch_op:
        batch_op.alter_column("class_group_id", existing_type=sa.INTEGER(), nullable=True)
        batch_op.create_index(
            "uq_attendance_record_student_id_date_lesson",
            ["student_id", "date", "lesson"],
            unique=True,
            sqlite_where=sa.text("class_group_id IS NULL"),
            postgresql_where=sa.text("class_group_id IS NULL"),
        )

    with op.batch_alter_table("course", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("is_active", sa.Boolean(), server_default=sa.true(), nullable=False)
        )

    with op.batch_alter_table("enrollment", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("is_active", sa.Boolean(), server_default=sa.true(), nullable=False)
        )

    with op.batch_alter_table("guardian_link", schema=None) as batch_op:
        batch_op.add_column(sa.Column("relation", sa.String(length=50), nullable=True))
        batch_op.add_column(
            sa.Column("no_contact", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.add_column(
            sa.Column("is_active", sa.Boolean(), server_default=sa.true(), nullable=False)
        )

    with op.batch_alter_table("line_item", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("is_active", sa.Boolean(), server_default=sa.true(), nullable=False)
        )

    with op.batch_alter_table("report_schedule", schema=None) as batch_op:
        batch_op.add_column(sa.Column("class_group_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_report_schedule_class_group_id"),
            "class_group",
            ["class_group_id"],
            ["id"],
        )

    with op.batch_alter_table("report_schedule_recipient", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("is_direct", sa.Boolean(), server_default=sa.true(), nullable=False)
        )

    with op.batch_alter_table("result", schema=None) as batch_op:
        batch_op.add_column(sa.Column("text_score", sa.String(length=50), nullable=True))
        batch_op.add_column(
            sa.Column("is_active", sa.Boolean(), server_default=sa.true(), nullable=False)
        )

    with op.batch_alter_table("student_report", schema=None) as batch_op:
        batch_op.add_column(sa.Column("version", sa.Integer(), server_default="1", nullable=False))
        batch_op.drop_constraint(
            batch_op.f("uq_student_report_author_id_student_id_class_group_id_period_start"),
            type_="unique",
        )
        batch_op.create_unique_constraint(
            batch_op.f(
                "uq_student_report_author_id_student_id_class_group_id_period_start_period_end_version"
            ),
            [
                "author_id",
                "student_id",
                "class_group_id",
                "period_start",
                "period_end",
                "version",
            ],
        )

    with op.batch_alter_table("teacher_weekly_report", schema=None) as batch_op:
        batch_op.add_column(sa.Column("version", sa.Integer(), server_default="1", nullable=False))
        batch_op.drop_constraint(
            batch_op.f("uq_teacher_weekly_report_author_id_student_id_class_group_id_week_start"),
            type_="unique",
        )
        batch_op.create_unique_constraint(
            batch_op.f(
                "uq_teacher_weekly_report_author_id_student_id_class_group_id_week_start_version"
            ),
            ["author_id", "student_id", "class_group_id", "week_start", "version"],
        )

    with op.batch_alter_table("tutor_weekly_report", schema=None) as batch_op:
        batch_op.add_column(sa.Column("version", sa.Integer(), server_default="1", nullable=False))
        batch_op.drop_constraint(
            batch_op.f("uq_tutor_weekly_report_author_id_student_id_week_start"), type_="unique"
        )
        batch_op.create_unique_constraint(
            batch_op.f("uq_tutor_weekly_report_author_id_student_id_week_start_version"),
            ["author_id", "student_id", "week_start", "version"],
        )

    _words("report_schedule", "report_type", MORE_TYPES)
    _words("attendance_record", "status", MORE_ATTENDANCE)


def downgrade():
    # What the older version has no words for goes: reports of new types are switched off and hidden,
    # attendance is said more coarsely, whole days and older versions of texts are dropped, and of
    # reports that begin on one day all but one.
    op.execute(
        "UPDATE report_schedule SET is_active = false, next_scheduled = NULL,"
        " deleted_at = COALESCE(deleted_at, updated_at), report_type = 'student_report'"
        f" WHERE report_type NOT IN {REPORT_TYPES}"
    )
    op.execute(f"UPDATE attendance_record SET status = 'present' WHERE status NOT IN {ATTENDANCE}")
    op.execute("DELETE FROM attendance_record WHERE class_group_id IS NULL")
    for table, key in (
        ("student_report", "class_group_id = o.class_group_id AND n.period_start = o.period_start"),
        (
            "teacher_weekly_report",
            "class_group_id = o.class_group_id AND n.week_start = o.week_start",
        ),
        ("tutor_weekly_report", "week_start = o.week_start"),
    ):
        op.execute(
            f"DELETE FROM {table} WHERE id IN (SELECT o.id FROM {table} o JOIN {table} n"
            f" ON n.author_id = o.author_id AND n.student_id = o.student_id AND n.{key}"
            " AND (n.version, n.id) > (o.version, o.id))"
        )
    # Nobody gets by name what came to an audience, and no report grows beyond its class.
    op.execute(
        "UPDATE report_schedule_recipient SET removed_at = added_at"
        " WHERE NOT is_direct AND removed_at IS NULL"
    )
    op.execute(
        "UPDATE report_schedule SET is_active = false, next_scheduled = NULL"
        " WHERE class_group_id IS NOT NULL"
    )
    _words("attendance_record", "status", ATTENDANCE)
    _words("report_schedule", "report_type", REPORT_TYPES)
    with op.batch_alter_table("tutor_weekly_report", schema=None) as batch_op:
        batch_op.drop_constraint(
            batch_op.f("uq_tutor_weekly_report_author_id_student_id_week_start_version"),
            type_="unique",
        )
        batch_op.create_unique_constraint(
            batch_op.f("uq_tutor_weekly_report_author_id_student_id_week_start"),
            ["author_id", "student_id", "week_start"],
        )
        batch_op.drop_column("version")

    with op.batch_alter_table("teacher_weekly_report", schema=None) as batch_op:
        batch_op.drop_constraint(
            batch_op.f(
                "uq_teacher_weekly_report_author_id_student_id_class_group_id_week_start_version"
            ),
            type_="unique",
        )
        batch_op.create_unique_constraint(
            batch_op.f("uq_teacher_weekly_report_author_id_student_id_class_group_id_week_start"),
            ["author_id", "student_id", "class_group_id", "week_start"],
        )
        batch_op.drop_column("version")

    with op.batch_alter_table("student_report", schema=None) as batch_op:
        batch_op.drop_constraint(
            batch_op.f(
                "uq_student_report_author_id_student_id_class_group_id_period_start_period_end_version"
            ),
            type_="unique",
        )
        batch_op.create_unique_constraint(
            batch_op.f("uq_student_report_author_id_student_id_class_group_id_period_start"),
            ["author_id", "student_id", "class_group_id", "period_start"],
        )
        batch_op.drop_column("version")

    with op.batch_alter_table("result", schema=None) as batch_op:
        batch_op.drop_column("is_active")
        batch_op.drop_column("text_score")

    with op.batch_alter_table("report_schedule_recipient", schema=None) as batch_op:
        batch_op.drop_column("is_direct")

    with op.batch_alter_table("report_schedule", schema=None) as batch_op:
        batch_op.drop_constraint(
            batch_op.f("fk_report_schedule_class_group_id"), type_="foreignkey"
        )
        batch_op.drop_column("class_group_id")

    with op.batch_alter_table("line_item", schema=None) as batch_op:
        batch_op.drop_column("is_active")

    with op.batch_alter_table("guardian_link", schema=None) as batch_op:
        batch_op.drop_column("is_active")
        batch_op.drop_column("no_contact")
        batch_op.drop_column("relation")

    with op.batch_alter_table("enrollment", schema=None) as batch_op:
        batch_op.drop_column("is_active")

    with op.batch_alter_table("course", schema=None) as batch_op:
        batch_op.drop_column("is_active")

    with op.batch_alter_table("attendance_record", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_attendance_record_student_id_date_lesson",
            sqlite_where=sa.text("class_group_id IS NULL"),
            postgresql_where=sa.text("class_group_id IS NULL"),
        )
        batch_op.alter_column("class_group_id", existing_type=sa.INTEGER(), nullable=False)

    with op.batch_alter_table("academic_session", schema=None) as batch_op:
        batch_op.drop_column("is_active")

    with op.batch_alter_table("report_schedule_audience", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_report_schedule_audience_schedule_id"))

    op.drop_table("report_schedule_audience")
    with op.batch_alter_table("report_reading", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_report_reading_reader_id"))

    op.drop_table("report_reading")
    with op.batch_alter_table("import_run", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_import_run_school_id_created_at"))

    op.drop_table("import_run")
    op.drop_table("import_mapping")
