"""The one file that enters the kernel: it finds the student's names and writes answers down."""

import importlib.util
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from assay.sandbox import inside
from tests.toys.toy import arrays, npz


class Desk:
    """A run's folder with the exam's file in it, as a kernel sees it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("kit", "submission", "evidence", "given"):
            (root / folder).mkdir(parents=True)
        for name in ("ask.py", "switches.py"):
            shutil.copy(Path(inside.__file__).parent / name, root / "kit")
        self.give("q")
        spec = importlib.util.spec_from_file_location("ask", root / "kit" / "ask.py")
        assert spec is not None
        assert spec.loader is not None
        self.module: ModuleType = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.module)

    def give(self, question: str, **shown: object) -> None:
        path = self.root / "given" / f"{question}.npz"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(npz(**shown))

    def submit(self, name: str, source: str) -> None:
        path = self.root / "submission" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
        importlib.invalidate_caches()

    def adapt(self, source: str) -> None:
        self.kit("adapter.py", source)

    def kit(self, name: str, source: str) -> None:
        path = self.root / "kit" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)

    def sit(self, exam: str, **notebook: object) -> None:
        self.kit("exam.py", exam)
        self.module.sit(notebook)

    def value(self, expression: str, **notebook: object) -> object:
        """What `student` gives for an expression like `student.x`, through an exam's own eyes."""
        self.module.student._notebook = notebook
        self.module.student._adapter = None
        return eval(expression, {"student": self.module.student})

    def note(self, question: str = "q") -> dict:
        return json.loads((self.root / "evidence" / f"{question}.json").read_text())

    def arrays(self, question: str = "q") -> dict[str, np.ndarray]:
        return arrays((self.root / "evidence" / f"{question}.npz").read_bytes())


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desk whose exam imports its own `ask`, and whose `solution` is the student's."""
    ours = taken_out("solution")
    made = Desk(tmp_path / "desk")
    elsewhere = [path for path in sys.path if not (Path(path) / "solution").is_dir()]
    monkeypatch.setattr(sys, "path", [str(tmp_path / "desk" / "submission"), *elsewhere])
    monkeypatch.setitem(sys.modules, "ask", made.module)
    yield made
    taken_out("solution")
    taken_out("exam")
    sys.modules.update(ours)


def taken_out(package: str) -> dict[str, ModuleType]:
    """The imported modules of a package, which Python has then forgotten."""
    names = [name for name in sys.modules if name.split(".")[0] == package]
    return {name: sys.modules.pop(name) for name in names}


@pytest.fixture
def package(desk: Desk) -> Desk:
    """A desk with a `solution` package: names in it, names in a module, and a broken module."""
    desk.submit("solution/__init__.py", "x = 'package'\nin_package = 1\n")
    desk.submit("solution/a_broken.py", "import nothing_of_this_name\n")
    desk.submit("solution/network.py", "x = 'module'\nin_module = 2\n")
    return desk


ANSWER = "from ask import ask, student\nwith ask('q') as (given, answer):\n    "


def test_a_name_is_looked_up_in_the_adapter_first(package: Desk):
    """The adapter wins over the notebook and the package."""
    package.adapt("x = 'adapter'")

    assert package.value("student.x", x="notebook") == "adapter"


def test_a_name_is_looked_up_in_the_notebook_second(package: Desk):
    """The notebook wins over the package, where the adapter does not have the name."""
    package.adapt("y = 'adapter'")

    assert package.value("student.x", x="notebook") == "notebook"


def test_a_name_is_looked_up_in_the_package_third(package: Desk):
    """The package itself wins over its modules."""
    assert package.value("student.x") == "package"


def test_a_name_is_looked_up_in_every_module_of_the_package(package: Desk):
    """A module that cannot be imported does not hide the others."""
    assert package.value("student.in_module") == 2


def test_a_missing_name_is_written_down_as_missing(package: Desk):
    """The note says which name was expected."""
    package.sit(ANSWER + "answer.out = student.nowhere")

    assert package.note()["status"] == "missing"
    assert "expected `nowhere`" in package.note()["error"]


def test_without_a_package_a_missing_name_is_missing_too(desk: Desk):
    """A bare notebook has no package, and that is no error."""
    desk.sit(ANSWER + "answer.out = student.nowhere")

    assert desk.note()["status"] == "missing"


