"""Every command line in README and docs can be typed; every key and command has its line there."""

import importlib.util
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from assay.cli import cli
from assay.course.assignment import Assignment, CriterionSpec, Limits, Part, parse
from assay.records import Figure, Record
from docs import commands
from tests.test_docs import PAGES, ROOT, nox_sessions

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:assay|nox|python -m|pip install|systemd-run) [^`]*)`")
TYPED = re.compile(r"\$ |(?=(?:assay|nox|pip install|python -m) )")
"""What a command line begins with in a fence that is not marked as a shell's."""


def lines(text: str) -> list[str]:
    """The command lines of a page: in sessions, in fences for a shell, and between backticks."""
    found = INLINE.findall(FENCE.sub("", text))
    for kind, body in FENCE.findall(text):
        for line in body.splitlines() if kind in ("", "sh", "console") else ():
            start = TYPED.match(line)
            found += [line[start.end() :]] if start else [line] if kind == "sh" else []
    return [words for line in found if (words := line.partition(" # ")[0].strip())]


def of_assay(words: list[str]) -> str:
    """Why the program's own parser refuses this; empty where it does not."""
    words = [word.strip("[]") for word in words]  # `assay store [--prune DAYS]`
    command: click.Command = cli
    context = click.Context(cli, info_name="assay")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        if words[0] not in command.commands:
            return f"`{words[0]}` is no command"
        command = command.commands[words.pop(0)]
        context = click.Context(command, info_name=command.name, parent=context)
    try:
        command.make_parser(context).parse_args(words)
    except click.UsageError as error:
        return error.format_message()
    return ""


def of_nox(words: list[str]) -> str:
    """A session of the noxfile, with arguments for what it calls."""
    own, _, passed_on = " ".join(words).partition(" -- ")
    if own in ("", "--list"):
        return ""
    name = own.removeprefix("-s ")
    if name not in nox_sessions():
        return f"`{own}` is no session"
    if name == "bench":
        there = not passed_on or (ROOT / "benchmarks" / f"{passed_on}.py").is_file()
        return "" if there else f"`{passed_on}` is no benchmark"
    is_ours = name in cli.commands  # the others pass them on to tools
    return of_assay([name, *passed_on.split()]) if passed_on and is_ours else ""


def of_pip(words: list[str]) -> str:
    """Extras that pyproject.toml has."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [
        name for group in re.findall(r"\.\[(.*)\]", " ".join(words)) for name in group.split(",")
    ]
    return ", ".join(name for name in asked if name not in extras["optional-dependencies"])


def of_python(words: list[str]) -> str:
    """A module or a file that is there."""
    is_module = words[0] == "-m"
    there = importlib.util.find_spec(words[1]) if is_module else (ROOT / words[0]).is_file()
    return "" if there else f"`{words[-1]}` is not there"


def of_systemd(words: list[str]) -> str:
    return of_assay(words[words.index("assay") + 1 :])


KNOWN = {
    "assay": of_assay,
    "nox": of_nox,
    "pip": of_pip,
    "python": of_python,
    "python3": of_python,
    "systemd-run": of_systemd,
    **dict.fromkeys([".", "cd", "export", "mkdir", "openssl", "printf", "sed"], lambda _: ""),
}


def wrong(line: str) -> str:
    """What is wrong with a command line, or nothing."""
    first, *others = shlex.split(re.split(r" > |; ", line)[0])
    return KNOWN[first](others) if first in KNOWN else f"`{first}` is not known"


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(line, id=f"{page.name}: {line}"[:100])
        for page in PAGES
        for line in dict.fromkeys(lines(page.read_text()))
    ],
)
def test_every_command_line_can_be_typed(line: str):
    """The program has the command and its options, nox the session, pyproject.toml the extra."""
    assert wrong(line) == ""


@pytest.mark.parametrize(
    "line",
    [
        "assay grades x",
        "assay grade x --quick",
        "assay compare x y --prune 3",
        "nox -s everything",
        "nox -s bench -- nothing",
        "nox -s grade -- x --quick",
        'pip install -e ".[gpu]"',
        "python -m tests.nothing",
        "rm -r x",
    ],
)
def test_what_cannot_be_typed_is_found(line: str):
    """Each kind of a wrong command line is refused."""
    assert lines(f"`x` and\n\n```sh\n{line}\n```") == [line]
    assert wrong(line) != ""


def test_the_page_of_commands_is_the_program_s():
    """docs/commands.md is what `python docs/commands.py` writes."""
    assert (ROOT / "docs" / "commands.md").read_text() == commands.page()


def test_the_page_of_commands_is_read_alike_everywhere():
    """Text is no block of code by its indent, a row has two cells, a table has rows."""
    page = FENCE.sub("", commands.page())
    sections = page.partition("\n## ")[2]
    rows = [line for line in sections.splitlines() if line.startswith("|")]

    assert re.findall(r"^ .*", page, re.MULTILINE) == []
    assert [row for row in rows if row.count("|") - row.count(r"\|") != 3] == []
    assert re.findall(r"\|---\|---\|\n(?!\|)", page) == []


TABLES: list[type[Record]] = [Assignment, Limits, Part, CriterionSpec, Figure]
ASSIGNMENT = (ROOT / "docs" / "assignment.md").read_text()


def default_of(model: type[Record], key: str) -> str:
    """What the page has to say of a key that is left out."""
    field = model.model_fields[key]
    if field.is_required():
        return "required"
    if isinstance(field.default, Limits):
        return "see below"
    return f"{field.default:g}" if isinstance(field.default, float) else "none"


@pytest.mark.parametrize("model", TABLES)
def test_every_key_of_an_assignment_has_its_line(model: type[Record]):
    """docs/assignment.md names each key that is read, with its default, and no other."""
    (table,) = re.findall(rf"<!-- keys: {model.__name__} -->\n(.*?)<!-- end -->", ASSIGNMENT, re.S)
    named = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", table, re.MULTILINE))
    keys = [key for key in model.model_fields if key not in ("root", "file")]

    assert named == {key: default_of(model, key) for key in keys}


def test_the_example_uses_every_key():
    """The long example of the page is an assignment, and leaves no key at its default."""
    (text,) = re.findall(r"```toml\n# every key\n(.*?)```", ASSIGNMENT, re.DOTALL)
    read = parse(text, Path("assignment.toml"))
    part = read.part[0]
    used = {Assignment: read, Limits: read.limits, Part: part}
    used |= {CriterionSpec: part.criterion[0], Figure: part.figure[0]}

    assert {model: record.model_fields_set for model, record in used.items()} == {
        model: set(model.model_fields) for model in TABLES
    }
