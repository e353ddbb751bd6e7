"""The database itself refuses to change a row of these tables; deleting one is `forget`'s."""

from alembic import op

FUNCTION = """
create or replace function assay_append_only() returns trigger language plpgsql as
$$ begin raise exception '% is append-only', tg_table_name; end $$
"""


def append_only(*tables: str) -> None:
    """Let every update of these tables fail, whoever makes it."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    if not sqlite:
        op.execute(FUNCTION)
    for table in tables:
        action = (
            f"begin select raise(abort, '{table} is append-only'); end"
            if sqlite
            else "for each row execute function assay_append_only()"
        )
        op.execute(f'create trigger {table}_append_only before update on "{table}" {action}')


def stays(table: str, *unique: str) -> None:
    """Let rows be deleted or replaced by `forget` alone, as revision 0003 does for older tables.

    `unique` tells rows apart: SQLite deletes by it in `insert or replace`, without a trigger.
    """
    if op.get_bind().dialect.name != "sqlite":
        each = {"stays": "delete", "not_emptied": "truncate"}
        for name, what in each.items():
            per = "row" if what == "delete" else "statement"
            op.execute(
                f'create trigger {table}_{name} before {what} on "{table}" '
                f"for each {per} execute function assay_kept()"
            )
        return
    refuse = f"begin select raise(abort, '{table} is append-only'); end"
    unless = "when not exists (select 1 from forgetting)"
    there = " and ".join(f'"{column}" = new."{column}"' for column in unique)
    there = f'when exists (select 1 from "{table}" where id = new.id or ({there}))'
    op.execute(f'create trigger {table}_stays before delete on "{table}" {unless} {refuse}')
    op.execute(f'create trigger {table}_not_replaced before insert on "{table}" {there} {refuse}')
