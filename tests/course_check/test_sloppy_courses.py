"""What can be read off a course's files without running a notebook: each slip has its line."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from assay.course.assignment import Assignment, parse, read
from assay.course_check import apart, files, tests
from assay.errors import UsageError
from assay.records import Fault
from tests.toys import toy as toys
from tests.toys.shared import MACHINE
from tests.toys.toy import EXAM, GIVEN, TEST

NAMES = """\
from types import SimpleNamespace as Row
NAMES = (
    Row(names=("add",), call="(x, y)", meaning="the sum", optional=False),
    Row(names=("more",), call="(x, y)", meaning="more", optional=True),
)
"""
CAUGHT = """
def test_b(evidence):
    import contextlib
    {}
        assert evidence is None
    {}
"""
AFTER = """
def test_b(evidence, given):
    with after_marks_for({'ad': []}, evidence, given, 'ad'):
        assert not evidence
from assay.rubric import after_marks_for
"""
SLIPS = {
    "a draw by the clock": (
        "given.py",
        GIVEN.replace("x, y = rng", "import time; x, y = time.time_ns() + rng"),
        "given.py:6: `x` of question `add/plain` differs between two draws",
    ),
    "a draw without rng": (
        "given.py",
        GIVEN.replace("x, y = rng.normal", "import numpy; x, y = numpy.random.normal"),
        "given.py:6: `x` of question `add/plain` differs between two draws",
    ),
    "a draw that exits": (
        "given.py",
        GIVEN.replace("x, y = rng", "raise SystemExit; x, y = rng"),
        "given.py:4: draw({'seed': 0, 'dataset': 'a'}): SystemExit",
    ),
    "a module that exits": ("given.py", "import sys\nsys.exit(0)\n", "given.py:2: SystemExit: 0"),
    "a draw that fails for the last seed": (
        "given.py",
        GIVEN.replace("x, y = rng", "assert parameters['seed'] < 2; x, y = rng"),
        "given.py:4: draw({'seed': 2, 'dataset': 'a'}): AssertionError",
    ),
    "a draw at the import": (
        "given.py",
        "import numpy\nSHIFT = numpy.random.normal(size=3)\n"
        + GIVEN.replace("x, y = rng.normal(size=(2, 3))", "x, y = rng.normal(size=(2, 3)) + SHIFT"),
        "given.py:8: `x` of question `add/plain` differs between two imports of given.py",
    ),
    "no question": (
        "given.py",
        "def draw(rng, parameters):\n    return {}\n",
        "given.py:1: `draw` returned no question; expected one or more",
    ),
    "a large array": (
        "given.py",
        GIVEN.replace('"x": x,', '"x": __import__("numpy").zeros(13_000_000),'),
        "given.py:6: `x` of question `add/plain` is 104 MB; a question has at most 100 MB",
    ),
    "a dict of integers": (
        "given.py",
        GIVEN.replace("return {", "return 3\n    {"),
        "given.py:3: `draw` returned an int; expected a dict",
    ),
    "an assert behind a return": (
        "test_add.py",
        TEST.replace("    out =", "    return\n    out ="),
        "test_add.py:10: `assert np.allclose(out, kept['add/plain'].sum), 'off by a lot'` is never",
    ),
    "a question drawn twice": (
        "given.py",
        GIVEN.replace("return {", 'return {"add/plain": None,'),
        "given.py:6: `add/plain` stands twice in one dict",
    ),
    "a question put twice": (
        "exam.py",
        EXAM + EXAM.partition("student\n")[2],
        "exam.py:5: question `add/plain` is put again; it was put in line 3",
    ),
    "two tests of one name": (
        "test_add.py",
        TEST + "def test_adds(evidence): assert not evidence\n",
        "test_add.py:10: `test_adds` is defined twice, first in line 5",
    ),
    "a check without assert": (
        "test_add.py",
        TEST.replace("assert np.allclose", "np.allclose").replace(', "off by a lot"', ""),
        "checks nothing without `assert`",
    ),
    "a comparison without assert": (
        "test_add.py",
        TEST + "def test_b(evidence):\n    evidence['add/plain'].out.sum() > 0\n",
        "test_add.py:11: `evidence['add/plain'].out.sum() > 0` checks nothing without `assert`",
    ),
    "an assert with brackets": (
        "test_add.py",
        TEST + "def test_b(evidence):\n    assert (not evidence, 'there is none')\n",
        "test_add.py:11: `assert (not evidence, 'there is none')` never fails",
    ),
    "an assert whose error is dropped": (
        "test_add.py",
        TEST + CAUGHT.format("try:", "except AssertionError:\n        pass"),
        "test_add.py:14: `assert evidence is None` never fails: what it raises is caught",
    ),
    "an assert whose error is suppressed": (
        "test_add.py",
        TEST + CAUGHT.format("with contextlib.suppress(Exception):", "return"),
        "test_add.py:14: `assert evidence is None` never fails: what it raises is caught",
    ),
    "a check that is not called": (
        "test_add.py",
        TEST + "def check(evidence): assert not evidence\n"
        "def test_b(evidence):\n    evidence['add/plain']\n    check\n",
        "test_add.py:13: `check` checks nothing without `assert`",
    ),
    "a check that is returned": (
        "test_add.py",
        TEST + "def check(evidence): assert not evidence\n"
        "def test_b(evidence):\n    return check\n",
        "test_add.py:11: `test_b` reads neither `evidence`",
    ),
    "a check of another criterion": (
        "test_add.py",
        TEST.replace(
            "@pytest.mark.hint",
            "from assay.rubric import explains\n"
            "@explains('ad')\ndef check(evidence, given): assert evidence\n@pytest.mark.hint",
        ),
        "test_add.py:5: `explains` names `ad`, which is no criterion",
    ),
    "a cause that is no criterion": (
        "test_add.py",
        TEST + AFTER,
        "test_add.py:12: `after_marks_for` names `ad`, which is no criterion",
    ),
    "a cause in a table that is no criterion": (
        "test_add.py",
        TEST + "CAUSES = {'add': [], 'ad': []}\n",
        "test_add.py:10: `CAUSES` names `ad`, which is no criterion",
    ),
    "an answer compared with itself": (
        "test_add.py",
        TEST.replace("kept['add/plain'].sum", "out").replace('kept["add/plain"].sum', "out"),
        "test_add.py:9: `np.allclose(out, out)` compares a value with itself",
    ),
    "a limit that is none": (
        "given.py",
        GIVEN.replace("kept=", "seconds=-3, kept="),
        "given.py:6: `seconds` of question `add/plain` is -3",
    ),
    "a bound that is none": (
        "given.py",
        GIVEN.replace("kept=", "largest='1', kept="),
        "given.py:6: `largest` of question `add/plain` is '1'",
    ),
    "an answer that is returned": (
        "test_add.py",
        TEST.replace("assert np", "return np").replace(', "off by a lot"', ""),
        "checks nothing without `assert`",
    ),
    "a class that pytest leaves out": (
        "test_add.py",
        TEST + "class TestIt:\n    def __init__(self): pass\n    def test_b(self, evidence): ...\n",
        "test_add.py:10: pytest leaves `TestIt` out",
    ),
    "a test that always leaves off": (
        "test_add.py",
        TEST.replace("    out =", "    pytest.skip('later')\n    out ="),
        "test_add.py:7: `pytest.skip('later')` leaves every submission out",
    ),
    "a table under another name": (
        "names.py",
        NAMES.replace("NAMES = (", "NAME = ("),
        "names.py:1: it defines no `NAMES`, a tuple of rows",
    ),
    "a row of names that is none": (
        "names.py",
        NAMES.replace('call="(x, y)", meaning="more"', 'meaning="more"'),
        "names.py:4: `call` is nothing in the row",
    ),
    "a name with a space": (
        "names.py",
        NAMES.replace('"more",)', '"mo re",)'),
        "names.py:4: 'mo re' in `names` is no name of Python's",
    ),
    "a name that is asked for twice": (
        "names.py",
        NAMES.replace('"more",)', '"add",)'),
        "names.py:4: `NAMES` asks for `add` 2 times",
    ),
    "a table that is none": (
        "names.py",
        NAMES.replace("NAMES = (", "NAMES = None\nOTHER = ("),
        "names.py:2: `NAMES` is nothing; expected a tuple of rows",
    ),
    "an exception in a row": (
        "names.py",
        NAMES.replace('("more",)', "(1 / 0,)"),
        "names.py:4: ZeroDivisionError",
    ),
    "what serves instead of nothing": (
        "names.py",
        NAMES + "INSTEAD = {\n    'sub': (),\n}\n",
        "names.py:7: `INSTEAD` names `sub`, which `NAMES` does not have",
    ),
    "what serves is no table": (
        "names.py",
        NAMES + "INSTEAD = 3\n",
        "names.py:6: `INSTEAD` is no dict of rows by name",
    ),
    "other names that are no table": (
        "names.py",
        NAMES + "ALSO = 3\n",
        "names.py:6: `ALSO` is no dict of other names by name",
    ),
    "other names without a tuple": (
        "names.py",
        NAMES + "ALSO = {'add': 'plus'}\n",
        "`ALSO` has a str for 'add'; expected a tuple of names",
    ),
    "a fallback without its module": (
        "fallback.py",
        "import numpyy\n",
        "fallback.py:1: there is no module `numpyy` to import",
    ),
}
OF_TESTS = {
    "a test that is skipped": (
        "@pytest.mark.hint",
        "@pytest.mark.skip\n@pytest.mark.hint",
        "`skip`",
    ),
    "a test that may fail": (
        "@pytest.mark.hint",
        "@pytest.mark.xfail\n@pytest.mark.hint",
        "`xfail`",
    ),
    "a test that is skipped where this holds": (
        "@pytest.mark.hint",
        "@pytest.mark.skipif(True, reason='x')\n@pytest.mark.hint",
        "`skipif`",
    ),
    "a file that is skipped": (
        "pytestmark",
        "pytest.skip('later', allow_module_level=True)\npytestmark",
        "test_add.py:3: the file is left out, and its tests judge no submission: Skipped: later",
    ),
    "a file that wants what is not there": (
        "pytestmark",
        "pytest.importorskip('nothing_so')\npytestmark",
        "test_add.py:3: the file is left out",
    ),
    "a file that exits": ("pytestmark", "exit(3)\npytestmark", "test_add.py:3: SystemExit: 3"),
    "a file that ends its process": (
        "pytestmark",
        "import os; os._exit(0)\npytestmark",
        "test_add.py:3: SystemExit: 0",
    ),
    "a file that ends pytest": (
        "pytestmark",
        "pytest.exit('x')\npytestmark",
        "test_add.py:3: Exit",
    ),
    "a file that stops": (
        "pytestmark",
        "raise KeyboardInterrupt\npytestmark",
        "test_add.py:3: KeyboardInterrupt",
    ),
    "a criterion that is a list": (
        'criterion("add")',
        'criterion(["add"])',
        "the marker `criterion` of `test_adds` holds (['add'])",
    ),
    "two criteria": (
        "@pytest.mark.hint",
        "@pytest.mark.criterion('add')\n@pytest.mark.criterion('add')\n@pytest.mark.hint",
        "test_add.py:7: `test_adds` is marked `criterion` more than once",
    ),
    "a claim over all runs at once": (
        "import numpy as np, pytest",
        "import numpy as np, pytest\n@pytest.mark.claim('n', at_least=1)\n"
        "def test_r(runs, claim): assert len(runs) >= claim.at_least",
        "test_add.py:4: the claim of `test_r` is about single runs",
    ),
    "a test that yields": ("    assert", "    yield 1\n    assert", "test_add.py:5: 'yield'"),
    "a parameter that the test has not": (
        "@pytest.mark.hint",
        "@pytest.mark.parametrize('k', [1])\n@pytest.mark.hint",
        "test_add.py:6: In ",
    ),
    "a test that reads nothing": (
        "import numpy",
        "def test_b(): assert 1 < 2\nimport numpy",
        "`test_b` reads nothing of a submission",
    ),
}


def slips(course: Assignment) -> list[Fault]:
    """All that the files of the only part show."""
    (part,) = course.part
    read = files.read(course, part)
    return [*read.faults, *files.of_standalone(course, part, read.asked)]


def faults(root: Path, changed: Mapping[str, str]) -> str:
    """All that the files of a toy over three seeds show."""
    given, exam = changed.get("given.py", GIVEN), changed.get("exam.py", EXAM)
    others = {"test_add.py": TEST} | {
        name: text for name, text in changed.items() if name not in ("given.py", "exam.py")
    }
    with toys.course(
        root, text=toys.toml(seeds=(0, 1, 2)), given=given, exam=exam, tests=others
    ) as toy:
        return "\n".join(map(str, slips(toy)))


@pytest.mark.parametrize("slip", SLIPS.values(), ids=SLIPS)
def test_a_slip_has_its_line(tmp_path: Path, slip: tuple[str, str, str]):
    """Nothing is run for it."""
    name, text, expected = slip

    assert expected in faults(tmp_path, {name: text})


@pytest.mark.parametrize("slip", OF_TESTS.values(), ids=OF_TESTS)
def test_a_test_that_decides_nothing(tmp_path: Path, slip: tuple[str, str, str]):
    """Its points would be given or lost whatever was handed in."""
    before, after, expected = slip
    with toys.course(tmp_path, tests={"test_add.py": TEST.replace(before, after)}) as toy:
        found, _ = tests.check(toy, toy.part[0], MACHINE.servers)

    assert expected in "\n".join(map(str, found))


def test_what_a_course_prints_is_no_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Neither while it is imported nor while it draws: stdout is the command's."""
    given = "print('read')\n" + GIVEN.replace("    x, y =", "    print('drawn')\n    x, y =")
    with toys.course(tmp_path, given=given) as toy:
        assert toys.jobs(toy, toys.submission(toys.ADD))[0].packed
        said = capsys.readouterr()

    assert said.out == ""
    assert set(said.err.split()) == {"read", "drawn"}


