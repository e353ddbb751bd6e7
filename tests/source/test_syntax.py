"""Code is parsed by many threads at once, and by one at a time."""

import gc
import io
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import assay
from assay.evidence import answers
from assay.source import syntax

CODE = "\n".join(f"def f{i}(x):\n    return [x + {i}, (x, x * {i}), f(x)]" for i in range(200))


@pytest.fixture
def collected_often() -> Iterator[None]:
    """A collector that runs often, and lets other threads go on while it does."""

    def pause(*_: object) -> None:
        time.sleep(0)

    before = gc.get_threshold()
    gc.set_threshold(400)
    gc.callbacks.append(pause)
    yield
    gc.callbacks.remove(pause)
    gc.set_threshold(*before)


@pytest.mark.usefixtures("collected_often")
def test_threads_parse_side_by_side():
    """No tree is broken by another thread's."""
    with ThreadPoolExecutor(4) as pool:
        trees = list(pool.map(lambda _: syntax.parse(CODE), range(6)))

    assert {len(tree.body) for tree in trees} == {200}


def test_the_header_of_an_array_is_read_behind_the_lock(monkeypatch: pytest.MonkeyPatch):
    """NumPy parses it: a race there would call sound evidence unsound."""
    file = io.BytesIO()
    np.savez(file, x=np.arange(3))
    read, held = answers._header, []

    def header(raw: bytes) -> object:
        held.append(syntax._one_at_a_time.locked())
        return read(raw)

    monkeypatch.setattr(answers, "_header", header)

    assert answers.read_arrays(file.getvalue())["x"].tolist() == [0, 1, 2]
    assert held == [True]


def test_what_python_itself_got_wrong_is_not_held_against_the_evidence(
    monkeypatch: pytest.MonkeyPatch,
):
    """A SystemError is ours, and no unsound header."""
    file = io.BytesIO()
    np.savez(file, x=np.arange(3))

    def header(raw: bytes) -> object:
        raise SystemError("mismatch")

    monkeypatch.setattr(answers, "_header", header)
    with pytest.raises(SystemError):
        answers.read_arrays(file.getvalue())


@pytest.mark.parametrize(
    "code",
    [
        "import a" + ".a" * 30_000,
        "from a" + " . a" * 30_000 + " import b",
        "import a" + ".\\\na" * 30_000,
        "x = [" + "1," * 1_500_000 + "]",
    ],
    ids=["dotted", "spaced", "continued", "long"],
)
def test_code_that_would_cost_gigabytes_is_refused_at_once(code: str):
    """As code that is none."""
    began = time.process_time()
    with pytest.raises(SyntaxError, match="too long to be read"):
        syntax.parse(code)

    assert time.process_time() - began < 0.5


def test_a_name_of_many_parts_is_read():
    """Fluent code of a hundred calls too."""
    assert syntax.parse("import a" + ".a" * 100)
    assert syntax.parse("x" + ".f()" * 100)
    assert syntax.parse(f"x = '{'.5 .25 ' * 1_000}'")


def test_a_parser_that_knows_no_lock_may_come_between():
    """A tree broken by another library's thread is made again; what stays broken is told."""
    broken = [SystemError("mismatch")] * (syntax.ATTEMPTS - 1)

    def read() -> str:
        if broken:
            raise broken.pop()
        return "read"

    assert syntax.alone(read) == "read"
    broken[:] = [SystemError("mismatch")] * syntax.ATTEMPTS
    with pytest.raises(SystemError):
        syntax.alone(read)


def test_nothing_of_ours_parses_past_the_lock():
    """What parses goes through one place; kernel and judge, of one thread, may do it themselves."""
    parses = re.compile(r"\bast\.(parse|literal_eval)\(|\bnp\.load\(")
    files = Path(assay.__file__).parent.rglob("*.py")
    callers = {path.name for path in files if parses.search(path.read_text())}

    assert callers == {"syntax.py", "ask.py", "evidence_view.py"}
