"""Gradients are judged as those of the network that answers, whatever loss is beside them."""

import pytest

from assay.records import Verdict
from assay.submission.submission import Submission
from tests.mistakes import shared
from tests.mistakes.cases import short_submission
from tests.mistakes.grading import ROOT

NETWORK = "solution/backprop/network.py"
FORWARD = "    _, logit = forward(X, W1, W2, b1, b2, out=hidden)\n    loss"
SLOPE = """    np.multiply(hidden, hidden, out=slope)
    np.subtract(hidden, slope, out=slope)
"""
BIASES = "[delta1.sum(axis=0), delta2.sum(axis=0)]"
NO_LAYER = {
    FORWARD: "    hidden[...] = X @ W1 + b1\n    logit = hidden @ W2 + b2\n    loss",
    SLOPE: "    slope[...] = 1\n",
}
RELU = {
    FORWARD: "    hidden[...] = np.maximum(X @ W1 + b1, 0)\n    logit = hidden @ W2 + b2\n    loss",
    SLOPE: "    slope[...] = hidden > 0\n",
}
NO_BIASES = {
    FORWARD: "    _, logit = forward(X, W1, W2, 0 * b1, 0 * b2, out=hidden)\n    loss",
    BIASES: "[0 * b1, 0 * b2]",
}
NO_PROBABILITIES = {"def predict_proba(": "def probabilities("}


def handed_in(edits: dict[str, str]) -> Submission:
    """The reference, whose answers are right, with another loss and gradients beside them."""
    files = short_submission(ROOT, "part1")
    text = files[NETWORK].decode()
    for old, new in edits.items():
        assert old in text
        text = text.replace(old, new)
    return Submission("another", files | {NETWORK: text.encode()})


ANOTHER = {
    "no hidden layer": NO_LAYER,
    "a hidden layer of ReLUs": RELU,
    "no biases": NO_BIASES,
    "no hidden layer, and labels alone to tell it": NO_LAYER | NO_PROBABILITIES,
}


@pytest.mark.parametrize("edits", ANOTHER.values(), ids=ANOTHER)
def test_the_gradients_of_another_network_are_wrong(edits: dict[str, str]):
    """They are the slopes of the loss beside them, and of nothing that answers."""
    checks = shared.judged("part1", shared.make("part1", handed_in(edits)))
    wrong = {check.name for check in checks if check.verdict is Verdict.FAILED}

    assert {
        "test_gradients.test_the_loss_is_a_mean_over_the_rows",
        "test_gradients.test_hidden_layer",
        "test_gradients.test_every_slope",
    } <= wrong


def test_another_network_that_answers_too_has_right_gradients():
    """It loses with the forward pass, where its layer is told, and not once more."""
    edits = RELU | {"    sigmoid(hidden, out=hidden)\n": "    np.maximum(hidden, 0, out=hidden)\n"}
    checks = shared.judged("part1", shared.make("part1", handed_in(edits)))
    lost = {check.criterion for check in checks if check.verdict is Verdict.FAILED}

    assert "forward" in lost
    assert "gradients" not in lost
