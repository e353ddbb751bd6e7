"""Embedding, positions, feed-forward; then the layers that are made of them."""

import contextlib
import copy
import re
from functools import partial

import torch
from ask import Missing
from exam.asking import first_that_works, precisely, told_with
from exam.components import (
    SIZES,
    built,
    decoder_layer,
    encoder_layer,
    first,
    in_heads_of_another_number,
    inside_model,
    kind_of,
    mix,
    parameters_of,
    takes_sizes,
    through,
    width_of,
)
from torch.nn import functional

LAYERS = {"encoder-layer": encoder_layer, "decoder-layer": decoder_layer}
KINDS = {"encoder-layer": ("EncoderLayer", "DecoderLayer"), "decoder-layer": ("DecoderLayer",)}
"""The names that may answer; a decoder by itself has no other layer."""


def one_row_each(rows, tokens):
    """Rows that came of vectors with a single 1; looked up by number they have an axis more."""
    if rows.shape[:-1] != tokens.shape:
        raise ValueError(f"tokens of shape {tuple(tokens.shape)} give {tuple(rows.shape)}")
    return rows


@precisely("embedding/rows", "embedding/all", "embedding/more")
def _(given, answer):
    vocabulary = int(given.vocabulary)
    module = built(given, "TokenEmbedding", vocabulary, 8)

    def rows_of(tokens):
        """One that takes no numbers takes rows with a single 1."""
        one_hot = functional.one_hot(tokens, vocabulary)
        with told_with(f"it was built for {vocabulary} tokens, 0 to {vocabulary - 1}"):
            return first_that_works(
                lambda: module(tokens),
                lambda: one_row_each(module(one_hot), tokens),
                lambda: one_row_each(module(one_hot.to(given.dtype)), tokens),
            )

    answer.as_asked = takes_sizes("TokenEmbedding", vocabulary, 8)
    answer.learns = any(part.requires_grad and part.ndim > 1 for part in module.parameters())
    answer.out, answer.one = rows_of(given.tokens), rows_of(given.tokens[:1, :1])
    parameters_of(answer, module)


@precisely("positions/added")
def _(given, answer):
    rows = copy.copy(given)
    module = built(rows, "PositionalEncoding", 16, 8)
    answer.learned = any(part.requires_grad for part in module.parameters())
    if answer.learned:  # fresh rows may all be zero
        trained = first_that_works(lambda: inside_model(type(module)), lambda: module)
        module = trained.to(given.dtype).eval()
    x = given.x[..., : width_of(module, 8)]
    answer.out, answer.at_zero = module(x.clone()), module(torch.zeros_like(x))
    answer.again, answer.one = module(torch.zeros_like(x)), module(torch.zeros_like(x[:1, :1]))


@precisely("positions/full", "positions/long")
def _(given, answer):
    """Every place that was asked for; where they end before, as many as there are."""
    length = int(given.length)
    answer.as_asked = takes_sizes("PositionalEncoding", length, 16)
    module = built(given, "PositionalEncoding", length, 16)

    def rows(n):
        return module(torch.zeros(2, n, width_of(module, 16), dtype=given.dtype))

    shorter = range(length - 1, 0, -1) if answer.as_asked else ()
    with told_with(f"it was built for {length} positions and got a sequence of {length}"):
        answer.at_zero = first_that_works(*(partial(rows, n) for n in (length, *shorter)))


@precisely("feed-forward/alone")
def _(given, answer):
    module = built(given, "FeedForward", 8, 16)
    given.other[0, 0] = given.x[0, 0]
    answer.out, answer.out_other = module(given.x.clone()), module(given.other.clone())
    answer.out_permuted = module(given.x[:, given.order])
    answer.again, answer.one = module(given.x.clone()), module(given.x[:1, :1].clone())


