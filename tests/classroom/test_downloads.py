"""What a platform gave becomes the right rows, and nothing of it is lost."""

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from assay.classroom import downloads, roster
from assay.classroom.roster import Member, Roster
from assay.errors import UsageError
from tests.classroom import downloads as made


def known_to(roster_: Roster):
    return lambda name: bool(roster_.match(name, (name,)).members)


def keys(download: downloads.Download, class_: Roster) -> list[str]:
    matches = [class_.match(one.name, one.idents) for one in download.attempts]
    return sorted({member.key for one in matches for member in one.members})


@pytest.fixture
def class_of_60() -> Roster:
    members = made.people(60)
    members[1] = replace(members[1], given="Zoë-Anne", family="O'Neil-Śmith")
    return Roster(members, {"Group 1": (members[2], members[3])})


@pytest.mark.parametrize("form", ["folders", "outer", "index beside", "flat", "on disk"])
def test_brightspace_gives_sixty_rows(tmp_path: Path, class_of_60: Roster, form: str):
    """Every form of Brightspace's download is the same class, and no attempt is lost."""
    files = made.brightspace(60)
    if form == "index beside":
        files = {n if n == "index.html" else f"A 3/{n}": c for n, c in files.items()}
    if form == "outer":
        files = {f"Assignment 3/{name}": content for name, content in files.items()}
    if form == "flat":
        files = {name.replace("/", " - "): content for name, content in files.items()}
    path = tmp_path / "Assignment 3 Download Oct 11, 2025 900 AM.zip"
    if form == "on disk":
        for name, content in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(content)
    else:
        made.written(path, files)

    found = downloads.read(path, known_to(class_of_60))

    assert found.platform == "brightspace"
    assert len(found.attempts) == 60  # 59 hand-ins, one of them twice
    assert keys(found, class_of_60) == sorted(one.key for one in class_of_60.members)
    assert found.index == made.INDEX
    assert found.passed_over == []
    by_time = sorted((a for a in found.attempts if "Given0 " in a.name), key=lambda a: a.order)
    assert [one.files[0].name for one in by_time] == ["a3.ipynb", "a3 - final - 0.ipynb"]
    clocks = {one.name: one.at for one in found.attempts}
    assert clocks["Group 1"] == datetime(2025, 10, 10, 18, 31)
    assert clocks["Given6 Family6"] == datetime(2025, 10, 10, 20, 3)


def test_canvas_is_known_by_its_number(tmp_path: Path):
    """The mark of lateness, two files of one person, one handed in again."""
    path = made.written(
        tmp_path / "c.zip",
        {
            "family0given0_5000_901_hw.ipynb": made.NOTEBOOK,
            "family0given0_5000_902_data_x.csv": b"1",
            "family1given1_LATE_5001_903_hw-2.ipynb": made.NOTEBOOK,
            "notes.txt": b"whose?",
        },
    )
    class_ = made.roster(3)
    found = downloads.read(path, known_to(class_))

    assert keys(found, class_) == ["101000000", "101000001"]
    assert [one.late for one in found.attempts] == [False, True]
    assert found.attempts[1].files[0].name == "hw.ipynb"
    assert found.attempts[1].raw_names == ("family1given1_LATE_5001_903_hw-2.ipynb",)
    assert found.passed_over == [("notes.txt", "no platform's name says whose it is")]


@pytest.mark.parametrize("between", ["/", "_"])
def test_moodle_is_known_by_its_participant(tmp_path: Path, between: str):
    """With folders and without; text typed online is of the same hand-in."""
    path = made.written(
        tmp_path / "m.zip",
        {
            f"Given0 Family0_1_assignsubmission_file{between}hw.ipynb": made.NOTEBOOK,
            f"Given1 Family1_2_assignsubmission_file{between}my_hw.ipynb": made.NOTEBOOK,
        },
    )
    class_ = made.roster(3)
    found = downloads.read(path, known_to(class_))

    assert found.platform == "moodle"
    assert keys(found, class_) == ["101000000", "101000001"]
    assert [one.files[0].name for one in found.attempts] == ["hw.ipynb", "my_hw.ipynb"]


def test_gradescope_is_known_by_its_list(tmp_path: Path):
    """A group has several people, and the time has its zone."""
    listed = b"""submission_7:
  :submitters:
  - :name: Given0 Family0
    :sid: '101000000'
    :email: a@example.org
  - :name: Given1 Family1
    :sid: '101000001'
  :created_at: 2025-10-10 10:22:33.123456789 -04:00
"""
    path = made.written(
        tmp_path / "g.zip",
        {
            "assignment_5_export/submission_metadata.yml": listed,
            "assignment_5_export/submission_7/hw.ipynb": made.NOTEBOOK,
        },
    )
    (attempt,) = downloads.read(path, lambda name: False).attempts

    assert [one.id for one in attempt.people] == ["101000000", "101000001"]
    assert attempt.at is not None
    assert attempt.at.astimezone(UTC) == datetime(2025, 10, 10, 14, 22, 33, 123456, tzinfo=UTC)
    assert attempt.files[0].name == "hw.ipynb"


