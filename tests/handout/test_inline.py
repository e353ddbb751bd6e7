"""The check from inside a notebook, in a plain kernel as any front end starts it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import nbclient
import nbformat
import pytest
from lxml import html

from assay.handout import inline, which
from assay.handout.shown import table
from assay.handout.tried import Tried
from tests.handout import courses
from tests.toys import toy as toys
from tests.toys.made import made

MAGICS = "%load_ext assay\n%assay check"
NOTHING = Tried(made("nothing"), {}, [])
CALL = "import assay\nassay.check()"


def executed(
    folder: Path, *cells: str, saved: tuple[str, ...] | None = None, env: Mapping[str, str] = {}
) -> list[dict[str, Any]]:
    """The outputs of the last cell of `sums.ipynb`, run cell by cell in a kernel beside it."""
    path = folder / "notebooks" / "sums.ipynb"
    path.write_bytes(toys.notebook(toys.PARAMETERS, *(cells if saved is None else saved)))
    book = nbformat.reads(toys.notebook(toys.PARAMETERS, *cells).decode(), 4)
    client = nbclient.NotebookClient(
        book,
        timeout=300,
        iopub_timeout=60,
        resources={"metadata": {"path": str(path.parent)}},
        allow_errors=True,
    )
    environment = {**os.environ, "JPY_SESSION_NAME": str(path), **env}
    client.execute(env=environment)
    outputs: list[dict[str, Any]] = book.cells[-1].outputs
    return outputs


def shown(outputs: list[dict[str, Any]]) -> tuple[Any, str]:
    """The table of a cell's one output, and the same as text."""
    [output] = outputs
    assert output["output_type"] == "display_data", output
    return html.fromstring(output["data"]["text/html"]), output["data"]["text/plain"]


def test_it_says_what_a_try_says_to_everybody(folder: Path):
    """One table in one output: the sentence, the hint, what is marked later. No script, no address,
    no colour of its own; a caption, and each cell has its headings."""
    page, text = shown(executed(folder, courses.WRONG, MAGICS))
    rows = {row.xpath("string(th)").strip(): row for row in page.xpath("//tbody/tr")}

    assert courses.MISTAKE in rows["Adding"].text_content()
    assert "Hint: look at the sign" in " ".join(rows["Adding"].text_content().split())
    assert rows["Adding"].xpath("string(td[1])").strip() == "0/2"
    assert "marked later" in rows["The cube"].text_content()
    assert courses.MISTAKE in text
    assert "sums.ipynb" in page.xpath("string(//caption)")
    assert "unsaved" not in page.text_content()
    assert page.xpath("//script | //img | //style | //a | //@src | //@href") == []
    assert not re.search(r"color|background", html.tostring(page).decode())
    assert {c.get("scope") for c in page.xpath("//thead//th")} == {"col"}
    assert {r.xpath("th/@scope")[0] for r in page.xpath("//tbody/tr")} == {"row"}


def test_the_saved_notebook_is_tried_and_unsaved_changes_are_pointed_out(folder: Path):
    """A cell that was changed and run, and is not in the file, is the student's answer not yet."""
    load = "%load_ext assay"
    cells = (load, courses.RIGHT, "%assay check")
    page, text = shown(executed(folder, *cells, saved=(load, courses.WRONG, "%assay check")))

    assert "There are unsaved changes" in page.xpath("string(//*[@role='note'])")
    assert "There are unsaved changes" in text
    assert courses.MISTAKE in page.text_content()


def test_a_call_that_is_not_saved_itself_is_pointed_out(folder: Path):
    """The notebook is known by what VS Code leaves in it."""
    path = folder / "notebooks" / "sums.ipynb"
    call = f"__vsc_ipynb_file__ = {str(path)!r}\n{CALL}"
    outputs = executed(
        folder, courses.RIGHT, call, saved=(courses.RIGHT,), env={which.BY_JUPYTER: ""}
    )
    page, _ = shown(outputs)

    assert "There are unsaved changes" in page.text_content()
    assert "2/2 judged" in page.text_content()


