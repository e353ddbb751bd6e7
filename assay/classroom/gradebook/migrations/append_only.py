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
