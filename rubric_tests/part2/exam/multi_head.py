"""Multi-head attention: of one sequence, of two, and with many numbers of heads."""

from exam.asking import precisely
from exam.components import SIZES, built, mix, parameters_of, takes_itself_only

HEADS = ("one", "two", "three", "four")
HEAD_NAMES = ("n_heads", "num_heads", "n_head", "nhead", "heads", "h", "nheads", "n_h")


def heads_of(module, expected):
    found = [vars(module)[name] for name in HEAD_NAMES if isinstance(vars(module).get(name), int)]
    return found[0] if found else expected


@precisely("multi-head/form")
def _(given, answer):
    module = built(given, "MultiHeadAttention", *SIZES[:2])
    answer.form = "one input" if takes_itself_only(module) else "query and memory"


@precisely(*(f"multi-head/{way}-{name}" for way in ("self", "cross") for name in HEADS))
def _(given, answer):
    d_model, n_heads = given.sizes.tolist()
    module = built(given, "MultiHeadAttention", d_model, n_heads)
    answer.out = mix(module, given.x, getattr(given, "memory", given.x))
    answer.n_heads = heads_of(module, n_heads)
    parameters_of(answer, module)


@precisely("multi-head/order", "multi-head/memory", "multi-head/batch")
def _(given, answer):
    module = built(given, "MultiHeadAttention", *SIZES[:2])
    answer.out = mix(module, given.x, getattr(given, "memory", given.x))
    answer.out_other = mix(module, given.other, getattr(given, "other_memory", given.other))
