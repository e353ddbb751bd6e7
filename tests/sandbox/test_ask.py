"""The one file that enters the kernel: it finds the student's names and writes answers down."""

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from assay.sandbox import inside
from tests.toys.toy import arrays, npz


class Workdir:
    """A run's folder with the exam's file in it, as a kernel sees it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("support", "submission", "evidence", "given"):
            (root / folder).mkdir(parents=True)
        for name in ("ask.py", "switches.py"):
            shutil.copy(Path(inside.__file__).parent / name, root / "support")
        self.give("q")
        spec = importlib.util.spec_from_file_location("ask", root / "support" / "ask.py")
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
        self.support("adapter.py", source)

    def support(self, name: str, source: str) -> None:
        path = self.root / "support" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)

    def sit(self, exam: str, **notebook: object) -> None:
        self.support("exam.py", exam)
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
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workdir]:
    """A workdir whose exam imports its own `ask`, and whose `solution` is the student's."""
    ours = taken_out("solution")
    made = Workdir(tmp_path / "workdir")
    elsewhere = [path for path in sys.path if not (Path(path) / "solution").is_dir()]
    monkeypatch.setattr(sys, "path", [str(tmp_path / "workdir" / "submission"), *elsewhere])
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
def package(workdir: Workdir) -> Workdir:
    """A workdir with a `solution` package: names in it, names in a module, and a broken module."""
    workdir.submit("solution/__init__.py", "x = 'package'\nin_package = 1\n")
    workdir.submit("solution/a_broken.py", "import nothing_of_this_name\n")
    workdir.submit("solution/network.py", "x = 'module'\nin_module = 2\n")
    return workdir


ANSWER = "from ask import ask, student\nwith ask('q') as (given, answer):\n    "


def test_a_name_is_looked_up_in_the_adapter_first(package: Workdir):
    """The adapter wins over the notebook and the package."""
    package.adapt("x = 'adapter'")

    assert package.value("student.x", x="notebook") == "adapter"


def test_a_name_is_looked_up_in_the_notebook_second(package: Workdir):
    """The notebook wins over the package, where the adapter does not have the name."""
    package.adapt("y = 'adapter'")

    assert package.value("student.x", x="notebook") == "notebook"


def test_a_name_is_looked_up_in_the_package_third(package: Workdir):
    """The package itself wins over its modules."""
    assert package.value("student.x") == "package"


def test_a_name_is_looked_up_in_every_module_of_the_package(package: Workdir):
    """A module that cannot be imported does not hide the others."""
    assert package.value("student.in_module") == 2


@pytest.mark.parametrize(
    "source",
    [
        "try:\n    import nothing\nexcept ImportError:\n    def wanted(): return 3",
        "if True:\n    class wanted: pass",
        "def bind():\n    global wanted\n    wanted = 3\nbind()",
        "globals()['want' + 'ed'] = 3",
        "from solution.network import x as wanted",
        "for wanted in [1, 2, 3]: pass",
    ],
)
def test_a_module_of_the_package_may_bind_a_name_in_any_way(package: Workdir, source: str):
    """Deep in a condition, by `global`, or by a name that its source does not spell."""
    package.submit("solution/inner/__init__.py", "")
    package.submit("solution/inner/deep.py", source)
    package.sit(ANSWER + "answer.out = student.wanted is not None")

    assert package.note()["status"] == "answered"


def test_a_module_that_does_not_bind_a_name_is_not_run_for_it(package: Workdir):
    """What it imports would take seconds, and what it does would be done in the exam."""
    package.submit("solution/other.py", "def ends():\n    pass\nraise SystemExit('it was run')\n")
    package.sit(ANSWER + "answer.out = student.nowhere")

    assert package.note()["status"] == "missing"
    assert "solution.other" not in sys.modules


def test_a_missing_name_is_written_down_as_missing(package: Workdir):
    """The note says which name was expected."""
    package.sit(ANSWER + "answer.out = student.nowhere")

    assert package.note()["status"] == "missing"
    assert "expected `nowhere`" in package.note()["error"]


