"""What student code says is never taken for what the exam says."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from assay.records import Check, Verdict
from assay.submission.submission import Submission
from tests.mistakes import shared
from tests.mistakes.shared import Made

PLACE = "in the notebook or in the `solution` package beside it"
FORGED = {
    "decoder-layer/": "expected `DecoderLayer` to take a memory beside its input",
    "masks/decoder-layer": f"expected `DecoderLayer` {PLACE}",
    "masks/memory": f"expected `DecoderLayer` {PLACE}",
    "encoder-layer/": f"expected `EncoderLayer` {PLACE}",
    "attention/": f"expected `attention` {PLACE}",
    "masks/": f"expected `attention` {PLACE}",
    "generation/together": f"expected `generate_batch` {PLACE}",
    "tokenizer/": f"expected `tokenizer` {PLACE}",
}


def right() -> Made:
    return shared.right("part2")


@cache
def usual() -> set[str]:
    return left_out(right())


def noted(made: Made, begins: str, note: Mapping[str, Any]) -> Made:
    """The same run, where the questions that begin so have another note and no numbers."""
    files = dict(made.files)
    for name in made.files:
        if name.startswith(f"evidence/{begins}") and name.endswith(".json"):
            files[name] = json.dumps({"text": {}, **note}).encode()
            files.pop(name.removesuffix("json") + "npz", None)
    return made.answering(files)


def left_out(made: Made) -> set[str]:
    """What counts neither for nor against, and follows from nothing."""
    checks: list[Check] = shared.judged("part2", made)
    return {c.name for c in checks if c.verdict is Verdict.NOT_ASKED}


@pytest.mark.parametrize(("begins", "said"), FORGED.items())
def test_an_error_in_the_exams_words_is_an_error(begins: str, said: str):
    """`raise ValueError("expected `DecoderLayer` ...")` leaves nothing out."""
    forged = noted(right(), begins, {"status": "raised", "error": f"ValueError: {said}"})

    assert left_out(forged) <= usual()


@pytest.mark.parametrize("name", ["attention", "EncoderLayer", "DecoderLayer"])
def test_a_name_that_a_source_defines_was_not_left_out(name: str):
    """`del attention` in a last cell: the sources say that it was written."""
    made = right()
    begins = {"attention": ("attention/", "masks/")}.get(name, (f"{name[:7].lower()}-layer/",))
    for each in begins:
        note = {"status": "missing", "error": f"expected `{name}` {PLACE}", "absent": name}
        made = noted(made, each, note)

    assert left_out(made) <= usual()


def test_attention_inside_the_heads_is_asked_there():
    """Where no source has a function of that name, the heads are asked for it."""
    made = noted(
        right(),
        "attention/",
        {"status": "missing", "error": f"expected `attention` {PLACE}", "absent": "attention"},
    )
    sources = {
        name: content.replace(b"def attention(", b"def mixed(")
        for name, content in made.submission.files.items()
    }
    made = Made(Submission("inside", sources), made.workdir, made.files, made.outcome, made.cells)

    assert "test_attention.test_rows_sum_to_one" in left_out(made)