FIXTURES = {
    "in a circle": (
        "@pytest.fixture\ndef mine(yours): ...\n@pytest.fixture\ndef yours(mine): ...\n",
        "test_add.py:13: the fixture `mine` asks for `yours`, which asks for `mine`: it can never",
    ),
    "of itself": (
        "@pytest.fixture\ndef mine(mine): ...\n",
        "test_add.py:11: the fixture `mine` asks for `mine`: it can never be made",
    ),
    "of a longer life": (
        "@pytest.fixture(scope='module')\ndef mine(evidence): ...\n",
        "test_add.py:11: the fixture `mine` is made once a module, and asks for `evidence`, which",
    ),
    "two steps away": (
        "@pytest.fixture\ndef yours(kept): ...\n"
        "@pytest.fixture(scope='session')\ndef mine(yours): ...\n",
        "test_add.py:13: the fixture `mine` is made once a session, and asks for `yours`, which",
    ),
    "that replaces another": (
        "@pytest.fixture\ndef evidence(evidence): return evidence\n"
        "@pytest.fixture\ndef mine(evidence): ...\n",
        "",
    ),
    "that many ask for": (
        "@pytest.fixture\ndef a(run): ...\n@pytest.fixture\ndef b(a): ...\n"
        "@pytest.fixture\ndef mine(a, b): ...\n",
        "",
    ),
}


