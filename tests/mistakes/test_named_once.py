"""A name that is missing is charged once, by the criterion that it belongs to, and gains nothing.

Whatever else would be asked through it is asked through what is there; what cannot be asked at all
is *not asked*, which costs nothing. So each case is compared with the same piece there, and wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from assay.judge.score import score
from assay.records import Criterion, Verdict
from assay.submission.submission import Submission
from tests.mistakes import shared
from tests.mistakes.cases import Case, Edits, short_submission
from tests.mistakes.grading import ROOT

NETWORK, BOOK1 = "solution/backprop/network.py", "notebooks/part1_backprop.ipynb"
BOOK2, GENERATION = "notebooks/part2_transformer.ipynb", "solution/reversal/generation.py"
IN_REVERSAL = "solution/reversal/__init__.py"
LEFT = "network = ScratchNetwork(random_state=seed).fit(X_train, y_train)"


@dataclass(frozen=True)
class Absent:
    """A piece left out, which one criterion loses for; and the piece wrong, which loses no less."""

    part: str
    name: str
    pays: str | None
    earned: float
    left_out: Edits
    wrong: Edits = field(default_factory=dict)


def of_network(
    name: str, pays: str, earned: float, replace: Mapping[str, str], wrong: Mapping[str, str]
) -> Absent:
    return Absent("part1", name, pays, earned, {NETWORK: replace}, {NETWORK: wrong})


ABSENT = [
    of_network(
        "no predict_proba", "forward", 0.0,
        {"def predict_proba(": "def chances("},
        {"return sigmoid(np.column_stack([-logit, logit]))":
         "return np.column_stack([-logit, logit])"},
    ),
    Absent(
        "part1", "no predict", "forward", 3.0,
        {
            NETWORK: {"def predict(self": "def labels(self"},
            BOOK1: {"network.predict(X_test)": "network.labels(X_test)"},
        },
        {NETWORK: {"self.decision_function(X) > 0": "self.decision_function(X) > 1"}},
    ),
    of_network(
        "no initialise", "start", 0.8,
        {"initialise(": "_draw("},
        {"rng.normal(scale=n_features**-0.5, size=(n_features, n_hidden))":
         "np.zeros((n_features, n_hidden))"},
    ),
    of_network(
        "no loss_and_gradients", "gradients", 0.0,
        {"def loss_and_gradients(": "def slopes("},
        {"dW1 = X.T @ delta1": "dW1 = -X.T @ delta1"},
    ),
    of_network(
        "no loss_curve_", "convergence", 0.5,
        {"self.loss_curve_, ": "self.losses, "},
        {"self.loss_curve_, self.n_iter_ = losses": "self.loss_curve_, self.n_iter_ = [1.0]"},
    ),
    of_network(
        "no n_iter_", "update", 3.33,
        {", self.n_iter_ =": ", self.rounds ="},
        {"range(self.max_iter)": "range(self.max_iter + 1)"},
    ),
    Absent(
        "part1", "no logistic_accuracy", "baseline", 3.0,
        {BOOK1: {"logistic_accuracy": "baseline_reaches"}},
        {BOOK1: {"logistic.predict(X_test) == y_test": "logistic.predict(X_test) != y_test"}},
    ),
    Absent("part1", "no network_accuracy", "claims", 1.2, {
        BOOK1: {"network_accuracy": "network_reaches"},
    }),
    Absent("part1", "the network is not left", None, 0.0, {
        BOOK1: {LEFT: "", "network.predict(": f"{LEFT.removeprefix('network = ')}.predict("},
    }),
    Absent("part2", "the model is called trained", None, 0.0, {
        BOOK2: {
            "model = train(": "trained = train(",
            "generate_batch(model": "generate_batch(trained",
        },
    }),
    Absent("part2", "many are answered at once, and never one", None, 0.0, {
        GENERATION: {"def generate(": "def _one("},
        IN_REVERSAL: {"import generate, ": "import ", '"generate", ': ""},
    }),
]  # fmt: skip


def judged(part: str, edits: Edits) -> list[Criterion]:
    files = Case("changed", None, edits).apply(short_submission(ROOT, part))
    made = shared.make(part, Submission("changed", files))
    return score(shared.part_of(part), shared.judged(part, made))


def lost(criteria: list[Criterion]) -> dict[str, float]:
    """What each criterion loses of what was judged."""
    gone = {c.name: round(c.judged - (c.earned or 0), 2) for c in criteria if c.earned is not None}
    return {name: points for name, points in gone.items() if points}


CASES = [
    pytest.param(
        case, id=case.name, marks=[] if case.name == "no predict" else pytest.mark.thorough
    )
    for case in ABSENT
]


@pytest.mark.parametrize("case", CASES)
def test_a_name_that_is_missing_is_charged_once(case: Absent):
    """Its own criterion loses, and no other."""
    criteria = judged(case.part, case.left_out)

    assert set(lost(criteria)) == ({case.pays} if case.pays else set())
    if case.pays:
        own = next(c for c in criteria if c.name == case.pays)
        assert (own.earned, own.verdict) == (case.earned, Verdict.NOT_ANSWERED)


WRONG = [
    pytest.param(
        case, id=case.name, marks=[] if case.name == "no predict" else pytest.mark.thorough
    )
    for case in ABSENT
    if case.wrong
]


@pytest.mark.parametrize("case", WRONG)
def test_nothing_is_gained_by_leaving_out_what_would_be_wrong(case: Absent):
    """The piece left out costs no less than what it may hide."""
    left_out, wrong = (judged(case.part, edits) for edits in (case.left_out, case.wrong))

    assert sum(lost(left_out).values()) >= sum(lost(wrong).values()) > 0


@pytest.mark.parametrize("name", ["X_train", "y_test"])
def test_a_split_under_another_name_is_told_by_that_name(name: str):
    """The models that were fitted on it are there: nobody is told that none was left."""
    criteria = judged("part1", {BOOK1: {name: "other_rows"}})
    claims = next(c for c in criteria if c.name == "claims")
    told = {p.reason for p in claims.properties if p.verdict is Verdict.FOR_REVIEW}

    assert told
    assert all(f"expected `{name}` in the notebook" in reason for reason in told)
    assert not any("leaves no fitted" in p.reason for c in criteria for p in c.properties)


@pytest.mark.parametrize("name", ["coefs_", "intercepts_"])
def test_weights_under_another_name_are_asked_for_by_their_own(name: str):
    """No code of the exam is shown, and nobody is told to look at it."""
    criteria = judged("part1", {NETWORK: {name: "other_"}})
    told = {p.reason for c in criteria for p in c.properties if p.verdict is Verdict.NOT_ANSWERED}

    assert told == {f"expected `ScratchNetwork` to have `{name}`"}
    assert not any(p.stumbled for c in criteria for p in c.properties)
