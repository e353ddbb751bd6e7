"""The end of a process, without the time that it takes to tear its modules down."""

import atexit
import os
import sys
from contextlib import suppress
from typing import NoReturn


def end_now(code: object) -> NoReturn:
    """End with the code of a `SystemExit`, after the exit handlers and a flush.

    An interpreter that has imported scikit-learn or torch takes half a second to a second more.
    """
    if code is not None and not isinstance(code, int):
        with suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(f"{code}\n")
        code = 1
    with suppress(Exception):  # the error was reported before
        atexit._run_exitfuncs()
    for stream in (sys.__stdout__, sys.__stderr__):
        with suppress(OSError, ValueError, AttributeError):  # closed at either end
            stream.flush()  # type: ignore[union-attr]
    os._exit((code or 0) & 0xFF)