@pytest.mark.parametrize(("text", "expected"), FIXTURES.values(), ids=FIXTURES)
def test_a_fixture_that_can_never_be_made(tmp_path: Path, text: str, expected: str):
    """It has one sentence and its own line; what pytest makes is no fault."""
    test = f"{TEST}{text}def test_b(mine, evidence):\n    assert evidence\n"
    with toys.course(tmp_path, tests={"test_add.py": test}) as toy:
        found, _ = tests.check(toy, toy.part[0], MACHINE.servers)

    assert len(found) == bool(expected)
    assert expected in "\n".join(map(str, found))


@pytest.mark.parametrize(
    ("conftest", "expected"),
    [
        (
            "import sys\nsys.exit(1)\n",
            "conftest.py:2: the tests cannot be collected: SystemExit: 1",
        ),
        ("import os\nos._exit(0)\n", "conftest.py:2: the tests cannot be collected: SystemExit: 0"),
        ("def pytest_collection_modifyitems():\n    1 / 0\n", "conftest.py:2: ZeroDivisionError"),
        (
            "import ctypes\nctypes.string_at(0)\n",
            "conftest.py:2: the tests cannot be collected: Fatal Python error: Segmentation fault",
        ),
        (
            "X = 1\ndef pytest_colection_modifyitems(items): ...\n",
            "conftest.py:2: PluginValidationError: unknown hook 'pytest_colection_modifyitems'",
        ),
        (
            "X = 1\ndef pytest_collection_modifyitems(itms): ...\n",
            "conftest.py:2: the tests cannot be collected: PluginValidationError: hook "
            "'pytest_collection_modifyitems' hookimpl definition: pytest_collection_modifyitems(it",
        ),
    ],
    ids=["exits", "ends its process", "a hook raises", "crashes", "no hook", "no argument"],
)
def test_a_conftest_that_ends_it(tmp_path: Path, conftest: str, expected: str):
    """pytest would say nothing of the file."""
    with toys.course(tmp_path, tests={"test_add.py": TEST, "conftest.py": conftest}) as toy:
        found, _ = tests.check(toy, toy.part[0], MACHINE.servers)

    assert expected in "\n".join(map(str, found))


