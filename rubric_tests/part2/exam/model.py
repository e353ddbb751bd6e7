"""The whole model, and whether it can be trained."""

import copy
import inspect

import numpy as np
import torch
from ask import student
from exam.asking import asked, same_random_numbers
from exam.at_work import at_work
from exam.components import SIZES, form_of, kind_of, logits_of
from torch.nn import functional

LAYERS = ("EncoderLayer", "DecoderLayer")


@asked("model/form")
def _(given, answer):
    answer.form = form_of(student.model)
    answer.takes = list(inspect.signature(student.model.forward).parameters)


@asked("model/logits", "model/batch", "model/source", "masks/model", "positions/model")
@torch.no_grad()
def _(given, answer):
    model = student.model.eval()
    answer.logits = logits_of(model, given.source, given.target)
    answer.logits_other = logits_of(model, given.other_source, given.other_target)
    answer.again = logits_of(model, given.source, given.target)


@asked("masks/training")
@torch.no_grad()
def _(given, answer):
    """As it trains, by the same random numbers: else dropout would tell the two targets apart."""
    model = copy.deepcopy(student.model).train()
    same_random_numbers()
    answer.logits = logits_of(model, given.source, given.target)
    same_random_numbers()
    answer.logits_other = logits_of(model, given.other_source, given.other_target)


@asked("model/attention")
def _(given, answer):
    model = student.model.eval()
    with torch.no_grad():
        vocabulary = logits_of(model, given.source, given.target).shape[-1]
    at_work(answer, lambda: logits_of(model, given.source, given.target), vocabulary)


@asked("model/parts")
@torch.no_grad()
def _(given, answer):
    """The kinds of layer with which, whatever their weights are, the logits stay as they were.

    Where others of its kind do something, a layer by itself that does nothing: it stands in a list
    of layers, or apart, where it may be what the others are copies of, or serve another output.
    """
    model = copy.deepcopy(student.model).eval()
    names = {part: name for name, part in model.named_modules()}
    unused, in_list, apart = [], [], []
    before = logits_of(model, given.source, given.target)

    def says_the_same(layers):
        """With other weights in these layers, which then get back their own."""
        same_random_numbers()
        parts = [part for layer in layers for part in layer.parameters()]
        if not parts:  # registered elsewhere, or nowhere
            return False
        kept = [part.clone() for part in parts]
        for part in parts:
            part.add_(torch.randn_like(part))
        after = logits_of(model, given.source, given.target)
        for part, own in zip(parts, kept, strict=True):
            part.copy_(own)
        return torch.equal(before, after)

    for name in filter(student.has, LAYERS):
        kind = kind_of(name, *SIZES)
        layers = [part for part in names if isinstance(part, kind)]
        if layers and says_the_same(layers):
            unused.append(name)
            continue
        for layer in layers if len(layers) > 1 else []:
            if says_the_same([layer]):
                numbered = names[layer].rpartition(".")[2].isdigit()
                (in_list if numbered else apart).append(names[layer])
    answer.unused, answer.alone = ", ".join(unused), ", ".join(dict.fromkeys(in_list))
    answer.apart = ", ".join(dict.fromkeys(apart))


@asked("training/batch")
def _(given, answer):
    learner = copy.deepcopy(student.model).train()
    optimizer = torch.optim.Adam(learner.parameters(), lr=3e-3)
    same_random_numbers()
    losses = answer.losses = np.zeros(60)
    for i in range(len(losses)):
        logits = logits_of(learner, given.source, given.target)
        wanted = torch.as_tensor(given.wanted[:, : logits.shape[1]])
        rows = logits.flatten(0, 1)
        if (rows >= 0).all() and (rows.sum(-1) - 1).abs().max() < 1e-3:  # shares, not logits
            rows = rows.clamp(min=1e-9).log()
        loss = functional.cross_entropy(rows, wanted.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses[i] = float(loss)
