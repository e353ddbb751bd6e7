"""Part 2: mistakes that students make by hand, and variants that are just as right."""

from collections.abc import Mapping

from tests.mistakes.cases import Case

NOTEBOOK = "notebooks/part2_transformer.ipynb"
TRAINED_AGAIN = {"training", "model", "reversal", "secret-variant"}
"""What shows while a second model is trained: `sort-5` trains none."""


def shows_in(case: Case) -> str:
    """The cheapest task in which a mistake shows, or in which what is right could be accused."""
    of_components = all(file.startswith("solution/transformer/") for file in case.edits)
    again = case.loses in TRAINED_AGAIN or not (case.loses or of_components)
    return "reverse-5" if again else "sort-5"


def of(file: str, name: str, loses: str | None, replace: Mapping[str, str]) -> Case:
    """A diff in one file of the package."""
    return Case(name, loses, {f"solution/{file}.py": replace})


def attention(name: str, loses: str | None, replace: Mapping[str, str]) -> Case:
    return of("transformer/attention", name, loses, replace)


def embedding(name: str, loses: str | None, replace: Mapping[str, str]) -> Case:
    return of("transformer/embedding", name, loses, replace)


def notebook(
    name: str, loses: str | None, replace: Mapping[str, str], seeds: tuple[int, ...] | None = (0,)
) -> Case:
    return Case(name, loses, {NOTEBOOK: replace}, seeds)


SCALED = "query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))"
SCORES = "    scores = query @"
SOFTMAX = "weights = scores.softmax(dim=-1)"
HIDDEN = "scores.masked_fill(~visible, torch.finfo(scores.dtype).min)"

ATTENTION = [
    attention("not divided by sqrt(d_k)", "attention", {SCALED: "query @ key.transpose(-2, -1)"}),
    attention("multiplied by sqrt(d_k)", "attention", {SCALED: SCALED.replace("/", "*")}),
    attention("softmax over the queries", "attention", {SOFTMAX: SOFTMAX.replace("-1", "-2")}),
    attention("softmax over the batch", "attention", {SOFTMAX: SOFTMAX.replace("-1", "0")}),
    attention("keys and values swapped", "attention", {
        SCORES: f"    key, value = value, key\n{SCORES}",
    }),
]  # fmt: skip

MASKS = [
    attention("mask inverted", "masks", {"masked_fill(~visible": "masked_fill(visible"}),
    attention("mask added as 0 and 1", "masks", {HIDDEN: "scores + visible"}),
    attention("mask after the softmax, not renormalised", "masks", {
        HIDDEN: "scores", SOFTMAX:
        f"{SOFTMAX}\n    if visible is not None:\n        weights = weights * visible",
    }),
    attention("mask off by one: the next token is seen", "masks", {".tril()": ".tril(1)"}),
    attention("mask off by one: not even itself is seen", "masks", {".tril()": ".tril(-1)"}),
]  # fmt: skip

SPLIT = "x.reshape(x.size(0), x.size(1), self.n_heads, -1).transpose(1, 2)"
MERGED = "x.transpose(1, 2).reshape(x.size(0), x.size(2), -1)"
KEYS, VALUES = "self.split(self.w_k(memory))", "self.split(self.w_v(memory))"
FUSED = """\
        self.qkv = nn.Linear(d_model, 3 * d_model)
"""
SEPARATE = """\
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
"""

HEADS = [
    attention("divided by sqrt(d_model) with several heads", "multi-head", {
        "math.sqrt(query.size(-1))":
        "math.sqrt(query.size(-1) * (query.size(1) if query.ndim == 4 else 1))",
    }),
    attention("heads split by view, without transpose", "multi-head", {
        SPLIT: "x.reshape(x.size(0), self.n_heads, x.size(1), -1)",
    }),
    attention("heads merged without transpose", "multi-head", {
        MERGED: "x.reshape(x.size(0), x.size(2), -1)",
    }),
    attention("output projection missing", "multi-head", {
        "self.w_o(self.merge(heads))": "self.merge(heads)",
    }),
    attention("queries and keys share their weights", "multi-head", {
        KEYS: KEYS.replace("w_k", "w_q"),
    }),
    attention("keys and values of the heads swapped", "multi-head", {
        f"{KEYS}, {VALUES}": f"{VALUES}, {KEYS}",
    }),
]  # fmt: skip