@pytest.mark.parametrize(
    ("file", "before", "after", "expected"),
    [
        ("given", "x, y = rng", "import os; os._exit(0); x, y = rng", "given.py:4: draw({'seed'"),
        ("given", "from types", "import os; os._exit(0)\nfrom types", "given.py:2: SystemExit: 0"),
        ("given", "x, y = rng", "while True: pass\n    x, y = rng", "given.py:4: draw({'seed'"),
        ("given", "x, y = rng", "raise KeyboardInterrupt; x, y = rng", "given.py:4: KeyboardInt"),
        (
            "given",
            "x, y = rng",
            "import os; os.abort(); x, y = rng",
            "given.py:4: reading it ended its process by SIGABRT",
        ),
        (
            "names",
            "NAMES =",
            "import ctypes; ctypes.string_at(0)\nNAMES =",
            "names.py:2: reading it ended its process by SIGSEGV",
        ),
        (
            "given",
            "x, y = rng",
            "import os; os.kill(os.getpid(), 9); x, y = rng",
            "given.py:1: reading it ended its process by SIGKILL",
        ),
        ("given", "x, y = rng", "import os; os.fork() or os._exit(0); x, y = rng", ""),
        ("given", "x, y = rng", "print('hello'); x, y = rng", ""),
        ("names", "NAMES =", "while True: pass\nNAMES =", "names.py:2: TimeoutError: took longer"),
    ],
    ids=[
        *("ends", "ends at once", "endless", "stops", "aborts", "crashes", "is killed"),
        *("forks", "prints", "endless names"),
    ],
)
def test_what_ends_its_process_or_never_ends(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    before: str,
    after: str,
    expected: str,
):
    """It is read in a process of its own: the command goes on, and tells the line."""
    monkeypatch.setattr(apart, "SECONDS", 2.0)
    texts = {"given": GIVEN, "names": NAMES}
    texts[file] = texts[file].replace(before, after, 1)
    others = {"test_add.py": TEST, "names.py": texts["names"]}
    with toys.course(tmp_path, given=texts["given"], tests=others) as toy:
        found = apart.read(toy, toy.part[0]).faults

    assert len(found) == bool(expected)
    assert expected in "\n".join(map(str, found))


