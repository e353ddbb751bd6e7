"""What the course says of written answers is read when the course is checked, with its lines."""

import sys
from pathlib import Path

import pytest

from assay import cli
from assay.review.questions import read, slips
from tests.toys import toy as toys
from tests.toys.shared import MACHINE

RIGHT = '[[question]]\ncriterion = "sums/add"\nprompt = "Why?"\n'
ITEM = '[[question.item]]\ntext = "x"\npoints = 1\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (RIGHT, ""),
        (RIGHT.replace("sums/add", "sums/ad"), "review.toml:2: `sums/ad` is no criterion of"),
        (RIGHT.replace("sums/add", "add"), "review.toml:2: `criterion`: String should match"),
        (RIGHT.replace('"Why?"', '"Why?'), "review.toml:3: Illegal character"),
        (RIGHT.replace('"Why?"', "“Why?”"), "review.toml:3: Invalid value (at line 3,"),
        (RIGHT + 'promt = "x"\n', "review.toml:4: `promt`: Extra inputs are not permitted"),
        (
            RIGHT + RIGHT.replace("add", "sub") + ITEM.replace("1", "2") + ITEM.replace("1", "'a'"),
            "review.toml:12: `item.1.points`: Input should be a valid number",
        ),
        (RIGHT + RIGHT, "review.toml:1: `sums/add` has more than one table"),
    ],
)
def test_a_slip_in_it(tmp_path: Path, text: str, expected: str):
    """It is one sentence."""
    path = tmp_path / "review.toml"
    path.write_text(text)
    found = [str(slip) for slip in slips(path, {"sums/add", "sums/sub"})]

    assert len(found) == bool(expected)
    assert "".join(found).startswith(expected)


def test_it_may_begin_with_a_byte_order_mark(tmp_path: Path):
    """Editors on Windows write one."""
    path = tmp_path / "review.toml"
    path.write_bytes(b"\xef\xbb\xbf" + RIGHT.encode())

    assert read(path)["sums/add"].prompt == "Why?"


def test_the_check_of_a_course_tells_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Before anybody marks: a question of no criterion would be shown beside no answer."""
    with toys.course(tmp_path) as toy:
        (toy.root / "review.toml").write_text(RIGHT.replace("sums/add", "sums/ad"))
        monkeypatch.chdir(toy.root)
        monkeypatch.setenv("ASSAY_REQUIRE_ISOLATION", "0")
        monkeypatch.setattr(sys, "argv", ["assay", "check"])
        with pytest.raises(SystemExit) as ended:
            cli.run_program(MACHINE)

    assert ended.value.code == 4
    assert "review.toml:2: `sums/ad` is no criterion" in capsys.readouterr().err
