"""Attention, masks and heads: what shows only where no two sizes are alike, or items differ."""

from tests.mistakes.part2 import (
    HIDDEN,
    KEYS,
    MERGED,
    SCALED,
    SEPARATE,
    SOFTMAX,
    SPLIT,
    VALUES,
    attention,
    of,
)

ROOT = "math.sqrt(query.size(-1))"
RETURNED = "return weights @ value, weights"
IF_MASKED = "    if visible is not None:\n        scores ="
MASKED = f"{IF_MASKED} {HIDDEN}"

FORMULA = [
    attention("divided by the root of the number of keys", "attention", {
        ROOT: "math.sqrt(key.size(-2))",
    }),
    attention("divided by the root of the width of the values", "attention", {
        ROOT: "math.sqrt(value.size(-1))",
    }),
    attention("divided by the root of the number of queries", "attention", {
        ROOT: "math.sqrt(query.size(-2))",
    }),
    attention("a temperature left from an experiment", "attention", {SOFTMAX:
        "weights = (2 * scores).softmax(dim=-1)"}),
    attention("scaled once for queries and once for keys", "attention", {
        ROOT: "query.size(-1)",
    }),
    attention("a softmax without its row's sum", "attention", {
        SOFTMAX: "weights = scores.exp() / scores.exp().sum()",
    }),
    attention("exponentials that overflow", "attention", {
        SOFTMAX: "weights = scores.exp() / scores.exp().sum(-1, keepdim=True)",
    }),
    attention("weights through a sigmoid", "attention", {SOFTMAX: "weights = scores.sigmoid()"}),
    attention("cosine similarity for the dot product", "attention", {
        SCALED: "nn.functional.normalize(query, dim=-1) @ "
        "nn.functional.normalize(key, dim=-1).transpose(-2, -1)",
    }),
    attention("dropout on the weights that never ends", "attention", {
        SOFTMAX: f"{SOFTMAX}\n    weights = nn.functional.dropout(weights, 0.1)",
    }),
    attention("the scores come back as weights", "attention", {
        RETURNED: "return weights @ value, scores",
    }),
    attention("the weights come back the other way round", "attention", {
        RETURNED: "return weights @ value, weights.transpose(-2, -1)",
    }),
    attention("the weights come back rounded", "attention", {
        RETURNED: "return weights @ value, weights.round(decimals=1)",
    }),
    attention("queries scaled where they stand", "attention", {
        f"    scores = {SCALED}":
        f"    query *= 1 / {ROOT}\n    scores = query @ key.transpose(-2, -1)",
    }),
    attention("one sequence loses its axis", "attention", {
        RETURNED: "return (weights @ value).squeeze(0), weights",
    }),
    attention("the values of the first sequence for all", "attention", {
        RETURNED: "return weights @ value[:1], weights",
    }),
]  # fmt: skip