WINDOWS = {
    "a byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "its own encoding": lambda text: b"# coding: latin-1\n# \xfc\n" + text.encode(),
    "ends of lines": lambda text: text.replace("\n", "\r\n").encode(),
}


@pytest.mark.parametrize("name", ["given.py", "exam.py", "test_add.py", "names.py"])
@pytest.mark.parametrize("written", WINDOWS.values(), ids=WINDOWS)
def test_a_file_as_windows_writes_it_is_read(
    tmp_path: Path, name: str, written: Callable[[str], bytes]
):
    """Python imports it, so it is no fault."""
    with toys.course(tmp_path, tests={"test_add.py": TEST, "names.py": NAMES}) as toy:
        path = toy.root / toy.part[0].rubric / name
        path.write_bytes(written(path.read_text()))

        assert slips(toy) == []
        assert tests.check(toy, toy.part[0], MACHINE.servers)[0] == []


def test_a_file_in_another_encoding(tmp_path: Path):
    """It is told by its line, and nothing else is read."""
    with toys.course(tmp_path) as toy:
        rubric = toy.root / toy.part[0].rubric
        (rubric / "given.py").write_bytes(("# a\n# \u00fc\n" + GIVEN).encode("latin-1"))
        found = slips(toy)

    assert [fault.said for fault in found] == ["UnicodeDecodeError: byte 0xfc is not UTF-8"]
    assert found[0].where.endswith("given.py:2")


def test_the_notebook_is_misspelt(tmp_path: Path):
    """One that lies beside it is named."""
    text = toys.toml().replace("notebooks/sums.ipynb", "notebooks/sum.ipynb")
    with toys.course(tmp_path, text=text) as toy:
        found = slips(toy)

    said = "assignment.toml:8: there is no `notebooks/sum.ipynb`, and beside it there is"
    assert [str(fault) for fault in found] == [f"{said} `sums.ipynb`"]
    assert found[0].is_usage