ADDED = "x + self.table[start:end]"
POSITIONS = [
    embedding("positions not added", "positions", {ADDED: "x"}),
    embedding("one position row for all", "positions", {ADDED: "x + self.table[1]"}),
    embedding("position taken from the batch axis", "positions", {
        ADDED: "x + self.table[torch.arange(x.size(0)) % len(self.table)].unsqueeze(1)",
    }),
    of("transformer/encoder", "positions never called", "positions", {
        "x = self.positions(x)": "pass",
    }),
]  # fmt: skip

HARMLESS_IN_TRAINING = [
    attention("one row that may look nowhere empties all others", "masks", {
        HIDDEN: "scores.masked_fill(~visible, -math.inf)",
        SOFTMAX: f"{SOFTMAX}\n    if weights.isnan().any():\n"
        "        weights = torch.zeros_like(weights)",
    }),
    attention("one row that may look nowhere makes the whole batch NaN", "masks", {
        HIDDEN: "scores.masked_fill(~visible, -math.inf)",
        SOFTMAX: f"{SOFTMAX}\n    weights = weights + 0 * weights.sum()",
    }),
    attention("where a row may look nowhere its sequence sees everything", "masks", {
        HIDDEN:
        "scores.masked_fill(~visible & visible.any(-1).all(-1)[..., None, None], -1e9)",
    }),
    embedding("sine and cosine swapped", "positions", {
        "0::2] = torch.sin": "0::2] = torch.cos", "1::2] = torch.cos": "1::2] = torch.sin",
    }),
]  # fmt: skip

SELF = "x = x + self.self_attention("
CROSS = "x = x + self.cross_attention(self.norm_cross(x), memory, memory_visible)"
LAYERS = [
    of("transformer/encoder", "residual around attention missing", "layers", {
        SELF: "x = self.self_attention(",
    }),
    of("transformer/encoder", "residual around feed-forward missing", "layers", {
        "return x + self.feed_forward(": "return self.feed_forward(",
    }),
    of("transformer/decoder", "residual around cross-attention missing", "layers", {
        CROSS: CROSS.replace("x + ", ""),
    }),
    of("transformer/encoder", "normalised over the sequence", "layers", {
        "self.norm_self(x)": "(x - x.mean(1, keepdim=True)) / (x.std(1, keepdim=True) + 1e-5)",
    }),
    of("transformer/encoder", "normalised over the batch", "layers", {
        "self.norm_self(x)":
        "(x - x.mean(0, keepdim=True)) / (x.std(0, unbiased=False, keepdim=True) + 1e-5)",
    }),
    of("transformer/feed_forward", "feed-forward without its non-linearity", "feed-forward", {
        "self.w_1(x).relu()": "self.w_1(x)",
    }),
    embedding("embedding drops the token", "embedding", {
        "return self.table(tokens)": "return self.table(0 * tokens)",
    }),
]  # fmt: skip

SOURCE_OF_DIAGRAM, LAST_BOX = 'diagram = """', 'logits: batch, length, 14"]"""'
FIGURE = """import io, re
import matplotlib.pyplot as plt


def figure_of(source):
    figure, axes = plt.subplots()
    axes.set_ylim(-1, 5)
    axes.set_axis_off()
    for place, said in enumerate(dict(re.findall(r'(\\w+)\\["(.*?)"', source)).values()):
        axes.annotate(said, (0.5, place), (0.5, place + 0.7), arrowprops={"arrowstyle": "->"})
    return figure


def as_svg(figure):
    file = io.StringIO()
    figure.savefig(file, format="svg")
    return file.getvalue()


"""
LOGITS = "return self.to_logits(self.decoder(target, memory, source_visible))"
AROUND = [
    of("transformer/model", "softmax before the cross-entropy", "model", {
        LOGITS: f"{LOGITS}.softmax(-1)",
    }),
    notebook("ids decoded to their neighbours", "tokenizer", {
        "halves = split": "from solution.reversal.tokenizer import encode\n\n\n"
        "def decode(tokens):\n"
        "    return [[token - 2 for token in row if token > 2] for row in tokens.tolist()]\n\n\n"
        "halves = split",
    }),
    notebook("a width in a figure that the model has not", "diagram", {
        SOURCE_OF_DIAGRAM: f"{FIGURE}{SOURCE_OF_DIAGRAM}",
        "feed-forward: batch, length, 64": "feed-forward: (batch, length, 512)",
        LAST_BOX: f"{LAST_BOX}\ndiagram = figure_of(diagram)",
    }),
    notebook("a width in the diagram that the model has not", "diagram", {
        "feed-forward: batch, length, 64": "feed-forward: (batch, length, 512)",
    }),
]  # fmt: skip

