"""What is typed into a platform instead of handed in as a file is an attempt, and is shown."""

import json
from pathlib import Path

import pytest

from assay.classroom import downloads, typed
from assay.submission.archives import Member
from tests.classroom import downloads as made
from tests.classroom.rooms import assay, begun, course, rows
from tests.classroom.test_downloads import keys, known_to

TEXT = (
    "<html><head><title>HW: Given0 Family0</title></head><body>\n<h1>HW: Given0 Family0</h1>\n"
    '<div style="width: 600px">\n  <p>My answer &amp; why:</p><p>x < 3<br>b</p>\n</div>'
)
LINK = '<html><body><h1>HW: Given1 Family1</h1>\n<a href="https://example.org/x">Here</a>'
RECEIPT = """Name: Given0 Family0 (g0)
Date Submitted: Friday, October 10, 2025 10:22:33 AM EDT

Submission Field:
My answer & why
"""
FORMS = {
    "canvas": {
        "family0given0_5000_text.html": TEXT,
        "family1given1_LATE_5001_link.html": LINK,
        "family2given2_5002_903_hw.ipynb": made.NOTEBOOK.decode(),
    },
    "moodle": {
        "Given0 Family0_1_assignsubmission_onlinetext/onlinetext.html": TEXT,
        "Given1 Family1_2_assignsubmission_onlinetext/onlinetext.html": LINK,
        "Given2 Family2_3_assignsubmission_file/hw.ipynb": made.NOTEBOOK.decode(),
        "Given2 Family2_3_assignsubmission_onlinetext/onlinetext.html": TEXT,
    },
    "blackboard": {
        "HW 1_g0_attempt_2025-10-10-10-22-33.txt": RECEIPT,
        "HW 1_g1_attempt_2025-10-10-10-22-33.txt": "see https://example.org/x",
        "HW 1_g2_attempt_2025-10-10-10-22-33.txt": RECEIPT,
        "HW 1_g2_attempt_2025-10-10-10-22-33_hw.ipynb": made.NOTEBOOK.decode(),
    },
}


@pytest.mark.parametrize("platform", FORMS)
@pytest.mark.parametrize("with_file", [True, False])
def test_text_and_links_are_attempts(tmp_path: Path, platform: str, with_file: bool):
    """Nobody is lost, also where nobody has a file; text beside a file is the same hand-in."""
    files = {n: c.encode() for n, c in FORMS[platform].items()}
    if not with_file:
        files = {name: c for name, c in files.items() if "2" not in name.partition("_")[0]}
        files = {name: c for name, c in files.items() if "_g2_" not in name}
    class_ = made.roster(3)
    found = downloads.read(made.written(tmp_path / "d.zip", files), known_to(class_), title="HW 1")

    assert found.platform == platform
    assert keys(found, class_) == [str(101_000_000 + number) for number in range(2 + with_file)]
    assert found.passed_over == []
    alone = [typed.is_alone(platform, one.raw_names) for one in found.attempts]
    assert alone == [True, True, False][: 2 + with_file]
    texts = [typed.text(one.files) for one in found.attempts]
    assert "My answer & why" in texts[0]
    assert "https://example.org/x" in texts[1]
    if platform == "canvas":
        assert "Family0" not in texts[0], "the platform's own heading"
        assert texts[0] == "My answer & why:\nx < 3\nb"
        assert [one.late for one in found.attempts] == [False, True, False][: 2 + with_file]


def test_what_is_typed_waits_for_a_person_who_can_read_it(copy: Path):
    """It is in the class's lists from the first command; it is no zero; an override marks it."""
    shown = json.loads(
        assay(
            "class", "take", copy, made.written(copy.parent / "c.zip", {
                "vaughandorothy_LATE_101000012_text.html": b"<p>I typed \x1b[31mthis</p>",
            }), "--json", code=3,
        ).stdout
    )  # fmt: skip
    (row,) = shown[0]["attempts"]
    assert row["state"] == "nobody's"  # the roster of this class has no number of Canvas
    with (copy / "class.toml").open("a") as file:
        file.write('"vaughandorothy_LATE_101000012_text.html" = "dorothy"\n')

    assert "typed into the platform, no file: I typed" in assay("class", "take", copy).stdout
    ended = assay("class", "grade", copy, "--require-isolation", 0, code=3)
    assert "Dorothy Vaughan" in ended.stdout
    dorothy = rows(copy)["dorothy"]
    assert (dorothy.attempts, dorothy.graded, dorothy.final) == (1, False, None)
    assert "assay class sheet" in dorothy.needs[0]
    sheet = assay("class", "sheet", copy, "dorothy").stdout
    assert "I typed" in sheet
    assert "\x1b" not in sheet
    assay("class", "override", copy, "dorothy", "1", "--by", "tom", "--reason", "read")
    assert rows(copy)["dorothy"].final == 1.0


@pytest.mark.parametrize("platform", FORMS)
def test_what_is_typed_beside_a_file_is_shown_to_the_marker(tmp_path: Path, platform: str):
    """When it is taken in, and on the mark sheet; the file is what is graded."""
    root = course(tmp_path / "sums")
    lines = [
        f"{m.id},{m.username},{m.canvas},{m.participant},{m.full_name}" for m in made.people(3)
    ]
    header = "sis user id,login,canvas id,participant,name"
    (root / "members.csv").write_text("\n".join([header, *lines]))
    place = begun(root, roster="members.csv", item="HW 1")
    files = {n: c.encode() for n, c in FORMS[platform].items() if "2" in n.partition("_")[0]}
    files |= {n: c.encode() for n, c in FORMS[platform].items() if "_g2_" in n}
    files |= {"family2given2_5002_text.html": TEXT.encode()} if platform == "canvas" else {}
    took = assay("class", "take", place, made.written(tmp_path / "d.zip", files))
    sheet = assay("class", "sheet", place, "g2").stdout

    assert "typed beside the file: My answer & why" in took.stdout
    assert "typed into the platform beside the file:\nMy answer & why" in sheet
    assert "Given0" not in sheet, "the platform's own heading"


def test_a_receipt_with_nothing_typed_says_nothing():
    """Blackboard writes one for every file."""
    empty = (
        "Name: A B (g2)\n\nSubmission Field:\nThere is no student submission text data for this "
        "assignment.\n\nComments:\nThere are no student comments for this assignment.\n\nFiles:\nx"
    )

    def said(text: str) -> str:
        receipt = Member("x.txt", "file", lambda at_most: text.encode()[:at_most])
        return typed.beside("blackboard", (), (), (receipt,))

    assert said(empty) == ""
    assert said(empty.replace("There are no student", "I could not finish:")) == (
        "I could not finish: comments for this assignment."
    )
    assert said("Nom : A B\nChamp de soumission :\nvoilà") != ""


@pytest.mark.parametrize("content", ["<p>a<![foo[ x ]]>c", "<a " * 300_000, "<h1>" * 100_000])
def test_no_text_stops_the_others(content: str):
    """What no parser reads is shown as it stands, and nothing takes long."""
    shown = typed.text([Member("text.html", "file", lambda at_most: content.encode()[:at_most])])

    assert len(shown) <= typed.MAX_TEXT
    assert "a<![foo[ x ]]>c" in shown or "foo" not in content
