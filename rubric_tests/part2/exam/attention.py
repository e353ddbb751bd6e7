"""Attention by itself, and masks wherever one can be given."""

import inspect

import torch
from ask import student
from exam.asking import asked, precisely
from exam.components import (
    SIZES,
    attend,
    built,
    decoder_layer,
    encoder_layer,
    mix,
    mixed,
    parameters_of,
    through,
)


def beside(own, other):
    """The items of the batch with another first one and another last one beside them."""
    return torch.cat([other[:1], own[1:-1], other[-1:]])


def weights_under(given, *visible):
    """With the identity as values, the output is the weights."""
    eye = torch.eye(given.key.shape[1], dtype=given.dtype).expand(len(given.key), -1, -1)
    return attend(given.query, given.key, eye, *visible)


@precisely("attention/weights", "attention/large", "attention/square")
def _(given, answer):
    answer.weights = weights_under(given)


@precisely("attention/output", "attention/one")
def _(given, answer):
    rows = given.query, given.key, given.value
    answer.weights = weights_under(given)
    answer.out, returned = mixed(*rows)
    if returned is not None:
        answer.returned = returned
    answer.again = attend(*rows)


@precisely("attention/itself")
def _(given, answer):
    """The very same tensor three times, as in self-attention without projections."""
    x = given.x.clone()
    result = student.attention(x, x, x)
    answer.out = result[0] if isinstance(result, (tuple, list)) else result


@precisely("attention/batch")
def _(given, answer):
    own = given.query, given.key, given.value
    others = given.other_query, given.other_key, given.other_value
    answer.out, answer.out_other = attend(*own), attend(*map(beside, own, others))


@asked("masks/taken")
def _(given, answer):
    taken = inspect.signature(student.attention).parameters.values()
    any_number = any(part.kind is part.VAR_POSITIONAL for part in taken)
    answer.n_arguments = max(len(taken), 4 * any_number)


@precisely("masks/causal", "masks/padding", "masks/cross")
def _(given, answer):
    answer.weights, answer.free = weights_under(given, given.visible), weights_under(given)
    answer.out, returned = mixed(given.query, given.key, given.value, given.visible)
    if returned is not None:
        answer.returned = returned


@precisely("masks/one")
def _(given, answer):
    answer.weights, answer.free = weights_under(given, given.visible), weights_under(given)


@precisely("masks/nowhere")
def _(given, answer):
    """What a query may do that may look nowhere is its own: not a number, for many."""
    weights, seeing = weights_under(given, given.visible), given.visible.any(dim=-1)
    answer.free = weights_under(given)
    answer.weights = weights[seeing]
    answer.finite_elsewhere = weights[~seeing].isfinite().double().mean()


@precisely("masks/hidden")
def _(given, answer):
    noise = given.noise * ~given.visible[:, 0, :, None]
    answer.out = attend(given.query, given.key, given.value, given.visible)
    other = given.query, given.key + noise, given.value + noise, given.visible
    answer.out_other = attend(*other)


@precisely("masks/multi-head")
def _(given, answer):
    module = built(given, "MultiHeadAttention", *SIZES[:2])
    answer.out = mix(module, given.x, given.x, given.visible)
    answer.out_other = mix(module, given.other, given.other, given.visible)


@precisely("masks/heads-self", "masks/heads-cross")
def _(given, answer):
    """Every item of the batch has a mask of its own, and every query."""
    module = built(given, "MultiHeadAttention", *SIZES[:2])
    answer.out = mix(module, given.x, getattr(given, "memory", given.x), given.visible)
    parameters_of(answer, module)


@precisely("masks/encoder-layer", "masks/encoder-padding")
def _(given, answer):
    layer = encoder_layer(given)
    answer.out = through(layer, given.x, given.visible)
    answer.out_other = through(layer, given.other, given.visible)


@precisely("masks/decoder-layer")
def _(given, answer):
    layer = decoder_layer(given)
    answer.out = through(layer, given.x, given.memory, given.visible, None)
    answer.out_other = through(layer, given.other, given.memory, given.visible, None)


@precisely("masks/memory")
def _(given, answer):
    layer = decoder_layer(given)
    masks = given.visible, given.memory_visible
    answer.out = through(layer, given.x, given.memory, *masks)
    answer.out_other = through(layer, given.x, given.other_memory, *masks)