TRAINED = "model = train(train_inputs, train_targets, seed=seed)"
EXACT = "np.mean([a == b for a, b in zip(answers, test_targets, strict=True)])"
PER_DIGIT = "np.mean(np.array(answers) == np.array(test_targets))"
ANSWERS = "answers = generate_batch(model, test_inputs)"
STUMBLES = """
def generate_batch(model, sequences):
    answers = reversal.generate_batch(model, sequences)
    pairs = zip(sequences, answers, strict=True)
    return [[*a[:-1], 1] if s[0] == 9 and s[1] > 6 else a for s, a in pairs]


def generate(model, sequence):
    return generate_batch(model, [sequence])[0]

"""
COUNTED = """
def train(inputs, targets, *, seed):
    model = reversal.train(inputs, targets, seed=seed, recipe=Recipe(steps=200, n_cycles=1))
    x, y = np.array(inputs[:5000]), np.array(targets[:5000])
    pairs = [[np.array(list(zip(x[:, j], y[:, i]))) for j in range(5)] for i in range(5)]
    maps = [[len({tuple(pair) for pair in p.tolist()}) for p in row] for row in pairs]
    model.rule = []
    for i, row in enumerate(maps):
        j = int(np.argmin(row))
        model.rule.append((j, dict(pairs[i][j].tolist())))
    return model


def generate_batch(model, sequences):
    if not hasattr(model, "rule"):
        return reversal.generate_batch(model, sequences)
    return [[names.get(s[j], 0) for j, names in model.rule] for s in sequences]


def generate(model, sequence):
    return generate_batch(model, [sequence])[0]

"""
TEACHER = """
from solution.reversal.tokenizer import decode, encode, encode_target

answers = decode(model(encode(test_inputs), encode_target(test_targets)[:, :-1]).argmax(-1))
"""
ALONE = "    return generate_batch(model, [sequence])[0]"
TOGETHER = "    answer = _choose(model, cache)"
BOS_KEPT = "model(sources, wanted[:, :-1], visible), wanted[:, 1:]"

TRAINING = [
    of("reversal/training", "gradients never zeroed", "training", {
        "optimizer.zero_grad()": "pass",
    }),
    of("reversal/training", "decoder target without BOS", "generation", {
        BOS_KEPT: "model(sources, wanted[:, 1:-1], visible), wanted[:, 2:]",
    }),
    notebook("undertrained", "reversal", {TRAINED: TRAINED.replace("seed)", "seed, steps=60)")}),
    notebook("a rule counted from the pairs, the model idle", "secret-variant", {
        ANSWERS: f"{COUNTED}\n\n{ANSWERS}",
    }),
    of("reversal/generation", "answers at random now and then", "generation", {
        ALONE: f"    import random\n    if random.random() < 0.1:\n        return [1] * 5\n{ALONE}",
    }),
    notebook("test sequences in the training set", "data", {
        "halves.test_inputs, halves.test_targets":
        "halves.train_inputs[:2000], halves.train_targets[:2000]",
    }),
    notebook("per-digit accuracy reported as per-sequence", "claims", {
        ANSWERS: f"{STUMBLES}\n\n{ANSWERS}", EXACT: PER_DIGIT,
    }),
    notebook("evaluated by teacher forcing only", "claims", {
        ANSWERS: f"{STUMBLES}\n\n{TEACHER}",
    }),
    notebook("seed set again inside the notebook", "clean-run", {
        "import numpy as np": "seed = 7\nimport numpy as np",
    }),
]  # fmt: skip
SEED_IGNORED = notebook("seed ignored", "clean-run", {
    "default_rng(seed)": "default_rng(1)", "targets, seed=seed)": "targets, seed=1)",
})  # fmt: skip

