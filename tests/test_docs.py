"""What README and docs name is there: commands, options, nox sessions, files and criteria."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from assay.cli import cli
from assay.course.assignment import read
from assay.records import Result
from assay.scheduling.cluster import SCHEDULER
from benchmarks import scale

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = [pytest.param(page, id=page.name) for page in PAGES]


def nox_sessions() -> set[str]:
    """The sessions of the noxfile, read without importing nox."""
    tree = ast.parse((ROOT / "noxfile.py").read_text())
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and any("session" in ast.unparse(d) for d in node.decorator_list)
    }


def every(group: click.Group) -> Iterator[click.Command]:
    """All commands, those of groups too."""
    for command in group.commands.values():
        yield command
        if isinstance(command, click.Group):
            yield from every(command)


@pytest.mark.parametrize("page", TEXTS)
def test_every_command_named_is_one(page: Path):
    """`assay grade` in a text is a command of the program."""
    named = set(re.findall(r"(?:`|\$ )assay ([a-z]+)", page.read_text()))

    assert named <= set(cli.commands)


@pytest.mark.parametrize("page", TEXTS)
def test_every_option_named_is_one(page: Path):
    """An option in a text is an option of some command of ours, or of a tool that we call."""
    ours = {name for c in every(cli) for p in c.params for name in p.opts}
    of_others = {
        "--list",
        "--collect-only",
        "--help",
        "--pdb",
        "--scope",
        "--user",
        "--security-opt",
        "--shots",
    }
    of_others |= {
        "--shots",
        "--protocol",
        "--port",
        "--no-dashboard",
        "--nworkers",
        "--nthreads",
        "--mem",
    }
    of_others |= {"--memory-limit", "--local-directory", "--scheduler-file", "--parsable"}
    named = set(re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", page.read_text()))

    assert named <= ours | of_others


@pytest.mark.parametrize("page", TEXTS)
def test_every_nox_session_named_is_one(page: Path):
    """`nox -s reproduce` in a text is a session of the noxfile."""
    named = set(re.findall(r"nox -s ([a-z]+)", page.read_text()))

    assert named <= nox_sessions()


@pytest.mark.parametrize("page", TEXTS)
def test_every_link_leads_somewhere(page: Path):
    """A relative link is a file of the repository."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_page_is_one_step_from_the_first():
    """docs/index.md leads to each of the others."""
    links = set(re.findall(r"\]\(([\w-]+\.md)\)", (ROOT / "docs" / "index.md").read_text()))

    assert sorted(links) == sorted({page.name for page in PAGES[2:]} - {"index.md"})


def test_the_changelog_speaks_of_every_command():
    """A command that users can type has been announced."""
    announced = (ROOT / "CHANGELOG.md").read_text()

    assert [name for name in cli.commands if name not in announced] == []


def test_every_notebook_and_rubric_of_the_assignment_is_there():
    """assignment.toml names files of the repository."""
    parts = read(ROOT / "assignment.toml").part

    assert all((ROOT / part.notebook).is_file() for part in parts)
    assert all((ROOT / part.rubric / "exam" / "__init__.py").is_file() for part in parts)


def test_the_page_on_results_names_every_field():
    """docs/results.md has a row for each field of a result, and for no other."""
    text = (ROOT / "docs" / "results.md").read_text()
    table = text.partition("<!-- fields:")[2].partition("<!-- end -->")[0]
    named = re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in table.split("\n")[3:-1]))

    assert named == list(Result.model_fields)


def test_the_page_on_scale_says_what_the_program_computes():
    """What a class takes is what the model says; the settings are those that we rely on."""
    page = (ROOT / "docs" / "scale.md").read_text()
    names = {f"{name.upper().replace('-', '_')}": value for name, value in SCHEDULER.items()}
    exports = [f"DASK_DISTRIBUTED__SCHEDULER__{name}={value}" for name, value in names.items()]

    assert scale.table() in page
    assert [line for line in exports if line not in page.replace('"', "")] == []
