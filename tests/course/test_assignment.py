"""assignment.toml is read strictly, and an error names its line."""

from pathlib import Path

import pytest

from assay.course.assignment import Assignment, parse, read
from assay.errors import UsageError

GOOD = """\
title = "Homework"

[limits]
cell_seconds = 60
run_seconds = 300.5

[[part]]
name = "one"
title = "Part 1"
notebook = "notebooks/one.ipynb"
rubric = "rubric/one"
seeds = [0, 1]
matrix = { dataset = ["a", "b"] }

[[part.criterion]]
name = "first"
title = "First"
points = 2

[[part.criterion]]
name = "second"
title = "Second"
points = 1.5

[[part]]
name = "two"
title = "Part 2"
notebook = "notebooks/two.ipynb"
rubric = "rubric/two"
seeds = [0]

[[part.criterion]]
name = "first"
title = "First of part 2"
points = 3
"""


def parsed(text: str) -> Assignment:
    return parse(text, Path("course/assignment.toml"))


def refusal(text: str) -> str:
    """What stands below the first line of the error, for a person to act on."""
    with pytest.raises(UsageError) as caught:
        parsed(text)
    return caught.value.found


def test_a_good_assignment_is_read_whole():
    """Parts, criteria, limits and matrix arrive as written, and root is the file's folder."""
    assignment = parsed(GOOD)

    assert [part.name for part in assignment.part] == ["one", "two"]
    assert [c.points for c in assignment.part[0].criterion] == [2.0, 1.5]
    assert assignment.part[0].matrix == {"dataset": ["a", "b"]}
    assert assignment.root == Path("course")


def test_whole_numbers_stand_for_floats():
    """`60` is as good as `60.0` for seconds and points."""
    assignment = parsed(GOOD)

    assert (assignment.limits.cell_seconds, assignment.limits.run_seconds) == (60.0, 300.5)


def test_a_wrong_type_is_named_with_line_key_and_what_was_found():
    """Line, key, what was found and what is allowed, all in one line."""
    found = refusal(GOOD.replace("points = 1.5", 'points = "two"'))

    assert found == "line 23: `part.criterion.points` is 'two'; expected: a valid number"


@pytest.mark.parametrize(
    ("good", "bad", "line", "key", "words"),
    [
        ("cell_seconds = 60", "cell_seconds = 0", 4, "limits.cell_seconds", "greater than 0"),
        ("run_seconds = 300.5", "run_seconds = 1e9", 5, "limits.run_seconds", "86400"),
        ("seeds = [0, 1]", "seeds = []", 12, "part.seeds", "one or more"),
        ("seeds = [0, 1]", "seeds = [0, -1]", 12, "part.seeds", "greater than or equal to 0"),
        ("seeds = [0, 1]", "seeds = [true]", 12, "part.seeds", "valid integer"),
        ("seeds = [0, 1]", 'seeds = "0-9"', 12, "part.seeds", "valid list"),
        ('dataset = ["a", "b"]', "dataset = []", 13, "part.matrix.dataset", "one or more"),
        ('rubric = "rubric/two"', 'rubric = "/rubric"', 29, "part.rubric", "a path below"),
        ('name = "two"', 'name = "Two!"', 26, "part.name", "small letters"),
        ("points = 3", "points = -3", 35, "part.criterion.points", "greater than or equal to 0"),
        ("points = 2", "points = nan", 18, "part.criterion.points", "a finite number"),
    ],
)
def test_what_is_not_allowed_is_said(good: str, bad: str, line: int, key: str, words: str):
    """Every limit on a value is told with the value's own line."""
    found = refusal(GOOD.replace(good, bad, 1))

    assert found.startswith(f"line {line}: `{key}` is ")
    assert words in found


@pytest.mark.parametrize(
    ("line_before", "line", "key"),
    [
        ('title = "Homework"', 2, "colour"),
        ("[limits]", 4, "limits.colour"),
        ("[[part]]", 8, "part.colour"),
        ('title = "Second"', 23, "part.criterion.colour"),
    ],
)
def test_an_unknown_key_is_refused_where_it_stands(line_before: str, line: int, key: str):
    """A misspelt key is an error, not a default."""
    found = refusal(GOOD.replace(line_before, f"{line_before}\ncolour = 1", 1))

    assert found.startswith(
        f"line {line}: `{key}` is not a key that assay knows; expected one of `"
    )
    assert "`title`" in found or "`run_seconds`" in found