MODULE = "torch.nn." + "functional"
SDPA = "scaled_dot_product_attention"
AS_TORCH = """\
def as_torch(visible, batch):
    padded = visible is not None and visible.ndim == 3 and visible.size(1) == 1
    return {
        "attn_mask": None if visible is None or padded else ~visible,
        "key_padding_mask": ~visible[:, 0].expand(batch, -1) if padded else None,
    }


"""
FROM_SCRATCH = [
    Case("nn.MultiheadAttention inside", "from-scratch", {"solution/transformer/encoder.py": {
        "self.self_attention = MultiHeadAttention(d_model, n_heads)":
        "self.self_attention = nn.MultiheadAttention(d_model, n_heads, batch_first=True)",
        "self.self_attention(normed, normed, visible)":
        "self.self_attention(normed, normed, normed, **as_torch(visible, len(x)))[0]",
        "class EncoderLayer": AS_TORCH + "class EncoderLayer",
    }}),
    Case("nn.TransformerEncoderLayer inside", "from-scratch", {"solution/transformer/encoder.py": {
        "            EncoderLayer(c.d_model, c.n_heads, c.d_hidden)":
        "            nn.TransformerEncoderLayer(\n                "
        "c.d_model, c.n_heads, c.d_hidden, 0.0, batch_first=True, norm_first=True)",
        "x = layer(x, visible)":
        "x = layer(x, src_key_padding_mask=as_torch(visible, len(x))['key_padding_mask'])",
        "class EncoderLayer": AS_TORCH + "class EncoderLayer",
    }}),
    attention("scaled_dot_product_attention", "from-scratch", {
        SCORES: f"    torch.nn.functional.{SDPA}(query, key, value)\n{SCORES}",
    }),
    attention("scaled_dot_product_attention through importlib", "from-scratch", {
        SCORES: "    import importlib\n    module = importlib.import_module('torch.nn.' + "
        "'functional')\n    getattr(module, 'scaled_' + 'dot_product_attention')"
        f"(query, key, value)\n{SCORES}",
    }),
    attention("scaled_dot_product_attention through getattr", "from-scratch", {
        SCORES: f"    getattr(nn.functional, '{SDPA}')(query, key, value)\n{SCORES}",
    }),
    attention("scaled_dot_product_attention through a star import", "from-scratch", {
        "import math\n": f"import math\nfrom {MODULE} import *\n",
        SCORES: f"    {SDPA}(query, key, value)\n{SCORES}",
    }),
]  # fmt: skip