W_O = "self.w_o = nn.Linear(d_model, d_model)"
NAMES = {"w_q": "ask", "w_k": "find", "w_v": "tell", "w_o": "out"}
MASKS = [
    attention("a mask only where there are several queries", "masks", {
        "if visible is not None:": "if visible is not None and query.size(-2) > 1:",
    }),
    attention("the mask of a single query is taken for all keys", "masks", {
        "    if visible is not None:": "    if visible is not None and visible.size(-2) == 1:\n"
        "        visible = visible.any(-1, keepdim=True)\n    if visible is not None:",
    }),
    attention("a mask only for square scores", "masks", {
        "if visible is not None:":
        "if visible is not None and scores.size(-1) == scores.size(-2):",
    }),
    attention("masked up to the number of queries", "masks", {
        MASKED: "    if visible is not None:\n        n = min(scores.shape[-2:])\n"
        "        scores = torch.cat([scores[..., :n].masked_fill(\n"
        "            ~visible[..., :n], -1e9), scores[..., n:]], -1)",
    }),
    attention("every sequence under the mask of the first", "masks", {
        HIDDEN: HIDDEN.replace("~visible", "~visible[:1]"),
    }),
    attention("every sequence under the mask of the last", "masks", {
        HIDDEN: HIDDEN.replace("~visible", "~visible[-1:]"),
    }),
    attention("every query under the mask of the last query", "masks", {
        HIDDEN: HIDDEN.replace("~visible", "~visible[..., -1:, :]"),
    }),
    attention("a key hidden from one is hidden from all", "masks", {
        HIDDEN: HIDDEN.replace("~visible", "~visible.all(-2, keepdim=True)"),
    }),
    attention("hidden scores multiplied away", "masks", {HIDDEN: "scores * visible"}),
    attention("hidden scores set to zero", "masks", {
        HIDDEN: "scores.masked_fill(~visible, 0.0)",
    }),
    attention("hidden scores set to minus one", "masks", {
        HIDDEN: "scores.masked_fill(~visible, -1.0)",
    }),
    attention("hidden scores lowered by ten", "masks", {HIDDEN: "scores - 10.0 * ~visible"}),
    attention("hidden scores set to the smallest positive number", "masks", {
        HIDDEN: "scores.masked_fill(~visible, torch.finfo(scores.dtype).tiny)",
    }),
    attention("hidden queries instead of hidden keys", "masks", {
        HIDDEN: "scores.masked_fill(~visible.any(-1, keepdim=True), -1e9)",
    }),
    attention("the values are masked, the weights are not", "masks", {
        HIDDEN: "scores",
        RETURNED: "if visible is not None:\n        weights = weights * visible\n    "
        "return weights @ value, weights",
    }),
    attention("the mask forgotten in what comes back", "masks", {
        RETURNED:
        f"free = ({SCALED}).softmax(-1)\n    return weights @ value, free",
    }),
    attention("a mask read from the batch's middle", "masks", {
        HIDDEN: HIDDEN.replace("~visible", "~visible.roll(1, 0)"),
    }),
    attention("only half of the heads are masked", "masks", {
        "        heads, weights = attention(queries, keys, values, for_all_heads)":
        "        heads, weights = attention(queries, keys, values, for_all_heads)\n"
        "        free, _ = attention(queries, keys, values)\n"
        "        heads = torch.cat([heads[:, :1], free[:, 1:]], 1)",
    }),
    attention("sequences and heads in one axis, the mask in another order", "masks", {
        "visible.unsqueeze(-3)":
        "(visible.repeat(self.n_heads, 1, 1).unflatten(0, (-1, self.n_heads))\n"
        "            if visible.ndim == 3 and len(visible) > 1 else visible.unsqueeze(-3))",
    }),
    attention("hidden scores set to the smallest of their row", "masks", {
        HIDDEN: "torch.where(visible, scores, scores.amin(-1, keepdim=True))",
    }),
    attention("the heads' mask from the first sequence", "masks", {
        "visible.unsqueeze(-3)": "visible[:1].unsqueeze(-3) if visible.ndim == 3 else visible",
    }),
    of("transformer/encoder", "the encoder layer drops its mask", "masks", {
        "self.self_attention(normed, normed, visible)": "self.self_attention(normed, normed)",
    }),
    of("transformer/decoder", "the decoder layer drops the memory's mask", "masks", {
        "self.norm_cross(x), memory, memory_visible)": "self.norm_cross(x), memory)",
    }),
    of("transformer/decoder", "the memory's mask of the first sequence only", "masks", {
        "memory, memory_visible)\n        return":
        "memory, None if memory_visible is None else memory_visible[:1])\n        return",
    }),
    of("transformer/encoder", "the encoder layer takes the last row of its mask", "masks", {
        "self.self_attention(normed, normed, visible)":
        "self.self_attention(\n            "
        "normed, normed, None if visible is None else visible[..., -1:, :])",
    }),
    of("transformer/decoder", "the decoder hands on no mask of the future", "masks", {
        "past_only = causal(tokens.size(1))": "past_only = None",
    }),
    of("transformer/decoder", "the decoder may look two places ahead", "masks", {
        "past_only = causal(tokens.size(1))":
        "past_only = torch.ones(tokens.size(1), tokens.size(1), dtype=torch.bool).tril(2)",
    }),
]  # fmt: skip

