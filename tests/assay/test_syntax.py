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
from assay import evidence, syntax

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


@pytest.mark.usefixtures("collected_often")
def test_arrays_are_read_while_others_parse():
    """NumPy parses an array's header: a race there would call sound evidence unsound."""
    file = io.BytesIO()
    np.savez(file, **{f"array-{i}": np.arange(i) for i in range(40)})

    with ThreadPoolExecutor(4) as pool:
        trees = [pool.submit(syntax.parse, CODE) for _ in range(6)]
        read = [pool.submit(evidence.read_arrays, file.getvalue()) for _ in range(20)]

    assert {len(tree.result().body) for tree in trees} == {200}
    assert {len(arrays.result()) for arrays in read} == {40}


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

    assert callers == {"syntax.py", "ask.py", "laid.py"}
