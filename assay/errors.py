"""Errors a person can act on: what, where, what was found, then a hint.

AssayError
├── UsageError        exit 2   the command or the assignment is written wrongly
├── CannotGrade       exit 3   the submission cannot be graded as it is
└── OurFault          exit 4   the harness or the machine failed; never the student's mistake
    ├── CourseFault            a file of the course is written wrongly: nothing is marked by it
    ├── NotIsolated            less is isolated than required: nothing is run
    ├── NoMachine              the machines that were to run it are lost, or not fit for it
    └── PluginFault            a plug-in does not do what it has to: the message names it
"""


class AssayError(Exception):
    """A foreseeable error: `what` went wrong, what was `found`, and a `hint` on what to do.

    `others` are further ones of the same submission.
    """

    exit_code = 1
    others: "tuple[AssayError, ...]" = ()

    def __init__(self, what: str, *, found: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what, self.found, self.hint = what, found, hint

    def __str__(self) -> str:
        lines = [f"error: {self.what}"]
        lines += [f"  {line}" for line in self.found.splitlines()]
        lines += ["", f"hint: {self.hint}"] if self.hint else []
        return "\n".join(lines)


class UsageError(AssayError):
    """The command line or the assignment is written wrongly."""

    exit_code = 2


class CannotGrade(AssayError):
    """The submission cannot be graded as it is."""

    exit_code = 3


class OurFault(AssayError):
    """The harness or the machine failed; nothing was held against the student."""

    exit_code = 4


class CourseFault(OurFault):
    """A file of the course is written wrongly; nothing is marked by it."""


class NotIsolated(OurFault):
    """This machine keeps student code less than is required: nothing of it runs."""


class NoMachine(OurFault):
    """No machine is there, or fit, to run anything more: what has been run is kept."""


class PluginFault(OurFault):
    """A plug-in cannot be loaded, raises, or returns something else than it has to."""


OF_NO_SUBMISSION = (UsageError, CourseFault, NotIsolated, NoMachine, PluginFault)
"""Faults of the course or of this machine: every submission would meet them."""


class Stopped(KeyboardInterrupt):
    """The user asked to stop. Not an error."""


def quoted(name: object) -> str:
    """A name in backticks; characters that do not print are spelt out, a long one is cut."""
    shown = "".join(c if c.isprintable() and c != "`" else repr(c)[1:-1] for c in str(name))
    return f"`{shown if len(shown) <= 120 else shown[:119] + '…'}`"