def test_nbgrader_github_blackboard_and_a_plain_folder(tmp_path: Path):
    """Four more kinds, each recognised by what is in it."""
    class_ = made.roster(3)
    forms = {
        "nbgrader": {
            "course/submitted/g0/hw/hw.ipynb": made.NOTEBOOK,
            "course/submitted/g0/hw/timestamp.txt": b"2025-10-10 10:22:33.5 UTC",
            "course/submitted/g1/hw/hw.ipynb": made.NOTEBOOK,
        },
        "github": {
            f"hw-one-git-hub-{number}/{name}": content
            for number in (0, 1)
            for name, content in {".git/HEAD": b"ref", "hw.ipynb": made.NOTEBOOK}.items()
        },
        "blackboard": {
            f"HW 1_g{number}_attempt_2025-10-10-10-22-33{end}": made.NOTEBOOK
            for number in (0, 1)
            for end in (".txt", "_hw.ipynb")
        },
        "folder": {
            "class/g0/hw.ipynb": made.NOTEBOOK,
            "class/Family1, Given1/hw.ipynb": made.NOTEBOOK,
            "class/.DS_Store": b"x",
            "__MACOSX/class/._g0": b"x",
        },
    }
    for platform, files in forms.items():
        found = downloads.read(
            made.written(tmp_path / f"{platform}.zip", files), known_to(class_), title="HW 1"
        )

        assert found.platform == platform
        assert keys(found, class_) == ["101000000", "101000001"], platform
        assert [[f.name for f in one.files] for one in found.attempts] == [["hw.ipynb"]] * 2
    assert downloads.read(tmp_path / "nbgrader.zip", known_to(class_)).attempts[0].at == datetime(
        2025, 10, 10, 10, 22, 33, 500_000, tzinfo=UTC
    )


def test_a_name_is_compared_and_never_guessed():
    """NFC, case and order do not matter; one name of two people is a doubt with its candidates."""
    members = [
        Member(id="1", given="Zoë", family="Ørsted"),
        Member(id="2", given="Ann", family="Lee"),
        Member(id="3", given="Lee", family="Ann"),
    ]
    class_ = Roster(members)

    assert class_.match(unicodedata.normalize("NFD", "ØRSTED zoë")).members == (members[0],)
    doubtful = class_.match("Ann Lee")
    assert doubtful.members == ()
    assert doubtful.candidates == (members[1], members[2])
    assert class_.match("Ann Lee", settled={"Ann Lee": "3"}).members == (members[2],)
    assert class_.match("Zoë").members == ()
    assert class_.match("Zoë").candidates == (members[0],)
    with pytest.raises(UsageError, match="settles"):
        class_.match("Ann Lee", settled={"Ann Lee": "9"})


@pytest.mark.parametrize(
    ("text", "first"),
    [
        (
            "OrgDefinedId,Username,Last Name,First Name,Email,A3 Points Grade <Numeric"
            " MaxPoints:10>,End-of-Line Indicator\r\n#007,#zo,Ørsted,Zoë,z@x.org,,#\r\n",
            Member(id="007", username="zo", given="Zoë", family="Ørsted", email="z@x.org"),
        ),
        (
            "Student,ID,SIS User ID,SIS Login ID,Section,HW (12)\n    Points Possible,,,,,10\n"
            '"Ørsted, Zoë",5,007,zo,S,\n"Student, Test",9,,,S,\n',
            Member(
                id="007", username="zo", canvas="5", name="Zoë Ørsted", given="Zoë", family="Ørsted"
            ),
        ),
        (
            "Identifier,Full name,ID number,Email address,Status,Grade\n"
            "Participant 12,Zoë Ørsted,007,z@x.org,,\n",
            Member(id="007", participant="12", name="Zoë Ørsted", email="z@x.org"),
        ),
        ("id;name\n007;Zoë Ørsted\n", Member(id="007", name="Zoë Ørsted")),
    ],
    ids=["brightspace", "canvas", "moodle", "plain"],
)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_roster_is_read(tmp_path: Path, text: str, first: Member, encoding: str):
    """Every platform's own table; zeros at the start of an id stay."""
    path = tmp_path / "roster.csv"
    path.write_bytes(text.encode(encoding))

    assert roster.read(path).members == [first]


