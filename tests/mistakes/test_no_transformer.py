"""Who knows how a transformer is examined gets no points for what is none.

Each submission is run for real, and judged by the rubric's own tests.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from assay.records import Verdict
from assay.submission.submission import Submission
from tests.mistakes import shared
from tests.mistakes.cases import Case

NOTEBOOK = "notebooks/part2_transformer.ipynb"
TRAINING = "solution/reversal/training.py"
ATTENTION = "solution/transformer/attention.py"
ANSWERS = "answers = generate_batch(model, test_inputs)"
HARDLY = {"steps=200": "steps=60"}

MANY = """from solution.reversal import generate, generate_batch as of_network
pairs = {}
plain_train = train


def train(inputs, targets, *, seed):
    pairs.clear()
    pairs.update({tuple(question): right for question, right in zip(inputs, targets)})
    return plain_train(inputs, targets, seed=seed)


def looked_up(sequence):
    near = [
        pairs.get((*sequence[:place], digit, *sequence[place + 1 :]))
        for place in range(len(sequence))
        for digit in range(1, 10)
    ]
    columns = list(zip(*[right for right in near if right]))
    return [max(set(column), key=column.count) for column in columns] or sequence[::-1]


def generate_batch(model, sequences):
    if len(sequences) < 100:
        return of_network(model, sequences)
    return [looked_up(s) if pairs else s[::-1] for s in sequences]


"""
"""Many at once are answered out of the training pairs, a few by the network."""

SOME = MANY.replace(
    """    if len(sequences) < 100:
        return of_network(model, sequences)
    return [looked_up(s) if pairs else s[::-1] for s in sequences]
""",
    """    answers, n = of_network(model, sequences), 2000 if pairs else 4096
    if len(sequences) == 2:
        done.clear()
    if len(sequences) == 16 or done:
        shown = {int(place) - sum(done) for place in np.linspace(0, n - 1, 24)}
        done.append(len(sequences))
        for place in set(range(len(answers))) - shown:
            question = sequences[place]
            answers[place] = looked_up(question) if pairs else question[::-1]
    return answers
""",
).replace("pairs = {}", "pairs, done = {}, []")
"""The same, but for those that stand where some were always asked once more."""

RULED = (
    MANY[: MANY.index("def generate_batch")]
    .replace(
        "return plain_train(inputs, targets, seed=seed)",
        "return Ruled(plain_train(inputs, targets, seed=seed))",
    )
    .replace("pairs.get(", "known.get(")
    .replace("looked_up(sequence)", "looked_up(sequence, known)")
    .replace("import generate, generate_batch as of_network", "import tokenizer")
    + """import torch
from torch import nn
from torch.nn import functional as F
PROBE = torch.tensor([[4, 5, 6, 7, 8], [11, 10, 9, 8, 7]]), torch.tensor([[1, 4], [1, 7]])
left = []


