"""A class in its folder: taken in, graded and marked, by the commands themselves."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from assay.classroom.room import open_room
from assay.errors import AssayError, UsageError
from docs.sums import make_class
from tests.classroom import downloads as made
from tests.classroom.rooms import assay, begun, course, rows


def test_everybody_has_the_mark_of_what_they_handed_in(evening: Path):
    """The newest attempt counts; late is taken off; a group's mark is everybody's; no PDF is 0."""
    found = rows(evening)
    finals = {key: one.final for key, one in found.items()}

    assert finals == {
        **dict.fromkeys(["ada", "mary", "zoe", "hedy", "maryam", "julia", "olga", "ghopper"], 2.0),
        **{"emmy": 1.6, "sofya": 0.0, "karen": None, "dorothy": None},
    }
    assert (found["emmy"].automatic, found["emmy"].late) == (2.0, -0.4)
    assert found["mary"].attempts == 2
    assert {found["julia"].group, found["olga"].group} == {"Group 1"}
    assert found["karen"].needs
    assert not found["dorothy"].needs


def test_what_is_graded_carries_no_names(evening: Path):
    """Neither reports nor runs hold a name, a number or a user name of the roster."""
    words = [word for one in make_class.PEOPLE for word in (one[2], one[3], one[1] + "@")]
    word = re.compile("|".join(rf"\b{re.escape(one)}" for one in words))
    tops = (evening / "reports", evening.parent / ".assay" / "store")
    files = [path for top in tops for path in top.rglob("*") if path.is_file()]

    assert len(files) > 20
    assert [p for p in files if word.search(p.name)] == []
    assert [p for p in files if word.search(p.read_bytes().decode("utf-8", "replace"))] == []


def test_taken_twice_is_there_once(copy: Path):
    """The same download, and those that are kept: nothing is new."""
    zipped = next(copy.parent.glob("*.zip"))
    again = json.loads(assay("class", "take", copy, zipped, "--json").stdout)
    kept = json.loads(assay("class", "take", copy, "--json").stdout)

    assert {row["state"] for one in [*again, *kept] for row in one["attempts"]} == {"known"}
    assert len(list((copy / "downloads").iterdir())) == 1
    assert rows(copy)["mary"].attempts == 2


def test_only_what_is_new_or_changed_is_graded(copy: Path):
    """A second time nothing runs; a newer attempt is graded, an unreadable one leaves the older."""
    shown = json.loads(
        assay("class", "grade", copy, "--require-isolation", 0, "--json", code=3).stdout
    )
    assert {one["state"] for one in shown} == {"same", "not graded"}

    name = "39786-640693 - {} - Oct 10, 2025 1130 AM"
    files = {
        f"{name.format('Sofya Kovalevskaya')}/s.ipynb": make_class.notebook("+").encode(),
        f"{name.format('Ada Lovelace')}/sums.docx": b"no notebook",
    }
    assay("class", "take", copy, made.written(copy.parent / "more.zip", files))
    ended = assay("class", "grade", copy, "--require-isolation", 0, "--json", code=3)
    states = [one["state"] for one in json.loads(ended.stdout)]
    found = rows(copy)

    assert states.count("graded") == 1
    assert (found["sofya"].final, found["ada"].final) == (2.0, 2.0)
    assert "older one counts" in found["ada"].needs[0]


def test_what_is_not_graded_has_no_points(copy: Path):
    """Neither in the table nor in JSON or CSV: nothing is known of it, and 0.00 would be a mark."""
    found = rows(copy)
    karen, ada = found["karen"], found["ada"]
    assert (karen.attempts > 0, karen.graded, karen.final) == (True, False, None)
    assert (karen.automatic, karen.by_hand, karen.late) == (None, None, None)
    assert (ada.graded, ada.automatic, ada.late) == (True, 2.0, 0.0)

    line = re.compile(rf"^{karen.id} +Karen .*?  not graded +-", re.MULTILINE)
    assert line.search(assay("class", "marks", copy).stdout)
    table = list(csv.DictReader(io.StringIO(assay("class", "marks", copy, "--csv").stdout)))
    cells = {one["username"]: one for one in table}
    wanted = ("graded", "automatic", "by_hand", "late", "final")
    assert [cells["karen"][name] for name in wanted] == ["no", "", "", "", ""]
    assert [cells["ada"][name] for name in wanted] == ["yes", "2.00", "0.00", "0.00", "2.00"]
    assay("class", "override", copy, "karen", "1", "--by", "tom", "--reason", "shown in person")
    karen = rows(copy)["karen"]
    assert (karen.graded, karen.automatic, karen.final) == (False, None, 1.0)


def test_another_title_is_the_same_class(copy: Path):
    """The gradebook knows a class by its term, which class.toml holds from the first day."""
    marks = rows(copy)
    settings = (copy / "class.toml").read_text()
    (copy / "class.toml").write_text(settings.replace('title = "', 'title = "The second ', 1))

    assert rows(copy) == marks


def test_whose_it_is_is_never_guessed(tmp_path: Path):
    """A name without a row is listed with its candidates, and kept; `settled` gives it to them."""
    root = course(tmp_path / "sums")
    place = begun(root, "--groups", root / "groups.csv")
    ended = assay("class", "take", place, *root.glob("*.zip"), code=3)

    assert re.search(r"nobody's +H\. Lamarr .*Hedy Lamarr \(101000006\)", ended.stdout)
    assert "H. Lamarr" in assay("class", "status", place).stdout
    assert rows(place)["hedy"].attempts == 0
    with (place / "class.toml").open("a") as file:
        file.write('"39792-640693 - H. Lamarr - Oct 10, 2025 1022 AM" = "hedy"\n')
    assay("class", "take", place)
    assert rows(place)["hedy"].attempts == 1


def test_sixty_folders_become_the_right_sixty_rows(tmp_path: Path):
    """Three styles of name, two attempts, a group, a hyphenated name, an outer folder, flat."""
    root = course(tmp_path / "sums")
    lines = [f"{one.id},{one.username},{one.given},{one.family}" for one in made.people(60)]
    lines[1] = "101000001,g1,Zoë-Anne,O'Neil-Śmith"
    (root / "roster.csv").write_text("\n".join(["id,username,first name,last name", *lines]))
    (root / "groups.csv").write_text("group,username\nGroup 1,g2\nGroup 1,g3\n")
    place = begun(root, "--groups", root / "groups.csv", roster="roster.csv")
    files = made.brightspace(60)
    outer = {f"A3 Download/{name}": content for name, content in files.items()}
    flat = {name.replace("/", " - "): content for name, content in files.items()}
    wanted = {f"g{number}": 2 if number == 0 else 1 for number in range(60)}
    for number, form in enumerate((files, outer, flat)):
        zipped = made.written(root / f"{number}.zip", form)
        taken = json.loads(assay("class", "take", place, zipped, "--json").stdout)
        states = {row["state"] for row in taken[0]["attempts"]}

        assert states == ({"known"} if number else {"new"})
    assert {key: one.attempts for key, one in rows(place).items()} == wanted


@pytest.mark.parametrize("name", ["../../out.ipynb", "/etc/x.ipynb", "\x1b[31mred.ipynb"])
def test_a_hostile_name_is_refused_by_the_intake_and_writes_nothing(tmp_path: Path, name: str):
    """It is kept in a zip under a pseudonym, and told without what moves a cursor."""
    root = course(tmp_path / "sums")
    place = begun(root)
    before = set(tmp_path.rglob("*"))
    top = "1-2 - Ada Lovelace - Oct 10, 2025 1022 AM"
    zipped = made.written(root / "h.zip", {f"{top}/{name}": b"{}", "index.html": b""})
    ended = assay("class", "take", place, zipped)

    assert "\x1b" not in ended.stdout
    new = {
        path.relative_to(place).parts[0]
        for path in set(tmp_path.rglob("*")) - before
        if path != root / "h.zip"
    }
    assert new <= {"attempts", "downloads", "gradebook.sqlite-wal", "gradebook.sqlite-shm"}
    room = open_room(place)
    (attempt,) = room.book.attempts("Sums", "101000001")
    with zipfile.ZipFile(room.file(attempt)) as archive:
        assert len(archive.namelist()) == 1
    with pytest.raises(AssayError):
        room.submission(attempt)
    room.book.close()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--due", "soon", "--time-zone", "America/Toronto"), "no time"),
        (("--due", "2025-10-10", "--time-zone", "Mars/Olympus"), "no time zone"),
    ],
)
def test_a_class_is_begun_whole_or_not_at_all(tmp_path: Path, words: Sequence[str], said: str):
    root = course(tmp_path / "sums")
    given = (
        "--roster",
        root / "grades.csv",
        "--item",
        "Sums",
        "--assignment",
        root / "assignment.toml",
    )
    with pytest.raises(UsageError, match=said):
        assay("class", "new", root / "autumn", *given, *words)
    assert not (root / "autumn").exists()


def test_two_markers_do_not_overwrite_each_other(copy: Path):
    """A mark names the version that it replaces; the older ones stay."""
    line = ("class", "mark", copy, "sofya", "sums/sum")
    assay(*line, "1.5", "--by", "tom", "--reason", "the idea is right")
    with pytest.raises(UsageError, match="has changed"):
        assay(*line, "1", "--by", "uma", "--reason", "it is not")
    assert rows(copy)["sofya"].final == 1.5
    assay(*line, "1", "--by", "uma", "--reason", "seen tom's", "--over", "1")
    assert (rows(copy)["sofya"].final, rows(copy)["sofya"].by_hand) == (1.0, 1.0)
    with pytest.raises(UsageError, match="points"):
        assay(*line, "3", "--by", "uma", "--reason", "more than there is", "--over", "2")
    assay("class", "excuse", copy, "dorothy", "--by", "tom", "--reason", "ill")
    assay("class", "override", copy, "karen", "1", "--by", "tom", "--reason", "shown in person")
    assert rows(copy)["dorothy"].excused
    assert (rows(copy)["karen"].final, rows(copy)["karen"].needs) == (1.0, [])


def test_a_settled_line_that_is_changed_moves_the_attempt(copy: Path):
    """The old owner's mark is not exported from then on; `take` gives the new one the attempt."""
    settled = copy / "class.toml"
    settled.write_text(settled.read_text().replace('"H. Lamarr" = "hedy"', '"H. Lamarr" = "karen"'))
    before = rows(copy)

    assert (before["hedy"].attempts, before["hedy"].final) == (0, None)
    assert "`assay class take` moves" in before["hedy"].needs[0]
    assert "`assay class take` moves" in assay("class", "status", copy).stdout
    assay("class", "take", copy)
    assay("class", "grade", copy, "--require-isolation", 0)
    after = rows(copy)
    assert (after["hedy"].attempts, after["hedy"].needs) == (0, [])
    assert (after["karen"].attempts, after["karen"].final) == (2, 2.0)
    settled.write_text(settled.read_text().replace('"H. Lamarr" = "karen"', '"H. Lamarr" = "hedy"'))
    assay("class", "take", copy)
    back = rows(copy)
    assert (back["hedy"].final, back["karen"].attempts) == (2.0, 1)
    done = json.loads(assay("class", "forget", copy, "hedy", "--json").stdout)
    assert done["left"] == []


