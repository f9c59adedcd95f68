"""when a delivery was sent again by a person"""

import sqlalchemy as sa
from alembic import op

import reportapp.models.types

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("report_delivery", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "requeued_at", reportapp.models.types.UtcDateTime(timezone=True), nullable=True
            )
        )


def downgrade():
    with op.batch_alter_table("report_delivery", schema=None) as batch_op:
        batch_op.drop_column("requeued_at")