def test_names_are_as_the_notebook_left_them(desk: Desk):
    """What the exam's module binds later does not change the student's names."""
    namespace = {"x": 1}
    desk.kit("exam.py", ANSWER + "answer.out = student.x")
    desk.module.sit(namespace)
    namespace["x"] = 2

    assert desk.value("student.x", **desk.module.student._notebook) == 1


def test_instances_are_the_notebooks_objects_of_a_class(desk: Desk):
    """In the order of their names' binding; IPython's `_` history is left out."""
    assert desk.value("student.instances(int)", a=1, b="x", _=2, c=3) == [1, 3]


def test_the_given_arrays_reach_the_question(desk: Desk):
    """`given.x` is the array that was handed out, bit for bit."""
    desk.give("q", x=np.array([1.5, np.pi]))
    desk.sit(ANSWER + "answer.out = given.x")

    assert np.array_equal(desk.arrays()["out"], [1.5, np.pi])
    assert desk.note() == {"status": "answered", "text": {}}


def test_an_exam_may_be_a_package(desk: Desk):
    """Its questions are put in the order in which it imports its modules."""
    noting = "answer.out = student.put.append(1) or len(student.put)"
    desk.give("r")
    desk.kit("exam/__init__.py", "from exam import second, first")
    desk.kit("exam/first.py", ANSWER + noting)
    desk.kit("exam/second.py", ANSWER.replace("'q'", "'r'") + noting)
    desk.module.sit({"put": []})

    assert (desk.arrays("r")["out"], desk.arrays("q")["out"]) == (1, 2)


@pytest.mark.parametrize("name", ["exam", "exam.first"])
def test_an_exam_of_the_students_own_is_not_sat(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str
):
    """Neither a module that the notebook imported as `exam` nor one beside it is taken for ours."""
    desk.kit("exam/__init__.py", "from exam import first")
    desk.kit("exam/first.py", ANSWER + "answer.out = 1")
    desk.submit("exam.py", "")
    monkeypatch.setitem(sys.modules, name, ModuleType(name))
    desk.module.sit({})

    assert desk.arrays()["out"] == 1


def test_a_warning_is_not_an_answer(desk: Desk):
    """Whatever the notebook asked of warnings, none becomes an exception in the exam."""
    desk.sit(f"import warnings\n{ANSWER}warnings.warn('deprecated'); answer.out = 1")

    assert desk.arrays()["out"] == 1


def test_an_exception_is_an_answer_and_the_next_question_is_put(desk: Desk):
    """Type, message and traceback are kept, as is what was answered before."""
    desk.give("second/q")
    exam = ANSWER + "answer.before = 1; 1 / 0\nwith ask('second/q') as (given, answer):\n"
    desk.sit(exam + "    answer.out = 2")

    assert desk.note()["status"] == "raised"
    assert desk.note()["error"] == "ZeroDivisionError: division by zero"
    assert "exam.py" in desk.note()["traceback"]
    assert desk.arrays()["before"] == 1
    assert desk.arrays("second/q")["out"] == 2


def test_system_exit_is_an_answer(desk: Desk):
    """Student code that leaves does not take the exam with it."""
    desk.sit(ANSWER + "raise SystemExit(0)")

    assert desk.note()["error"] == "SystemExit: 0"
    assert (desk.root / "evidence" / "finished.json").exists()


def test_a_long_message_is_cut(desk: Desk):
    """An error of a megabyte is not evidence."""
    desk.sit(ANSWER + "raise ValueError('x' * 10**6)")

    assert len(desk.note()["error"]) == 500


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1", 1),
        ("True", True),
        ("2.5", 2.5),
        ("[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
        ("(1.0, 2.0)", [1.0, 2.0]),
        ("np.float32(0.5)", 0.5),
        ("np.arange(3)", [0, 1, 2]),
        ("torch.ones(2, requires_grad=True)", [1, 1]),
        ("[torch.tensor(1.0), torch.tensor(2.0)]", [1, 2]),
        ("float('nan')", np.nan),
        ("[]", []),
    ],
)
def test_numbers_become_arrays(desk: Desk, value: str, expected: object):
    """Python's, NumPy's and torch's numbers alike."""
    imports = f"import {'torch' if 'torch' in value else 'numpy as np'}\n"
    desk.sit(f"{imports}{ANSWER}answer.out = {value}")

    assert np.array_equal(desk.arrays()["out"], expected, equal_nan=True)
    assert "out" not in desk.note()["text"]


