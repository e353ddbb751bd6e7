"""A slip in the course is told with its file and line before any student's code runs: no mark."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from assay import cli
from assay.evidence import packing
from assay.execution.execute import Ended, execute
from assay.execution.machine import Machine
from assay.scheduling import scheduler
from tests.toys import toy as toys
from tests.toys.shared import MACHINE
from tests.toys.toy import ADD, PARAMETERS, notebook

NAMES = """\
from types import SimpleNamespace as Row
NAMES = (Row(names=("add",), call="(x, y)", meaning="the sum", optional=False),)
"""
CLAIM = '''
@pytest.mark.claim(CLAIMED)
def test_it_learns(evidence, measure, claim):
    """It learns."""
    measure(claim.measure, 1.0)
'''
FIGURE = """
[[part.figure]]
kind = "curves"
name = "loss"
title = "Loss"
measurement = "MEASURED"
"""
GIVEN_FAULTS = {
    "a syntax error": ("def draw(", "def draw(:", "given.py:3: SyntaxError"),
    "an exception": ("x, y = rng", "1 / 0; x, y = rng", "given.py:4"),
    "a missing import": ("from types import", "from tpyes import", "given.py:2: ModuleNotFound"),
    "a name that is bound nowhere": ("rng.normal", "rgn.normal", "given.py:4: `rgn` is bound"),
    "a wrong promised shape": ("(3,)", "(4,)", "given.py:6: question `add/plain`: the reference's"),
    "a promised shape that is none": ("(3,)}", '"three"}', "given.py:6: `out` of question"),
    "a promised name that is never set": ('"out"', '"sum"', "exam.py:3: the answer promises `sum`"),
    "another parameter": ("draw(rng, parameters)", "draw(rng)", "given.py:3: draw({"),
    "no draw": ("def draw", "def drawn", "given.py:1: it defines no function `draw"),
    "no dict": ("return {", "return 3\n    {", "`draw` returned an int"),
    "an attribute that is missing": (
        "kept=",
        "keep=",
        "given.py:6: question `add/plain` has no dict",
    ),
    "an object that cannot be handed out": ('{"x": x,', '{"x": {1: x},', "`x` of question"),
}
EXAM_FAULTS = {
    "1/0": ("with ask", "1 / 0\nwith ask", "exam.py:3: the exam broke off: ZeroDivisionError"),
    "1/0 in a question": ("    answer", "    1 / 0\n    answer", "exam.py:4: question `add/plain`"),
    "a syntax error": ("with ask", "with with ask", "exam.py:3: SyntaxError"),
    "a missing import": (
        "from ask",
        "import nothing_so\nfrom ask",
        "exam.py:2: the exam broke off",
    ),
    "a misspelt question": (
        "add/plain",
        "add/plian",
        "exam.py:3: `ask('add/plian')`: given.py draws",
    ),
    "a misspelt answer": ("answer.out", "answer.uot", "exam.py:3: the answer promises `out`"),
    "a misspelt attribute": ("given.y", "given.why", "exam.py:4: `given.why` is not handed out"),
    "a misspelt name of the student's": (
        "student.add",
        "student.ad",
        "question `add/plain` is not",
    ),
    "a name that is bound nowhere": ("student.add", "studnet.add", "exam.py:4: `studnet` is bound"),
    "a wrong argument": ("given.x, given.y", "given.x", "exam.py:4: question `add/plain`"),
    "an end": (
        "with ask",
        "raise SystemExit(1)\nwith ask",
        "exam.py:3: the exam broke off: SystemExit: 1",
    ),
    "an end of the kernel": (
        "    answer",
        "    import os; os._exit(0)\n    answer",
        "exam.py:4: question `add/plain`, asked of the reference: SystemExit: 0",
    ),
    "a kill in a question": (
        "    answer",
        "    import os; os.kill(os.getpid(), 9)\n    answer",
        "exam.py:4: asked of the reference: the kernel was killed by SIGKILL in the question `add",
    ),
    "a crash between questions": (
        "with ask",
        "import ctypes; ctypes.string_at(0)\nwith ask",
        "exam.py:3: asked of the reference: the kernel was killed by SIGSEGV in the exam",
    ),
    "a question inside a question": (
        "    answer",
        "    with ask('add/plain'):\n        pass\n    answer",
        "exam.py:4: question `add/plain`, asked of the reference: RuntimeError: `add/plain` is ask",
    ),
    "a slip that has a value": ("given.y", "given.x", "the reference fails: `test_adds`"),
}
TEST_FAULTS = {
    "a syntax error": ("def test_adds(", "def test_adds((", "test_add.py:5: SyntaxError"),
    "a missing import": (
        "import numpy as np, pytest",
        "import numpi, pytest",
        "test_add.py:2: Module",
    ),
    "an exception at the top": (
        "@pytest.mark.hint",
        "1 / 0\n@pytest.mark.hint",
        "test_add.py:4: Zero",
    ),
    "a question that does not exist": ('evidence["add/plain"]', 'evidence["add"]', "test_add.py:7"),
    "an answer that does not exist": (
        '"].out',
        '"].uot',
        "test_add.py:7: `evidence['add/plain'].uot`",
    ),
    "a fixture that does not exist": (
        "kept, measure",
        "keptt, measure",
        "test_add.py:5: `test_adds`",
    ),
    "a criterion that does not exist": (
        'criterion("add")',
        'criterion("ad")',
        "judges the criterion `ad`",
    ),
    "a criterion without a name": ('criterion("add")', "criterion()", "the marker `criterion`"),
    "no criterion": ("pytestmark =", "unused =", "test_add.py:5: `test_adds` has no criterion"),
    "a marker that does not exist": ("mark.hint", "mark.hnit", "test_add.py:4: 'hnit' not found"),
    "a hint without a text": ('hint("look at the sign")', "hint(3)", "the marker `hint`"),
    "a written answer without its marker": (
        "kept, measure):",
        "kept, measure, written):\n    written('In words', 'it adds')",
        "test_add.py:5: `test_adds` keeps a written answer and is not marked `review`",
    ),
    "a written answer by way of a fixture": (
        "def test_adds(",
        "def test_adds(essay, ",
        "test_add.py:5: `test_adds` keeps a written answer and is not marked `review`",
        "@pytest.fixture\ndef essay(written):\n    written('In words', 'it adds')\n",
    ),
    "an exception in the test": (
        "out.max()",
        "out.maxi()",
        "test_add.py:8: the test raised over the reference",
    ),
    "an end of the judge": (
        "    out =",
        "    import os; os._exit(0)\n    out =",
        "test_add.py:7: the test raised over the reference's answers: `test_adds`: SystemExit: 0",
    ),
    "an end of pytest": (
        "    out =",
        "    pytest.exit('x')\n    out =",
        "test_add.py:7: the test raised over the reference's answers: `test_adds`: Runtime",
    ),
    "a crash of the judge": (
        "    out =",
        "    import ctypes; ctypes.string_at(0)\n    out =",
        "test_add.py:7: the test raised over the reference's answers: Fatal Python error: Segmen",
    ),
    "a kill of the judge": (
        "    out =",
        "    import os; os.kill(os.getpid(), 9)\n    out =",
        "could not be run judging it ended its process by SIGKILL",
    ),
    "a wrong comparison": ("assert np", "assert not np", "the reference fails: `test_adds`"),
    "an exception of a fixture": (
        "def test_adds(",
        "def test_adds(made, ",
        "test_add.py:13: the test raised over the reference's answers: `test_adds`: ZeroDiv",
        "@pytest.fixture\ndef made():\n    return 1 / 0\n",
    ),
    "an exception of a fixture after the test": (
        "def test_adds(",
        "def test_adds(made, ",
        "test_add.py:14: the test raised over the reference's answers: `test_adds`: ZeroDiv",
        "@pytest.fixture\ndef made():\n    yield\n    1 / 0\n",
    ),
    "an exception after all tests": (
        "out.max()",
        "out.max()",
        "test_add.py:12: the test raised over the reference's answers: `test_adds`: FileNotFound",
        "def teardown_module():\n    open('no-such-file')\n",
    ),
    "an end of the judge after the test": (
        "def test_adds(",
        "def test_adds(made, ",
        "test_add.py:14: the test raised over the reference's answers: `test_adds`: SystemExit: 0",
        "@pytest.fixture\ndef made():\n    yield\n    import os; os._exit(0)\n",
    ),
    "a wrong comparison after the test": (
        "def test_adds(",
        "def test_adds(made, ",
        "the reference fails: `test_adds`: left open",
        "@pytest.fixture\ndef made():\n    yield\n    assert False, 'left open'\n",
    ),
}
CLAIM_FAULTS = {
    "that the seeds cannot decide": ('"a", at_least=0.9', "can never be decided with 1 seed"),
    "without a bound": ('"a"', "needs one of `at_least` and `at_most`"),
    "with an unknown key": ('"a", at_leats=0.9', "cannot be read"),
    "without a name": ("at_least=0.9", "expected the measure's name first"),
    "with shares the wrong way round": ('"a", at_least=1, share=0.4', "0 < against < share < 1"),
}


@pytest.fixture
def grade(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., None]:
    """Hand in a right answer and grade it: the fault is told, and nobody's code has been run."""
    students: list[bytes] = []

    def counting(packed: bytes, machine: Machine) -> Ended:
        if "submission/notebooks/sums.ipynb" not in packing.unpack(packed):
            students.append(packed)
        return execute(packed, machine)

    monkeypatch.setattr(scheduler, "execute", counting)
    monkeypatch.setenv("ASSAY_REQUIRE_ISOLATION", "0")

    def told(root: Path, expected: str, code: int = 4) -> None:
        handed_in = root / "handed_in" / "ada.ipynb"
        handed_in.parent.mkdir()
        handed_in.write_bytes(notebook(PARAMETERS, ADD))
        monkeypatch.chdir(root)
        for words in (["check"], ["grade", str(handed_in)]):
            monkeypatch.setattr(sys, "argv", ["assay", *words])
            capsys.readouterr()
            with pytest.raises(SystemExit) as ended:
                cli.run_program(MACHINE)
            said = capsys.readouterr()

            assert ended.value.code == code, said.err
            assert expected in said.err
            assert "INTERNALERROR" not in said.err + said.out
            assert "Traceback" not in said.err + said.out
            assert len(said.err.splitlines()) < 12, "one sentence, and no listing"
        assert students == []
        results = root / "reports" / "ada" / "results.json"
        assert not results.exists() or json.loads(results.read_text())["not_graded"]

    return told


