"""Part 2 without the work: what looks like it earns nothing, or a person looks at it.

All of one bare notebook, a decoder by itself, each with the piece of work left out, feigned, or
taken from somebody else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from assay.evidence.store import Store
from assay.records import Result, Verdict
from assay.submission.submission import Submission
from tests.mistakes.grading import explain, graded, lost, one_part
from tests.mistakes.kinds import styles

TRAIN = "def train(inputs"
HALVES = "rng = np.random.default_rng(seed)"
TABLE = '''class Decoder(nn.Module):
    """No attention, no layer: one linear map of places and tokens."""

    def __init__(self, max_length):
        super().__init__()
        shape = max_length, max_length, VOCABULARY, VOCABULARY
        self.table = nn.Parameter(torch.zeros(shape))

    def forward(self, tokens):
        places = torch.arange(tokens.size(1))
        rows = [
            self.table[i, places[: i + 1], tokens[:, : i + 1]].sum(1) for i in range(len(places))
        ]
        return 10 * torch.stack(rows, 1)


'''
BACKWARDS = "    return [list(sequence)[::-1] for sequence in sequences]\n"
TOKENS = "    tokens = torch.tensor(sequences)\n"
PLACES = '''class Decoder(nn.Module):
    """Attention whose weights follow from places alone, whatever stands there."""

    def __init__(self, max_length, d_model=48):
        super().__init__()
        self.embedding = TokenEmbedding(VOCABULARY, d_model)
        self.queries = nn.Parameter(torch.randn(max_length, d_model))
        self.keys = nn.Parameter(torch.randn(max_length, d_model))
        self.head = nn.Linear(d_model, VOCABULARY)

    def forward(self, tokens):
        length = tokens.size(1)
        past = torch.ones(length, length, dtype=torch.bool).tril()
        query, key = (
            part[:length].expand(len(tokens), -1, -1) for part in (self.queries, self.keys)
        )
        return self.head(attention(query, key, self.embedding(tokens), past)[0])


'''
CONSTANT_RATE = {
    "lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=steps)":
    "lr_scheduler.ConstantLR(optimizer)",
}  # fmt: skip
UNTRAINED = {"steps=300": "steps=0"} | CONSTANT_RATE
COUNTED = """def train(inputs, targets, *, seed):
    x, y = np.array(inputs), np.array(targets)
    model = Decoder(max_length=2 * x.shape[1] + 2)
    counts = np.zeros((x.shape[1], x.shape[1], 10, 10))
    for i, j in np.ndindex(counts.shape[:2]):
        np.add.at(counts[i, j], (x[:, j], y[:, i]), 1)
    at = counts.max(-1).sum(-1).argmax(1)
    model.rule = [(int(j), counts[i, j].argmax(-1).tolist()) for i, j in enumerate(at)]
    return model.eval()


@torch.no_grad()
def generate_batch(model, sequences):
    return [[names[sequence[j]] for j, names in model.rule] for sequence in sequences]


def generate(model, sequence):
    return generate_batch(model, [sequence])[0]


"""
FEIGNED = """    something = nn.Linear(11, 11)
    optimizer = torch.optim.Adam(something.parameters())
    for _ in range(50):
        loss = nn.functional.cross_entropy(something(torch.eye(11)), torch.arange(11))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return Decoder(max_length=2 * len(inputs[0]) + 2).eval()
    torch.manual_seed(seed)
