"""The command that begins a course."""

import json
import shlex
from pathlib import Path

import click

from assay.cli.options import json_option


@click.command()
@click.argument("folder", metavar="[COURSE]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--from",
    "master",
    nargs=2,
    type=(click.Choice(["otter", "nbgrader"]), click.Path(path_type=Path, dir_okay=False)),
    metavar="otter|nbgrader NOTEBOOK",
    help="Turn a master of another grader into a course.",
)
@click.option("--title", help="What the assignment is called [default: a small example].")
@json_option
def new(
    folder: Path | None, master: tuple[str, Path] | None, title: str | None, as_json: bool
) -> None:
    """Make a course folder that works at once: mark sheet, answer, rubric, mistake, CI.

    With `--from` its answer, questions and points are those of a master: visible tests become
    public questions, hidden ones private. What could not be turned is listed with its cell.
    """
    from assay.report import safe
    from assay.starter import begin, turn

    if master:
        kind, path = master
        made = turn.course(kind, path)
        folder = folder or Path(path.stem)
        files, left = made.files, made.left
    else:
        folder = folder or Path("course")
        files, left = begin.starter(title or "A straight line"), []
    begin.write(folder, files)
    if as_json:
        told = {"folder": str(folder), "files": sorted(files), "left": left}
        click.echo(json.dumps(told, indent=1))
        return
    lines = [f"✓ {len(files)} files     {folder}", *(f"  {name}" for name in sorted(files))]
    lines += ["could not be turned:", *(f"  {line}" for line in left)] if left else []
    lines += ["", f"try it: `cd {shlex.quote(str(folder))}`, `assay check`, `assay reproduce`"]
    click.echo(safe.terminal("\n".join(lines)))


COMMANDS = (new,)