HEADS = [
    attention("nothing of the heads reaches the output projection", "multi-head", {
        "self.w_o(self.merge(heads))": "self.w_o(0 * self.merge(heads))",
    }),
    attention("values and output begin at zero, and stay there", "multi-head", {
        W_O: f"{W_O}\n        for part in (self.w_v, self.w_o):\n"
        "            nn.init.zeros_(part.weight)\n            nn.init.zeros_(part.bias)",
    }),
    attention("the queries are added to what the heads give", "multi-head", {
        "return self.attend(self.queries(query), *self.keys_and_values(memory), visible)[0]":
        "return query"
        " + self.attend(self.queries(query), *self.keys_and_values(memory), visible)[0]",
    }),
    attention("queries from the memory, in projections of other names", "multi-head", NAMES | {
        "self.queries(query)": "self.queries(\n"
        "            torch.cat([memory[:, : query.size(1)], query[:, memory.size(1) :]], 1))",
    }),
    attention("values from the queries, in projections of other names", "multi-head", NAMES | {
        "return self.attend(self.queries(query), *self.keys_and_values(memory), visible)[0]":
        "keys, values = self.keys_and_values(memory)\n"
        "        n = min(query.size(1), memory.size(1))\n"
        "        values = torch.cat([self.split(self.tell(query))[:, :, :n],"
        " values[:, :, n:]], 2)\n"
        "        return self.attend(self.queries(query), keys, values, visible)[0]",
    }),
    attention("one head, whatever is asked", "multi-head", {
        "self.n_heads = n_heads": "self.n_heads = 1",
    }),
    attention("never more than two heads", "multi-head", {
        "self.n_heads = n_heads": "self.n_heads = min(n_heads, 2)",
    }),
    attention("heads one channel wide", "multi-head", {
        "self.n_heads = n_heads": "self.n_heads = d_model",
    }),
    attention("eight channels for a head", "multi-head", {
        "self.n_heads = n_heads": "self.n_heads = max(1, d_model // 12)",
    }),
    attention("the number of heads said, not used", "multi-head", {
        SPLIT: "x.unsqueeze(1)", MERGED: "x.squeeze(1)",
    }),
    attention("every head sees the channels of the first", "multi-head", {
        "return self.split(self.w_q(query))":
        "q = self.split(self.w_q(query))\n        return q[:, :1].expand_as(q)",
    }),
    attention("the heads are averaged", "multi-head", {
        MERGED: "x.mean(1, keepdim=True).expand_as(x).transpose(1, 2).reshape("
        "x.size(0), x.size(2), -1)",
    }),
    attention("queries and values share their weights", "multi-head", {
        VALUES: VALUES.replace("w_v", "w_q"),
    }),
    attention("keys that were never projected", "multi-head", {
        KEYS: "self.split(memory)",
    }),
    attention("values that were never projected", "multi-head", {
        VALUES: "self.split(memory)",
    }),
    attention("queries projected twice", "multi-head", {
        "self.split(self.w_q(query))": "self.split(self.w_q(self.w_q(query)))",
    }),
    attention("one matrix under three names", "multi-head", {
        SEPARATE: "        self.w_q = self.w_k = self.w_v = nn.Linear(d_model, d_model)\n",
    }),
    attention("values from the queries' sequence", "multi-head", {
        "return self.attend(self.queries(query), *self.keys_and_values(memory), visible)[0]":
        "keys, _ = self.keys_and_values(memory)\n"
        "        values = self.keys_and_values(query)[1]\n"
        "        values = nn.functional.pad(values, (0, 0, 0, max(0, "
        "keys.size(2) - values.size(2))))[:, :, :keys.size(2)]\n"
        "        return self.attend(self.queries(query), keys, values, visible)[0]",
    }),
    attention("every head looks at the keys of the next", "multi-head", {
        KEYS: f"{KEYS}.roll(-1, 1)",
    }),
    attention("heads put together backwards", "multi-head", {
        MERGED: MERGED.replace("x.transpose", "x.flip(1).transpose"),
    }),
    attention("a softmax over the heads", "multi-head", {
        "heads, weights = attention(queries, keys, values, for_all_heads)":
        "weights = (queries @ keys.mT / math.sqrt(queries.size(-1))).softmax(1)\n"
        "        heads = weights @ values",
        "return self.w_o": "heads, _ = (heads, 0) if visible is None else attention("
        "queries, keys, values, for_all_heads)\n        return self.w_o",
    }),
    attention("an output projection that is skipped in training's absence", "multi-head", {
        "self.w_o(self.merge(heads))":
        "self.w_o(self.merge(heads)) if self.training else self.merge(heads)",
    }),
]  # fmt: skip

CASES = [*FORMULA, *MASKS, *HEADS]