def test_without_a_package_a_missing_name_is_missing_too(workdir: Workdir):
    """A bare notebook has no package, and that is no error."""
    workdir.sit(ANSWER + "answer.out = student.nowhere")

    assert workdir.note()["status"] == "missing"


def test_names_are_as_the_notebook_left_them(workdir: Workdir):
    """What the exam's module binds later does not change the student's names."""
    namespace = {"x": 1}
    workdir.support("exam.py", ANSWER + "answer.out = student.x")
    workdir.module.sit(namespace)
    namespace["x"] = 2

    assert workdir.value("student.x", **workdir.module.student._notebook) == 1


def test_instances_are_the_notebooks_objects_of_a_class(workdir: Workdir):
    """In the order of their names' binding; IPython's `_` history is left out."""
    assert workdir.value("student.instances(int)", a=1, b="x", _=2, c=3) == [1, 3]


def test_the_given_arrays_reach_the_question(workdir: Workdir):
    """`given.x` is the array that was handed out, bit for bit."""
    workdir.give("q", x=np.array([1.5, np.pi]))
    workdir.sit(ANSWER + "answer.out = given.x")

    assert np.array_equal(workdir.arrays()["out"], [1.5, np.pi])
    assert workdir.note() == {"status": "answered", "text": {}}


def test_answers_are_written_as_they_are_up_to_a_size(workdir: Workdir):
    """The store sees then what they repeat; a flood of zeros is compressed as ever."""
    for question in ("a", "b", "c"):
        workdir.give(question)
    asked = "".join(
        f"with ask('{q}') as (given, answer):\n    answer.out = np.zeros({n})\n"
        for q, n in (("a", 1_500_000), ("b", 1_500_000), ("c", 100))
    )
    workdir.sit(f"import numpy as np\nfrom ask import ask\n{asked}")
    sizes = {q: (workdir.root / "evidence" / f"{q}.npz").stat().st_size for q in "abc"}

    assert sizes["a"] > 12_000_000
    assert sizes["b"] < 100_000
    assert sizes["c"] > 800
    assert workdir.arrays("b")["out"].shape == (1_500_000,)


def test_an_exam_may_be_a_package(workdir: Workdir):
    """Its questions are put in the order in which it imports its modules."""
    noting = "answer.out = student.put.append(1) or len(student.put)"
    workdir.give("r")
    workdir.support("exam/__init__.py", "from exam import second, first")
    workdir.support("exam/first.py", ANSWER + noting)
    workdir.support("exam/second.py", ANSWER.replace("'q'", "'r'") + noting)
    workdir.module.sit({"put": []})

    assert (workdir.arrays("r")["out"], workdir.arrays("q")["out"]) == (1, 2)


@pytest.mark.parametrize("name", ["exam", "exam.first"])
def test_an_exam_of_the_students_own_is_not_sat(
    workdir: Workdir, monkeypatch: pytest.MonkeyPatch, name: str
):
    """Neither a module that the notebook imported as `exam` nor one beside it is taken for ours."""
    workdir.support("exam/__init__.py", "from exam import first")
    workdir.support("exam/first.py", ANSWER + "answer.out = 1")
    workdir.submit("exam.py", "")
    monkeypatch.setitem(sys.modules, name, ModuleType(name))
    workdir.module.sit({})

    assert workdir.arrays()["out"] == 1


def test_a_warning_is_not_an_answer(workdir: Workdir):
    """Whatever the notebook asked of warnings, none becomes an exception in the exam."""
    workdir.sit(f"import warnings\n{ANSWER}warnings.warn('deprecated'); answer.out = 1")

    assert workdir.arrays()["out"] == 1


