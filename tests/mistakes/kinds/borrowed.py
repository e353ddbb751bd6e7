"""Ready-made attention under other names: each is found by what is at work, not by its name."""

from tests.mistakes.part2 import SCORES, attention, of

PUT_TOGETHER = "'scaled_' + 'dot_product_attention'"
IMPORTS = "from torch import Tensor, nn"
SUBCLASS = f"""import torch
{IMPORTS}


class Mix(getattr(nn, 'Multi' + 'headAttention')):
    def forward(self, query, memory, visible=None):
        padded = visible is not None and visible.ndim == 3 and visible.size(1) == 1
        mask = None if visible is None or padded else ~visible
        ignored = ~visible[:, 0].expand(len(query), -1) if padded else None
        return super().forward(
            query, memory, memory, attn_mask=mask, key_padding_mask=ignored
        )[0]
"""


def borrowed(name, call, above=""):
    """Attention that calls something ready-made before it does the work again by hand."""
    return attention(name, "from-scratch", {
        "import math\n": f"import math\n{above}", SCORES: f"    {call}\n{SCORES}",
    })  # fmt: skip


CASES = [
    borrowed(
        "the operator below torch's function",
        f"getattr(torch.ops.aten, {PUT_TOGETHER})(query, key, value)",
    ),
    borrowed(
        "the function out of a pickle",
        "lent(query, key, value)",
        "import pickle\n"
        "lent = pickle.loads(b'ctorch._C._nn\\nscaled_' + b'dot_product_attention\\n.')\n",
    ),
    borrowed(
        "the function in a thread of its own",
        f"helper = threading.Thread(target=getattr(nn.functional, {PUT_TOGETHER}), "
        "args=(query, key, value)); helper.start(); helper.join()",
        "import threading\n",
    ),
    of("transformer/encoder", "a subclass that keeps its parent's work", "from-scratch", {
        IMPORTS: SUBCLASS,
        "self.self_attention = MultiHeadAttention(d_model, n_heads)":
        "self.self_attention = Mix(d_model, n_heads, batch_first=True)",
    }),
]  # fmt: skip
