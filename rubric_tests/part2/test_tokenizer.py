"""The tokenizer, where there is one to be found: `tokenizer`, or `encode` and `decode`."""

import pytest

from assay.rubric import Wrong
from rubric_tests.part2 import tasks

pytestmark = pytest.mark.criterion("tokenizer")


@pytest.mark.hint("decode(encode(sequence)) == sequence, special tokens left out")
def test_round_trip(evidence, given):
    """What is encoded comes back when it is decoded."""
    try:
        back = evidence["tokenizer/round-trip"].back
    except Exception as error:
        if getattr(error, "absent", ""):
            pytest.skip("not asked: neither `tokenizer` nor `encode` and `decode` are there")
        raise
    for sequence, came in zip(
        tasks.sequences(given["tokenizer/round-trip"].sequences), tasks.sequences(back), strict=True
    ):
        if sequence != came:
            raise Wrong(f"{sequence} comes back as {came}")
