"""Feed-forward, normalisation, residuals, positions, embedding: wrong where accuracy is blind."""

from tests.mistakes.cases import Case
from tests.mistakes.part2 import ADDED, CROSS, PRE_NORM, SELF, embedding, of


def feed(name, replace):
    return of("transformer/feed_forward", name, "feed-forward", replace)


def encoder(name, replace, loses="layers"):
    return of("transformer/encoder", name, loses, replace)


def decoder(name, replace, loses="layers"):
    return of("transformer/decoder", name, loses, replace)


BENT = "self.w_2(self.w_1(x).relu())"
PARTLY = "(h := self.w_1(x), h{0}.relu_(), self.w_2(h))[-1]"
WIDE, NARROW = "nn.Linear(d_model, d_hidden)", "nn.Linear(d_hidden, d_model)"
FEED = [
    of("transformer/feed_forward", "the input is added inside", "feed-forward", {
        BENT: f"x + {BENT}",
    }),
    feed("bent at the end, not in the middle", {BENT: "self.w_2(self.w_1(x)).relu()"}),
    feed("nothing reaches the second matrix", {BENT: "self.w_2(0 * self.w_1(x).relu())"}),
    feed("bent before the first matrix only", {BENT: "self.w_2(self.w_1(x.relu()))"}),
    feed("bent twice, the second time at the end", {BENT: "self.w_2(self.w_1(x).relu()).relu()"}),
    feed("a tanh around everything", {BENT: "self.w_2(self.w_1(x)).tanh()"}),
    feed("a slope of almost one below zero", {
        BENT: "self.w_2(nn.functional.leaky_relu(self.w_1(x), 0.999))",
    }),
    feed("bent far away from every number", {BENT: "self.w_2(self.w_1(x).clamp(min=-1e3))"}),
    feed("bent in training only", {
        BENT: "self.w_2(self.w_1(x).relu() if self.training else self.w_1(x))",
    }),
    feed("as wide inside as the model", {
        WIDE: "nn.Linear(d_model, d_model)", NARROW: "nn.Linear(d_model, d_model)",
    }),
    feed("always 64 wide inside", {
        WIDE: "nn.Linear(d_model, 64)", NARROW: "nn.Linear(64, d_model)",
    }),
    feed("four times the model, whatever is asked", {
        WIDE: "nn.Linear(d_model, 4 * d_model)", NARROW: "nn.Linear(4 * d_model, d_model)",
    }),
    feed("the first half of the units is bent", {BENT: PARTLY.format("[..., : h.size(-1) // 2]")}),
    feed("every second unit is bent", {BENT: PARTLY.format("[..., ::2]")}),
    feed("eight units are bent, however many there are", {BENT: PARTLY.format("[..., :8]")}),
    feed("the last unit is not bent", {BENT: PARTLY.format("[..., :-1]")}),
    feed("half of the units are dead", {
        BENT: "self.w_2(self.w_1(x).relu() * (torch.arange(self.w_1.out_features) % 2))",
        "from torch import Tensor, nn": "import torch\nfrom torch import Tensor, nn",
    }),
    feed("one matrix and no second", {BENT: "self.w_1(x).relu()[..., : x.size(-1)]"}),
    feed("the mean of the sequence goes in", {
        BENT: BENT.replace("w_1(x)", "w_1(x - x.mean(1, keepdim=True))"),
    }),
    feed("dropout that stays on", {
        BENT: "self.w_2(nn.functional.dropout(self.w_1(x).relu(), 0.2))",
    }),
    feed("the axis of one sequence is lost", {BENT: "self.w_2(self.w_1(x).relu().squeeze(0))"}),
]  # fmt: skip

NORM = "nn.LayerNorm(d_model, bias=False)"
OWN = """class OwnNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))
        self.shift = nn.Parameter(torch.zeros(width))

    def forward(self, x):
        mean = x.mean(-1, keepdim=True)
        std = x.std(-1, unbiased=False, keepdim=True)
        return self.gain * (x - mean) / (std + 1e-6) + self.shift


class EncoderLayer"""


def own_norm(name, old="", new="", loses="layers"):
    """A layer norm written by hand, in the encoder layer."""
    text = OWN.replace(old, new) if old else OWN
    return of("transformer/encoder", name, loses, {
        "from torch import Tensor, nn": "import torch\nfrom torch import Tensor, nn",
        "class EncoderLayer": text, NORM: "OwnNorm(d_model)",
    })  # fmt: skip


