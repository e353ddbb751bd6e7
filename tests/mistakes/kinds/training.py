"""Training: what is trained, on what, by which steps."""

from tests.mistakes.cases import Case
from tests.mistakes.part2 import ENCODER_ONLY, LOGITS, NOTEBOOK, embedding, of


def training(name, loses, replace):
    return of("reversal/training", name, loses, replace)


TRAINED = "        model.parameters(), betas"
RATE = "recipe.learning_rate * schedule(step, steps, recipe.warm_up)"
CLIP = "nn.utils.clip_grad_norm_(model.parameters(), recipe.max_norm)"
ZERO = "optimizer.zero_grad()"
COST = "cost = loss(model, pairs.sources[batch], pairs.wanted[batch])"
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
    training("gradients thrown away before the step", "training", {CLIP: ZERO}),
    training("gradients set back for half of the model", "training", {
        ZERO: "model.decoder.zero_grad()",
    }),
    training("gradients set back every other step", "training", {
        ZERO: "if int(batch[0]) % 2:\n        optimizer.zero_grad()",
    }),
    training("a rate that halves with every step", "training", {RATE: f"{RATE} * 0.5**step"}),
    training("a rate for the first ten steps", "training", {RATE: f"{RATE} * (step < 10)"}),
    training("a rate too small to see", "training", {RATE: f"1e-7 * {RATE}"}),
    training("uphill", "training", {COST: COST.replace("loss(", "-loss(")}),
]  # fmt: skip

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

CASES = [*MISTAKES, *RIGHT]
