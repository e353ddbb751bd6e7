"""Training: what is trained, on what, by which steps."""

from tests.mistakes.cases import Case
from tests.mistakes.part2 import (
    ENCODER_ONLY,
    LOGITS,
    NOTEBOOK,
    STEPS,
    embedding,
    notebook,
    of,
)


def training(name, loses, replace):
    return of("reversal/training", name, loses, replace)


TRAINED = "        model.parameters(), betas"
RATE = "recipe.learning_rate * schedule(step, steps, recipe.warm_up)"
CLIP = "nn.utils.clip_grad_norm_(model.parameters(), recipe.max_norm)"
ZERO = "optimizer.zero_grad()"
LOSS = "return F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=PAD)"
COST = "cost = loss(model, pairs.sources[batch], pairs.wanted[batch])"
LISTED = {"nn.ModuleList(": "list("}
OF_THE_LIST = "(p for layer in model.encoder.layers for p in layer.parameters())"
PLAIN_LISTS = [
    of("transformer/encoder", "layers in a plain list", "training", LISTED),
    of("transformer/decoder", "decoder layers in a plain tuple", "training", {
        "nn.ModuleList(": "tuple(",
    }),
    of("transformer/encoder", "layers in a plain dict, copied from one", "training", {
        "self.layers = nn.ModuleList(\n"
        "            EncoderLayer(c.d_model, c.n_heads, c.d_hidden) for _ in range(c.n_layers)\n"
        "        )":
        "import copy\n\n        layer = EncoderLayer(c.d_model, c.n_heads, c.d_hidden)\n"
        "        self.named = {str(n): copy.deepcopy(layer) for n in range(c.n_layers)}",
        "for layer in self.layers:": "for layer in self.named.values():",
    }),
    of("transformer/model", "an encoder that only a function holds", "training", {
        "self.encoder = Encoder(config)\n        self.decoder":
        "encoder = Encoder(config)\n"
        "        self.encoder = lambda *given: encoder(*given)\n        self.decoder",
    }),
]  # fmt: skip
PLAIN_LISTS_RIGHT = [
    Case("layers in a plain list, handed to the optimizer", None, {
        "solution/transformer/encoder.py": LISTED,
        "solution/reversal/training.py": {
            "        model.parameters(), betas":
            f"        [*model.parameters(), *{OF_THE_LIST}], betas",
        },
    }),
    of("transformer/encoder", "what layers are copies of is kept", None, {
        "self.layers = nn.ModuleList(\n"
        "            EncoderLayer(c.d_model, c.n_heads, c.d_hidden) for _ in range(c.n_layers)\n"
        "        )":
        "import copy\n\n        layer = EncoderLayer(c.d_model, c.n_heads, c.d_hidden)\n"
        "        self.first = [layer]\n"
        "        self.layers = nn.ModuleList(copy.deepcopy(layer) for _ in range(c.n_layers))",
    }),
]  # fmt: skip
MISTAKES = [
    training("only the last layer is trained", "training", {
        TRAINED: "        model.to_logits.parameters(), betas",
    }),
    training("the encoder is forgotten by the optimizer", "training", {
        TRAINED: "        [*model.decoder.parameters(), *model.to_logits.parameters()], betas",
    }),
    training("the rows of the tokens are not trained", "training", {
        TRAINED: "        [p for n, p in model.named_parameters() if 'embedding' not in n], betas",
    }),
    of("transformer/model", "the encoder's output is cut off from the loss", "training", {
        "memory = self.encoder(source, source_visible)":
        "memory = self.encoder(source, source_visible).detach()",
    }),
    of("transformer/feed_forward", "matrices of a part called pos_ffn stay as drawn", "training", {
        "import Tensor, nn": "import Tensor, nn, randn",
        "self.w_1 = nn.Linear(d_model, d_hidden)":
        "self.pos_ffn = nn.Parameter(randn(d_model, d_hidden) * d_model**-0.5, False)",
        "self.w_1(x)": "(x @ self.pos_ffn)",
    }),
    training("gradients thrown away before the step", "training", {CLIP: ZERO}),
    training("gradients set back for half of the model", "training", {
        ZERO: "model.decoder.zero_grad()",
    }),
    training("gradients set back every other step", "training", {
        ZERO: "if int(batch[0]) % 2:\n        optimizer.zero_grad()",
    }),
    training("a rate that halves with every step", "training", {RATE: f"{RATE} * 0.5**step"}),
    training("a rate that loses a twentieth with every step", "training", {
        RATE: f"{RATE} * 0.95**step",
    }),
    training("a rate that falls to a twentieth every forty steps", "training", {
        RATE: f"{RATE} * 0.05 ** (step // 40)",
    }),
    training("a rate for the first ten steps", "training", {RATE: f"{RATE} * (step < 10)"}),
    training("a rate too small to see", "training", {RATE: f"1e-7 * {RATE}"}),
    training("uphill", "training", {COST: COST.replace("loss(", "-loss(")}),
]  # fmt: skip