NORMS = [
    own_norm("divided by the variance, no root", "(std + 1e-6)", "(std**2 + 1e-6)"),
    own_norm("the mean is not taken off before its division by std", "(x - mean)", "x"),
    own_norm("only centred", "/ (std + 1e-6)", ""),
    own_norm("a small number that is not small", "1e-6", "0.5"),
    own_norm("a number that is not small, beside the variance", "(std + 1e-6)",
             "(std**2 + 0.5).sqrt()"),
    own_norm("a tenth beside the deviation", "1e-6", "0.1"),
    of("transformer/encoder", "a norm of another name adds what is not small", "layers", {
        "from torch import Tensor, nn": "import torch\nfrom torch import Tensor, nn",
        "class EncoderLayer": OWN.replace("OwnNorm", "Scaled").replace("1e-6", "0.5"),
        NORM: "Scaled(d_model)",
    }),
    encoder("torch's norm with half beside the variance", {
        NORM: "nn.LayerNorm(d_model, eps=0.5, bias=False)",
    }),
    decoder("torch's norm with half beside the variance, in the decoder", {
        NORM: "nn.LayerNorm(d_model, eps=0.5, bias=False)",
    }),
    encoder("half beside the variance, in a norm that is called as a function", {
        "self.norm_self(x)": "nn.functional.layer_norm(x, x.shape[-1:], eps=0.5)",
    }),
    encoder("half beside the deviation, written where it is used", {
        "self.norm_feed(x)":
        "(x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 0.5)",
    }),
    decoder("a fifth beside the variance, before what reads the memory", {
        "self.norm_cross(x)": "nn.functional.layer_norm(x, x.shape[-1:], eps=0.2)",
    }),
    own_norm("statistics of the whole sequence", "x.mean(-1, keepdim=True)",
             "x.mean((-2, -1), keepdim=True)"),
    own_norm("the deviation over the batch, the mean over channels", "x.std(-1,", "x.std(0,"),
    own_norm("the deviation over the sequence, the mean over channels", "x.std(-1,", "x.std(1,"),
    own_norm("statistics of half of the channels", "= x.std(-1",
             "= x[..., : x.size(-1) // 2].std(-1"),
    own_norm("a gain that is never multiplied", "self.gain * (x", "(x"),
    own_norm("a gain for places, not channels", "self.gain * (x - mean)",
             "self.gain[: x.size(1), None] * (x - mean)"),
    own_norm("the gain squared", "self.gain * (x", "self.gain**2 * (x"),
    own_norm("a gain that begins at a tenth", "torch.ones(width)", "0.1 * torch.ones(width)"),
]  # fmt: skip

RESIDUALS = [
    encoder("the input twice around attention", {SELF: "x = 2 * x + self.self_attention("}),
    encoder("the input halved around attention", {SELF: "x = 0.5 * x + self.self_attention("}),
    encoder("the sub-layer counts a tenth", {
        "return x + self.feed_forward(": "return x + 0.1 * self.feed_forward(",
    }),
    encoder("the mean of input and sub-layer", {
        "return x + self.feed_forward(self.norm_feed(x))":
        "return (x + self.feed_forward(self.norm_feed(x))) / 2",
    }),
    encoder("the path goes on from the normalised rows", {
        SELF: "x = normed + self.self_attention(",
    }),
    encoder("the input taken off, not added", {
        "return x + self.feed_forward(self.norm_feed(x))":
        "return self.feed_forward(self.norm_feed(x)) - x",
    }),
    decoder("the input twice around cross-attention", {CROSS: CROSS.replace("x + ", "2 * x + ")}),
    decoder("cross-attention is computed and dropped", {
        CROSS: CROSS.replace("x = x + ", "_ = "),
    }),
    decoder("cross-attention that looks at the target", {
        CROSS: "x = x + self.cross_attention(self.norm_cross(x), x)",
    }),
    decoder("the memory's first place only", {
        CROSS: CROSS.replace("memory,", "memory[:, :1],").replace(
            "memory_visible", "None if memory_visible is None else memory_visible[..., :1]"),
    }),
    decoder("the memory of the first sequence for all", {
        CROSS: CROSS.replace("memory,", "memory[:1].expand_as(memory),"),
    }),
    encoder("one head in every layer, whatever is asked", {
        "self.self_attention = MultiHeadAttention(d_model, n_heads)":
        "self.self_attention = MultiHeadAttention(d_model, 1)",
    }),
    encoder("a layer as wide inside as itself", {
        "self.feed_forward = FeedForward(d_model, d_hidden)":
        "self.feed_forward = FeedForward(d_model, d_model)",
    }),
    Case("one head in the decoder's self-attention", "layers", {
        "solution/transformer/decoder.py": {
            "self.self_attention = MultiHeadAttention(d_model, n_heads)":
            "self.self_attention = MultiHeadAttention(d_model, 1)",
        },
        "solution/reversal/generation.py": {"cache: bool = True": "cache: bool = False"},
    }),
    encoder("attention looks back to the first token only", {
        "self.self_attention(normed, normed, visible)":
        "self.self_attention(normed, normed[:, :1], None if visible is None else visible[..., :1])",
    }),
    encoder("a layer that adds its place", {
        "return x + self.feed_forward(self.norm_feed(x))":
        "import torch\n        place = 0.1 * torch.arange(x.size(1)).to(x.dtype)\n"
        "        return x + place[:, None] + self.feed_forward(self.norm_feed(x))",
    }),
    encoder("no feed-forward in the layer", {
        "return x + self.feed_forward(self.norm_feed(x))": "return x",
    }),
]  # fmt: skip

