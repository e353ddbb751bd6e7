"""Attention by itself, and masks wherever one can be given."""

import inspect

import torch
from ask import student
from exam.asking import asked, precisely
from exam.components import SIZES, attend, built, decoder_layer, encoder_layer, mix, through


def beside(own, other):
    """The first item of the batch with others beside it."""
    return torch.cat([own[:1], other[1:]])


def weights_under(given, *visible):
    """With the identity as values, the output is the weights."""
    eye = torch.eye(given.key.shape[1], dtype=given.dtype).expand(len(given.key), -1, -1)
    return attend(given.query, given.key, eye, *visible)


@precisely("attention/weights", "attention/large")
def _(given, answer):
    answer.weights = weights_under(given)


@precisely("attention/output")
def _(given, answer):
    answer.out, answer.weights = attend(given.query, given.key, given.value), weights_under(given)


@precisely("attention/batch")
def _(given, answer):
    own = given.query, given.key, given.value
    others = given.other_query, given.other_key, given.other_value
    answer.out, answer.out_other = attend(*own), attend(*map(beside, own, others))


@asked("masks/taken")
def _(given, answer):
    answer.n_arguments = len(inspect.signature(student.attention).parameters)


@precisely("masks/causal", "masks/padding")
def _(given, answer):
    answer.weights, answer.free = weights_under(given, given.visible), weights_under(given)


@precisely("masks/nowhere")
def _(given, answer):
    answer.weights = weights_under(given, given.visible)


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


@precisely("masks/encoder-layer")
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