def slip(text: str, before: str, after: str) -> str:
    assert before in text
    return text.replace(before, after, 1)


@pytest.mark.parametrize("fault", GIVEN_FAULTS.values(), ids=GIVEN_FAULTS)
def test_in_given(tmp_path: Path, grade: Callable[..., None], fault: tuple[str, str, str]):
    """What draws the inputs."""
    before, after, expected = fault
    with toys.course(tmp_path / "course", given=slip(toys.GIVEN, before, after)) as toy:
        grade(toy.root, expected)


AT_ONE_SEED = {
    "a wrong promised shape": ("(3,)", '(3 + (parameters["seed"] == 2),)', "given.py:6: question"),
    "a wrong value": (
        "kept={",
        'kept={"none": x[3:], **{"sum": x}} if SEED else {',
        "test_add.py:",
    ),
    "a promise too many": (
        "(3,)}",
        '(3,)} | ({"more": ()} if SEED else {})',
        "exam.py:3: the answer promises `more`",
    ),
    "an exception": ("return {", "1 / (not SEED)\n    return {", "given.py:5: draw({'seed': 2, "),
}
"""What is so for one seed of four: only that seed's draw shows it."""


@pytest.mark.parametrize("fault", AT_ONE_SEED.values(), ids=AT_ONE_SEED)
def test_in_what_is_drawn_for_one_seed(
    tmp_path: Path, grade: Callable[..., None], fault: tuple[str, str, str]
):
    """The seed is not the one that the reference is asked first."""
    before, after, expected = fault
    given = slip(toys.GIVEN, before, after.replace("SEED", '(parameters["seed"] == 2)'))
    text = toys.toml().replace("seeds = [0]", "seeds = [0, 1, 2, 3]")
    assert "[0, 1, 2, 3]" in text
    with toys.course(tmp_path / "course", text=text, given=given) as toy:
        grade(toy.root, expected)


