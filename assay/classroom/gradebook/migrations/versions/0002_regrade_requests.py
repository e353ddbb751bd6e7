"""Requests for a regrade and comments on marks."""

import sqlalchemy as sa
from alembic import op

from assay.classroom.gradebook.migrations.append_only import append_only

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "regrade_request",
        sa.Column("assignment_id", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("criterion", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("mark", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assignment_id"], ["assignment.id"], name=op.f("fk_regrade_request_assignment_id")
        ),
        sa.ForeignKeyConstraint(
            ["author_id"], ["author.id"], name=op.f("fk_regrade_request_author_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_regrade_request")),
        sa.UniqueConstraint(
            "assignment_id",
            "author_id",
            "criterion",
            "version",
            name=op.f("uq_regrade_request_assignment_id_author_id_criterion_version"),
        ),
    )
    with op.batch_alter_table("regrade_request", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_regrade_request_author_id"), ["author_id"], unique=False
        )

    op.create_table(
        "regrade_answer",
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["regrade_request.id"], name=op.f("fk_regrade_answer_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_regrade_answer")),
        sa.UniqueConstraint(
            "request_id", "version", name=op.f("uq_regrade_answer_request_id_version")
        ),
    )
    with op.batch_alter_table("mark", schema=None) as batch_op:
        batch_op.add_column(sa.Column("comment", sa.Text(), server_default="", nullable=False))
    append_only("regrade_request", "regrade_answer")
