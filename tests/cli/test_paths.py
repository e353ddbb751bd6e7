"""Every path option leads where it says, from whatever folder a command is called."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assay import cli
from tests.toys import toy as toys
from tests.toys.shared import MACHINE
from tests.toys.toy import ADD, PARAMETERS, notebook

Say = Callable[..., str]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A course and submissions below folders with a space and letters that are not ASCII."""
    with toys.course(tmp_path / "Übung 3" / "der kurs"):
        handed_in = tmp_path / "Übung 3" / "Ab gabe é"
        handed_in.mkdir()
        (handed_in / "ada.ipynb").write_bytes(notebook(PARAMETERS, ADD))
        (handed_in / "bob ü.ipynb").write_bytes(notebook(PARAMETERS, ADD + "  # so"))
        (tmp_path / "Schlüssel 1").write_text("k" * 64)
        (tmp_path / "anders wo ü").mkdir()
        yield tmp_path


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """`assay WORDS...`: what it prints; anything but exit 0 fails the test."""

    def words(*words: object) -> str:
        monkeypatch.setattr(sys, "argv", ["assay", *map(str, words)])
        monkeypatch.setenv("ASSAY_REQUIRE_ISOLATION", "0")
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.run_program(MACHINE)
        said = capsys.readouterr()
        assert not ended.value.code, said.err
        return said.out

    return words


@pytest.mark.parametrize(
    ("folder", "absolute"),
    [
        ("anders wo ü", False),
        ("anders wo ü", True),
        ("Übung 3", False),
        ("Übung 3/der kurs/notebooks", False),
    ],
)
def test_every_path_leads_where_it_says(
    home: Path, say: Say, monkeypatch: pytest.MonkeyPatch, folder: str, absolute: bool
):
    """The whole way, from checking the course to making the runs of a crate again."""
    monkeypatch.chdir(home / folder)

    def at(name: str) -> Path:
        return home / name if absolute else Path(os.path.relpath(home / name, home / folder))

    by = ("--assignment", at("Übung 3/der kurs/assignment.toml"))
    into = ("--reports", at("Be richte ö"))
    book, every = at("Übung 3/Ab gabe é/ada.ipynb"), at("Übung 3/Ab gabe é")
    monkeypatch.setenv("ASSAY_SIGNING_KEY", str(at("Schlüssel 1")))
    reports, out = home / "Be richte ö", home / "hin aus ß"

    assert "the course can grade" in say("check", *by)
    assert "the course can grade" in say("check", at("Übung 3/der kurs"), *by)
    assert "can be graded" in say("check", book, *by)
    assert "completed" in say("run", every, *by, *into)
    assert "2/2 judged" in say("judge", every, *by, *into)
    assert "index.html" in say("report", book, *by, *into)
    assert "2/2 judged" in say("grade", every, *by, *into, "--audit")
    assert "2/2 judged" in say("reproduce", *by, *into)
    assert json.loads((reports / "ada" / "results.json").read_text())["criteria"]
    assert (reports / "reference" / "index.html").exists()
    assert "3 runs" in say("store", *by)

    for form in ("gradescope", "canvas", "moodle", "nbgrader", "junit", "github-summary"):
        say("export", form, at("Be richte ö/ada"), *by, "--out", at(f"hin aus ß/{form}"))
        assert (out / form).is_file()
    crate = ("--out", at("hin aus ß/crate ü"), "--submission", every)
    assert "files" in say("export", "ro-crate", at("Be richte ö/ada/results.json"), *by, *crate)
    assert "made with this key" in say("verify", at("hin aus ß/crate ü"), *by)
    assert "judged" in say("verify", at("Be richte ö/ada"), *by, "--submission", book)
    say("rerun", at("hin aus ß/crate ü"), "--seed", "0")
    say("compare", at("Be richte ö/ada"), at("Be richte ö/ada/results.json"))
    say("package", "gradescope", *by, "--out", at("hin aus ß/auto grader.zip"))
    assert (out / "auto grader.zip").is_file()
    say("package", "github", "--out", at("hin aus ß/klasse ü.yml"))
    assert (out / "klasse ü.yml").is_file()
    assert "add" in say("calibrate", book, "--against", every, "--seeds", "2", *by, *into)


def test_certificates_of_a_scheduler_are_found_from_another_folder(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """A scheduler file is read where it is named; that nobody answers there is another matter."""
    (home / "anders wo ü" / "sched üler.json").write_text('{"address": "tcp://127.0.0.1:9"}')
    monkeypatch.chdir(home / "Übung 3")
    monkeypatch.setenv("ASSAY_REQUIRE_ISOLATION", "0")
    pytest.importorskip("distributed")
    words = ["run", "Ab gabe é", "--assignment", "der kurs/assignment.toml"]
    where = Path("..") / "anders wo ü" / "sched üler.json"
    monkeypatch.setattr(sys, "argv", ["assay", *words, "--scheduler", str(where)])
    with pytest.raises(SystemExit) as ended:
        cli.run_program(MACHINE)

    assert ended.value.code == 4
    assert "no scheduler answers at `tcp://127.0.0.1:9`" in capsys.readouterr().err


def test_a_notebook_with_a_space_in_its_name(
    tmp_path: Path, say: Say, monkeypatch: pytest.MonkeyPatch
):
    """As a teacher names it: the course is checked and grades."""
    text = toys.toml().replace("notebooks/sums.ipynb", "notebooks/Übung 1 ü.ipynb")
    with toys.course(tmp_path / "course", text=text) as toy:
        folder = toy.root / "notebooks"
        (folder / "sums.ipynb").rename(folder / "Übung 1 ü.ipynb")
        (toy.root / "ada.ipynb").write_bytes(notebook(PARAMETERS, ADD, "# ada"))
        monkeypatch.chdir(toy.root)

        assert "the course can grade, 1 criterion, 1 test, 1 question" in say("check")
        assert "2/2 judged" in say("grade", "ada.ipynb")
