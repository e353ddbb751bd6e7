"""Multi-head attention: of one sequence, of two, and with many numbers of heads."""

from exam.asking import precisely
from exam.components import (
    SIZES,
    built,
    in_heads_of_another_number,
    mix,
    parameters_of,
    takes_itself_only,
    takes_sizes,
)

HEADS = ("one", "two", "three", "four")


@precisely("multi-head/form")
def _(given, answer):
    module = built(given, "MultiHeadAttention", *SIZES[:2])
    answer.form = "one input" if takes_itself_only(module) else "query and memory"


@precisely(*(f"multi-head/{way}-{name}" for way in ("self", "cross") for name in HEADS))
def _(given, answer):
    d_model, n_heads = given.sizes.tolist()
    module = built(given, "MultiHeadAttention", d_model, n_heads)
    answer.out = mix(module, given.x, getattr(given, "memory", given.x))
    answer.as_asked = takes_sizes("MultiHeadAttention", d_model, n_heads)
    parameters_of(answer, module)


@precisely("multi-head/reach")
def _(given, answer):
    """Another row at one place of the memory, or of the only input."""
    module = built(given, "MultiHeadAttention", *SIZES[:2])
    alone, length = takes_itself_only(module), given.x.shape[1]
    for name, memory in (("out", given.memory), ("out_other", given.other_memory)):
        setattr(answer, name, mix(module, memory[:, :length] if alone else given.x, memory))
    answer.again = mix(module, given.memory[:, :length] if alone else given.x, given.memory)


@precisely("multi-head/order", "multi-head/memory", "multi-head/batch")
def _(given, answer):
    module = built(given, "MultiHeadAttention", *SIZES[:2])
    answer.out = mix(module, given.x, getattr(given, "memory", given.x))
    answer.out_other = mix(module, given.other, getattr(given, "other_memory", given.other))
    answer.again = mix(module, given.x, getattr(given, "memory", given.x))


@precisely("multi-head/one")
def _(given, answer):
    """One row of one sequence, and the same row among those of other sequences."""
    module = built(given, "MultiHeadAttention", *SIZES[:2])
    row = given.x[:1, :1]
    answer.out, answer.out_other = (
        mix(module, row, row),
        mix(module, given.x[:, :1], given.x[:, :1]),
    )


@precisely("multi-head/heads")
def _(given, answer):
    """The same weights, cut into one head and into three; others, where each head has its own."""
    one, three = (built(given, "MultiHeadAttention", SIZES[0], n) for n in (1, 3))
    in_heads_of_another_number(one, three)
    answer.out, answer.out_other = (mix(module, given.x, given.x) for module in (one, three))