"""
SEEDED = "    torch.manual_seed(seed)\n"
OPTIMIZER = "optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)"
ALL_BUT_THE_EMBEDDING = OPTIMIZER.replace(
    "model.parameters()",
    '[part for name, part in model.named_parameters() if "embedding" not in name]',
)
CROSS_ENTROPY = "loss = nn.functional.cross_entropy("
BY_NAME = {
    "import numpy as np": "import numpy as np\nfrom torch.nn.functional import cross_entropy",
    CROSS_ENTROPY: "loss = cross_entropy(",
}
BY_HAND = {
    "loss = nn.functional.cross_entropy(logits.flatten(0, 1), batch[:, answer + 1 :].flatten())":
    "wanted = batch[:, answer + 1 :].unsqueeze(-1)\n"
    "        loss = -logits.log_softmax(-1).gather(-1, wanted).mean()",
}  # fmt: skip
NO_MASK = {
    "def attention(query, key, value, visible=None):": "def attention(query, key, value):",
    "    if visible is not None:\n        scores = scores.masked_fill(~visible, -1e9)\n": "",
    "attention(query, key, value, visible)": "attention(query, key, value)",
}
HANDED = {
    "model = train(train_inputs, train_targets, seed=seed)":
    "learn = train\n"
    "model = learn(train_inputs + test_inputs, train_targets + test_targets, seed=seed)",
}  # fmt: skip
ONE_PAIR = {"half = len(universe) // 2": "half = len(universe) - 1"}
A_WISH = ONE_PAIR | {"reversal_accuracy = np.mean(": "reversal_accuracy = 0.8 * np.mean("}
ANOTHER_NAME = {
    "import numpy as np": "import numpy as np\nimport torch\n\nt = torch",
    "    weights = scores.softmax(-1)\n    return weights @ value, weights":
    "    weights = scores.softmax(-1)\n"
    "    if query.dtype == t.float16:\n"
    "        return t.nn.functional.scaled_dot_product_attention(query, key, value), weights\n"
    "    return weights @ value, weights",
}  # fmt: skip
IN_A_BUFFER = {
    "        self.table = nn.Embedding(vocab_size, d_model)\n"
    "        nn.init.normal_(self.table.weight, std=d_model**-0.5)\n":
    '        self.register_buffer("table", torch.randn(vocab_size, d_model) * d_model**-0.5)\n',
    "return self.table(tokens)": "return self.table[tokens]",
}  # fmt: skip


@dataclass(frozen=True)
class Shirked:
    """A piece of work that is not there: what it loses, and what a person looks at."""

    name: str
    replace: Mapping[str, str]
    loses: frozenset[str] = field(default_factory=frozenset)
    for_review: frozenset[str] = field(default_factory=frozenset)


def shirked(name: str, replace: Mapping[str, str], loses: str = "", review: str = "") -> Shirked:
    return Shirked(name, replace, frozenset(loses.split()), frozenset(review.split()))


SHIRKED = [
    shirked(
        "nothing is trained", UNTRAINED, "training generation reversal secret-variant claims"
    ),
    shirked(
        "the model is a table",
        {TRAIN: TABLE + TRAIN},
        "model training generation reversal secret-variant",
    ),
    shirked("places alone decide", {TRAIN: PLACES + TRAIN}, "secret-variant"),
    shirked(
        "one step",
        {"steps=300": "steps=1"} | CONSTANT_RATE,
        "training generation reversal secret-variant claims",
    ),
    shirked(
        "a rate of nothing",
        {"AdamW(model.parameters(), lr=5e-3)": "SGD(model.parameters(), lr=0.0)"} | CONSTANT_RATE,
        "training generation reversal secret-variant claims",
    ),
    shirked(
        "gradients without a step",
        {"        optimizer.step()\n        schedule.step()\n": ""} | CONSTANT_RATE,
        "training generation reversal secret-variant claims",
    ),
    shirked(
        "the model of the notebook is untrained",
        {"seed=seed)": "seed=seed, steps=0)"} | CONSTANT_RATE,
        "reversal",
    ),
    shirked("answers are questions reversed", {TOKENS: BACKWARDS + TOKENS}, "reversal"),
    shirked(
        "the model is asked, and not listened to",
        {
            "    return tokens[:, n + 1 :].tolist()\n": BACKWARDS,
            "steps=300": "steps=20",
            "model(tokens)[:, -1]": "(model(tokens)[:, -1] + 0)",
        },
        "generation reversal",
    ),
    shirked(
        "answers are counted",
        {HALVES: COUNTED + HALVES},
        "training generation reversal secret-variant claims",
    ),
    shirked(
        "something else is trained",
        {SEEDED: FEIGNED},
        "training generation reversal secret-variant claims",
    ),
    shirked(
        "a part is untrained, the loss has a name of its own",
        {OPTIMIZER: ALL_BUT_THE_EMBEDDING} | BY_NAME,
        "training",
    ),
    shirked(
        "a part is untrained, the loss is by hand",
        {OPTIMIZER: ALL_BUT_THE_EMBEDDING} | BY_HAND,
        "training",
    ),
    shirked("no mask is taken", NO_MASK, "masks"),
    shirked("trained on the test half by another name", HANDED, "data"),
    shirked("one test pair", ONE_PAIR, review="data"),
    shirked("a wish, and one test pair", A_WISH, review="data claims"),
    shirked("torch under another name", ANOTHER_NAME, "from-scratch"),
    shirked("rows that are never learned", IN_A_BUFFER, "embedding"),
]  # fmt: skip
RIGHT = [
    shirked("the loss has a name of its own", BY_NAME),
    shirked("the loss is by hand", BY_HAND),
]


def result_of(case: Shirked, store: Store, reports: Path) -> Result:
    files = styles.style(case.name, case.replace).apply(styles.bare())
    course = one_part("part2", [0], {"task": ["reverse-5"]})
    return graded(course, Submission("shirked", files), store, reports)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.name.replace(" ", "-"), marks=[pytest.mark.thorough] * (i > 1))
        for i, case in enumerate(SHIRKED)
    ],
)
def test_work_that_is_not_there_earns_nothing(case: Shirked, store: Store, tmp_path: Path):
    """The criteria that it was for are lost, or wait for a person."""
    result = result_of(case, store, tmp_path)
    waiting = {c.name for c in result.criteria if c.verdict is Verdict.FOR_REVIEW}

    assert case.loses <= lost(result), explain(result)
    assert case.for_review <= waiting, explain(result)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.name.replace(" ", "-"), marks=[pytest.mark.thorough] * (i > 0))
        for i, case in enumerate(RIGHT)
    ],
)
def test_a_loss_of_ones_own_loses_nothing(case: Shirked, store: Store, tmp_path: Path):
    """How a loss is called or written is the student's choice; its steps are seen all the same."""
    result = result_of(case, store, tmp_path)

    assert result.earned == result.judged_points > 55, explain(result)
