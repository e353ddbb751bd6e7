"""What a gradebook refuses."""

from assay.errors import UsageError


class Conflict(UsageError):
    """Another marker has written since this one looked; nothing was written."""


class Unknown(UsageError):
    """No such person, group, assignment, attempt or request."""
