"""The review of written answers: items, the bank of comments, saves, and who was revealed."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from assay.classroom.gradebook.migrations.append_only import append_only, stays

revision = "0004"
down_revision = "0003"


def version() -> list[sa.Column[Any]]:
    return [
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    ]


def upgrade() -> None:
    _table(
        "review_item",
        [
            sa.Column("question", sa.Text(), nullable=False),
            sa.Column("key", sa.Text(), nullable=False),
            sa.Column("text", sa.Text(), nullable=False),
            sa.Column("points", sa.String(length=64), nullable=False),
            sa.Column("is_level", sa.Boolean(), nullable=False),
            sa.Column("retired", sa.Boolean(), nullable=False),
            *version(),
        ],
        ("assignment_id", "question", "key", "version"),
    )
    _table(
        "review_comment",
        [
            sa.Column("question", sa.Text(), nullable=False),
            sa.Column("key", sa.Text(), nullable=False),
            sa.Column("text", sa.Text(), nullable=False),
            *version(),
        ],
        ("assignment_id", "question", "key", "version"),
    )
    _table(
        "review_save",
        [
            sa.Column("author_id", sa.Integer(), nullable=False),
            sa.Column("question", sa.Text(), nullable=False),
            sa.Column("round", sa.Text(), nullable=False),
            sa.Column("save", sa.Text(), nullable=False),
            sa.Column("answer", sa.Text(), nullable=False),
            sa.Column("content", sa.JSON(), nullable=False),
            sa.Column("stack", sa.Text(), nullable=False),
            sa.Column("seconds", sa.Float(), nullable=False),
            sa.Column("undoes", sa.Integer(), nullable=True),
            *version(),
        ],
        ("assignment_id", "author_id", "question", "round", "version"),
        ("save",),
    )
    _table(
        "review_reveal",
        [
            sa.Column("author_id", sa.Integer(), nullable=False),
            sa.Column("question", sa.Text(), nullable=False),
            sa.Column("by", sa.Text(), nullable=False),
            sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        ],
    )
    append_only("review_item", "review_comment", "review_save", "review_reveal")
    stays("review_item", "assignment_id", "question", "key", "version")
    stays("review_comment", "assignment_id", "question", "key", "version")
    stays("review_save", "assignment_id", "author_id", "question", "round", "version")
    stays("review_reveal", "id")


def _table(name: str, columns: Sequence[sa.Column[Any]], *unique: Sequence[str]) -> None:
    """Create a table of an assignment; what belongs to an author has an index of them."""
    of_author = any(column.name == "author_id" for column in columns)
    keys = ["assignment_id", "author_id"] if of_author else ["assignment_id"]
    op.create_table(
        name,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("assignment_id", sa.Integer(), nullable=False),
        *columns,
        *(
            sa.ForeignKeyConstraint(
                [key], [f"{key.removesuffix('_id')}.id"], name=op.f(f"fk_{name}_{key}")
            )
            for key in keys
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        *(
            sa.UniqueConstraint(*names, name=op.f(f"uq_{name}_{'_'.join(names)}"))
            for names in unique
        ),
    )
    if of_author:
        with op.batch_alter_table(name, schema=None) as batch_op:
            batch_op.create_index(batch_op.f(f"ix_{name}_author_id"), ["author_id"], unique=False)
