"""The levels of isolation, and by name what each holds."""

from enum import IntEnum


class Level(IntEnum):
    """How far a kernel is kept from this machine: each level holds what those below it do.

    People ask for a number, and results record it. Code asks for what it needs, by name.
    """

    NONE = 0
    LANDLOCK = 1
    USER = 2
    NAMESPACES = 3
    CGROUP = 4

    @property
    def guards_files(self) -> bool:
        """It opens no file but its own, no connection and no namespace: Landlock and seccomp."""
        return self >= Level.LANDLOCK

    @property
    def has_own_user(self) -> bool:
        """It signals no process of another user, and looks into none."""
        return self >= Level.USER

    @property
    def has_own_view(self) -> bool:
        """It sees its own files and processes alone; disk and processes have limits."""
        return self >= Level.NAMESPACES

    @property
    def has_own_group(self) -> bool:
        """The memory of all its processes is counted together, shared memory too."""
        return self >= Level.CGROUP