@precisely("feed-forward/bent")
def _(given, answer):
    module, x, step = built(given, "FeedForward", 8, 16), given.x, given.step
    answer.out, answer.ahead, answer.behind = module(x + 0), module(x + step), module(x - step)
    one, other = step.clone(), step.clone()  # of the channels, the first half and the second
    one[..., one.shape[-1] // 2 :] = 0
    other -= one
    answer.one, answer.other, answer.both = module(x + one), module(x + other), module(x + step)


@precisely("feed-forward/sizes")
def _(given, answer):
    """Two widths inside: as many numbers as each needs, and what comes out."""
    answer.as_asked = takes_sizes("FeedForward", 8, 16)
    for width in (3, 19):
        module = built(given, "FeedForward", 8, width)
        setattr(answer, f"numbers_{width}", sum(part.numel() for part in module.parameters()))
        inside = {size for part in module.parameters() if part.ndim > 1 for size in part.shape}
        setattr(answer, f"inside_{width}", sorted(inside))
    module = built(given, "FeedForward", 8, 3)
    answer.out = module(given.x.clone())
    parameters_of(answer, module)


@precisely("feed-forward/units")
def _(given, answer):
    """More units inside than numbers come out, and what all of them give."""
    answer.as_asked = takes_sizes("FeedForward", 8, 19)
    module = built(given, "FeedForward", 8, 19)
    answer.out = module(given.x.clone())
    parameters_of(answer, module)


def unused(layer, output):
    """The weight matrices with which the output does not change.

    A matrix has more numbers than a row: a bias with an axis for the heads is none, and that of the
    keys makes no difference to anybody.
    """
    before, found = output(), []
    for name, part in layer.named_parameters():
        if part.ndim > 1 and part.numel() > before.shape[-1]:
            kept = part.clone()
            part += torch.randn(part.shape, generator=torch.Generator().manual_seed(0))
            if torch.allclose(before, output(), atol=1e-9, rtol=0):
                found.append(name)
            part.copy_(kept)
    return found


def is_norm(name, part):
    """Whether a part is a normalisation: by its class, or by its place and its gain.

    A place says little by itself: a softmax, dropout or identity may be kept as `norm` as well.
    """
    own = name.rpartition(".")[2].lower()
    kind = type(part).__name__.lower()
    if list(part.children()):
        return False
    if "norm" in kind or kind == "ln":
        return True
    if isinstance(part, (torch.nn.Linear, torch.nn.Embedding)) or not list(part.parameters()):
        return False
    named = "norm" in own or re.fullmatch(r"ln[_\d]*\w?", own)
    return bool(named) and all(its.ndim == 1 for its in part.parameters())


def ask_layer(name, build):
    """The questions that are the same for both layers."""

    def layer_and(given, *sizes):
        layer = build(given, *sizes)
        if build is encoder_layer:
            return layer, lambda x, memory: through(layer, x, None)
        return layer, lambda x, memory: through(layer, x, memory, None, None)

    @precisely(f"{name}/silent")
    def _(given, answer):
        """Without weight matrices, and without what is added beside them."""
        layer, output = layer_and(given)
        for part in layer.parameters():
            if part.ndim > 1:
                part.zero_()
        answer.out = output(given.x, given.memory)
        for module in layer.modules():
            own = list(module.parameters(recurse=False))
            if any(part.ndim > 1 for part in own):
                for part in own:
                    part.zero_()
        answer.silent = output(given.x, given.memory)

    @precisely(
        f"{name}/scaled", f"{name}/batch", f"{name}/tokens", f"{name}/memory", f"{name}/order"
    )
    def _(given, answer):
        _, output = layer_and(given)
        answer.out = output(given.x, given.memory)
        answer.out_other = output(given.other, given.other_memory)
        answer.again = output(given.x, given.memory)

    @precisely(f"{name}/one")
    def _(given, answer):
        _, output = layer_and(given)
        answer.out = output(given.x[:1, :1], given.memory[:1, :1])
        answer.out_other = output(given.x[:, :1], given.memory[:, :1])

    @precisely(f"{name}/sizes")
    def _(given, answer):
        """The same weights in one head and in three; then two widths inside."""
        answer.as_asked = any(takes_sizes(kind, *SIZES) for kind in KINDS[name])
        one, asked = layer_and(given, SIZES[0], 1, SIZES[2])
        other, asked_other = layer_and(given, SIZES[0], 3, SIZES[2])
        in_heads_of_another_number(one, other)
        answer.out, answer.out_other = (f(given.x, given.memory) for f in (asked, asked_other))
        with contextlib.suppress(Missing):
            kind = kind_of("MultiHeadAttention", *SIZES[:2])
            inside = ([p for p in of.modules() if isinstance(p, kind)] for of in (one, other))
            for i, (first_of, second) in enumerate(list(zip(*inside, strict=True))[:3]):
                setattr(answer, f"one_head_{i}", mix(first_of, given.x, given.x))
                setattr(answer, f"three_heads_{i}", mix(second, given.x, given.x))
        answer.unused = ", ".join(unused(other, lambda: asked_other(given.x, given.memory)))
        for width in (20, 37):
            layer, _ = layer_and(given, *SIZES[:2], width)
            setattr(answer, f"numbers_{width}", sum(part.numel() for part in layer.parameters()))

    @precisely(f"{name}/steps")
    def _(given, answer):
        """What goes into each part of the layer, and what comes out of it, in order."""
        layer, output = layer_and(given)
        kinds = answer.kinds = []

        def note(part, inputs, named, result):
            """What goes in has the shape of what comes out, at whatever place, or by name."""
            came, taken = first(result), [p for p in (*inputs, *named.values()) if is_like_x(p)]
            if is_like_x(came) and taken:
                setattr(answer, f"into_{len(kinds)}", taken[0].clone())
                setattr(answer, f"from_{len(kinds)}", came.clone())
                kind = type(part).__name__
                sums = "norm" in kind.lower() and len(taken) > 1  # and normalises what it has added
                kinds.append("Sum" if sums else kind)

        def is_like_x(part):
            return isinstance(part, torch.Tensor) and part.shape == given.x.shape

        hooks = [part.register_forward_hook(note, with_kwargs=True) for part in layer.children()]
        answer.out = output(given.x, given.memory)
        for hook in hooks:
            hook.remove()

    @precisely(f"{name}/norms")
    def _(given, answer):
        """Each normalisation by itself: fresh, and with another gain and shift."""
        layer, _ = layer_and(given)
        norms = [part for name, part in layer.named_modules() if is_norm(name, part)][:4]
        answer.kinds = [type(part).__name__ for part in norms]
        for i, norm in enumerate(norms):
            if hasattr(norm, "reset_parameters"):  # one taken from the model is trained
                norm.reset_parameters()
            x = 3 * given.x + 5
            setattr(answer, f"fresh_{i}", norm(x.clone()))
            for j, part in enumerate(list(norm.parameters())[:2]):
                if part.ndim == 1 and len(part) == x.shape[-1]:
                    part.copy_(given.memory[0, j])
                    setattr(answer, f"changed_{i}_{j}", norm(x.clone()))


for name, build in LAYERS.items():
    ask_layer(name, build)