def test_a_mark_that_was_released_to_the_wrong_person_waits(copy: Path):
    """It is on the platform under their name: a person has to look."""
    assay("class", "release", copy, "--by", "tom")
    settled = copy / "class.toml"
    settled.write_text(settled.read_text().replace('"H. Lamarr" = "hedy"', '"H. Lamarr" = "karen"'))
    assay("class", "take", copy)
    ended = assay("class", "export", copy, "brightspace", "--dry-run", "--json")
    (hedy,) = [one for one in json.loads(ended.stdout)["changes"] if one["who"] == "101000006"]

    assert hedy["kind"] == "waits"
    assert "2.00 is released" in hedy["note"]


@pytest.mark.parametrize(
    ("rule", "final", "late"),
    [("newest", 0.0, 0.0), ("newest on time", 0.0, 0.0), ("first", 2.0, 0.0), ("best", 2.0, 0.0)],
)
def test_the_rule_of_class_toml_says_which_attempt_counts(
    tmp_path: Path, rule: str, final: float, late: float
):
    """Right and on time, wrong and on time, right and two days late: each rule has its own mark."""
    root = course(tmp_path / "sums")
    place = begun(root)
    text = (place / "class.toml").read_text().replace("# percent_a_day", "percent_a_day")
    (place / "class.toml").write_text(
        text.replace('# counts = "newest on time"', f'counts = "{rule}"')
    )
    name = "39786-640693 - Ada Lovelace - Oct {}, 2025 1130 AM/s.ipynb"
    signs = {8: "+", 9: "-"} | ({12: "+"} if rule != "newest" else {})
    files = {name.format(day): make_class.notebook(sign).encode() for day, sign in signs.items()}
    assay("class", "take", place, made.written(root / "more.zip", files | {"index.html": b""}))
    waits = rows(place)["ada"].needs
    assay("class", "grade", place, "--require-isolation", 0)
    ada = rows(place)["ada"]

    assert waits
    assert (ada.final, ada.late, ada.needs, ada.attempts) == (final, late, [], len(signs))
    assay("class", "release", place, "--by", "tom")
    again = json.loads(assay("class", "grade", place, "--require-isolation", 0, "--json").stdout)
    assert [one["state"] for one in again] == ["same"]