@pytest.mark.parametrize("fault", EXAM_FAULTS.values(), ids=EXAM_FAULTS)
def test_in_the_exam(tmp_path: Path, grade: Callable[..., None], fault: tuple[str, str, str]):
    """What puts the questions."""
    before, after, expected = fault
    with toys.course(tmp_path / "course", exam=slip(toys.EXAM, before, after)) as toy:
        grade(toy.root, expected)


@pytest.mark.parametrize("fault", TEST_FAULTS.values(), ids=TEST_FAULTS)
def test_in_a_test(tmp_path: Path, grade: Callable[..., None], fault: tuple[str, ...]):
    """What judges the answers."""
    before, after, expected, *below = fault
    tests = {"test_add.py": "\n".join([slip(toys.TEST, before, after), *below])}
    with toys.course(tmp_path / "course", tests=tests) as toy:
        grade(toy.root, expected)


@pytest.mark.parametrize("fault", CLAIM_FAULTS.values(), ids=CLAIM_FAULTS)
def test_in_a_claim(tmp_path: Path, grade: Callable[..., None], fault: tuple[str, str]):
    """What a criterion that depends on luck says of itself."""
    claimed, expected = fault
    tests = {"test_add.py": toys.TEST + CLAIM.replace("CLAIMED", claimed)}
    with toys.course(tmp_path / "course", tests=tests) as toy:
        grade(toy.root, expected)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("NAMES = 1 / 0", "names.py:1: ZeroDivisionError"),
        (NAMES.replace("NAMES =", "NAME ="), "names.py:1: it defines no `NAMES`"),
        (NAMES.replace('names=("add",)', 'name=("add",)'), "`names` is nothing"),
        (NAMES.replace('"add"', '"ad_d"'), "asks for `ad_d`, and the reference has nothing"),
        (NAMES + 'INSTEAD = {"sub": ()}', "`INSTEAD` names `sub`"),
    ],
)
def test_in_the_names(tmp_path: Path, grade: Callable[..., None], names: str, expected: str):
    """What is asked for."""
    with toys.course(
        tmp_path / "course", tests={"test_add.py": toys.TEST, "names.py": names}
    ) as toy:
        grade(toy.root, expected)