TABLE = 'self.register_buffer("table", sinusoids(max_length, d_model), persistent=False)'
RATE = "torch.exp(-math.log(10_000) * torch.arange(0, d_model, 2, dtype=torch.float64) / d_model)"
POSITIONS = [
    embedding("places as one number, the same in all channels", "positions", {
        "    return table\n": "    return table * 0 + position.float() / max_length\n",
    }),
    embedding("places in the first channel alone", "positions", {
        "    return table\n": "    table[:, 1:] = 0\n    return table\n",
    }),
    embedding("places repeat after eight", "positions", {
        ADDED: "x + self.table[torch.arange(x.size(1)) % 8]",
    }),
    embedding("the last place like the one before", "positions", {
        "    return table\n": "    table[-1] = table[-2]\n    return table\n",
    }),
    embedding("places drawn anew every time", "positions", {
        ADDED: "x + torch.randn(1, x.size(1), x.size(2), dtype=x.dtype)",
    }),
    embedding("places multiplied in", "positions", {ADDED: "x * (1 + self.table[start:end])"}),
    embedding("only even places have a row", "positions", {
        ADDED: "x + self.table[start:end] * (torch.arange(start, end) % 2 == 0)[:, None]",
    }),
]  # fmt: skip

HARMLESS_IN_TRAINING = [
    embedding("sines beside sines", "positions", {
        "    return table\n":
        "    table[:, 1::2] = table[:, : d_model // 2 * 2 : 2]\n    return table\n",
    }),
    embedding("the last place has no row", "positions", {
        "sinusoids(max_length, d_model)": "sinusoids(max_length - 1, d_model)",
    }),
    embedding("room for thirty places, whatever is asked", "positions", {
        "sinusoids(max_length, d_model)": "sinusoids(30, d_model)",
    }),
    embedding("one rate for all channels", "positions", {
        RATE: RATE.replace("torch.arange(0, d_model, 2, dtype=torch.float64)",
                           "torch.ones((d_model + 1) // 2, dtype=torch.float64)"),
    }),
    embedding("rates that rise", "positions", {"torch.exp(-math.log": "torch.exp(math.log"}),
    embedding("a base of one hundred", "positions", {"10_000": "100"}),
]  # fmt: skip

