"""school calendar"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade():
    # Neither column makes SQLite copy the table: other tables' rows point at it.
    op.add_column(
        "school",
        sa.Column("weekdays", sa.String(length=7), server_default="12345", nullable=False),
    )
    op.add_column("school", sa.Column("country", sa.String(length=10), nullable=True))
    op.create_table(
        "calendar_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "holiday",
                "closure",
                "exam",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column(
            "source",
            sa.Enum(
                "form",
                "csv",
                "ics",
                "country",
                name="source",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("uid", sa.String(length=255), nullable=True),
        sa.CheckConstraint("last_day >= first_day", name=op.f("ck_calendar_entry_days_in_order")),
        sa.ForeignKeyConstraint(
            ["school_id"], ["school.id"], name=op.f("fk_calendar_entry_school_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_entry")),
        sa.UniqueConstraint(
            "school_id", "source", "uid", name=op.f("uq_calendar_entry_school_id_source_uid")
        ),
    )
    with op.batch_alter_table("calendar_entry", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_calendar_entry_school_id_first_day"),
            ["school_id", "first_day"],
            unique=False,
        )


def downgrade():
    op.drop_table("calendar_entry")
    op.drop_column("school", "country")
    op.drop_column("school", "weekdays")