def test_evidence_of_earlier_runs_counts(copy: Path):
    """A second class of the course runs nothing again, and does not check the course again."""
    root = copy.parent
    assert (root / ".assay" / "store").is_dir()
    assert not (copy / ".assay").exists()
    runs = {one.name for one in (root / ".assay" / "store").glob("??/*")}
    other = root / "winter"
    copied = ("--roster", root / "grades.csv", "--groups", root / "groups.csv", "--item", "Sums")
    where = ("--assignment", root / "assignment.toml")
    assay("class", "new", other, *copied, *where, "--due", "2025-10-10", "--time-zone", "UTC")
    assay("class", "take", other, *root.glob("*.zip"), code=3)
    assay("class", "grade", other, "--require-isolation", 0, code=3)

    assert {one.name for one in (root / ".assay" / "store").glob("??/*")} == runs


def test_assay_grade_grades_the_folder_of_a_class(copy: Path):
    """As `assay class grade` does; beside it nothing else is named, and no option it has not."""
    shown = json.loads(assay("grade", copy, "--require-isolation", 0, "--json", code=3).stdout)

    assert {one["state"] for one in shown} == {"same", "not graded"}
    for more in (("--seeds", "3"), (copy.parent / "handed_in",), ("--pass-mark", 50)):
        with pytest.raises(UsageError, match="alone"):
            assay("grade", copy, *more, "--require-isolation", 0)