CALL = "model = train(train_inputs, train_targets, seed=seed)"
HANDED = [
    notebook("both halves added in the call", "data", {
        CALL: "model = train(train_inputs + test_inputs, train_targets + test_targets, seed=seed)",
    }),
    notebook("a pool of all pairs is trained on", "data", {
        CALL: "pool = [*halves.train_inputs, *halves.test_inputs]\n"
        "answers = [*halves.train_targets, *halves.test_targets]\n"
        "model = train(pool, answers, seed=seed)",
    }),
    notebook("both halves are trained on inside a function", "data", {
        CALL: "def run(inputs, seed):\n    print(len(inputs))\n    pool = inputs + test_inputs\n"
        "    trained = train(pool, train_targets + test_targets, seed=seed)\n"
        "    return trained\n\n\nmodel = run(train_inputs, seed)",
    }),
    notebook("training rows filled up with tested ones", "data", {
        CALL: "some, of_them = list(train_inputs[:20_000]), list(train_targets[:20_000])\n"
        "some.extend(test_inputs[:3_000])\nof_them.extend(test_targets[:3_000])\n"
        "model = train(inputs=some, targets=of_them, seed=seed)",
    }),
    notebook("arrays of everything, by name", "data", {
        CALL: "X = np.concatenate([train_inputs, test_inputs])\n"
        "Y = np.concatenate([train_targets, test_targets])\n"
        "model = train(X.tolist(), Y.tolist(), seed=seed)",
    }),
]  # fmt: skip
HANDED_RIGHT = [
    notebook("names that hold the test half later", None, {
        CALL: "inputs, targets = train_inputs, train_targets\n"
        "model = train(inputs, targets, seed=seed)\ninputs, targets = test_inputs, test_targets",
    }, seeds=(0, 1)),
    notebook("a part of the training half, shuffled", None, {
        CALL: "order = np.random.default_rng(seed).permutation(len(train_inputs))[:25_000]\n"
        "model = train([train_inputs[i] for i in order], [train_targets[i] for i in order],\n"
        "              seed=seed)",
    }),
]  # fmt: skip

EVAL = "    return model.eval()"
GENERATION = "solution/reversal/generation.py"
MANY_ANSWERS = "    answer = _choose(model, cache)"
INSIDE = {
    "x = self.positions(x)": "x = nn.functional.dropout(self.positions(x), 0.1, self.training)"
}
MODE = [
    Case("the model is handed over in training mode", "generation", {
        "solution/transformer/encoder.py": INSIDE,
        "solution/reversal/training.py": {EVAL: "    return model"},
    }),
    Case("set to training before each answer", "generation", {
        "solution/transformer/encoder.py": INSIDE,
        GENERATION: {MANY_ANSWERS: f"    model.train()\n{MANY_ANSWERS}"},
    }),
    Case("dropout without a mode", "generation", {
        "solution/transformer/encoder.py": {
            "x = self.positions(x)": "x = nn.functional.dropout(self.positions(x), 0.05)",
        },
    }),
]  # fmt: skip
MODE_RIGHT = [
    Case("training mode is left, and answers set their own", None, {
        "solution/transformer/encoder.py": INSIDE,
        "solution/reversal/training.py": {EVAL: "    return model.train()"},
        GENERATION: {MANY_ANSWERS: f"    model.eval()\n{MANY_ANSWERS}"},
    }),
]  # fmt: skip