ROWS = "return self.table(tokens)"
TWO_LAYERS = {"n_layers: int = 1": "n_layers: int = 2"}
MODEL = [
    of("transformer/encoder", "the decoder looks at the bare tokens of the source", "model", {
        "        for layer in self.layers:\n            x = layer(x, visible)\n": "",
    }),
    Case("only the last layer's output is used", "model", {
        "solution/transformer/config.py": TWO_LAYERS,
        "solution/transformer/encoder.py": {
            "x = layer(x, visible)": "out = layer(x, visible)", "self.norm(x)": "self.norm(out)",
        },
    }),
    Case("the first layer is left out", "model", {
        "solution/transformer/config.py": TWO_LAYERS,
        "solution/transformer/encoder.py": {"in self.layers:": "in self.layers[1:]:"},
    }),
    Case("each decoder layer begins with the tokens", "model", {
        "solution/transformer/config.py": TWO_LAYERS,
        "solution/transformer/decoder.py": {
            "x = layer(x, memory,": "out = layer(x, memory,",
            "self.norm(x)\n\n    def start": "self.norm(out)\n\n    def start",
            "x, with_newest =": "out, with_newest =", "self.norm(x), seen": "self.norm(out), seen",
        },
    }),
]  # fmt: skip
MODEL_RIGHT = [
    Case("one layer twice", None, {
        "solution/transformer/config.py": TWO_LAYERS,
        "solution/transformer/encoder.py": {
            "nn.ModuleList(\n            EncoderLayer(c.d_model, c.n_heads, c.d_hidden) for _ in "
            "range(c.n_layers)\n        )":
            "nn.ModuleList(\n            [EncoderLayer(c.d_model, c.n_heads, c.d_hidden)] "
            "* c.n_layers\n        )",
        },
    }),
    Case("layers beside each other", None, {
        "solution/transformer/config.py": TWO_LAYERS,
        "solution/transformer/encoder.py": {
            "            x = layer(x, visible)\n": "            continue\n"
            "        x = sum(layer(x, visible) for layer in self.layers)\n",
        },
    }),
]  # fmt: skip

EMBEDDING = [
    embedding("the last token has no row", "embedding", {
        "nn.Embedding(vocab_size, d_model)": "nn.Embedding(vocab_size - 1, d_model)",
    }),
    embedding("the last two tokens share a row", "embedding", {
        ROWS: "return self.table(tokens.clamp(max=self.table.num_embeddings - 2))",
    }),
    embedding("room for twenty tokens, whatever is asked", "embedding", {
        "nn.Embedding(vocab_size, d_model)": "nn.Embedding(20, d_model)",
    }),
    embedding("even tokens and odd ones", "embedding", {ROWS: "return self.table(tokens % 2)"}),
    embedding("rows made of length one", "embedding", {
        ROWS: "return nn.functional.normalize(self.table(tokens), dim=1)",
    }),
    embedding("rows mixed along the sequence", "embedding", {
        ROWS: "return self.table(tokens).cumsum(1)",
    }),
]  # fmt: skip

CASES = [*FEED, *NORMS, *RESIDUALS, *POSITIONS, *EMBEDDING, *MODEL]

