"""The likely cause of a difference, from the source alone."""

import pytest

from assay.source.nondeterminism import likely


def cause(cell: str) -> str:
    return likely(cell, [cell], [], kept_files=False)


@pytest.mark.parametrize(
    "cell",
    [
        'y = [f"{name} for {n}" for name, n in pairs]',
        'y = "{a for b}"',
        "y = 1  # {x for x in it}",
        "'''set( os.listdir uuid time.time()'''\ny = 1",
        "y = {k: v for k, v in pairs}",
        'print(f"{accuracy:.3f} for seed {seed}")',
    ],
)
def test_what_only_a_text_says_is_no_cause(cell: str):
    """Braces of an f-string are no set, and comments run nothing."""
    assert cause(cell) == "not recognised"


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("y = list({x for x in names})", "order of a set"),
        ('y = f"{set(names)} for {n}"', "order of a set"),
        ('y = f"{n:{len(set(names))}}"', "order of a set"),
        ('y = f"{time.time()}"', "the time is read"),
        ("%matplotlib inline\ny = {x for x in names}", "order of a set"),
    ],
)
def test_what_runs_is_a_cause(cell: str, words: str):
    """In an f-string too; a cell that is not Python is read as it stands."""
    assert words in cause(cell)
