"""The database refuses to delete or replace what is kept, unless `forget` does it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

HISTORY = {
    "result": ("attempt_id", "version"),
    "mark": ("assignment_id", "author_id", "criterion", "version"),
    "decision": ("assignment_id", "author_id", "kind", "version"),
    "release": ("assignment_id", "author_id", "version"),
    "regrade_request": ("assignment_id", "author_id", "criterion", "version"),
    "regrade_answer": ("request_id", "version"),
}
ATTEMPT = {"attempt": ("assignment_id", "author_id", "digest", "submitted_at")}
NAMES = {"assignment": ("term", "name"), "author": ("term", "kind", "key")}
"""What is unique in each table: SQLite's `insert or replace` deletes by it, without a trigger."""


def upgrade() -> None:
    op.create_table(
        "forgetting",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forgetting")),
    )
    kept = HISTORY | ATTEMPT | NAMES
    if op.get_bind().dialect.name == "sqlite":
        for table, unique in kept.items():
            _sqlite(table, unique)
    else:
        _postgresql(kept)


def _sqlite(table: str, unique: tuple[str, ...]) -> None:
    refuse = f"begin select raise(abort, '{table} is append-only'); end"
    unless = "when not exists (select 1 from forgetting)"
    there = " and ".join(f'"{column}" = new."{column}"' for column in unique)
    there = f'when exists (select 1 from "{table}" where id = new.id or ({there}))'
    op.execute(f'create trigger {table}_stays before delete on "{table}" {unless} {refuse}')
    op.execute(f'create trigger {table}_not_replaced before insert on "{table}" {there} {refuse}')
    if table in ATTEMPT:
        op.execute(f'create trigger {table}_as_taken before update on "{table}" {unless} {refuse}')


def _postgresql(kept: dict[str, tuple[str, ...]]) -> None:
    op.execute("""
        create function assay_kept() returns trigger language plpgsql as $$ begin
          if tg_op <> 'TRUNCATE' and exists (select from forgetting) then
            if tg_op = 'DELETE' then return old; end if;
            return new;
          end if;
          raise exception '% is append-only', tg_table_name;
        end $$
    """)
    for table in kept:
        what = "delete or update" if table in ATTEMPT else "delete"
        op.execute(
            f'create trigger {table}_stays before {what} on "{table}" '
            "for each row execute function assay_kept()"
        )
        op.execute(
            f'create trigger {table}_not_emptied before truncate on "{table}" '
            "for each statement execute function assay_kept()"
        )
