"""The rubrics of several courses in one process: each is asked its own questions."""

import os
import sys
import textwrap
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import PathFinder
from pathlib import Path

import pytest

from assay.course import assignment, files, rubric
from assay.course.assignment import Assignment
from assay.errors import CourseFault
from tests.toys import toy as toys

RUBRIC = "course_rubric/sums"
SAY_IT = (f"{RUBRIC}/words.py", f"{RUBRIC}/late.py", "beside.py")


def course(root: Path, files: Mapping[str, str]) -> Assignment:
    """A course in this folder; all rubrics are in folders of the same name."""
    text = toys.toml().replace("RUBRIC", RUBRIC)
    for name, content in {"assignment.toml": text, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(textwrap.dedent(content))
    return assignment.read(root / "assignment.toml")


def given(of: Assignment) -> object:
    return rubric.load(of, of.part[0], "given").draw(None, {})


@pytest.fixture
def two(tmp_path: Path) -> list[Assignment]:
    """Two courses whose files are called alike, and import each other in every way there is."""
    return [
        course(
            tmp_path / word,
            {
                f"{RUBRIC}/given.py": """
                    import course_rubric.sums.words
                    import course_rubric.sums.words as by_name
                    from course_rubric.sums import words
                    from course_rubric.sums.words import *
                    from .words import WORD as near

                    def draw(rng, parameters):
                        import beside
                        from course_rubric.sums.late import WORD as late
                        first = course_rubric.sums.words.WORD
                        return {first, by_name.WORD, words.WORD, WORD, near, late, beside.WORD}
                """,
                **dict.fromkeys(SAY_IT, f"WORD = {word!r}\n"),
            },
        )
        for word in ("one", "two")
    ]


def test_courses_that_are_called_alike_are_each_asked_their_own(two: list[Assignment]):
    """In turn, and again; what a function imports only when it is called is its course's too."""
    assert [given(of) for of in (*two, *two)] == [{"one"}, {"two"}, {"one"}, {"two"}]


def test_a_function_that_was_loaded_before_keeps_its_course(two: list[Assignment]):
    """What it imports late is not what was loaded last."""
    first, second = (rubric.load(of, of.part[0], "given").draw for of in two)

    assert [second(None, {}), first(None, {})] == [{"two"}, {"one"}]


def test_courses_that_are_called_alike_are_loaded_side_by_side(two: list[Assignment]):
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(given, two * 20))

    assert found == [{"one"}, {"two"}] * 20


def test_a_rubric_that_was_changed_is_read_anew(two: list[Assignment]):
    before = given(two[0])
    for name in SAY_IT:
        (two[0].root / name).write_text("WORD = 'new'\n")  # as long, and in the same second

    assert (before, given(two[0])) == ({"one"}, {"new"})


def test_a_rubric_that_came_within_one_tick_of_the_clock_is_found(tmp_path: Path):
    """What Python remembers of a folder is told to be old by the folder's time alone."""
    before = tmp_path.stat().st_mtime_ns
    assert PathFinder.find_spec("course_rubric", [str(tmp_path)]) is None
    of = course(tmp_path, {f"{RUBRIC}/given.py": "def draw(rng, parameters):\n    return 'it'\n"})
    os.utime(tmp_path, ns=(before, before))

    assert given(of) == "it"


def test_a_course_is_loaded_while_another_thread_forgets_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Python's table of folders is everybody's; what is to be looked at anew is, all the same."""
    gone = str(tmp_path / "gone.zip")

    class Meanwhile:
        def invalidate_caches(self) -> None:
            sys.path_importer_cache.pop(gone, None)

    last = str(tmp_path / "last")
    table = {str(tmp_path / "other"): Meanwhile(), gone: None, last: None}
    monkeypatch.setattr(sys, "path_importer_cache", table)
    of = course(tmp_path, {f"{RUBRIC}/given.py": "def draw(rng, parameters):\n    return 'it'\n"})

    assert given(of) == "it"
    assert last not in sys.path_importer_cache


def test_a_folder_beside_does_not_hide_what_is_installed(tmp_path: Path):
    """A folder of notes called `numpy` is no NumPy, and `random.py` not the standard library's."""
    of = course(
        tmp_path,
        {
            f"{RUBRIC}/given.py": """
                import numpy.linalg, random
                def draw(rng, parameters):
                    return numpy.linalg.norm([3, 4]), random.Random(0).random() < 1
            """,
            "numpy/notes.txt": "",
            "random.py": "",
        },
    )

    assert given(of) == (5, True)


@pytest.mark.parametrize(
    "line", ["from .nothing import x", "import course_rubric.nothing", "from .words import nothing"]
)
def test_what_cannot_be_imported_is_named_as_the_course_names_it(tmp_path: Path, line: str):
    of = course(tmp_path, {f"{RUBRIC}/given.py": f"{line}\n", f"{RUBRIC}/words.py": ""})

    with pytest.raises(CourseFault) as caught:
        given(of)

    assert caught.value.what == "`course_rubric.sums.given` cannot be imported"
    assert caught.value.found.startswith(f"{RUBRIC}/given.py:1: ")
    assert "'course_rubric." in caught.value.found
    assert "_course_" not in caught.value.found


def test_assay_is_no_file_of_a_course_that_lies_beside_it(tmp_path: Path):
    """What a rubric imports of it is in every key by assay's own digest, and once is enough."""
    given = "from assay.rubric import Question\nimport beside\n\ndef draw(rng, parameters): ...\n"
    of = course(tmp_path, {f"{RUBRIC}/given.py": given, "beside.py": "", "assay/a.py": "wrong"})

    named = {path.name for path in files.of_part(of, of.part[0])}

    assert named == {"given.py", "beside.py"}


WAYS = [
    *("import beside", "import math, beside as b", "from beside import x", "import beside.more"),
    *("x = 1; import beside", "if True: import beside", "def f():\n    from beside import (\n  x)"),
    *("import \\\n    beside", "from \\\r\n beside import x", "try:\n\timport beside\nfinally: 0"),
    *("\ufeffimport beside", "# C:\\here\\\nimport beside", "x = 1\rimport beside\r"),
    *('x = ": import y"; import beside', "import\fbeside", "import \uff42eside"),
]


@pytest.mark.parametrize("line", WAYS)
def test_a_rubric_rests_on_what_it_imports_however_it_is_written(tmp_path: Path, line: str):
    of = course(tmp_path, {f"{RUBRIC}/given.py": "", "beside.py": ""})
    (tmp_path / RUBRIC / "given.py").write_bytes(f"{line}\n".encode())

    assert {path.name for path in files.of_part(of, of.part[0])} == {"given.py", "beside.py"}


@pytest.mark.parametrize(
    "text",
    ["from beside to beside.\n    import beside", f"from {'a' * 300} x", "import /proc/1/cwd"],
)
def test_a_rubric_does_not_rest_on_what_a_text_speaks_of(tmp_path: Path, text: str):
    of = course(tmp_path, {f"{RUBRIC}/given.py": f'"""Rows\n{text}\n"""\n', "beside.py": ""})

    assert {path.name for path in files.of_part(of, of.part[0])} == {"given.py"}


def test_what_names_nothing_beside_it_is_not_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """To parse every file takes ten times as long, of every command and every judge."""
    monkeypatch.setattr(files, "_imports", lambda *file: pytest.fail(f"{file[0]} is parsed"))
    of = course(tmp_path, {f"{RUBRIC}/given.py": "import math, numpy.random\n", "beside.py": ""})

    assert {path.name for path in files.of_part(of, of.part[0])} == {"given.py"}
