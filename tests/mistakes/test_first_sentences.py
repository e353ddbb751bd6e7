"""The first sentence of a report names the cause, where what is seen is far from it."""

from pathlib import Path

import pytest

from assay.evidence.store import Store
from assay.report import summary
from assay.report.view import View
from assay.submission.submission import Submission
from tests.mistakes import part1
from tests.mistakes.cases import Case, short_submission
from tests.mistakes.grading import ROOT, Note, explain, graded, lost, one_part, record
from tests.mistakes.kinds.layers import encoder, own_norm
from tests.mistakes.kinds.training import RATE, training
from tests.mistakes.part1 import network
from tests.mistakes.part2 import PRE_NORM, attention, of, shows_in

ENCODED = "memory = self.encoder(source, source_visible)"
FITTED = "logistic = LogisticRegression(max_iter=1000).fit(X_train, y_train)"
ENDED = "            t += 1\n"
APPLIED = "            descend(weights, dW + db, landings, learning_rate, momentum=t / (t + 1))\n"

WORKED_OUT = "return backpropagate(X, self._targets(y), *self.coefs_, *self.intercepts_, workspace)"
CHANGED = "`loss_and_gradients` changes the weights"

COST = "cost = loss(model, pairs.sources[batch], pairs.wanted[batch])"
TURNED = """def turned(query, key, value, visible=None):
    if query.shape == key.shape:
        query, key = key, query
    return attention(query, key, value, visible)


class MultiHeadAttention"""

