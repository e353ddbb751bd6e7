"""The options that several commands take."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
assignment_option = click.option(
    "--assignment",
    type=click.Path(path_type=Path),
    default=Path("assignment.toml"),
    show_default=True,
    help="The assignment to grade by.",
)


def shared_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every step takes."""
    for option in (
        assignment_option,
        click.option(
            "--reports",
            type=click.Path(path_type=Path, file_okay=False),
            default=Path("reports"),
            show_default=True,
            help="Where reports are written, a folder for each submission.",
        ),
        click.option("--seeds", help="Other seeds than the assignment's: `0-19` or `1,4,7`."),
        click.option("--jobs", type=click.IntRange(1), help="Runs at once [default: one a core]."),
        json_option,
    ):
        command = option(command)
    return command


submissions = click.argument(
    "paths", nargs=-1, required=True, metavar="SUBMISSION...", type=click.Path(path_type=Path)
)
scheduler_option = click.option(
    "--scheduler",
    metavar="WHERE",
    help="Run on a Dask cluster: `tcp://...`, `tls://...`, a scheduler file, or `local`.",
)
force_option = click.option("--force", is_flag=True, help="Run again what has been run already.")


def isolation_option(default: int) -> Callable[..., Any]:
    """The level below which nothing is run; one's own code needs none."""
    return click.option(
        "--require-isolation",
        "isolation",
        type=click.IntRange(0, 4),
        default=default,
        show_default=True,
        envvar="ASSAY_REQUIRE_ISOLATION",
        help="Run nothing where the machine isolates less; `assay doctor` explains the levels.",
    )


pass_mark_option = click.option(
    "--pass-mark",
    type=click.FloatRange(0, 100),
    help="Exit with status 1 if less than this percentage of the judged points is earned.",
)
submission_option = click.option(
    "--submission",
    type=click.Path(path_type=Path, exists=True),
    help="What was handed in, or a folder of submissions.",
)
verbose_option = click.option(
    "-v",
    "--verbose",
    is_flag=True,
    help="Log what happens to stderr; with `--json`, each event as a line of JSON.",
)


class PassingOn(click.Command):
    """A command that passes on what follows `--`, to a program that it starts."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what stands before `--`."""
        own = args.index("--") if "--" in args else len(args)
        ctx.meta[__name__] = args[own + 1 :]
        return super().parse_args(ctx, args[:own])

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return the pieces of the usage line."""
        return [*super().collect_usage_pieces(ctx), "[-- PYTEST...]"]

    @staticmethod
    def passed_on() -> list[str]:
        """Return what follows `--` of the command that runs."""
        found: list[str] = click.get_current_context().meta[__name__]
        return found