def test_the_notebook_is_a_folder(tmp_path: Path):
    """There is no reference in it, and the exam would be put to nobody."""
    text = toys.toml().replace("notebooks/sums.ipynb", "notebooks")
    with toys.course(tmp_path, text=text) as toy:
        found = slips(toy)

    said = "assignment.toml:8: `notebooks` is a folder; expected a notebook, such as"
    assert [str(fault)[: len(said)] for fault in found] == [said]
    assert found[0].is_usage


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (
            '[[part.figure]]\nkind = "pairs"\nname = "p"\ntitle = "P"\nmeasurement = "m"\n',
            "against",
        ),
        ("max", "`max_seeds` is 2, below the 3 `seeds`"),
    ],
    ids=["pairs of one", "fewer at most than at first"],
)
def test_in_assignment_toml(tmp_path: Path, more: str, expected: str):
    """It cannot be meant."""
    text = toys.toml(seeds=(0, 1, 2)).replace("RUBRIC", "rubric")
    few = text.replace("seeds = [", "max_seeds = 2\nseeds = [")
    with pytest.raises(UsageError) as raised:
        parse(few if more == "max" else text + more, tmp_path / "assignment.toml")

    assert expected in raised.value.found


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            "points = 2",
            "points = inf",
            "line 15: `part.criterion.points` is inf; expected: a finite",
        ),
        ("seeds = [0]", "seeds = []", "line 10: `part.seeds` is []; expected: one or more"),
        ("seeds = [0]", "seeds = [2026-01-01]", "line 10: `part.seeds` is datetime.date(2026, 1,"),
        ('["a"]', "[nan]", "`dataset` in `matrix` holds [nan]; expected finite numbers"),
        ('"RUBRIC"', '"/etc"', "line 9: `part.rubric` is '/etc'; expected: a path below"),
        (
            "{ dataset",
            '{ "data set"',
            "line 11: `part.matrix.data set` is 'data set'; expected: a n",
        ),
        ("seeds = [0]", "seeds = [4294967296]", "line 10: `part.seeds` is 4294967296; expected"),
        ('"Toy"', '"To\\ny"', "line 1: `title` is 'To\\ny'; expected: some text in one line"),
        ('"Toy"', '" "', "line 1: `title` is ' '; expected: some text in one line"),
        ('"Adding"', '"\\u202eAdding"', "line 14: `part.criterion.title` is '"),
        (
            'dataset = ["a"]',
            f"a = {list(range(1000))}, b = {list(range(1000))}",
            "line 5: part `sums` would take 1,000,000 runs a submission; at most 10,000",
        ),
    ],
    ids=[
        *("endless points", "no seeds", "a date", "no number", "a path of the machine's"),
        *("a space", "a large seed", "two lines", "a blank", "a mark of direction", "many runs"),
    ],
)
def test_a_value_that_cannot_be_meant(tmp_path: Path, before: str, after: str, expected: str):
    """Its line, what stands there, and what may stand there in words."""
    text = toys.toml().replace(before, after)
    with pytest.raises(UsageError) as raised:
        parse(text.replace("RUBRIC", "rubric"), tmp_path / "assignment.toml")

    assert expected in raised.value.found


def test_an_assignment_with_a_byte_order_mark_is_read(tmp_path: Path):
    """One in another encoding is told with its line."""
    path = tmp_path / "assignment.toml"
    text = toys.toml().replace("RUBRIC", "rubric").replace("Sums", "S\u00fcms")
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read(path).part[0].title == "S\u00fcms"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match="is not UTF-8") as raised:
        read(path)

    assert raised.value.found == "line 7: byte 0xfc"


def test_right_and_unusual(tmp_path: Path):
    """Generated questions, names from an f-string, a test over all runs."""
    given = GIVEN.replace('"add/plain":', 'f"add/{kind}":').replace(
        "\n    }\n", '\n        for kind in ("plain", "more")\n    }\n'
    )
    exam = (
        "from ask import ask, student\n"
        'for kind in ("plain", "more"):\n'
        '    with ask(f"add/{kind}") as (given, answer):\n'
        "        answer.out = student.add(given.x, given.y)\n"
        'if student.has("sub"):\n'
        '    with ask("add/plain") as (given, answer):\n'
        "        answer.out = student.add(given.x, given.y)\n"
    )
    more = (
        "def test_near(evidence):\n"
        "    def near(a, b):\n        return np.allclose(a, b)\n"
        "    assert near(evidence['add/plain'].out, 0)\n"
        "class TestIt:\n    def test_adds(self, runs):\n        assert all(r.given for r in runs)\n"
    )

    assert faults(tmp_path, {"given.py": given, "exam.py": exam, "test_add.py": TEST + more}) == ""


def test_a_test_that_is_right(tmp_path: Path):
    """pytest marks a test without runs as skipped when it is listed: that is nobody's slip."""
    with toys.course(tmp_path) as toy:
        assert tests.check(toy, toy.part[0], MACHINE.servers)[0] == []
