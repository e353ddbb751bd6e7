"""The whole model, and whether it can be trained."""

import copy
import inspect

import numpy as np
import torch
from ask import student
from exam.asking import asked
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
    torch.manual_seed(0)
    answer.logits = logits_of(model, given.source, given.target)
    torch.manual_seed(0)
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
    """The kinds of layer with which, whatever their weights are, the logits stay as they were."""
    model = copy.deepcopy(student.model).eval()
    before, unused = logits_of(model, given.source, given.target), []
    for name in filter(student.has, LAYERS):
        kind, other = kind_of(name, *SIZES), copy.deepcopy(model)
        layers = [part for part in other.modules() if isinstance(part, kind)]
        torch.manual_seed(0)
        for own in (own for layer in layers for own in layer.parameters()):
            own.add_(torch.randn_like(own))
        if layers and torch.equal(before, logits_of(other, given.source, given.target)):
            unused.append(name)
    answer.unused = ", ".join(unused)


@asked("training/batch")
def _(given, answer):
    learner = copy.deepcopy(student.model).train()
    optimizer = torch.optim.Adam(learner.parameters(), lr=3e-3)
    torch.manual_seed(0)
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