def test_a_member_of_two_groups_is_an_error(tmp_path: Path):
    """It says who, and which two."""
    (tmp_path / "roster.csv").write_text("id,username,name\n1,ann,Ann\n2,bob,Bob\n")
    (tmp_path / "groups.csv").write_text("group,username\nRed,ann\nRed,bob\nBlue,ann\n")

    with pytest.raises(UsageError, match="two groups") as caught:
        roster.read(tmp_path / "roster.csv", tmp_path / "groups.csv")
    assert caught.value.found == "`Red` and `Blue`"


@pytest.mark.parametrize(
    "text", ["", "a,b\n1,2\n", "id,name\n1,Ann\n1,Bob\n", "id,username\n1,x\n2,X\n"]
)
def test_a_roster_that_does_not_say_who_is_refused(tmp_path: Path, text: str):
    """Empty, without a column that says who, or with two rows of one person."""
    (tmp_path / "roster.csv").write_text(text)

    with pytest.raises(UsageError) as caught:
        roster.read(tmp_path / "roster.csv")
    assert caught.value.hint


@pytest.mark.parametrize(
    "mallory",
    [
        ["g2/hw.ipynb", "g2/.git/config"],
        ["g2_123_456_hw.ipynb"],
        ["g2_123_assignsubmission_file_/hw.ipynb"],
        ["1-2 - Mal - Oct 13, 2025 900 AM - hw.ipynb"],
        ["hw_g2_attempt_2025-10-01-10-00-00_hw.ipynb"],
        ["submitted/g2/hw/hw.ipynb"],
        ["submission_metadata.yml", "g2/hw.ipynb"],
        ["submission_7/hw.ipynb", "submission_metadata.yml"],
        [f"g2_12{number}_456_hw.ipynb" for number in range(5)],
    ],
    ids=lambda names: names[0],
)
def test_a_name_that_looks_like_a_platforms_costs_nobody_else(tmp_path: Path, mallory: list[str]):
    """Where each puts a file into one folder, the others are taken in whatever one is called."""
    class_ = made.roster(3)
    files = {f"g{number}/hw.ipynb": made.NOTEBOOK for number in range(2)}
    path = made.written(
        tmp_path / "d.zip", files | dict.fromkeys(mallory, b"{}") | {"notes.txt": b"whose?"}
    )

    found = downloads.read(path, known_to(class_))

    assert {"101000000", "101000001"} <= set(keys(found, class_))
    own = [one for one in found.attempts if one.name in ("g0", "g1")]
    assert [[file.name for file in one.files] for one in own] == [["hw.ipynb"]] * 2
    assert "notes.txt" in [name for name, _ in found.passed_over]


def test_a_list_in_the_folder_says_nothing_of_folders_that_gradescope_does_not_name(
    tmp_path: Path,
):
    """Nobody is given what another has handed in."""
    listed = b"g0:\n  :submitters:\n  - :name: Given2 Family2\n    :sid: '101000002'\n"
    names = ["g0/hw.ipynb", "g1/hw.ipynb", "submission_7/hw.ipynb"]
    path = made.written(
        tmp_path / "d.zip",
        {"submission_metadata.yml": listed} | dict.fromkeys(names, made.NOTEBOOK),
    )

    found = downloads.read(path, known_to(made.roster(3)))

    assert [one.name for one in found.attempts if one.people] == []
    assert {"g0", "g1"} <= {one.name for one in found.attempts}


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2025-10-11 03:58:59.948203 UTC", 3),
        ("2025-10-11 03:58:59", 3),  # nbgrader takes it for UTC as well
        ("2025-10-10 23:58:59.0 America/Toronto", 3),
        ("2025-10-10 22:58:59 EST", 3),
        ("2025-10-11T05:58:59+02:00", 3),
        ("2025-10-10 23:58:59 EDT", 3),  # of several zones of that name, the class's own
        ("2025-10-10 20:58:59.948203 PDT", None),  # several zones have that name
        ("2025-10-10 23:58:59 EST5EDT", 3),
        ("2025-10-11 03:58:59 Z", 3),
        ("2025-10-11 03:58:59 utc", 3),
        ("2025-10-10 22:58:59 -0500", 3),
        ("2025-10-11 05:58:59.948203 UTC+02:00", 3),  # how Python calls a fixed offset
        ("\ufeff2025-10-11 03:58:59 UTC", 3),
        ("2025-10-10 23:58:59 ../../etc/passwd", None),
        ("yesterday", None),
    ],
)
def test_a_time_of_nbgrader_is_utc_unless_it_says_another_zone(
    tmp_path: Path, text: str, hour: int | None
):
    """Nobody is late by a zone; what is no time is told with its text."""
    files = {"submitted/g0/hw/hw.ipynb": made.NOTEBOOK, "submitted/g0/hw/timestamp.txt": text}
    path = made.written(
        tmp_path / "n.zip", {n: c.encode() if isinstance(c, str) else c for n, c in files.items()}
    )
    zone = ZoneInfo("America/Toronto")
    (attempt,) = downloads.read(path, lambda name: False, zone=zone).attempts

    if hour is None:
        assert attempt.at is None
        assert attempt.unread == text
    else:
        assert attempt.at is not None
        assert attempt.at.astimezone(UTC).replace(microsecond=0) == datetime(
            2025, 10, 11, 3, 58, 59, tzinfo=UTC
        )
        assert attempt.unread == ""