def test_an_exception_is_an_answer_and_the_next_question_is_put(workdir: Workdir):
    """Type, message and traceback are kept, as is what was answered before."""
    workdir.give("second/q")
    exam = ANSWER + "answer.before = 1; 1 / 0\nwith ask('second/q') as (given, answer):\n"
    workdir.sit(exam + "    answer.out = 2")

    assert workdir.note()["status"] == "raised"
    assert workdir.note()["error"] == "ZeroDivisionError: division by zero"
    assert "exam.py" in workdir.note()["traceback"]
    assert workdir.arrays()["before"] == 1
    assert workdir.arrays("second/q")["out"] == 2


def test_system_exit_is_an_answer(workdir: Workdir):
    """Student code that leaves does not take the exam with it."""
    workdir.sit(ANSWER + "raise SystemExit(0)")

    assert workdir.note()["error"] == "SystemExit: 0"
    assert (workdir.root / "evidence" / "finished.json").exists()


def test_a_long_message_is_cut(workdir: Workdir):
    """An error of a megabyte is not evidence."""
    workdir.sit(ANSWER + "raise ValueError('x' * 10**6)")

    assert len(workdir.note()["error"]) == 500


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
def test_numbers_become_arrays(workdir: Workdir, value: str, expected: object):
    """Python's, NumPy's and torch's numbers alike."""
    imports = f"import {'torch' if 'torch' in value else 'numpy as np'}\n"
    workdir.sit(f"{imports}{ANSWER}answer.out = {value}")

    assert np.array_equal(workdir.arrays()["out"], expected, equal_nan=True)
    assert "out" not in workdir.note()["text"]


def test_arrays_keep_their_dtype(workdir: Workdir):
    """float32 stays float32: whether an answer was computed in it is the judge's to see."""
    workdir.sit(f"import torch\n{ANSWER}answer.out = torch.zeros(2)")

    assert workdir.arrays()["out"].dtype == np.float32


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
def test_text_and_ragged_lists_are_written_as_json(workdir: Workdir, value: str, expected: object):
    """What is not an array of numbers but plain goes beside the arrays."""
    workdir.sit(ANSWER + f"answer.out = {value}")

    assert workdir.note()["text"] == {"out": expected}
    assert workdir.arrays() == {}


@pytest.mark.parametrize(
    ("value", "kind"),
    [("object()", "object"), ("1j", "complex"), ("len", "builtin_function")],
)
def test_what_is_not_plain_is_named_and_never_pickled(workdir: Workdir, value: str, kind: str):
    """Objects, sets, complex numbers: the note says what came instead of an answer."""
    workdir.sit(ANSWER + f"answer.out = {value}")

    assert kind in workdir.note()["text"]["out"]
    assert "not plain data" in workdir.note()["text"]["out"]


NASTY = {
    "an array that raises": "type('A', (), {'__array__': lambda s, *a, **k: 1 / 0})()",
    "a bfloat16 tensor": "__import__('torch').zeros(2, dtype=__import__('torch').bfloat16)",
    "a list that holds itself": "(lambda a: (a.append(a), a)[1])(['x'])",
    "a dictionary with tuples as keys": "{(1, 2): 'x'}",
    "a very deep list": "__import__('functools').reduce(lambda a, _: [a], range(10**5), 'x')",
}


@pytest.mark.parametrize("value", NASTY.values(), ids=NASTY)
def test_no_answer_can_end_the_exam(workdir: Workdir, value: str):
    """Whatever an answer is, it is written down somehow, and the next question is put."""
    workdir.give("r")
    workdir.sit(
        f"{ANSWER}answer.out = {value}\nwith ask('r') as (given, answer):\n    answer.out = 2"
    )

    assert workdir.arrays("r")["out"] == 2


def test_an_exception_of_the_students_own_kind_is_an_answer(workdir: Workdir):
    """A class made from BaseException is no way out of the exam."""
    workdir.give("r")
    raising = "raise type('Mine', (BaseException,), {})('out of here')"
    workdir.sit(f"{ANSWER}{raising}\nwith ask('r') as (given, answer):\n    answer.out = 2")

    assert workdir.note()["status"] == "raised"


