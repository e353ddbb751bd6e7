"""A download of ILIAS: `family_given_login_id` folders, in ASCII, perhaps in teams."""

from pathlib import Path

import pytest

from assay.classroom import downloads, ilias, take
from assay.classroom.room import Room, open_room
from tests.classroom import downloads as made
from tests.classroom.rooms import assay, begun, course

ROSTER = (
    "username,first name,last name\nanna,Änna,Müller-Lüdenscheidt\nben,Ben,Ng\njc,Jan,Černý\n"
    "x_y,Zoë,Groß\ny,Yan,Wu\n"
)
GROUPS = "group,username\nTeam A,ben\nTeam A,y\n"


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """A class whose roster is that of a course in ILIAS."""
    root = course(tmp_path / "sums")
    (root / "members.csv").write_text(ROSTER)
    (root / "groups.csv").write_text("group,username\n")
    return open_room(begun(root, "--groups", root / "groups.csv", roster="members.csv"))


def taken(room: Room, files: dict[str, bytes]) -> dict[str, tuple[str, str]]:
    """Return who has what was handed in, and the note, by its place."""
    done = take.take(room, made.written(room.root.parent / "i.zip", files))
    assert done.platform == "ilias"
    return {row.place: (row.state, row.who) for row in done.rows}


@pytest.mark.parametrize("around", ["", "HW 1/Submissions/", "Ubung 1/Abgaben/"])
@pytest.mark.parametrize("beside", [True, False])
def test_the_login_says_whose_a_folder_is(room: Room, around: str, beside: bool):
    """Accents are gone from the names; any folder may be round them, and a table beside them."""
    files = {
        f"{around}{folder}/hw.ipynb": made.NOTEBOOK
        for folder in (
            "Muller-Ludenscheidt_Anna_anna_4711",
            "Ng_Ben_ben_4712",
            "__erny_Jan_jc_4713",
            "Gros_Zoe_x_y_4714",
        )
    }
    if beside and around:
        files[f"{around.partition('/')[0]}/grades.xlsx"] = b"x"

    assert taken(room, files) == {
        "Muller-Ludenscheidt_Anna_anna_4711": ("new", "Änna Müller-Lüdenscheidt"),
        "Ng_Ben_ben_4712": ("new", "Ben Ng"),
        "__erny_Jan_jc_4713": ("new", "Jan Černý"),
    } | {"Gros_Zoe_x_y_4714": ("nobody's", "Gros Zoe x")}, "`y` is somebody's login too"


def test_a_login_that_is_the_end_of_another_is_not_guessed(room: Room):
    """`Left_Lea_was_y_99` is not Yan's, although `y` is."""
    found = taken(
        room,
        {"Ng_Ben_ben_1/a.ipynb": made.NOTEBOOK, "Left_Lea_was_y_99/a.ipynb": made.NOTEBOOK},
    )

    assert found["Left_Lea_was_y_99"] == ("nobody's", "Left Lea was")


def test_a_team_is_of_those_whom_it_names(room: Room):
    """Two folders in a team are its people; one alone leaves the others to a person."""
    files = {
        "HW/Submissions/Team 1/Muller-Ludenscheidt_Anna_anna_4711/hw.ipynb": made.NOTEBOOK,
        "HW/Submissions/Team 1/__erny_Jan_jc_4713/more.py": b"x = 1",
        "HW/Submissions/Team 2/Ng_Ben_ben_4712/hw.ipynb": made.NOTEBOOK,
        "HW/Submissions/Team 3/Yan Wu/hw.ipynb": made.NOTEBOOK,
    }
    found = taken(room, files)

    assert found["Team 1"] == ("new", "Änna Müller-Lüdenscheidt, Jan Černý")
    assert {found["Team 2"][0], found["Team 3"][0]} == {"nobody's"}
    (room.root / room.settings.groups).write_text(GROUPS)
    grouped = open_room(room.root)
    both = {row.place: row.who for row in take.again(grouped)[-1].rows}
    assert both["Team 2"] == both["Team 3"] == "Team A: Ben Ng, Yan Wu"
    names = [a.origin["files"] for a in grouped.book.attempts(grouped.item, "anna", "person")]
    assert names == [["1/hw.ipynb", "2/more.py"]], "nobody's name goes into what is graded"


def test_a_folder_of_a_student_in_the_manner_of_ilias_costs_nobody_else(tmp_path: Path):
    """In a plain class each has what they handed in."""
    files = {
        "ada/x_y_ada_1/hw.ipynb": made.NOTEBOOK,
        "grace/hw.ipynb": made.NOTEBOOK,
    }
    known = open_room(begun(course(tmp_path / "sums"))).known
    found = downloads.read(made.written(tmp_path / "p.zip", files), known)

    assert sorted(one.name for one in found.attempts) == ["ada", "grace"]


def test_pages_go_back_under_the_names_of_the_folders(room: Room):
    """The zip of feedback has the folders of the download."""
    taken(room, {"HW/Abgaben/Ng_Ben_ben_4712/hw.ipynb": made.NOTEBOOK})
    assay("class", "override", room.root, "ben", "1", "--by", "tom", "--reason", "read")
    assay("class", "release", room.root, "--by", "tom")
    assay("class", "feedback", room.root)

    (page,) = downloads.read(room.root / "out" / "feedback.zip", room.known).attempts
    assert page.place == "Ng_Ben_ben_4712"


@pytest.mark.parametrize(
    ("text", "shown"), [("Müller", "Muller"), ("Groß", "Gros"), ("Čapek", "__apek"), ("a/b", "a_b")]
)
def test_names_are_folded_as_ilias_folds_them(text: str, shown: str):
    """By the first letter of HTML's own word for a sign, else a `_` for each of its bytes."""
    assert ilias.folded(text) == shown
