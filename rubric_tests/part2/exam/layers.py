"""Embedding, positions, feed-forward; then the layers that are made of them."""

import copy

import torch
from ask import student
from exam.asking import first_that_works, precisely
from exam.components import (
    built,
    decoder_layer,
    encoder_layer,
    inside_model,
    parameters_of,
    through,
    width_of,
)

LAYERS = {"encoder-layer": encoder_layer, "decoder-layer": decoder_layer}


@precisely("embedding/rows")
def _(given, answer):
    module = built(given, "TokenEmbedding", 11, 8)
    answer.out = module(given.tokens)
    parameters_of(answer, module)


@precisely("positions/added")
def _(given, answer):
    rows = copy.copy(given)
    module = built(rows, "PositionalEncoding", 16, 8)
    answer.learned = any(part.requires_grad for part in module.parameters())
    if answer.learned:  # fresh rows may all be zero
        trained = first_that_works(lambda: inside_model(student.PositionalEncoding), lambda: module)
        module = trained.to(given.dtype).eval()
    x = given.x[..., : width_of(module, 8)]
    answer.out, answer.at_zero = module(x), module(torch.zeros_like(x))


@precisely("feed-forward/alone")
def _(given, answer):
    module = built(given, "FeedForward", 8, 16)
    given.other[0, 0] = given.x[0, 0]
    answer.out, answer.out_other = module(given.x), module(given.other)
    answer.out_permuted = module(given.x[:, given.order])


@precisely("feed-forward/bent")
def _(given, answer):
    module, x, step = built(given, "FeedForward", 8, 16), given.x, given.step
    answer.out, answer.ahead, answer.behind = module(x), module(x + step), module(x - step)


def ask_layer(name, build):
    """The questions that are the same for both layers."""

    def layer_and(given):
        layer = build(given)
        if build is encoder_layer:
            return layer, lambda x, memory: through(layer, x, None)
        return layer, lambda x, memory: through(layer, x, memory, None, None)

    @precisely(f"{name}/silent")
    def _(given, answer):
        layer, output = layer_and(given)
        for part in layer.parameters():
            if part.ndim > 1:
                part.zero_()
        answer.out = output(given.x, given.memory)

    @precisely(f"{name}/scaled", f"{name}/batch", f"{name}/tokens", f"{name}/memory")
    def _(given, answer):
        _, output = layer_and(given)
        answer.out = output(given.x, given.memory)
        answer.out_other = output(given.other, given.other_memory)


for name, build in LAYERS.items():
    ask_layer(name, build)