@pytest.mark.parametrize("outer", ["", "HW 1/"])
@pytest.mark.parametrize(
    "place",
    ["Given1 Family1_2_assignsubmission_file_", "submitted/g1/hw", "g1"],
    ids=["moodle", "nbgrader", "plain"],
)
@pytest.mark.parametrize("file", [".hw.ipynb", ".ipynb_checkpoints/hw-checkpoint.ipynb"])
def test_a_hand_in_of_hidden_files_alone_is_not_lost(
    tmp_path: Path, outer: str, place: str, file: str
):
    """It is somebody's attempt, for the intake to refuse; what systems leave is not."""
    other = place.replace("Given1 Family1_2", "Given0 Family0_1").replace("g1", "g0")
    files = {
        f"{outer}{other}/hw.ipynb": made.NOTEBOOK,
        f"{outer}{other}/.DS_Store": b"x",
        f"{outer}{other}/.ipynb_checkpoints/hw-checkpoint.ipynb": made.NOTEBOOK,
        f"{outer}{place}/{file}": made.NOTEBOOK,
        f"{outer}{place}/._hw.ipynb": b"x",
        f"__MACOSX/{outer}{place}/._hw.ipynb": b"x",
        "__MACOSX/hw.ipynb": b"x",
    }
    class_ = made.roster(3)
    found = downloads.read(made.written(tmp_path / "d.zip", files), known_to(class_))

    assert keys(found, class_) == ["101000000", "101000001"]
    assert sorted(file.name for one in found.attempts for file in one.files) == sorted(
        ["hw.ipynb", file]
    )


def test_a_suffix_behind_a_comma_is_no_given_name(tmp_path: Path):
    """Whichever order a name is in, it is shown as it is said, and found."""
    names = {
        "Anna De Luca, Jr.": "Anna De Luca, Jr.",
        "De Luca, Jr., Anna": "Anna De Luca, Jr.",
        "Lovelace, Ada": "Ada Lovelace",
        "Henry Gates, III": "Henry Gates, III",
    }
    for name, shown in names.items():
        (tmp_path / "r.csv").write_text(f'id,name\n1,"{name}"\n')
        read = roster.read(tmp_path / "r.csv")

        assert read.members[0].full_name == shown
        assert read.match(name).members == tuple(read.members)


def test_what_is_not_seen_in_a_name_tells_nobody_apart():
    """Joiners, marks of direction, the forms of apostrophe and hyphen."""
    class_ = Roster([Member(id="1", name="क्‍ष राम"), Member(id="2", name="Zoë-Anne O'Neil")])

    assert class_.match("क्ष राम").members == (class_.members[0],)
    for name in ("Zoë‐Anne O’Neil", "\u2066Zoë-Anne Oʼ\u200bNeil\u2069", "O‘Neil Zoë–Anne"):
        assert class_.match(name).members == (class_.members[1],)


def test_a_line_of_class_toml_says_that_somebody_is_nobody_of_the_class():
    """Who left is not asked for again; the others of their group are found."""
    class_ = made.roster(2)

    left = class_.match("Dana Dropout", settled={"Dana Dropout": ""})
    assert left.nobody
    assert left.members == ()
    assert not class_.match("Dana Dropout").nobody


def test_a_time_that_cannot_be_read_costs_nobody_else(tmp_path: Path):
    """A student may put a link in the place of nbgrader's file: it ended the whole class."""
    for name in ("g0", "g1"):
        folder = tmp_path / "submitted" / name / "hw"
        folder.mkdir(parents=True)
        (folder / "hw.ipynb").write_bytes(made.NOTEBOOK)
        (folder / "timestamp.txt").write_text("2025-10-10 10:22:33.5 UTC")
    (folder / "timestamp.txt").unlink()
    (folder / "timestamp.txt").symlink_to(tmp_path)

    first, second = downloads.read(tmp_path, lambda name: False).attempts

    assert first.at is not None
    assert second.at is None
    assert "cannot be read" in second.unread
