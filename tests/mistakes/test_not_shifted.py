"""What a model was trained to say: the next token, or the very one that it reads."""

import numpy as np
import pytest

from assay.rubric import KnownMistake
from rubric_tests.part2 import answers
from tests.mistakes import shared
from tests.toys.toy import arrays, npz

LOGITS = "evidence/model/logits.npz"


def run_that_says(share: float) -> shared.Run:
    """The reference's run, with so many of the tokens that it reads as what it says."""
    shared.forget()
    right = shared.right("part2")
    logits = arrays(right.files[LOGITS])
    read = shared.laid("part2", right).given["model/logits"].target
    repeated = np.zeros(logits["logits"].shape)
    np.put_along_axis(repeated, read[..., None], 1.0, axis=-1)
    chosen = np.random.default_rng().permutation(read.size).reshape(read.shape) < share * read.size
    said = np.where(chosen[..., None], repeated, np.roll(repeated, 1, axis=-1))
    changed = {LOGITS: npz(**(logits | {"logits": said, "again": said}))}
    return shared.laid("part2", right.answering(right.files | changed))


def test_who_says_what_it_reads_is_trained_on_targets_that_are_not_shifted():
    """The loss comes down, as the answer leaks; what runs free is then no fault of `generate`."""
    for share in (0.8, 1.0):
        run = run_that_says(share)
        with pytest.raises(KnownMistake, match="the token that it reads") as wrong:
            answers.check_targets_are_shifted(run.evidence, run.given)
        assert wrong.value.explains == {"training"}


def test_who_says_some_of_it_is_trained_as_it_should_be():
    """A task may have the same digit twice; and the reference says something else."""
    right = shared.laid("part2", shared.right("part2"))
    for run in (right, run_that_says(0.7)):
        answers.check_targets_are_shifted(run.evidence, run.given)