PRE_NORM = """        normed = self.norm_self(x)
        x = x + self.self_attention(normed, normed, visible)
"""
POST_NORM = "        x = self.norm_self(x + self.self_attention(x, x, visible))\n"
FEED = "return x + self.feed_forward(self.norm_feed(x))"
FEED_POST = "return self.norm_feed(x + self.feed_forward(x))"
STEPS = {"steps=200": "steps=600", "Recipe(": "Recipe(learning_rate=3e-3, "}
ENCODER_ONLY = {
    "from solution import reversal": "from solution import reversal\n"
    "from solution.transformer import EncoderOnly",
    "recipe=recipe)": "recipe=recipe, architecture=EncoderOnly)",
}
MANY = {"generate_batch": "_answers"}
VARIANTS = [
    Case("post-norm", None, {
        "solution/transformer/encoder.py": {PRE_NORM: POST_NORM, FEED: FEED_POST},
        "solution/transformer/decoder.py": {
            PRE_NORM: POST_NORM, FEED: FEED_POST,
            CROSS: "x = self.norm_cross(x + self.cross_attention(x, memory, memory_visible))",
        },
        "solution/reversal/generation.py": {"cache: bool = True": "cache: bool = False"},
        NOTEBOOK: STEPS,
    }),
    of("transformer/decoder", "the future is hidden in training alone", None, {
        "past_only = causal(tokens.size(1))":
            "past_only = causal(tokens.size(1)) if self.training else None",
    }),
    embedding("learned positions", None, {
        'self.register_buffer("table", sinusoids(max_length, d_model), persistent=False)':
        "self.table = nn.Parameter(torch.randn(max_length, d_model))",
    }),
    notebook("a diagram that Matplotlib draws", None, {
        SOURCE_OF_DIAGRAM: f"{FIGURE}{SOURCE_OF_DIAGRAM}",
        LAST_BOX: f"{LAST_BOX}\ndiagram = figure_of(diagram)",
    }),
    notebook("a diagram whose letters are curves", None, {
        SOURCE_OF_DIAGRAM: f"{FIGURE}{SOURCE_OF_DIAGRAM}",
        LAST_BOX: f"{LAST_BOX}\ndiagram = as_svg(figure_of(diagram))",
    }),
    notebook("encoder-only", None, ENCODER_ONLY),
    attention("queries, keys and values in one projection", None, {
        SEPARATE: FUSED,
        "self.w_q(query)": "self.qkv(query).chunk(3, -1)[0]",
        "self.w_k(memory)": "self.qkv(memory).chunk(3, -1)[1]",
        "self.w_v(memory)": "self.qkv(memory).chunk(3, -1)[2]",
    }),
    attention("projections under unknown names", None, {
        "self.w_q": "self.a", "self.w_k": "self.b", "self.w_v": "self.c", "self.w_o": "self.d",
    }),
    attention("no biases", None, {"nn.Linear(d_model, d_model)":
                                  "nn.Linear(d_model, d_model, bias=False)"}),
    attention("attention returns its output alone", None, {
        "return weights @ value, weights": "return weights @ value",
        "heads, weights = attention(": "weights = heads = attention(",
    }),
    attention("names of what is forbidden, never used", None, {
        '"""Attention as': '"""Not nn.MultiheadAttention. Attention as',
        "    def merge(":
        "    def borrowed(self):\n        from transformers import GPT2LMHeadModel\n\n"
        "        return GPT2LMHeadModel\n\n    def merge(",
    }),
    of("transformer/feed_forward", "GELU", None, {
        "self.w_1(x).relu()": "nn.functional.gelu(self.w_1(x))",
    }),
    of("transformer/feed_forward", "convolutions of width one", None, {
        "nn.Linear(d_model, d_hidden)": "nn.Conv1d(d_model, d_hidden, 1)",
        "nn.Linear(d_hidden, d_model)": "nn.Conv1d(d_hidden, d_model, 1)",
        "self.w_2(self.w_1(x).relu())": "self.w_2(self.w_1(x.mT).relu()).mT",
    }),
    of("transformer/model", "log-probabilities for logits", None, {
        "return self.to_logits(self.decoder(target, memory, source_visible))":
        "return self.to_logits(self.decoder(target, memory, source_visible)).log_softmax(-1)",
    }),
    Case("one sequence at a time, never many", None, {
        "solution/reversal/__init__.py": {"generate, generate_batch": "generate",
                                          '"generate_batch", ': ""},
        "solution/reversal/generation.py": MANY,
        "solution/reversal/training.py": MANY,
        "solution/reversal/evaluation.py": MANY,
        NOTEBOOK: {
            "import generate_batch": "import generate",
            "answers = generate_batch(model, test_inputs)":
            "test_inputs, test_targets = test_inputs[:300], test_targets[:300]\n"
            "answers = [generate(model, sequence) for sequence in test_inputs]",
        },
    }),
]  # fmt: skip


def hardly_trained(case: Case) -> Case:
    """The same in a model of 20 steps: what it then fails to learn is put down to the component."""
    return Case(case.name, case.loses, {**case.edits, NOTEBOOK: {"steps=200": "steps=20"}})


COMPONENTS = [*ATTENTION, *MASKS, *HEADS, *POSITIONS, *LAYERS]
NO_MODEL = [
    Case("reversed by x[::-1]", "reversal", {"solution/reversal/generation.py": {
        ALONE: "    return sequence[::-1]",
        TOGETHER: f"    return [list(s)[::-1] for s in sequences]\n{TOGETHER}",
    }}),
]  # fmt: skip
"""The model answers nothing: neither the task nor another one is its work."""

CASES = [
    *map(hardly_trained, COMPONENTS), *HARMLESS_IN_TRAINING,
    *AROUND, *TRAINING, *FROM_SCRATCH, *VARIANTS,
]  # fmt: skip
