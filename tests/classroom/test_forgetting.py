"""Forget a person, or everybody: the search of every table and file finds nothing."""

import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from assay.classroom.room import open_room
from assay.errors import UsageError
from assay.evidence.store import Store
from assay.portable import locked
from docs.sums import make_class
from tests.classroom import downloads as made
from tests.classroom.rooms import assay, rows


def everything(folder: Path) -> str:
    """All names and contents below a folder, zips looked into."""
    pieces = []
    for path in sorted(folder.rglob("*")):
        pieces.append(path.name)
        if path.is_file():
            pieces.append(path.read_bytes().decode("utf-8", "replace"))
        if path.is_file() and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                pieces += [
                    n + archive.read(n).decode("utf-8", "replace") for n in archive.namelist()
                ]
    return "\n".join(pieces)


def test_nothing_of_a_forgotten_person_is_left(copy: Path):
    """In no table, download, report, page or table that went out; the others keep their marks."""
    assay("class", "release", copy, "--by", "tom")
    assay("class", "feedback", copy)
    assay("class", "export", copy, "csv")
    words = ["Kovalevskaya", "101000003", "sofya@example.org"]
    assert all(word in everything(copy) for word in words)
    before = rows(copy)
    pseudonym = before.pop("sofya").pseudonym
    done = json.loads(assay("class", "forget", copy, "sofya", "--json").stdout)
    text = everything(copy)

    assert done["left"] == []
    assert not [word for word in (*words, pseudonym) if word in text]
    after = rows(copy)
    assert {key: one.final for key, one in after.items()} == {
        key: one.final for key, one in before.items()
    }
    assay("class", "take", copy)
    assay("class", "feedback", copy)
    with pytest.raises(UsageError, match="not in the class"):
        assay("class", "forget", copy, "sofya")


def test_nobody_is_forgotten_while_another_command_may_write_of_them(copy: Path):
    """Neither beside one that uses the runs of the course, nor beside one that has the class."""
    before = everything(copy)
    with (
        Store(open_room(copy).store).in_use(),
        pytest.raises(UsageError, match="another command uses what is kept"),
    ):
        assay("class", "forget", copy, "sofya")
    with (
        locked(copy / ".in-use", alone=False),
        pytest.raises(UsageError, match="another command uses the class"),
    ):
        assay("class", "forget", copy, "sofya")

    assert everything(copy).count("ovalevskaya") == before.count("ovalevskaya")


def test_a_command_that_begins_while_somebody_is_forgotten_reads_the_class_afterwards(copy: Path):
    """It knows nobody who is forgotten by then."""
    with ThreadPoolExecutor(1) as pool:
        with locked(copy / ".in-use", alone=True) as alone:
            shown = pool.submit(assay, "class", "status", copy)
            with pytest.raises(TimeoutError):
                shown.result(timeout=1)
            table = (copy / "grades.csv").read_text().splitlines(keepends=True)
            (copy / "grades.csv").write_text("".join(x for x in table if "#sofya" not in x))
        ended = shown.result(timeout=600)

    assert alone
    assert "11 in the roster" in ended.stdout


def test_a_member_of_a_group_leaves_the_others_their_mark(copy: Path):
    """What the group handed in is the other member's too."""
    done = json.loads(assay("class", "forget", copy, "julia", "--json").stdout)

    assert done["left"] == []
    assert rows(copy)["olga"].final == 2.0
    assert "Julia" not in everything(copy)


def test_somebody_elses_work_that_names_them_is_kept_and_said(copy: Path):
    """It is no file of theirs: a person looks at it, and the exit code says so."""
    name = "39999-640693 - Grace Hopper - Oct 10, 2025 1130 PM"
    content = make_class.notebook("+ 0 +").replace("seed = 0", "seed = 0 # with Ada Lovelace")
    with zipfile.ZipFile(copy.parent / "more.zip", "w") as archive:
        archive.writestr(f"{name}/sums.ipynb", content)
        archive.writestr("index.html", "Ada Lovelace")
    assay("class", "take", copy, copy.parent / "more.zip")
    ended = assay("class", "forget", copy, "ada", "--json", code=3)
    left = json.loads(ended.stdout)["left"]

    assert {one["word"] for one in left} == {"Ada Lovelace", "ada"}
    assert all("sums.ipynb" in one["where"] for one in left)
    assert rows(copy)["ghopper"].attempts == 2


def test_a_term_is_forgotten_whole(copy: Path):
    """class.toml and the roster's header stay."""
    done = json.loads(assay("class", "forget", copy, "--term", "--json").stdout)
    text = everything(copy)

    assert done["people"] == 12
    assert done["left"] == []
    assert not [one for one in make_class.PEOPLE if one[0] in text or one[3] in text]
    assert rows(copy) == {}


def test_whom_to_forget_is_said_once(copy: Path):
    assay("class", "forget", copy, code=2)
    assay("class", "forget", copy, "ada", "--term", code=2)
    done = json.loads(assay("class", "forget", copy, "--older-than", "365", "--json").stdout)
    assert done["people"] == 0


@pytest.mark.parametrize("word", ["max", "marks", "table", "solution", "sums", "li", "assay"])
def test_a_user_name_that_is_an_ordinary_word_is_not_found_everywhere(copy: Path, word: str):
    """It stands in pages, notebooks and settings of nobody: none of these is left, or harmed."""
    table = (copy / "grades.csv").read_text()
    (copy / "grades.csv").write_text(table.replace("#sofya", f"#{word}"))
    with (copy / "class.toml").open("a") as file:
        file.write(f'"Somebody" = "{word}"\n')
    assay("class", "release", copy, "--by", "tom")
    assay("class", "feedback", copy)
    before = rows(copy)
    done = json.loads(assay("class", "forget", copy, word, "--json").stdout)

    assert done["left"] == []
    assert word in done["ordinary"]
    assert word not in rows(copy)
    before.pop(word)
    assert {k: one.final for k, one in rows(copy).items()} == {
        key: one.final for key, one in before.items()
    }
    assert f'"{word}"' not in (copy / "class.toml").read_text()
    assert 'item = "Sums"' in (copy / "class.toml").read_text()


def test_an_ordinary_word_that_is_a_whole_cell_is_left_and_said(copy: Path):
    """Another's row that holds it: a person looks at it."""
    table = (copy / "grades.csv").read_text()
    (copy / "grades.csv").write_text(table.replace("#sofya", "#max"))
    mark = ("class", "mark", copy, "ada", "sums/sum", "1", "--reason", "half of it")
    assay(*mark, "--by", "Max")
    ended = assay("class", "forget", copy, "max", "--json", code=3)

    assert [
        (one["word"], "table mark" in one["where"]) for one in json.loads(ended.stdout)["left"]
    ] == [("max", True)]


def test_a_name_in_the_notebook_of_somebody_elses_page_is_found(copy: Path):
    """The copy inside a page is base64: it is read in the table of pages, and listed."""
    name = "39785-640693 - Ada Lovelace - Oct 10, 2025 1130 AM/s.ipynb"
    content = make_class.notebook("+", "  # with Sofya Kovalevskaya").encode()
    made.written(copy.parent / "more.zip", {"index.html": b"", name: content})
    assay("class", "take", copy, copy.parent / "more.zip")
    assay("class", "grade", copy, "--require-isolation", 0, code=3)
    assay("class", "release", copy, "--by", "tom")
    done = json.loads(assay("class", "forget", copy, "sofya", "--json", code=3).stdout)

    assert any(one["where"].startswith("table release") for one in done["left"])
