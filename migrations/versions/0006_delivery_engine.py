"""delivery engine"""

import sqlalchemy as sa
from alembic import op

import reportapp.models.types

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

STATUS = ("started", "completed", "failed", "partial")
REASONS = (
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
)
MORE_REASONS = (*REASONS, "cancelled", "suspended", "configuration", "too_late", "too_heavy")


def _words(batch_op, table, column, choices):
    """The column takes these words only."""
    name = op.f(f"ck_{table}_{column}")
    batch_op.drop_constraint(name, type_="check")
    batch_op.create_check_constraint(
        name, f"{column} IN ({', '.join(repr(choice) for choice in choices)})"
    )


WATCHED = {
    "class_group": ("is_active", "school_id"),
    "enrollment": (),
    "guardian_link": (),
    "report_schedule": ("report_type", "class_group_id", "created_by_id"),
    "report_schedule_audience": (),
    "report_schedule_recipient": ("is_direct",),
    "school": ("time_zone",),
    "tutor_link": (),
    "user": ("is_active", "role", "school_id"),
}


def _make_triggers():
    """As in `models/access_change.py`: what this version of the tables has."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    if not sqlite:
        op.execute(
            "CREATE FUNCTION access_change() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN INSERT INTO access_change (n) VALUES (1); RETURN NULL; END'"
        )
    for table, columns in WATCHED.items():
        changed = f"UPDATE OF {', '.join(columns)}" if columns else "UPDATE"
        for what, when in (("changed", changed), ("gone", "DELETE")):
            does = (
                "BEGIN INSERT INTO access_change (id, n) VALUES (1, 1)"
                " ON CONFLICT (id) DO UPDATE SET n = n + 1; END"
                if sqlite
                else "FOR EACH STATEMENT EXECUTE FUNCTION access_change()"
            )
            op.execute(
                f'CREATE TRIGGER access_change_{table}_{what} AFTER {when} ON "{table}" {does}'
            )


def _drop_triggers():
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table in WATCHED:
        for what in ("changed", "gone"):
            name = f"access_change_{table}_{what}"
            op.execute(f"DROP TRIGGER {name}" + ("" if sqlite else f' ON "{table}"'))
    if not sqlite:
        op.execute("DROP FUNCTION access_change()")


def upgrade():
    op.create_table(
        "access_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_change")),
    )
    op.create_table(
        "address_trouble",
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.Column("failed_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("suspended_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_address_trouble")),
    )
    op.create_table(
        "mail_server_state",
        sa.Column("name", sa.String(length=30), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("paused_until", reportapp.models.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("stopped_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("settings", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_mail_server_state")),
    )
    op.create_table(
        "report_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("scope_digest", sa.String(length=64), nullable=False),
        sa.Column(
            "report_type",
            sa.Enum(
                "student_report",
                "tutor_weekly_report",
                "teacher_weekly_report",
                "class_analytics",
                "parent_progress",
                name="report_type",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("pairs", sa.JSON(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("content_type", sa.String(length=100), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column(
            "last_used_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_file")),
        sa.UniqueConstraint(
            "sha256", "scope_digest", name=op.f("uq_report_file_sha256_scope_digest")
        ),
    )
    with op.batch_alter_table("report_file", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_report_file_last_used_at"), ["last_used_at"], unique=False
        )

    op.create_table(
        "notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "missed_run",
                "failed_run",
                "paused_schedule",
                "no_data",
                "mail_stopped",
                "no_heartbeat",
                "suspended_address",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("schedule_id", sa.Integer(), nullable=True),
        sa.Column("execution_id", sa.Integer(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("created_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("closed_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("mailed_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column(
            "claimed_until", reportapp.models.types.UtcDateTime(timezone=True), nullable=True
        ),
        sa.ForeignKeyConstraint(
            ["execution_id"], ["report_schedule_execution.id"], name=op.f("fk_notice_execution_id")
        ),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["report_schedule.id"], name=op.f("fk_notice_schedule_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_notice_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("user_id", "key", name=op.f("uq_notice_user_id_key")),
    )
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notice_mailed_at"), ["mailed_at"], unique=False)

    op.create_table(
        "delivery_action",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("execution_id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "resend",
                "cancel",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=False),
        sa.Column("at", reportapp.models.types.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["user.id"], name=op.f("fk_delivery_action_actor_id")
        ),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["report_delivery.id"], name=op.f("fk_delivery_action_delivery_id")
        ),
        sa.ForeignKeyConstraint(
            ["execution_id"],
            ["report_schedule_execution.id"],
            name=op.f("fk_delivery_action_execution_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_action")),
    )
    with op.batch_alter_table("delivery_action", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_delivery_action_execution_id"), ["execution_id"], unique=False
        )

    with op.batch_alter_table("report_delivery", schema=None) as batch_op:
        batch_op.add_column(sa.Column("report_file_id", sa.Integer(), nullable=True))
        batch_op.add_column(
            sa.Column("as_link", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.add_column(
            sa.Column(
                "fetched_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=True
            )
        )
        batch_op.drop_index(batch_op.f("ix_report_delivery_status_claimed_until"))
        batch_op.drop_index(batch_op.f("ix_report_delivery_status_next_attempt_at"))
        batch_op.create_index(
            "ix_report_delivery_open",
            ["execution_id"],
            unique=False,
            sqlite_where=sa.text("status IN ('pending', 'sending')"),
            postgresql_where=sa.text("status IN ('pending', 'sending')"),
        )
        batch_op.create_index(
            "ix_report_delivery_pending",
            ["next_attempt_at", "id"],
            unique=False,
            sqlite_where=sa.text("status = 'pending'"),
            postgresql_where=sa.text("status = 'pending'"),
        )
        batch_op.create_index(
            "ix_report_delivery_sending",
            ["claimed_until"],
            unique=False,
            sqlite_where=sa.text("status = 'sending'"),
            postgresql_where=sa.text("status = 'sending'"),
        )
        batch_op.create_index(
            "ix_report_delivery_report_file_id",
            ["report_file_id"],
            unique=False,
            sqlite_where=sa.text("report_file_id IS NOT NULL"),
            postgresql_where=sa.text("report_file_id IS NOT NULL"),
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_report_delivery_report_file_id"),
            "report_file",
            ["report_file_id"],
            ["id"],
        )
        _words(batch_op, "report_delivery", "reason", MORE_REASONS)

    with op.batch_alter_table("report_schedule_execution") as batch_op:
        _words(batch_op, "report_schedule_execution", "status", (*STATUS, "missed"))

    with op.batch_alter_table("report_schedule", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "delivery_mode",
                sa.Enum(
                    "attachment",
                    "link",
                    "both",
                    name="delivery_mode",
                    native_enum=False,
                    create_constraint=True,
                    length=30,
                ),
                server_default="attachment",
                nullable=False,
            )
        )
        batch_op.add_column(
            sa.Column(
                "link_access",
                sa.Enum(
                    "login",
                    "one_time",
                    name="link_access",
                    native_enum=False,
                    create_constraint=True,
                    length=30,
                ),
                server_default="login",
                nullable=False,
            )
        )
        batch_op.add_column(
            sa.Column(
                "when_empty",
                sa.Enum(
                    "skip",
                    "note",
                    "tell",
                    name="when_empty",
                    native_enum=False,
                    create_constraint=True,
                    length=30,
                ),
                server_default="skip",
                nullable=False,
            )
        )
        batch_op.add_column(
            sa.Column("failed_runs", sa.Integer(), server_default="0", nullable=False)
        )
        batch_op.add_column(sa.Column("paused_reason", sa.Text(), nullable=True))
    # Last, since SQLite loses a table's triggers when it makes the table anew.
    _make_triggers()


def downgrade():
    _drop_triggers()
    op.drop_table("access_change")
    # The older version's words for the same.
    op.execute("UPDATE report_schedule_execution SET status = 'failed' WHERE status = 'missed'")
    op.execute("UPDATE report_delivery SET reason = 'removed' WHERE reason = 'cancelled'")
    op.execute("UPDATE report_delivery SET reason = 'no_address' WHERE reason = 'suspended'")
    op.execute(
        "UPDATE report_delivery SET reason = 'server' WHERE reason IN ('configuration', 'too_late')"
    )
    op.execute("UPDATE report_delivery SET reason = 'too_large' WHERE reason = 'too_heavy'")
    with op.batch_alter_table("report_schedule_execution") as batch_op:
        _words(batch_op, "report_schedule_execution", "status", STATUS)

    with op.batch_alter_table("report_schedule", schema=None) as batch_op:
        for name in ("delivery_mode", "link_access", "when_empty"):
            batch_op.drop_constraint(op.f(f"ck_report_schedule_{name}"), type_="check")
        batch_op.drop_column("paused_reason")
        batch_op.drop_column("failed_runs")
        batch_op.drop_column("when_empty")
        batch_op.drop_column("link_access")
        batch_op.drop_column("delivery_mode")

    with op.batch_alter_table("report_delivery", schema=None) as batch_op:
        _words(batch_op, "report_delivery", "reason", REASONS)
        batch_op.drop_constraint(
            batch_op.f("fk_report_delivery_report_file_id"), type_="foreignkey"
        )
        batch_op.drop_index(
            "ix_report_delivery_report_file_id",
            sqlite_where=sa.text("report_file_id IS NOT NULL"),
            postgresql_where=sa.text("report_file_id IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_report_delivery_sending",
            sqlite_where=sa.text("status = 'sending'"),
            postgresql_where=sa.text("status = 'sending'"),
        )
        batch_op.drop_index(
            "ix_report_delivery_pending",
            sqlite_where=sa.text("status = 'pending'"),
            postgresql_where=sa.text("status = 'pending'"),
        )
        batch_op.drop_index(
            "ix_report_delivery_open",
            sqlite_where=sa.text("status IN ('pending', 'sending')"),
            postgresql_where=sa.text("status IN ('pending', 'sending')"),
        )
        batch_op.create_index(
            batch_op.f("ix_report_delivery_status_next_attempt_at"),
            ["status", "next_attempt_at"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_report_delivery_status_claimed_until"),
            ["status", "claimed_until"],
            unique=False,
        )
        batch_op.drop_column("fetched_at")
        batch_op.drop_column("as_link")
        batch_op.drop_column("report_file_id")

    with op.batch_alter_table("delivery_action", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_delivery_action_execution_id"))

    op.drop_table("delivery_action")
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_notice_mailed_at"))

    op.drop_table("notice")
    with op.batch_alter_table("report_file", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_report_file_last_used_at"))

    op.drop_table("report_file")
    op.drop_table("mail_server_state")
    op.drop_table("address_trouble")