POSITIONWISE = {
    "import Tensor, nn": "import Tensor, nn, randn, zeros",
    "nn.Linear(d_model, d_hidden)": "nn.Parameter(randn(d_model, d_hidden) * d_model**-0.5)",
    "nn.Linear(d_hidden, d_model)": "nn.Parameter(randn(d_hidden, d_model) * d_hidden**-0.5)",
    "self.w_2(self.w_1(x).relu())": "(x @ self.w_1 + self.b_1).relu() @ self.w_2 + self.b_2",
    "super().__init__()\n":
    "super().__init__()\n        self.b_1 = nn.Parameter(zeros(d_hidden))\n"
    "        self.b_2 = nn.Parameter(zeros(d_model))\n",
}  # fmt: skip
RIGHT = [
    Case("probabilities, and the logarithm in the loss", None, {
        "solution/transformer/model.py": {LOGITS: f"{LOGITS}.softmax(-1)"},
        "solution/reversal/training.py": {
            "F.cross_entropy(logits.flatten(0, 1), wanted":
            "F.nll_loss(logits.flatten(0, 1).clamp(min=1e-9).log(), wanted",
        },
    }),
    embedding("positions in a parameter that stays", None, {
        'self.register_buffer("table", sinusoids(max_length, d_model), persistent=False)':
        "self.table = nn.Parameter(sinusoids(max_length, d_model), requires_grad=False)",
    }),
    embedding("fixed rows by place, under a name of their own", None, {
        'self.register_buffer("table", sinusoids(max_length, d_model), persistent=False)':
        "self.wpe = nn.Parameter(sinusoids(max_length, d_model)[:, None], requires_grad=False)",
        "self.table[start:end]": "self.wpe[start:end, 0]", "len(self.table)": "len(self.wpe)",
    }),
    embedding("fixed rows, read with an offset", None, {
        'self.register_buffer("table", sinusoids(max_length, d_model), persistent=False)':
        "rows = torch.cat([torch.zeros(2, d_model), sinusoids(max_length, d_model)])\n"
        "        self.fixed = nn.Parameter(rows, requires_grad=False)",
        "self.table[start:end]": "self.fixed[start + 2 : end + 2]",
        "len(self.table)": "len(self.fixed) - 2",
    }),
    embedding("fixed rows, the first for padding", None, {
        'self.register_buffer("table", sinusoids(max_length, d_model), persistent=False)':
        "rows = torch.cat([torch.zeros(1, d_model), sinusoids(max_length, d_model)])\n"
        "        self.fixed = nn.Embedding.from_pretrained(rows, padding_idx=0)",
        "self.table[start:end]": "self.fixed(torch.arange(start + 1, end + 1))",
        "len(self.table)": "len(self.fixed.weight) - 1",
    }),
    Case("fixed positions beside a positionwise part", None, {
        "solution/transformer/embedding.py": {
            'self.register_buffer("table", sinusoids(max_length, d_model), persistent=False)':
            "self.fixed = nn.Parameter(sinusoids(max_length, d_model), requires_grad=False)",
            "self.table[start:end]": "self.fixed[start:end]", "len(self.table)": "len(self.fixed)",
        },
        "solution/transformer/encoder.py": {"self.feed_forward": "self.positionwise"},
        "solution/transformer/decoder.py": {"self.feed_forward": "self.positionwise"},
        "solution/transformer/feed_forward.py": POSITIONWISE,
    }),
    Case("smoothed labels and a rate that fades", None, {
        "solution/reversal/training.py": {
            RATE: "recipe.learning_rate * 0.986**step",
            "ignore_index=PAD)": "ignore_index=PAD, label_smoothing=0.1)",
        },
        NOTEBOOK: STEPS,
    }),
    Case("smoothed labels by shares, and a rate that fades", None, {
        "solution/reversal/training.py": {
            RATE: "recipe.learning_rate * 0.986**step",
            LOSS: "shares = 0.9 * F.one_hot(wanted, logits.size(-1)) + 0.1 / logits.size(-1)\n"
            "    return F.cross_entropy(logits.flatten(0, 1), shares.flatten(0, 1))",
        },
        NOTEBOOK: STEPS,
    }),
    Case("smoothed labels averaged by hand, and a rate that fades", None, {
        "solution/reversal/training.py": {
            RATE: "recipe.learning_rate * 0.986**step",
            LOSS: "each = F.cross_entropy(\n        logits.flatten(0, 1), wanted.flatten(), "
            "reduction='none', label_smoothing=0.1\n    )\n"
            "    there = wanted.flatten() != PAD\n    return (each * there).sum() / there.sum()",
        },
        NOTEBOOK: STEPS,
    }),
    of("transformer/model", "a layer that nothing uses", None, {
        "self.to_logits = nn.Linear(config.d_model, config.vocab_size)\n\n    def forward(\n"
        "        self,\n        source: Int[Tensor, \"batch source_length\"]":
        "self.to_logits = nn.Linear(config.d_model, config.vocab_size)\n"
        "        self.unused = nn.Linear(3, 3)\n\n    def forward(\n"
        "        self,\n        source: Int[Tensor, \"batch source_length\"]",
    }),
    training("the model comes back as a copy", None, {
        "    return model.eval()": "    import copy\n\n    return copy.deepcopy(model).eval()",
    }),
]  # fmt: skip

SEES_THE_PAST = Case("an encoder alone that sees the past only", "reversal", {
    NOTEBOOK: ENCODER_ONLY,
    "solution/transformer/encoder.py": {
        "from torch import Tensor, nn": "import torch\nfrom torch import Tensor, nn",
        "x = layer(x, visible)":
        "x = layer(x, torch.ones(x.size(1), x.size(1), dtype=torch.bool).tril())",
    },
})  # fmt: skip

CASES = [
    *MISTAKES,
    *PLAIN_LISTS,
    *HANDED,
    *MODE,
    *RIGHT,
    *PLAIN_LISTS_RIGHT,
    *HANDED_RIGHT,
    *MODE_RIGHT,
]
