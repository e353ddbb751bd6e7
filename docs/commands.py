"""Write commands.md from the program itself: `python docs/commands.py`."""

import inspect
from collections.abc import Iterator
from pathlib import Path

import click

from assay.cli import cli

HEAD = """\
# Commands

What each command takes, written from the program by `python docs/commands.py`. stdout is the
result, as text or with `--json` as data; stderr is progress and talk.

With `-v`, stderr also has a log: a line with the time, the module and the text of each event, and
of what was overcome: a run that is made again, a fork server that ended, a sandbox that was not
proved. With `--json -v`, it has each event as a line of JSON instead of the progress, and no log;
`--json` alone leaves the progress as it is. stdout has one document either way.

| `event` | what else is in its line |
|---|---|
| `RunsPlanned` | `submission`, `runs`: how many more will be made, or found in the store |
| `RunFinished` | `submission`, `run`, `outcome`, `reason`, `seconds`, `from_store` |
| `SubmissionGraded` | `submission`, `earned`, `judged`, `for_review`: points |
| `Failed` | `submission`, `error`, `found`, `hint`, `exit_code` |
| `Message` | `text` |

| exit code | meaning |
|---:|---|
| 0 | graded, whatever the mark |
| 1 | below `--pass-mark`; or `--verify`, `compare`, `verify` or `rerun` found a difference; \
or a test that `judge --` ran fails; or `try` loses points |
| 2 | wrong usage: the command or `assignment.toml`; or an extra is not installed, which is named |
| 3 | a submission cannot be graded as it is; in `assay class`, something needs a person |
| 4 | our own fault: something was not judged; or a full disk: it was not written |
| 130 | stopped by Ctrl-C: what has been run is kept, the same command goes on |
| 141 | whoever read the output hung up |

| extra | what needs it |
|---|---|
| none: `pip install assay` | `try`; `check` of submissions; `handout`, `new`, `report`, \
`export`, `package`, `compare`, `store`, `doctor`; `%assay check` |
| `assay[grade]` | `grade`, `run`, `judge`, `reproduce`, `calibrate`, `verify`, `rerun`; `check` \
of a course; `handout --check`; `check --adapter`, to try what it proposes |
| `assay[class]` | `class`, and `grade` of the folder of a class |
| `assay[review]` | `review` |
| `assay[dask]` | `--scheduler` |
"""


def page() -> str:
    """The whole page: exit codes, then a section for every command, in the program's order."""
    with click.Context(cli, info_name="assay") as above:
        return "\n".join([HEAD, *_sections(cli, above)])


def _sections(group: click.Group, above: click.Context) -> Iterator[str]:
    for name, command in group.commands.items():
        context = click.Context(command, info_name=name, parent=above)
        yield _section(command, context)
        if isinstance(command, click.Group):
            yield from _sections(command, context)


def _section(command: click.Command, context: click.Context) -> str:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    text = inspect.cleandoc(command.help or "")
    rows = [_row(param, context) for param in command.params if isinstance(param, click.Option)]
    table = "\n".join(["", "| option | meaning |", "|---|---|", *rows, ""]) if rows else ""
    return f"## {context.command_path}\n\n{text}\n\n```text\n{usage}\n```\n{table}"


def _row(option: click.Option, context: click.Context) -> str:
    """One line; `|` would end a cell, and click's `[default: x]` would be read as a link."""
    names, text = option.get_help_record(context) or ("", "")
    text = " ".join(text.split()).replace("|", r"\|").replace("[", r"\[")
    return f"| `{names.replace(' RANGE', '').replace('|', ', ')}` | {text} |"


if __name__ == "__main__":
    Path(__file__).with_suffix(".md").write_text(page(), encoding="utf-8")