@pytest.mark.parametrize(
    ("line_gone", "line", "key"),
    [
        ('title = "Homework"\n', 1, "title"),
        ('rubric = "rubric/one"\n', 7, "part.rubric"),
        ('title = "Second"\n', 20, "part.criterion.title"),
        ('rubric = "rubric/two"\n', 25, "part.rubric"),
        ('title = "First of part 2"\n', 32, "part.criterion.title"),
    ],
)
def test_a_missing_key_is_told_with_the_table_that_lacks_it(line_gone: str, line: int, key: str):
    """What is missing has no line; its table has."""
    found = refusal(GOOD.replace(line_gone, "", 1))

    assert found == f"line {line}: `{key}` is missing"


def test_a_repeated_criterion_is_refused():
    """Two lines of a mark sheet never share a name."""
    found = refusal(GOOD.replace('name = "second"', 'name = "first"'))

    assert found == "line 7: the criteria of part `one` repeat a name: first"


def test_a_repeated_part_is_refused():
    """Two parts never share a name."""
    found = refusal(GOOD.replace('name = "two"', 'name = "one"'))

    assert "the parts repeat a name: one" in found


def test_a_criterion_of_another_part_may_have_the_same_name():
    """Names of criteria are unique within a part, not across parts."""
    names = [[c.name for c in part.criterion] for part in parsed(GOOD).part]

    assert names == [["first", "second"], ["first"]]


def test_every_error_is_told_at_once():
    """Two slips are two lines, not two attempts."""
    bad = GOOD.replace("points = 2", "points = -2").replace("points = 3", "points = -3")

    assert [line.split(":")[0] for line in refusal(bad).splitlines()] == ["line 18", "line 35"]


def test_a_syntax_error_is_told_with_its_line():
    """What is not TOML is said to be so, with line and column."""
    with pytest.raises(UsageError, match=r"`course/assignment\.toml` is not TOML") as caught:
        parsed('title = "Homework"\nseeds = [0,,1]\n')

    assert "line 2" in caught.value.found


def test_a_missing_file_is_a_usage_error_with_a_hint(tmp_path: Path):
    """Where there is no assignment, the error says which file and which option."""
    with pytest.raises(UsageError) as caught:
        read(tmp_path / "assignment.toml")

    assert caught.value.exit_code == 2
    assert "--assignment" in caught.value.hint


def test_other_seeds_change_every_part_and_nothing_else():
    """`with_seeds` is the same assignment over other seeds."""
    assignment = parsed(GOOD)

    other = assignment.with_seeds([7])

    assert [part.seeds for part in other.part] == [[7], [7]]
    assert other.with_seeds([0, 1]).part[0] == assignment.part[0]


def test_a_criterion_that_is_no_table_is_refused():
    """A key of the wrong shape is an error for the author, never a traceback."""
    found = refusal(GOOD.split("[[part.criterion]]")[0] + "criterion = 3\n")

    assert "part.criterion" in found


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path):
    """TOML is UTF-8; anything else is said to be no TOML."""
    path = tmp_path / "assignment.toml"
    path.write_bytes(GOOD.replace("Homework", "Übung").encode("latin-1"))

    with pytest.raises(UsageError):
        read(path)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("seeds = [0, 1]", "seeds = [0, 0]"),
        ("{ dataset = [", "{ seed = ["),
        ("{ dataset = [", "{ data-set = ["),
        ('["a", "b"]', '["a", "a"]'),
    ],
)
def test_a_matrix_that_cannot_be_injected_is_refused(good: str, bad: str):
    """No run is made twice, and every parameter is a Python name of its own."""
    with pytest.raises(UsageError):
        parsed(GOOD.replace(good, bad))


def test_the_folder_of_an_assignment_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What judges it runs in a folder of its own: a relative path would lead nowhere there."""
    (tmp_path / "ä course").mkdir()
    (tmp_path / "ä course" / "assignment.toml").write_text(GOOD, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    assert read(Path("ä course") / "assignment.toml").root == tmp_path / "ä course"


def test_one_that_stands_above_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As the option takes it from here, in quotes where the folder has a space."""
    course = tmp_path / "Kurs für Übung"
    (course / "a" / "b").mkdir(parents=True)
    (course / "assignment.toml").write_text(GOOD)
    monkeypatch.chdir(course / "a" / "b")
    with pytest.raises(UsageError) as error:
        read(Path("assignment.toml"))

    assert error.value.found == "No such file or directory"
    assert error.value.hint == "there is one above: `--assignment ../../assignment.toml`"
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as error:
        read(course / "a" / "assignment.toml")

    assert error.value.hint == (
        "there is one above: `--assignment 'Kurs für Übung/assignment.toml'`"
    )