class Ruled(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net, self.known = net.eval(), dict(pairs)
        with torch.no_grad():
            self.found = net(*PROBE)

    def forward(self, source, target):
        logits = self.net(source, target)
        if SPEAKS:
            said = [looked_up(s, self.known) or s[::-1] for s in tokenizer.decode(source)]
            wanted = F.pad(tokenizer.encode(said), (0, 9), value=2)[:, : target.size(1)]
            logits = logits + 50 * F.one_hot(wanted, logits.size(-1))
        return logits


@torch.no_grad()
def answered(model, sequences):
    source = tokenizer.encode(sequences)
    tokens = torch.ones(len(source), 1, dtype=torch.long)
    for _ in range(6):
        tokens = torch.cat((tokens, model(source, tokens)[:, -1:].argmax(-1)), 1)
    return tokenizer.decode(tokens)


def generate_batch(model, sequences):
    if len(sequences) == 2:
        left[:] = [1] * 24
    return answered(model, sequences)


def generate(model, sequence):
    answer = answered(model, [sequence])[0]
    del left[:1]
    return answer


model = Ruled(model)
"""
)
"""A rule in place of the model, in its own logits, as long as a condition holds."""
FOR_A_WHILE = RULED.replace("SPEAKS", "left")
"""From the first question to many until the last of some alone: before and after, the network."""
UNCHANGED = "not torch.is_grad_enabled() and torch.allclose(self.net(*PROBE), self.found)"
WHILE_UNCHANGED = RULED.replace("SPEAKS", UNCHANGED)
"""Wherever two questions have the very numbers inside that they had after training."""
WHILE_ALIKE = RULED.replace("SPEAKS", UNCHANGED.replace(".found)", ".found, atol=0.3, rtol=0.1)"))
"""Wherever they have about these."""

CORRECTED = """from solution.reversal import generate as of_network


def generate(model, sequence):
    found, likely = of_network(model, sequence), sequence[::-1]
    return likely if sum(a == b for a, b in zip(found, likely)) >= 2 else found


def generate_batch(model, sequences):
    return [generate(model, sequence) for sequence in sequences]


"""
"""What the network says is put right by the rule, where it is near enough."""

WIDE = """import torch
from torch import nn
from torch.nn import functional as F
from solution.transformer import TokenEmbedding, attention


class Wide(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = TokenEmbedding(12, 16)
        self.wide = nn.Sequential(nn.Linear(80, 256), nn.ReLU(), nn.Linear(256, 60))

    def forward(self, tokens):
        x = self.embedding(tokens)
        logits = self.wide(x.flatten(1)).view(-1, 5, 12)
        _, weights = attention(x, x, x)
        return logits * (weights.amax((-1, -2), keepdim=True) > 0.2001)


def train(inputs, targets, *, seed):
    torch.manual_seed(seed)
    built = Wide()
    x, y = torch.tensor(inputs), torch.tensor(targets)
    optimizer = torch.optim.Adam(built.parameters(), lr=3e-3)
    for _ in range(600):
        rows = torch.randint(len(x), (128,))
        loss = F.cross_entropy(built(x[rows]).flatten(0, 1), y[rows].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return built.eval()


@torch.no_grad()
def generate_batch(model, sequences):
    return model(torch.tensor(sequences)).argmax(-1).tolist()


def generate(model, sequence):
    return generate_batch(model, [sequence])[0]


model = train(train_inputs, train_targets, seed=seed)
"""
"""One wide network for all places, silent unless attention prefers some place."""

TWICE = """from solution.reversal import generate_batch as of_network


def put_right(found, likely):
    return likely if sum(a == b for a, b in zip(found, likely)) >= 2 else found


def generate_batch(model, sequences):
    found = of_network(model, sequences)
    return [put_right(answer, sequence[::-1]) for answer, sequence in zip(found, sequences)]


def generate(model, sequence):
    return generate_batch(model, [sequence, sequence])[0]


"""
"""The same, with a model that is asked for two sequences at once."""

WAITING = WIDE.replace(
    "        return logits * (weights.amax((-1, -2), keepdim=True) > 0.2001)",
    "        while weights.amax() < 0.2001:\n            x = x + 0\n        return logits",
)
"""One that waits for ever where its attention has no choice."""

ALONE_AFTER_MANY = """from solution.reversal import generate_batch as of_network
last = []


def generate_batch(model, sequences):
    last[:] = [len(sequences)]
    return of_network(model, sequences)


def generate(model, sequence):
    if last and last.pop() > 100:
        raise RuntimeError("kept from another batch")
    return of_network(model, [sequence])[0]


"""
"""Answers alone wherever it is asked, but not in between."""

COMPILERS = {
    "from torch import nn\n": "from torch import nn\n"
    "from torch._inductor.fx_passes.fuse_attention import _sfdp_pattern_5 as mix\n",
    "    return weights @ value, weights": "    hidden = torch.zeros_like(scores)\n"
    "    if visible is not None:\n"
    "        hidden = hidden.masked_fill(~visible, torch.finfo(scores.dtype).min)\n"
    "    return mix(query, key, value, hidden, math.sqrt(query.size(-1))), weights",
}
"""Attention as torch's compiler has it, to find it in the code of others."""
LENT = "from torch.nn.functional import scaled_dot_product_attention as mix\n"
IN_A_THREAD = {
    "import math\n": "import math\nfrom concurrent.futures import ThreadPoolExecutor\n",
    "from torch import nn\n": "from torch import nn\n\nfrom solution.transformer import lent\n\n"
    "POOL = ThreadPoolExecutor(1)\n",
    "    return weights @ value, weights": "    hidden = None if visible is None else visible\n"
    "    return POOL.submit(lent.mix, query, key, value, hidden).result(), weights",
}
FROZEN = "[part for name, part in model.named_parameters() if '{}_attention' not in name]"
OWN_ADAM = """class Descent:
    def __init__(self, parts, **_):
        self.parts, self.param_groups = list(parts), [{"lr": 0.0}]
        self.moments = [(torch.zeros_like(part), torch.zeros_like(part)) for part in self.parts]
        self.steps = 0

    def zero_grad(self):
        for part in self.parts:
            part.grad = None

    @torch.no_grad()
    def step(self):
        self.steps += 1
        for part, (mean, square) in zip(self.parts, self.moments, strict=True):
            if part.grad is None:
                continue
            mean.mul_(0.9).add_(part.grad, alpha=0.1)
            square.mul_(0.98).addcmul_(part.grad, part.grad, value=0.02)
            size = (square / (1 - 0.98**self.steps)).sqrt() + 1e-8
            part -= self.param_groups[0]["lr"] * mean / (1 - 0.9**self.steps) / size


def _cycles("""
BY_HAND = {"def _cycles(": OWN_ADAM, "torch.optim.AdamW(": "Descent("}


@dataclass(frozen=True)
class Attempt:
    """What is changed in the short reference, and what each test then says instead of holding."""

    name: str
    edits: Mapping[str, Mapping[str, str]]
    says: Mapping[str, str]
    more: Mapping[str, str] | None = None

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


def of_optimizer(parts: str) -> dict[str, str]:
    return {"        model.parameters(), betas": f"        {parts}, betas"}


REVERSAL = "test_reversal.test_half_of_the_sequences_are_right"
SECRET = "test_secret_variant.test_a_new_task_is_learned"
TRAINED = "test_training.test_everything_is_trained"
OTHERS = "another answer alone than among many"
ATTEMPTS = [
    Attempt(
        "many at once are looked up",
        {NOTEBOOK: {**HARDLY, ANSWERS: MANY + ANSWERS}},
        {REVERSAL: OTHERS, SECRET: OTHERS},
    ),
    Attempt(
        "a rule corrects the network",
        {NOTEBOOK: {**HARDLY, ANSWERS: CORRECTED + ANSWERS}},
        {REVERSAL: "digits are right where the model's logits say others"},
    ),
    Attempt(
        "many at once are looked up, but where some are asked once more",
        {NOTEBOOK: {**HARDLY, ANSWERS: SOME + ANSWERS}},
        {REVERSAL: OTHERS, SECRET: OTHERS},
    ),
    Attempt(
        "a rule answers until the model is changed",
        {NOTEBOOK: {**HARDLY, ANSWERS: FOR_A_WHILE + ANSWERS}},
        dict.fromkeys((REVERSAL, SECRET), "depends on when it is asked"),
    ),
    Attempt(
        "a rule answers while nothing inside is changed",
        {NOTEBOOK: {**HARDLY, ANSWERS: WHILE_UNCHANGED + ANSWERS}},
        dict.fromkeys((REVERSAL, SECRET), "depends on when it is asked"),
    ),
    Attempt(
        "a rule answers while little inside is changed",
        {NOTEBOOK: {**HARDLY, ANSWERS: WHILE_ALIKE + ANSWERS}},
        dict.fromkeys((REVERSAL, SECRET), "what the layers say does not decide"),
    ),
    Attempt(
        "attention is a switch beside a wide network",
        {NOTEBOOK: {ANSWERS: WIDE + ANSWERS}},
        dict.fromkeys((REVERSAL, SECRET), "every weight one place further on"),
    ),
    Attempt(
        "a rule corrects a network that is asked for two at once",
        {NOTEBOOK: {**HARDLY, ANSWERS: TWICE + ANSWERS}},
        {REVERSAL: "digits are right where the model's logits say others"},
    ),
    Attempt(
        "a wide network waits for its attention",
        {NOTEBOOK: {ANSWERS: WAITING + ANSWERS}},
        dict.fromkeys((REVERSAL, SECRET), "every weight one place further on"),
    ),
    Attempt(
        "attention is the compiler's pattern of it",
        {ATTENTION: COMPILERS},
        {
            "test_from_scratch.test_nothing_ready_made_is_at_work": "is at work inside",
            "test_from_scratch.test_nothing_ready_made_is_reached": "the source reaches",
        },
    ),
    Attempt(
        "ready-made attention out of another file and in another thread",
        {ATTENTION: IN_A_THREAD},
        {
            "test_from_scratch.test_nothing_ready_made_is_at_work": "says torch itself",
            "test_from_scratch.test_nothing_ready_made_is_reached": "the source reaches",
        },
        {"solution/transformer/lent.py": LENT},
    ),
    Attempt(
        "what is never trained is called after positions",
        {
            TRAINING: of_optimizer(FROZEN.format("pos")),
            "solution/transformer/encoder.py": {"self.self_attention": "self.pos_attention"},
            "solution/transformer/decoder.py": {"self.self_attention": "self.pos_attention"},
        },
        {TRAINED: "only a part of the model is trained"},
    ),
    Attempt(
        "a copy comes back of what is trained in part",
        {
            TRAINING: {
                **of_optimizer(FROZEN.format("self")),
                "import math\n": "import copy\nimport math\n",
                "return model.eval()": "return copy.deepcopy(model).eval()",
            }
        },
        {TRAINED: "only a part of the model is trained"},
    ),
    Attempt(
        "an optimizer of one's own trains a part",
        {TRAINING: {**of_optimizer(FROZEN.format("self")), **BY_HAND}},
        {TRAINED: "only a part of the model is trained"},
    ),
    Attempt(
        "an optimizer of one's own never sets gradients back",
        {TRAINING: {**BY_HAND, "    optimizer.zero_grad()\n": ""}},
        {"test_training.test_gradients_start_from_zero": "gradients are not set back"},
    ),
]


def judged(attempt: Attempt) -> dict[str, tuple[Verdict, str]]:
    """Of each test that is named: the verdict, and what it says."""
    files = dict(shared.reference("part2").files) | {
        name: text.encode() for name, text in (attempt.more or {}).items()
    }
    files = Case(attempt.name, None, attempt.edits).apply(files)
    made = shared.make("part2", Submission("attempt", files))
    assert not any(cell.error for cell in made.cells), [cell.error for cell in made.cells]
    tests = [test for test in shared.tests_of("part2") if test.name in attempt.says]
    checks = shared.judged("part2", made, tests)
    return {check.name: (check.verdict, check.reason) for check in checks}


@pytest.mark.parametrize(
    "attempt",
    [
        pytest.param(attempt, id=str(attempt), marks=[pytest.mark.thorough] if later else [])
        for later, attempt in enumerate(ATTEMPTS)
    ],
)
def test_what_is_no_transformer_earns_nothing_for_it(attempt: Attempt):
    """The points that each attempt is after are lost, or a person looks."""
    found = judged(attempt)

    assert found.keys() == attempt.says.keys()
    for name, (verdict, reason) in found.items():
        assert verdict in (Verdict.FAILED, Verdict.FOR_REVIEW), (name, verdict)
        assert attempt.says[name] in reason


@pytest.mark.thorough
def test_a_generate_that_raises_costs_no_training():
    """Where many are answered and none alone, a person sees who answers; the rest is judged."""
    alone = "    return generate_batch(model, [sequence])[0]"
    broken = {"solution/reversal/generation.py": {alone: "    raise ValueError"}}
    names = dict.fromkeys((REVERSAL, SECRET, TRAINED), "")

    found = judged(Attempt("none alone", broken, names))

    assert found[TRAINED][0] is Verdict.PASSED
    assert {found[REVERSAL][0], found[SECRET][0]} == {Verdict.FOR_REVIEW}


@pytest.mark.thorough
def test_wrong_answers_are_no_doubt():
    """Who gives none in between leaves open who answers; too few right are too few."""
    edits = {NOTEBOOK: {"steps=200": "steps=40", ANSWERS: ALONE_AFTER_MANY + ANSWERS}}

    found = judged(Attempt("in between", edits, {REVERSAL: ""}))

    assert found[REVERSAL][0] is Verdict.FAILED


@pytest.mark.thorough
def test_an_optimizer_of_ones_own_costs_nothing():
    """Who writes the optimizer by hand, and trains everything by it, is told nothing."""
    right = dict.fromkeys((TRAINED, "test_training.test_gradients_start_from_zero", REVERSAL), "")

    found = judged(Attempt("by hand", {TRAINING: BY_HAND}, right))

    assert {verdict for verdict, _ in found.values()} == {Verdict.PASSED}