RIGHT = [
    *MODEL_RIGHT,
    own_norm("a layer norm by hand", loses=None),
    own_norm("a layer norm with the sample's deviation", "unbiased=False, ", "", loses=None),
    own_norm("a layer norm with a thousandth beside the variance", "(std + 1e-6)",
             "(std**2 + 1e-3).sqrt()", loses=None),
    own_norm("a layer norm with a thousandth beside the deviation", "1e-6", "1e-3", loses=None),
    of("transformer/encoder", "norms that are called as functions", None, {
        "self.norm_self(x)": "nn.functional.layer_norm(x, x.shape[-1:])",
        "self.norm_feed(x)":
        "(x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-3)",
    }),
    of("transformer/encoder", "parts that take what they take by name", None, {
        "self.self_attention(normed, normed, visible)":
        "self.self_attention(visible=visible, memory=normed, query=normed)",
        "self.feed_forward(self.norm_feed(x))": "self.feed_forward(x=self.norm_feed(input=x))",
    }),
    of("transformer/encoder", "sum and norm in one part, which takes a word first", None, {
        "class EncoderLayer": "class AddNorm(nn.Module):\n"
        "    def __init__(self, d_model):\n        super().__init__()\n"
        "        self.norm = nn.LayerNorm(d_model)\n\n"
        "    def forward(self, after, x, out):\n        return self.norm(x + out)\n\n\n"
        "class EncoderLayer",
        "self.norm_self = nn.LayerNorm(d_model, bias=False)": "self.norm_self = AddNorm(d_model)",
        "self.norm_feed = nn.LayerNorm(d_model, bias=False)": "self.norm_feed = AddNorm(d_model)",
        PRE_NORM:
        "        x = self.norm_self('attention', x, self.self_attention(x, x, visible))\n",
        "return x + self.feed_forward(self.norm_feed(x))":
        "return self.norm_feed('feed-forward', x, self.feed_forward(x))",
    }),
    of("transformer/encoder", "norms after each part, called as functions", None, {
        PRE_NORM: "        x = x + self.self_attention(x, x, visible)\n"
        "        x = nn.functional.rms_norm(x, x.shape[-1:])\n",
        "return x + self.feed_forward(self.norm_feed(x))":
        "return nn.functional.layer_norm(x + self.feed_forward(x), x.shape[-1:])",
    }),
    own_norm("a root mean square norm", "(x - mean) / (std + 1e-6)",
             "x / (x.pow(2).mean(-1, keepdim=True) + 1e-6).sqrt()", loses=None),
    of("transformer/feed_forward", "a gated feed-forward", None, {
        "self.w_1 = nn.Linear(d_model, d_hidden)":
        "self.w_1 = nn.Linear(d_model, d_hidden)\n        self.gate = nn.Linear(d_model, d_hidden)",
        BENT: "self.w_2(nn.functional.silu(self.gate(x)) * self.w_1(x))",
    }),
    of("transformer/feed_forward", "the second matrix begins at zero", None, {
        f"self.w_2 = {NARROW}":
        f"self.w_2 = {NARROW}\n        self.w_2.weight.data.zero_()",
    }),
    of("transformer/feed_forward", "GELU by its tanh", None, {
        BENT: "self.w_2(nn.functional.gelu(self.w_1(x), approximate='tanh'))",
    }),
    of("transformer/feed_forward", "GELU by a sigmoid", None, {
        BENT: "self.w_2((h := self.w_1(x)) * (1.702 * h).sigmoid())",
    }),
    of("transformer/feed_forward", "a slope of a tenth below zero", None, {
        BENT: "self.w_2(nn.functional.leaky_relu(self.w_1(x), 0.1))",
    }),
    of("transformer/feed_forward", "feed-forward with its dropout", None, {
        "d_hidden: int)": "d_hidden: int, dropout: float = 0.1)",
        BENT: "self.w_2(nn.functional.dropout(self.w_1(x).relu(), 0.01, self.training))",
    }),
    of("transformer/feed_forward", "feed-forward in a row", None, {
        "self.w_1 = nn.Linear(d_model, d_hidden)\n        self.w_2 = nn.Linear(d_hidden, d_model)":
        "self.net = nn.Sequential(nn.Linear(d_model, d_hidden), nn.SiLU(), "
        "nn.Linear(d_hidden, d_model))",
        BENT: "self.net(x)",
    }),
    embedding("rows times the root of the width", None, {
        "std=d_model**-0.5": "std=1 / d_model",
        ROWS: "return self.table(tokens) * self.table.embedding_dim**0.5",
    }),
    embedding("rows from one-hot vectors", None, {
        "self.table = nn.Embedding(vocab_size, d_model)\n"
        "        nn.init.normal_(self.table.weight, std=d_model**-0.5)":
        "self.rows = nn.Parameter(torch.randn(vocab_size, d_model) * d_model**-0.5)",
        ROWS: "return nn.functional.one_hot(tokens, len(self.rows)).to(self.rows) @ self.rows",
    }),
    embedding("learned positions from a table of their own", None, {
        TABLE: "self.table = nn.Embedding(max_length, d_model)",
        "len(self.table)": "self.table.num_embeddings",
        ADDED: "x + self.table(torch.arange(start, end))",
    }),
    embedding("tokens weigh more than positions", None, {
        ADDED: "x * x.size(-1) ** 0.5 + self.table[start:end]",
    }),
    embedding("positions added where the rows are", None, {
        f"return {ADDED}": "x += self.table[start:end]\n        return x",
    }),
    Case("dropout in every layer", None, {"solution/transformer/encoder.py": {
        "self.feed_forward = FeedForward(d_model, d_hidden)":
        "self.feed_forward = FeedForward(d_model, d_hidden)\n"
        "        self.dropout = nn.Dropout(0.01)",
        SELF: "x = x + self.dropout(self.self_attention(",
        "(normed, normed, visible)": "(normed, normed, visible))",
    }}),
    Case("a dropout and an identity kept under the name of a norm", None, {
        "solution/transformer/encoder.py": {
        "self.feed_forward = FeedForward(d_model, d_hidden)":
        "self.feed_forward = FeedForward(d_model, d_hidden)\n"
        "        self.norm_dropout = nn.Dropout(0.01)\n"
        "        self.norm_0 = nn.Identity()",
        SELF: "x = x + self.norm_dropout(self.self_attention(",
        "(normed, normed, visible)": "(self.norm_0(normed), normed, visible))",
    }}),
]  # fmt: skip