PROJECTIONS = "self.split(self.w_q(query))"
RIGHT = [
    attention("projections that begin as copies", None, {
        SEPARATE: "        import copy\n\n        self.w_q = nn.Linear(d_model, d_model)\n"
        "        self.w_k, self.w_v = copy.deepcopy(self.w_q), copy.deepcopy(self.w_q)\n",
    }),
    attention("one matrix for queries and keys, by design", None, {
        SEPARATE: "        self.qk = nn.Linear(d_model, d_model)\n"
        "        self.w_v = nn.Linear(d_model, d_model)\n",
        "self.w_q(query)": "self.qk(query)", "self.w_k(memory)": "self.qk(memory)",
    }),
    attention("one matrix for keys and values, by design", None, {
        SEPARATE: "        self.w_q = nn.Linear(d_model, d_model)\n"
        "        self.kv = nn.Linear(d_model, d_model)\n",
        "self.w_k(memory)": "self.kv(memory)", "self.w_v(memory)": "self.kv(memory)",
    }),
    attention("keys and values in one projection", None, {
        SEPARATE: "        self.w_q = nn.Linear(d_model, d_model)\n"
        "        self.kv = nn.Linear(d_model, 2 * d_model)\n",
        "self.w_k(memory)": "self.kv(memory).chunk(2, -1)[0]",
        "self.w_v(memory)": "self.kv(memory).chunk(2, -1)[1]",
    }),
    attention("each channel's query, key and value side by side", None, {
        SEPARATE: "        self.to_all = nn.Linear(d_model, 3 * d_model)\n",
        "self.w_q(query)": "self.to_all(query).unflatten(-1, (-1, 3))[..., 0]",
        "self.w_k(memory)": "self.to_all(memory).unflatten(-1, (-1, 3))[..., 1]",
        "self.w_v(memory)": "self.to_all(memory).unflatten(-1, (-1, 3))[..., 2]",
    }),
    attention("heads that lie channel by channel", None, {
        SPLIT: "x.reshape(x.size(0), x.size(1), -1, self.n_heads).permute(0, 3, 1, 2)",
        MERGED: "x.permute(0, 2, 3, 1).reshape(x.size(0), x.size(2), -1)",
    }),
    attention("matrices without a module", None, {
        SEPARATE: "        self.w_q, self.w_k, self.w_v = (\n"
        "            nn.Parameter(torch.randn(d_model, d_model) * d_model**-0.5)\n"
        "            for _ in range(3))\n",
        "self.w_q(query)": "query @ self.w_q", "self.w_k(memory)": "memory @ self.w_k",
        "self.w_v(memory)": "memory @ self.w_v",
    }),
    attention("a mask with an axis for its heads", None, {
        "visible.unsqueeze(-3)": "visible if visible.ndim == 4 else visible.unsqueeze(-3)",
    }),
    attention("hidden scores at minus a billion", None, {
        "torch.finfo(scores.dtype).min": "-1e9",
    }),
    attention("hidden scores at minus infinity: a row that may look nowhere is NaN", None, {
        "torch.finfo(scores.dtype).min": "-math.inf",
    }),
    attention("minus infinity is added, and what is NaN then is zero", None, {
        HIDDEN: "scores + torch.zeros_like(scores).masked_fill(~visible, -math.inf)",
        SOFTMAX: f"{SOFTMAX}.nan_to_num(0.0)",
    }),
    attention("masked again after the softmax, and renormalised", None, {
        HIDDEN: "scores", SOFTMAX: "weights = scores.softmax(dim=-1)\n"
        "    if visible is not None:\n        weights = weights * visible\n"
        "        weights = weights / weights.sum(-1, keepdim=True).clamp(min=1e-300)",
    }),
    attention("a softmax by hand", None, {
        SOFTMAX: "powers = (scores - scores.amax(-1, keepdim=True)).exp()\n"
        "    weights = powers / powers.sum(-1, keepdim=True)",
    }),
    attention("products by einsum", None, {
        SCALED: "torch.einsum('...qd,...kd->...qk', query, key) * query.size(-1) ** -0.5",
    }),
    attention("scaled before the product", None, {
        SCALED: "(query / math.sqrt(query.size(-1))) @ key.transpose(-2, -1)",
    }),
    attention("every head asked by itself", None, {
        "        heads, weights = attention(queries, keys, values, for_all_heads)":
        "        each = [attention(queries[:, i], keys[:, i], values[:, i], visible)\n"
        "                for i in range(self.n_heads)]\n"
        "        heads, weights = (torch.stack(part, 1) for part in zip(*each, strict=True))",
    }),
    attention("heads that take a key and a value each", None, {
        "def forward(self, query, memory, visible=None):\n": "def forward("
        "self, query, key, value=None, visible=None):\n        memory = key\n",
        "class MultiHeadAttention(nn.Module):":
        "class Heads(nn.Module):",
        "KeysAndValues = tuple": "class MultiHeadAttention(Heads):\n"
        "    def forward(self, query, memory, visible=None):\n"
        "        return Heads.forward(self, query, memory, memory, visible)\n\n\n"
        "KeysAndValues = tuple",
    }),
    attention("the output projection begins at zero", None, {
        W_O: f"{W_O}\n        nn.init.zeros_(self.w_o.weight)\n"
        "        nn.init.zeros_(self.w_o.bias)",
    }),
    attention("the output projection begins at zero, beside a bias", None, {
        W_O: f"{W_O}\n        self.w_o.weight.data.mul_(0)",
    }),
    attention("dropout on the weights, in training", None, {
        "        return self.w_o(self.merge(heads)), weights":
        "        heads = nn.functional.dropout(heads, 0.01, self.training)\n"
        "        return self.w_o(self.merge(heads)), weights",
    }),
]  # fmt: skip