def test_arrays_keep_their_dtype(desk: Desk):
    """float32 stays float32: whether an answer was computed in it is the judge's to see."""
    desk.sit(f"import torch\n{ANSWER}answer.out = torch.zeros(2)")

    assert desk.arrays()["out"].dtype == np.float32


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("'text'", "text"),
        ("['a', 'b']", ["a", "b"]),
        ("{'a': [1, 2.5, None, True]}", {"a": [1, 2.5, None, True]}),
        ("None", None),
        ("[[1, 2], [3]]", [[1, 2], [3]]),
    ],
)
def test_text_and_ragged_lists_are_written_as_json(desk: Desk, value: str, expected: object):
    """What is not an array of numbers but plain goes beside the arrays."""
    desk.sit(ANSWER + f"answer.out = {value}")

    assert desk.note()["text"] == {"out": expected}
    assert desk.arrays() == {}


@pytest.mark.parametrize(
    ("value", "kind"),
    [("object()", "object"), ("1j", "complex"), ("len", "builtin_function")],
)
def test_what_is_not_plain_is_named_and_never_pickled(desk: Desk, value: str, kind: str):
    """Objects, sets, complex numbers: the note says what came instead of an answer."""
    desk.sit(ANSWER + f"answer.out = {value}")

    assert kind in desk.note()["text"]["out"]
    assert "not plain data" in desk.note()["text"]["out"]


NASTY = {
    "an array that raises": "type('A', (), {'__array__': lambda s, *a, **k: 1 / 0})()",
    "a bfloat16 tensor": "__import__('torch').zeros(2, dtype=__import__('torch').bfloat16)",
    "a list that holds itself": "(lambda a: (a.append(a), a)[1])(['x'])",
    "a dictionary with tuples as keys": "{(1, 2): 'x'}",
    "a very deep list": "__import__('functools').reduce(lambda a, _: [a], range(10**5), 'x')",
}


@pytest.mark.parametrize("value", NASTY.values(), ids=NASTY)
def test_no_answer_can_end_the_exam(desk: Desk, value: str):
    """Whatever an answer is, it is written down somehow, and the next question is put."""
    desk.give("r")
    desk.sit(f"{ANSWER}answer.out = {value}\nwith ask('r') as (given, answer):\n    answer.out = 2")

    assert desk.arrays("r")["out"] == 2


def test_an_exception_of_the_students_own_kind_is_an_answer(desk: Desk):
    """A class made from BaseException is no way out of the exam."""
    desk.give("r")
    raising = "raise type('Mine', (BaseException,), {})('out of here')"
    desk.sit(f"{ANSWER}{raising}\nwith ask('r') as (given, answer):\n    answer.out = 2")

    assert desk.note()["status"] == "raised"


def test_the_adapter_is_executed_once(desk: Desk):
    """Two names of one adapter belong together: a class is the same class twice."""
    desk.adapt("class Network: pass")

    assert desk.value("student.Network is student.Network")


def test_a_solution_of_one_file_is_looked_into(desk: Desk):
    """`solution.py` beside the notebook serves as the package."""
    desk.submit("solution.py", "x = 'file'")

    assert desk.value("student.x") == "file"


def test_a_name_missing_from_a_solution_of_one_file_is_missing(desk: Desk):
    """It is told as missing, not as an error of the student's code."""
    desk.submit("solution.py", "x = 'file'")
    desk.sit(ANSWER + "answer.out = student.nowhere")

    assert desk.note()["status"] == "missing"


def test_nan_among_text_is_still_strict_json(desk: Desk):
    """What is written can be read back by the strict reader."""
    from assay.evidence.answers import read_json

    desk.sit(ANSWER + "answer.out = {'loss': float('nan')}")

    assert read_json((desk.root / "evidence" / "q.json").read_bytes())["status"] == "answered"


def test_the_adapter_sees_the_notebooks_names(desk: Desk):
    """At once, and later inside its functions; what it binds anew is its own."""
    desk.adapt("y = x + 1\nx = 5\ndef f():\n    return x + y + z")

    assert desk.value("(student.y, student.x, student.f())", x=1, z=10) == (2, 5, 17)