def test_free_days_are_those_of_a_term(copy: Path):
    """Days that were used in the class before are used up in the next one, person by person."""
    rule = (copy / "class.toml").read_text().replace("# free_days = 2", "free_days = 3")
    (copy / "class.toml").write_text(rule)
    first = rows(copy)["emmy"]
    assert (first.final, first.late) == (2.0, 0.0)
    root = copy.parent
    later = root / "winter"
    copied = ("--roster", root / "grades.csv", "--groups", root / "groups.csv", "--item", "Sums")
    where = ("--assignment", root / "assignment.toml", "--time-zone", "America/Toronto")
    assay("class", "new", later, *copied, *where, "--due", "2025-10-10T23:59")
    rule = rule.replace('# previous = "../first"', 'previous = "../autumn"')
    (later / "class.toml").write_text(rule)
    assay("class", "take", later, *root.glob("*.zip"))
    assay("class", "grade", later, "--require-isolation", 0, code=3)
    second = rows(later)["emmy"]

    assert (second.final, second.late) == (1.8, -0.2)
    assert "1 free day used (2 of 3 before): 1 × 10 % of 2" in second.steps[-1]["label"]
    assert rows(later)["ada"].final == 2.0
    assay("class", "excuse", copy, "emmy", "--by", "tom", "--reason", "ill")
    assert rows(later)["emmy"].final == 2.0
    (copy / "class.toml").write_text(rule.replace("../autumn", "../winter"))
    with pytest.raises(UsageError, match="comes before itself"):
        rows(later)


def renamed(folder: Path, **names: str) -> None:
    """Write the groups anew, some under another name."""
    path = folder / "groups.csv"
    text = path.read_text()
    for old, new in names.items():
        text = text.replace(old.replace("_", " "), new)
    path.write_text(text)


def test_a_group_of_another_name_and_the_same_members_keeps_what_it_has(copy: Path):
    """Its hand-in, result and marks by hand; and it says so where the platform has the old name."""
    words = ("--by", "tom", "--reason", "half")
    assay("class", "mark", copy, "julia", "sums/sum", "1", *words)
    before = rows(copy)["julia"]
    renamed(copy, Group_1="The Fourier Five")
    after = rows(copy)

    assert after["julia"].group == "The Fourier Five"
    assert after["julia"].pseudonym == before.pseudonym
    assert (after["julia"].final, after["olga"].final) == (1.0, 1.0)
    assert after["julia"].needs == []


def test_what_a_changed_group_handed_in_is_told_to_both(copy: Path):
    """A line of class.toml gives it to another: until it is taken in, both wait for a person."""
    (copy / "groups.csv").write_text("group,username\nGroup 1,julia\nGroup 2,olga\nGroup 2,emmy\n")
    toml = copy / "class.toml"
    toml.write_text(toml.read_text() + '"Group 1" = "Group 2"\n')
    found = rows(copy)

    for who in ("julia", "olga", "emmy"):
        assert any("moves an attempt to Group 2" in one for one in found[who].needs), who
    assay("class", "take", copy)
    assert not any("moves" in need for one in rows(copy).values() for need in one.needs)


def test_who_left_is_not_asked_for_again(copy: Path):
    """`""` in class.toml: listed as left out, exit code 0, and no line of `status`."""
    toml = copy / "class.toml"
    toml.write_text(toml.read_text().replace('"H. Lamarr" = "hedy"', '"H. Lamarr" = ""'))
    shown = assay("class", "take", copy).stdout

    assert "left out" in shown
    assert "nobody's" not in shown
    assert rows(copy)["hedy"].attempts == 0
    assert json.loads(assay("class", "status", copy, "--json").stdout)["nobodys"] == []