def test_a_claim_that_the_reference_misses(tmp_path: Path, grade: Callable[..., None]):
    """Each right submission would lose it: by the claim's own test it fails over all its runs."""
    claimed = '"share", at_least=2, share=0.95, against=0.5, confidence=0.95'
    below = CLAIM.replace("CLAIMED", claimed) + "    assert 1 >= claim.at_least, 'too small'\n"
    text = toys.toml(seeds=range(5), datasets=("a", "b"))
    tests = {"test_add.py": toys.TEST + below}
    with toys.course(tmp_path / "course", text=text, tests=tests) as toy:
        grade(toy.root, "test_add.py:12: the reference misses the claim of `test_it_learns`")


def test_a_test_over_no_cases(tmp_path: Path, grade: Callable[..., None]):
    """Nobody would get its points."""
    before, after = "@pytest.mark.hint", "@pytest.mark.parametrize('case', [])\n@pytest.mark.hint"
    test = slip(toys.TEST, before, after).replace("(evidence,", "(case, evidence,")
    with toys.course(tmp_path / "course", tests={"test_add.py": test}) as toy:
        said = "test_add.py:6: the test judges no submission: `test_adds`: got empty parameter"
        grade(toy.root, said)


def test_in_a_figure(tmp_path: Path, grade: Callable[..., None]):
    """A plot of what no test measures."""
    text = toys.toml() + FIGURE.replace("MEASURED", "larget")
    with toys.course(tmp_path / "course", text=text) as toy:
        grade(toy.root, "assignment.toml:21: no test measures `larget`")


def test_a_criterion_without_a_test(tmp_path: Path, grade: Callable[..., None]):
    text = toys.toml() + '[[part.criterion]]\nname = "more"\ntitle = "More"\npoints = 1\n'
    with toys.course(tmp_path / "course", text=text) as toy:
        grade(toy.root, "assignment.toml:17: no test judges `more`")


@pytest.mark.parametrize("missing", ["given.py", "exam.py"])
def test_a_file_that_is_missing(tmp_path: Path, grade: Callable[..., None], missing: str):
    with toys.course(tmp_path / "course") as toy:
        (toy.root / toy.part[0].rubric / missing).unlink()
        grade(
            toy.root,
            f"assignment.toml:9: the rubric `{toy.part[0].rubric}` has no {missing}",
            code=2,
        )


def test_a_rubric_that_is_missing(tmp_path: Path, grade: Callable[..., None]):
    with toys.course(tmp_path / "course", text=toys.toml().replace("RUBRIC", "nowhere")) as toy:
        grade(toy.root, "assignment.toml:9: there is no folder `nowhere`", code=2)