def test_the_adapter_is_executed_once(workdir: Workdir):
    """Two names of one adapter belong together: a class is the same class twice."""
    workdir.adapt("class Network: pass")

    assert workdir.value("student.Network is student.Network")


def test_a_solution_of_one_file_is_looked_into(workdir: Workdir):
    """`solution.py` beside the notebook serves as the package."""
    workdir.submit("solution.py", "x = 'file'")

    assert workdir.value("student.x") == "file"


def test_a_name_missing_from_a_solution_of_one_file_is_missing(workdir: Workdir):
    """It is told as missing, not as an error of the student's code."""
    workdir.submit("solution.py", "x = 'file'")
    workdir.sit(ANSWER + "answer.out = student.nowhere")

    assert workdir.note()["status"] == "missing"


def test_nan_among_text_is_still_strict_json(workdir: Workdir):
    """What is written can be read back by the strict reader."""
    from assay.evidence.answers import read_json

    workdir.sit(ANSWER + "answer.out = {'loss': float('nan')}")

    assert read_json((workdir.root / "evidence" / "q.json").read_bytes())["status"] == "answered"


def test_the_adapter_sees_the_notebooks_names(workdir: Workdir):
    """At once, and later inside its functions; what it binds anew is its own."""
    workdir.adapt("y = x + 1\nx = 5\ndef f():\n    return x + y + z")

    assert workdir.value("(student.y, student.x, student.f())", x=1, z=10) == (2, 5, 17)


GLOBAL = """
def put(w):
    global weights
    weights = w
def out(): return weights
"""


def test_the_adapter_and_the_notebook_share_what_is_global(workdir: Workdir):
    """A notebook's function that binds a name anew is seen, and so is the adapter's."""
    notebook: dict[str, object] = {"weights": 1}
    exec(GLOBAL, notebook)
    adapter = GLOBAL.replace("put", "put_here").replace("out", "out_here")
    workdir.adapt(f"{adapter}\ndef twice(): return 2 * weights\nset = max(2, 3)")
    exam = ANSWER + (
        "student.put(2)\n    answer.first = [student.out_here(), student.twice()]\n"
        "    student.put_here(3)\n    answer.second = [student.out(), student.twice()]\n"
        "    answer.own = student.set"
    )
    workdir.support("exam.py", exam)
    workdir.module.sit(notebook)

    assert workdir.note()["status"] == "answered", workdir.note()
    assert workdir.arrays()["first"].tolist() == [2, 4]
    assert workdir.arrays()["second"].tolist() == [3, 6]
    assert workdir.arrays()["own"] == 3


def test_an_adapter_line_that_fails_is_passed_over(workdir: Workdir):
    """A name of another part is not there yet; the lines round it hold."""
    workdir.adapt("a = x\nmodel = net\nb = x")
    workdir.sit(ANSWER + "answer.both = student.a + student.b\n    answer.out = student.model", x=1)

    assert workdir.arrays()["both"] == 2
    assert workdir.note()["status"] == "missing"
    assert "line 2 of the adapter raised NameError: name 'net'" in workdir.note()["error"]


@pytest.mark.parametrize(
    "line", ["raise SystemExit", "import sys; sys.exit(1)", "import nothing_x"]
)
def test_an_adapter_cannot_end_the_exam(workdir: Workdir, line: str):
    """Whatever it raises, the questions are put."""
    workdir.adapt(f"{line}\na = 3")
    workdir.sit(ANSWER + "answer.out = student.a")

    assert workdir.arrays()["out"] == 3


def test_an_adapter_that_is_not_python_is_told(workdir: Workdir):
    """With every name that is missing; those of the notebook are found all the same."""
    workdir.adapt("add is plus(")
    workdir.sit(ANSWER + "answer.out = student.x\n    student.add", x=1)

    assert workdir.arrays()["out"] == 1
    assert "the adapter is not Python" in workdir.note()["error"]


FALLBACK = (
    "from ask import student\nif student.has('half'):\n    def whole(): return student.half * 2"
)