def test_hostile_words_are_shown_and_do_nothing(folder: Path):
    """What student code raises stands in the table as text."""
    result = made("<script>alert(1)</script><img src=x onerror=alert(2)>")
    page = html.fromstring(table(Tried(result, {}, ["<b>bold</b>"]), "`<i>.ipynb`", ["<u>now</u>"]))

    assert page.xpath("//script | //img | //b | //i | //u | //@onerror") == []
    assert "<script>alert(1)</script>" in page.text_content()
    assert "<b>bold</b>" in page.text_content()


def test_where_nobody_says_which_notebook_it_is_it_can_be_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """The error says how, and no other one of the folder is taken."""
    monkeypatch.chdir(folder / "notebooks")
    monkeypatch.delenv(which.BY_JUPYTER, raising=False)
    inline.check()
    said = capsys.readouterr().out

    assert "it is not known which notebook this is" in said
    assert "%assay check mine.ipynb" in said


def test_colab_gives_the_notebook_as_it_stands(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """It is not in a file there: what was handed out is copied, and it is put in its place."""
    book = json.loads(toys.notebook(toys.PARAMETERS, courses.WRONG))
    book["metadata"]["colab"] = {"name": "Copy of sums.ipynb"}
    message = ModuleType("google.colab._message")
    message.blocking_request = lambda *args, **options: {"ipynb": book}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    monkeypatch.setitem(sys.modules, "google.colab._message", message)
    monkeypatch.chdir(folder.parent)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    inline.check()
    said = capsys.readouterr().out

    assert courses.MISTAKE in said
    assert "`Copy of sums.ipynb` as it stands in Colab" in said
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_what_cannot_be_tried_is_said_in_its_own_words(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """No traceback: what is wrong, what was found, and what to do."""
    (folder / "check" / "assignment.toml").unlink()
    monkeypatch.chdir(folder)
    inline.check("notebooks/sums.ipynb")
    said = capsys.readouterr().out

    assert "error: there are no public questions" in said
    assert "looked for" in said
    assert "hint:" in said


@pytest.mark.parametrize(
    "line",
    [
        "",
        "chek",
        "check a.ipynb b.ipynb",
        "check Ada's.ipynb",
        'check "Ada.ipynb',
        "check --sseeds 1",
        "check --seeds",
        "check --seeds x",
        "check --check=",
        "check \\",
    ],
)
def test_a_magic_that_is_typed_wrongly_is_told(
    folder: Path, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    path = folder / "notebooks" / "sums.ipynb"
    monkeypatch.setenv(which.BY_JUPYTER, str(path))
    monkeypatch.chdir(folder)
    inline._magic(line)
    said = capsys.readouterr().out.lower()

    assert "error: " in said
    assert "hint: " in said
    assert "traceback" not in said


@pytest.mark.parametrize(
    "named",
    [
        "{}",
        '"{}"',
        "'{}'",
        "--seeds 0 {}",
        "{} --seeds=0",
        '--seeds="0" "{}"',
        "--check=../check {}",
    ],
)
def test_a_notebook_is_named_as_it_is_called(
    folder: Path, named: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """An apostrophe and a space are part of its name, with quotes around it or without."""
    beside = folder / "notebooks"
    (beside / "Ada's süm 2.ipynb").write_bytes(
        (beside / "sums.ipynb").read_bytes().replace(b"raise NotImplementedError", b"pass")
    )
    (beside / "sums.ipynb").unlink()
    tried: list[str] = []
    monkeypatch.setattr(inline, "_tried", lambda words, tell: tried.extend(words) or NOTHING)
    monkeypatch.chdir(beside)
    inline._magic("check " + named.format("Ada's süm 2.ipynb"))

    assert tried[:1] == [str(beside / "Ada's süm 2.ipynb")], capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (r"check Ada\'s\ sum.ipynb", ["check", "Ada's sum.ipynb"]),
        (r'check --check="my folder"', ["check", "--check=my folder"]),
        (r"check C:\Users\ada\sums.ipynb", ["check", r"C:\Users\ada\sums.ipynb"]),
    ],
)
def test_what_completion_writes_before_a_space_is_no_part_of_a_name(line: str, words: list[str]):
    assert inline._words(line) == words


def test_on_windows_a_backslash_stands_between_folders(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(inline.os, "name", "nt")
    line = r"check C:\Ada\_ü\-x\(1).ipynb"

    assert inline._words(line) == line.split()


@pytest.mark.parametrize(
    "given",
    [
        {"seeds": 3},
        {"seeds": [1.5]},
        {"seeds": None},
        {"seeds": ["0"]},
        {"notebook": 3},
        {"notebook": b"sums.ipynb"},
        {"folder": ["check"]},
    ],
    ids=str,
)
def test_a_call_with_something_else_is_told(
    folder: Path,
    given: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    """By name, with what was given and what to write."""
    monkeypatch.setenv(which.BY_JUPYTER, str(folder / "notebooks" / "sums.ipynb"))
    monkeypatch.chdir(folder)
    inline.check(**given)
    said = capsys.readouterr().out
    [name] = given

    assert said.startswith(f"error: `{name}` ")
    assert f"{name}={given[name]!r}" in said
    assert "hint: write " in said


def test_it_does_nothing_where_work_is_marked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """If it is reached there at all: it is taken out of notebooks."""
    monkeypatch.setenv(inline.IN_GRADING, "/support")
    inline.check("nowhere.ipynb")

    assert capsys.readouterr() == ("", "")


def test_a_notebook_is_tried_with_its_own_modules_and_without_the_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """A second notebook is none of its business; `click.py` beside it is not `assay try`'s."""
    beside = folder / "notebooks"
    (beside / "mine.py").write_text(courses.RIGHT)
    (beside / "click.py").write_text("raise ValueError('mine')")
    (beside / "other.ipynb").write_bytes(toys.notebook("raise ValueError"))
    (beside / "sums.ipynb").write_bytes(toys.notebook(toys.PARAMETERS, "from mine import add"))
    monkeypatch.chdir(beside)
    inline.check("sums.ipynb")

    assert "2/2 judged" in capsys.readouterr().out


def test_a_notebook_that_no_public_question_is_about_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """It is not tried as another part's: that would find everything wrong."""
    (folder / "notebooks" / "other.ipynb").write_bytes(toys.notebook("x = 1"))
    monkeypatch.chdir(folder)
    inline.check("notebooks/other.ipynb")

    assert "no public questions for `notebooks/other.ipynb`" in capsys.readouterr().out


def test_a_notebook_imports_little_for_it(tmp_path: Path):
    """Not what runs notebooks: it is slow, and a student's own `click.py` may stand beside."""
    (tmp_path / "click.py").write_text("raise ValueError('mine')")
    program = "import assay, sys; assay.check; print(*{n.partition('.')[0] for n in sys.modules})"
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert not {"papermill", "nbclient", "torch", "matplotlib", "scipy"} & set(ended.stdout.split())


def test_a_program_of_its_own_prints_the_text(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(folder)
    (folder / "notebooks" / "sums.ipynb").write_bytes(toys.notebook(toys.PARAMETERS, courses.RIGHT))
    inline.check("notebooks/sums.ipynb", seeds="3-4")

    assert "sums: 2 seeds" in capsys.readouterr().out


def test_a_server_that_is_gone_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Files that servers leave are many things; none of them is an error."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(
        import_module("ipykernel.connect"), "get_connection_file", lambda: "kernel-1.json"
    )
    for number, text in enumerate(
        ["", "[]", "{}", '{"url": "http://127.0.0.1:1/", "root_dir": "/"}']
    ):
        (tmp_path / f"jpserver-{number}.json").write_text(text)

    assert list(which._of_servers()) == []
