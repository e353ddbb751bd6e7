"""Code is parsed by many threads at once, and by one at a time."""

import gc
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import assay
from assay import syntax

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


def test_nothing_of_ours_parses_past_the_lock():
    """`ast.parse` is called in one place; a kernel, which has one thread, may call it itself."""
    files = Path(assay.__file__).parent.rglob("*.py")
    callers = {path.name for path in files if re.search(r"\bast\.parse\(", path.read_text())}

    assert callers == {"syntax.py", "ask.py"}