def test_the_rubric_may_put_a_name_together_from_others(workdir: Workdir):
    """Only where the submission has not the name itself, and has what it needs."""
    (workdir.root / "support" / "fallback.py").write_text(FALLBACK)
    made = workdir.value("student.whole()", half=2)

    assert made == 4
    assert workdir.value("student.whole", whole="own", half=2) == "own"


def test_the_end_of_a_questions_time_is_not_asked_again_in_single_precision(workdir: Workdir):
    """Other errors are; the end of the time is no error of the code that was asked."""
    asking = Path(__file__).parents[2] / "rubric_tests" / "part2" / "exam" / "asking.py"
    work = (
        "@precisely('q')\ndef _(given, answer):\n    student.tried.append(given.dtype)\n    raise "
    )
    head = "from ask import TimeUp, student\nfrom exam.asking import precisely\n"
    tried: dict[str, list[object]] = {"TimeUp": [], "ValueError": []}
    for error in tried:
        workdir.support("exam/asking.py", asking.read_text())
        workdir.support("exam/__init__.py", head + work + error)
        workdir.module.sit({"tried": tried[error]})

    assert [str(dtype) for dtype in tried["TimeUp"]] == ["torch.float64"]
    assert [str(dtype) for dtype in tried["ValueError"]] == ["torch.float64", "torch.float32"]


def test_a_question_that_is_spent_is_given_no_code_of_the_students(workdir: Workdir):
    """It ended its kernel before; the questions beside it are put."""
    workdir.give("r")
    note = {"status": "raised", "error": "TimeoutError: took longer than 1 s"}
    workdir.support("spent.json", json.dumps({"q": note}))
    workdir.sit(
        ANSWER + "answer.out = student.x\nwith ask('r') as (given, answer):\n"
        "    answer.out = student.x",
        x=7,
    )

    assert workdir.note()["error"] == "TimeoutError: took longer than 1 s"
    assert workdir.arrays() == {}
    assert workdir.arrays("r")["out"] == 7


def test_a_name_is_looked_up_in_modules_at_the_top(workdir: Workdir):
    """A repository without a `solution`: what is imported first, then what has the name."""
    workdir.submit("network_of_mine.py", "def net(): return 1\nother = 2\n")
    workdir.submit("lib_of_mine/deep.py", "import math\ndeep = 3\n")
    workdir.submit("script_of_mine.py", "raise SystemExit('a script that nobody asked for')\n")

    assert workdir.value("student.net()") == 1
    assert workdir.value("student.other") == 2
    assert workdir.value("student.deep") == 3
    assert workdir.value("int(student.has('other', 'deep'))") == 1
    assert workdir.value("int(student.has('nowhere'))") == 0
    for name in ("network_of_mine", "lib_of_mine", "lib_of_mine.deep"):
        sys.modules.pop(name, None)


def test_a_module_is_never_the_answer(package: Workdir):
    """`solution.model` is a submodule; the model is what a module of it binds."""
    package.submit("solution/model.py", "size = 3\n")
    package.submit("solution/train.py", "model = 'trained'\n")

    assert package.value("student.model") == "trained"
    assert package.value("int(student.has('network'))") == 0


def test_a_process_that_has_asked_ends_in_silence(tmp_path: Path):
    """Where an end is written down stays open on purpose, and nobody is warned of it."""
    made = Workdir(tmp_path / "workdir")
    made.support("exam.py", ANSWER + "answer.out = 1")
    support = str(made.root / "support")
    code = f"import sys; sys.path.insert(0, {support!r}); import ask; ask.sit({{}})"
    code += (  # as at the end of a process that goes on to other things
        "; import faulthandler, gc, os, warnings; warnings.simplefilter('always')"
        "; os.__dict__.update({n: getattr(os, n).__wrapped__ for n in ask.ENDS})"
        "; faulthandler.disable(); ask.__dict__.clear(); gc.collect()"
    )
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", code], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert made.note()["status"] == "answered"
