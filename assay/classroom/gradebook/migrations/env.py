"""What Alembic runs: the connection comes from `database.migrate`, which holds the lock."""

from alembic import context

from assay.classroom.gradebook.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
context.run_migrations()