def test_assignment_toml_is_wrong_usage(tmp_path: Path, grade: Callable[..., None]):
    with toys.course(tmp_path / "course") as toy:
        text = (toy.root / "assignment.toml").read_text()
        (toy.root / "assignment.toml").write_text(slip(text, "points = 2", 'points = "two"'))
        grade(toy.root, "line 15: `part.criterion.points` is 'two'", code=2)


@pytest.mark.parametrize("name", ["adapter.py", "solution/adding.py"])
def test_a_syntax_error_beside_the_reference(tmp_path: Path, grade: Callable[..., None], name: str):
    """In its adapter, or in its package."""
    with toys.course(tmp_path / "course") as toy:
        (toy.root / name).parent.mkdir(exist_ok=True)
        (toy.root / name).write_text("one = 1\ndef add(x, y)\n    return x + y\n")
        grade(toy.root, f"{name}:2: the reference: SyntaxError: expected ':'")


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ((PARAMETERS, "1 / 0"), "the reference's run: cell 2 raised Zero"),
        (
            (PARAMETERS, "1 / 0\n" + ADD),
            "cannot grade: notebooks/sums.ipynb: the reference's run: cell 2 raised Zero",
        ),
        ((PARAMETERS, ADD, "import os; os._exit(3)"), "ended itself with exit code 3 in cell 3"),
        ((PARAMETERS, "def sub(x, y): return x"), "question `add/plain` is not answered"),
        ((PARAMETERS, "def add(x, y): raise ValueError('no')"), "ValueError: no"),
        ((PARAMETERS, "def add(x, y): return [1]"), "the reference's `out` has shape (1,)"),
        ((PARAMETERS, toys.SUBTRACT), "the reference fails: `test_adds`: off by a lot"),
    ],
    ids=[
        "a cell raises",
        "before its answer",
        "a cell exits",
        "no answer",
        "it raises",
        "another shape",
        "it is wrong",
    ],
)
def test_in_the_reference(
    tmp_path: Path, grade: Callable[..., None], cells: tuple[str, ...], expected: str
):
    """The course's own answer."""
    with toys.course(tmp_path / "course") as toy:
        (toy.root / "notebooks" / "sums.ipynb").write_bytes(notebook(*cells))
        grade(toy.root, expected)


@pytest.mark.parametrize(
    ("book", "expected"),
    [
        (b"{not json", "is not a notebook: it is not JSON"),
        (b"", "is not a notebook: it is empty"),
        (b"[1]", "is not a notebook of format 4"),
        (notebook(), "the reference has no cell of code"),
    ],
    ids=["no JSON", "empty", "a list", "no cells"],
)
def test_a_reference_that_cannot_be_read(
    tmp_path: Path, grade: Callable[..., None], book: bytes, expected: str
):
    """It is the course's fault, not a submission that cannot be graded."""
    with toys.course(tmp_path / "course") as toy:
        (toy.root / "notebooks" / "sums.ipynb").write_bytes(book)
        grade(toy.root, expected)


@pytest.mark.parametrize(
    ("fallback", "expected"),
    [
        ("def twice(x): return x\n1 / 0\n", "fallback.py:2: it cannot be imported: ZeroDivision"),
        ("from numpy import nothing_so\n", "fallback.py:1: it cannot be imported: ImportError"),
        ("from ask import student\nsub = student.sub\n", "fallback.py:2: it cannot be imported"),
        ("raise SystemExit(2)\n", "fallback.py:1: it cannot be imported: SystemExit: 2"),
    ],
    ids=["raises", "imports", "asks at once", "exits"],
)
def test_in_the_fallback(tmp_path: Path, grade: Callable[..., None], fallback: str, expected: str):
    """What is right may need none of it: it is imported after the reference's exam."""
    files = {"test_add.py": toys.TEST, "fallback.py": fallback}
    with toys.course(tmp_path / "course", tests=files) as toy:
        grade(toy.root, expected)


def test_an_exam_that_never_ends(tmp_path: Path, grade: Callable[..., None]):
    """Between two questions there is as much time as one has."""
    text = toys.toml().replace("[limits]", "[limits]\nquestion_seconds = 2")
    exam = slip(toys.EXAM, "with ask", "while True: pass\nwith ask")
    with toys.course(tmp_path / "course", text=text, exam=exam) as toy:
        grade(toy.root, "exam.py:3: the exam broke off: TimeoutError: took longer than 2 s")


