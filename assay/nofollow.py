"""Open what stands at a path itself, and never what a link there leads to."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from assay import portable


def opened(path: str | Path, flags: int, folder: int | None = None) -> int:
    """Return a descriptor of what stands at a path, which may be below an opened folder.

    A pipe is not waited for, and no child process inherits the descriptor.

    Raises
    ------
    OSError
        If nothing can be opened there, or it is a link.
    """
    how = flags | portable.NO_LINK
    return os.open(path, how, dir_fd=folder)


def regular(path: str | Path, folder: int | None = None) -> BinaryIO:
    """Return a regular file, opened for reading.

    Raises
    ------
    OSError
        If it cannot be opened, or is something else.
    """
    descriptor = opened(path, os.O_RDONLY, folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a regular file")
    return os.fdopen(descriptor, "rb")