NOT_APPLIED = "the gradients are not applied: training changes no weight"
DIES = "the steps shrink to nothing: the learning rate dies before training ends"
ONE_TOKEN = "only token 0 of the source is read"
NOT_READ = "the source is not read: whatever it says, the logits are the same"
NORMED_PATH = "a residual starts behind the normalisation around its "
PART1 = [
    (network("gradients computed and thrown away", "update", {APPLIED: ""}), NOT_APPLIED),
    (network("a copy of the weights descends", "update", {
        "weights = [*self.coefs_, *self.intercepts_]":
        "weights = [part.copy() for part in (*self.coefs_, *self.intercepts_)]",
    }), NOT_APPLIED),
    (network("a rate that halves with every iteration", "convergence", {
        ENDED: f"{ENDED}            learning_rate *= 0.5\n",
    }, seeds=None), DIES),
    (network("a rate that loses seven tenths with every iteration", "convergence", {
        ENDED: f"{ENDED}            learning_rate *= 0.3\n",
    }), DIES),
    (network("loss_and_gradients takes a step of its own", "gradients", {
        WORKED_OUT: WORKED_OUT.replace("return ", "found = ")
        + "\n        self.coefs_ = [W - 0.3 * d for W, d in zip(self.coefs_, found[1])]"
        "\n        return found",
    }), CHANGED),
    (network("loss_and_gradients writes into the output weights", "gradients", {
        WORKED_OUT: WORKED_OUT.replace("return ", "found = ")
        + "\n        self.coefs_[1] *= 0.9\n        return found",
    }), CHANGED),
    (network("a rate of its own, whatever is asked", "update", {
        "float(self.learning_rate), 0": "2.0, 0",
    }), "the step is the same for every learning rate"),
    (network("n_iter_ is what was allowed", "convergence", {
        "self.loss_curve_, self.n_iter_ = losses, len(losses)":
        "self.loss_curve_, self.n_iter_ = losses, self.max_iter",
    }), "or `n_iter_` does not count the iterations"),
    (part1.notebook("a baseline that picks one feature inside", "baseline", {
        FITTED: "from sklearn.pipeline import make_pipeline\n"
        "from sklearn.preprocessing import FunctionTransformer\n"
        "pick = FunctionTransformer(lambda X: X[:, 1:2])\n"
        "logistic = make_pipeline(pick, LogisticRegression(max_iter=1000)).fit(X_train, y_train)",
    }), "the baseline looks at feature 1 alone"),
]  # fmt: skip
PART2 = [
    (of("transformer/model", "the encoder reads the first token alone", "model", {
        ENCODED: "source, source_visible = source[:, :1], None\n        " + ENCODED,
    }), ONE_TOKEN),
    (of("transformer/encoder", "every place holds the first token", "model", {
        "x = self.positions(x)": "x = self.positions(x[:, :1].expand_as(x))",
    }), ONE_TOKEN),
    (of("transformer/embedding", "a table one place too short", "positions", {
        "sinusoids(max_length, d_model)": "sinusoids(max_length - 1, d_model)",
    }), "the table of positions ends before the largest length"),
    (of("transformer/model", "the memory of the first sequence is kept", "model", {
        ENCODED: "if not hasattr(self, 'kept'):\n"
        "            self.kept = self.encoder(source, source_visible).detach()\n"
        "        memory = self.kept[:1, : source.size(1)].expand(len(source), -1, -1)",
    }), NOT_READ),
    (of("reversal/generation", "answers go on from the first memory", "reversal", {
        "    pasts, memories = model.decoder.start(model.encoder(source, visible))":
        "    if not hasattr(model, 'kept'):\n        model.kept = model.encoder(source, visible)\n"
        "    first = model.kept[:1].expand(len(source), -1, -1)\n"
        "    pasts, memories = model.decoder.start(first)",
    }), "every answer is the same, whatever is asked"),
    (training("the gradients are a copy's", "training", {
        COST: f"import copy\n    {COST.replace('(model', '(copy.deepcopy(model)')}",
    }), "steps are taken without gradients"),
    (training("gradients computed, then set to zero", "training", {
        "    optimizer.step()\n": "    optimizer.zero_grad()\n    optimizer.step()\n",
    }), "steps are taken without gradients"),
    (training("a rate that loses a tenth with every step", "training", {
        RATE: f"{RATE} * 0.9**step",
    }), "the learning rate dies"),
    (attention("queries and keys change places inside", "multi-head", {
        "heads, weights = attention(": "heads, weights = turned(",
        "class MultiHeadAttention": TURNED,
    }), "Q and K are swapped"),
    (own_norm("statistics of the batch and the channels", "(-1,", "((0, 2),"),
     "a normalisation runs over the batch and the channels at once"),
    (own_norm("statistics of the batch and the sequence", "(-1,", "((0, 1),"),
     "a normalisation runs over the batch and the sequence at once"),
    (encoder("norms after the parts, the last one past its part", {
        PRE_NORM: "        x = self.norm_self(x + self.self_attention(x, x, visible))\n",
        "return x + self.feed_forward(self.norm_feed(x))":
        "return self.norm_feed(x) + self.feed_forward(x)",
    }), NORMED_PATH + "FeedForward, part 2 of 2"),
    (encoder("the first norm stands past its part", {
        PRE_NORM: "        x = self.self_attention(x, x, visible) + self.norm_self(x)\n",
    }), NORMED_PATH + "MultiHeadAttention, part 1 of 2"),
]  # fmt: skip
CASES = [
    pytest.param(part, case, sentence, id=case.name.replace(" ", "-"))
    for part, cases in (("part1", PART1), ("part2", PART2))
    for case, sentence in cases
]


@pytest.mark.thorough
@pytest.mark.parametrize(("part", "case", "sentence"), CASES)
def test_the_first_sentence_names_the_cause(
    part: str, case: Case, sentence: str, tmp_path: Path, record_property: Note
):
    """What the report says first is what is wrong, under the criterion that marks it."""
    handed_in = Submission("mistaken", case.apply(short_submission(ROOT, part)))
    where = {"dataset": ["penguins"]} if part == "part1" else {"task": [shows_in(case)]}
    assignment = one_part(part, case.seeds, where)

    result = graded(assignment, handed_in, Store(tmp_path / "store"), tmp_path)
    record(record_property, result, case.name, case.loses)

    assert lost(result) == {case.loses}, explain(result)
    assert sentence in summary.reason(View(result).losses()[0].property), explain(result)