def test_a_question_that_never_ends(tmp_path: Path, grade: Callable[..., None]):
    """The line that it was ended in is told once."""
    text = toys.toml().replace("[limits]", "[limits]\nquestion_seconds = 2")
    exam = slip(toys.EXAM, "    answer", "    while True: pass\n    answer")
    with toys.course(tmp_path / "course", text=text, exam=exam) as toy:
        where = f"{toy.part[0].rubric}/exam.py:4: question `add/plain`, asked of the reference"
        grade(toy.root, f"cannot grade: {where}: TimeoutError: took longer than 2 s")


def test_a_class_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Each of a class has a result that says why; the terminal says it once."""
    with toys.course(tmp_path / "course", exam=slip(toys.EXAM, "answer.out", "answer.uot")) as toy:
        for name in ("ada", "bob", "eve"):
            book = notebook(PARAMETERS, ADD, f"# {name}")
            (toy.root / "handed_in").mkdir(exist_ok=True)
            (toy.root / "handed_in" / f"{name}.ipynb").write_bytes(book)
        monkeypatch.chdir(toy.root)
        for step in ("grade", "judge"):
            monkeypatch.setattr(sys, "argv", ["assay", step, "handed_in", "--json"])
            with pytest.raises(SystemExit) as ended:
                cli.run_program(MACHINE)
            said = capsys.readouterr()

            assert ended.value.code == 4
            assert said.err.count("exam.py:3: the answer promises `out`") == 1
            assert ["earned" in answer for answer in json.loads(said.out)] == [False] * 3
        results = json.loads((toy.root / "reports" / "ada" / "results.json").read_text())
    assert "exam.py:3" in results["not_graded"][0]


def test_many_faults_are_told_at_once(tmp_path: Path, grade: Callable[..., None]):
    """Whoever mends a course need not start it again after each."""
    text = toys.toml() + FIGURE.replace("MEASURED", "larget")
    tests = {"test_add.py": slip(toys.TEST, 'criterion("add")', 'criterion("ad")')}
    exam = slip(toys.EXAM, "given.y", "given.why")
    with toys.course(tmp_path / "course", text=text, tests=tests, exam=exam) as toy:
        grade(toy.root, "the course cannot grade: 4 faults were found in it")


def test_a_reference_that_fails_can_be_reproduced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Its report is how the author finds out why; students are not graded meanwhile."""
    with toys.course(tmp_path / "course") as toy:
        wrong = notebook(PARAMETERS, toys.SUBTRACT)
        (toy.root / "notebooks" / "sums.ipynb").write_bytes(wrong)
        monkeypatch.chdir(toy.root)
        monkeypatch.setattr(sys, "argv", ["assay", "reproduce"])
        with pytest.raises(SystemExit) as ended:
            cli.run_program(MACHINE)

    assert not ended.value.code
    assert "0/2   off by a lot" in capsys.readouterr().out


def test_a_course_without_a_notebook_is_checked_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """A note says so; what can be read is read."""
    with toys.course(tmp_path / "course") as toy:
        (toy.root / "notebooks" / "sums.ipynb").unlink()
        monkeypatch.chdir(toy.root)
        monkeypatch.setattr(sys, "argv", ["assay", "check"])
        with pytest.raises(SystemExit) as ended:
            cli.run_program(MACHINE)
        said = capsys.readouterr()

    assert not ended.value.code
    assert "note: no notebook of the assignment's own" in said.err
    assert said.out == "✓ Toy: the course can grade, 1 criterion, 1 test\n"


@pytest.mark.parametrize(
    "module",
    [b"\xef\xbb\xbfone = 1\n", "# coding: latin-1\nname = 'J\u00f6rg'\n".encode("latin-1")],
    ids=["a byte order mark", "another encoding"],
)
def test_a_module_in_any_encoding_that_python_reads(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    module: bytes,
):
    """Editors on Windows write such files; they are no syntax errors."""
    with toys.course(tmp_path / "course") as toy:
        (toy.root / "solution").mkdir()
        (toy.root / "solution" / "adding.py").write_bytes(module)
        monkeypatch.chdir(toy.root)
        monkeypatch.setattr(sys, "argv", ["assay", "check"])
        with pytest.raises(SystemExit) as ended:
            cli.run_program(MACHINE)

    assert not ended.value.code, capsys.readouterr().err