def test_an_adapter_line_that_fails_is_passed_over(desk: Desk):
    """A name of another part is not there yet; the lines round it hold."""
    desk.adapt("a = x\nmodel = net\nb = x")
    desk.sit(ANSWER + "answer.both = student.a + student.b\n    answer.out = student.model", x=1)

    assert desk.arrays()["both"] == 2
    assert desk.note()["status"] == "missing"
    assert "line 2 of the adapter raised NameError: name 'net'" in desk.note()["error"]


@pytest.mark.parametrize(
    "line", ["raise SystemExit", "import sys; sys.exit(1)", "import nothing_x"]
)
def test_an_adapter_cannot_end_the_exam(desk: Desk, line: str):
    """Whatever it raises, the questions are put."""
    desk.adapt(f"{line}\na = 3")
    desk.sit(ANSWER + "answer.out = student.a")

    assert desk.arrays()["out"] == 3


def test_an_adapter_that_is_not_python_is_told(desk: Desk):
    """With every name that is missing; those of the notebook are found all the same."""
    desk.adapt("add is plus(")
    desk.sit(ANSWER + "answer.out = student.x\n    student.add", x=1)

    assert desk.arrays()["out"] == 1
    assert "the adapter is not Python" in desk.note()["error"]


FALLBACK = (
    "from ask import student\nif student.has('half'):\n    def whole(): return student.half * 2"
)


def test_the_rubric_may_put_a_name_together_from_others(desk: Desk):
    """Only where the submission has not the name itself, and has what it needs."""
    (desk.root / "kit" / "fallback.py").write_text(FALLBACK)
    made = desk.value("student.whole()", half=2)

    assert made == 4
    assert desk.value("student.whole", whole="own", half=2) == "own"


def test_the_end_of_a_questions_time_is_not_asked_again_in_single_precision(desk: Desk):
    """Other errors are; the end of the time is no error of the code that was asked."""
    asking = Path(__file__).parents[2] / "rubric_tests" / "part2" / "exam" / "asking.py"
    work = (
        "@precisely('q')\ndef _(given, answer):\n    student.tried.append(given.dtype)\n    raise "
    )
    head = "from ask import TimeUp, student\nfrom exam.asking import precisely\n"
    tried: dict[str, list[object]] = {"TimeUp": [], "ValueError": []}
    for error in tried:
        desk.kit("exam/asking.py", asking.read_text())
        desk.kit("exam/__init__.py", head + work + error)
        desk.module.sit({"tried": tried[error]})

    assert [str(dtype) for dtype in tried["TimeUp"]] == ["torch.float64"]
    assert [str(dtype) for dtype in tried["ValueError"]] == ["torch.float64", "torch.float32"]


def test_a_question_that_is_spent_is_given_no_code_of_the_students(desk: Desk):
    """It ended its kernel before; the questions beside it are put."""
    desk.give("r")
    note = {"status": "raised", "error": "TimeoutError: took longer than 1 s"}
    desk.kit("spent.json", json.dumps({"q": note}))
    desk.sit(
        ANSWER + "answer.out = student.x\nwith ask('r') as (given, answer):\n"
        "    answer.out = student.x",
        x=7,
    )

    assert desk.note()["error"] == "TimeoutError: took longer than 1 s"
    assert desk.arrays() == {}
    assert desk.arrays("r")["out"] == 7


def test_a_name_is_looked_up_in_modules_at_the_top(desk: Desk):
    """A repository without a `solution`: what is imported first, then what has the name."""
    desk.submit("network_of_mine.py", "def net(): return 1\nother = 2\n")
    desk.submit("lib_of_mine/deep.py", "import math\ndeep = 3\n")
    desk.submit("script_of_mine.py", "raise SystemExit('a script that nobody asked for')\n")

    assert desk.value("student.net()") == 1
    assert desk.value("student.other") == 2
    assert desk.value("student.deep") == 3
    assert desk.value("int(student.has('other', 'deep'))") == 1
    assert desk.value("int(student.has('nowhere'))") == 0
    for name in ("network_of_mine", "lib_of_mine", "lib_of_mine.deep"):
        sys.modules.pop(name, None)


def test_a_module_is_never_the_answer(package: Desk):
    """`solution.model` is a submodule; the model is what a module of it binds."""
    package.submit("solution/model.py", "size = 3\n")
    package.submit("solution/train.py", "model = 'trained'\n")

    assert package.value("student.model") == "trained"
    assert package.value("int(student.has('network'))") == 0
