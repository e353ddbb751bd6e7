"""A task nobody has seen: the student's own `train` learns it, and is watched."""

import contextlib
import copy

import torch
from ask import Missing, TimeUp, handed_out, student
from exam.asking import asked
from exam.components import logits_of
from exam.sequences import as_many_as_planned, lists, one_at_a_time
from torch.nn import functional
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)


class Watch:
    """Notes a training run's losses and rates, and what becomes of gradients and parameters."""

    def __init__(self):
        self.rates, self.empty, self.of_shares, self.at_first = [], 0, False, {}
        self.losses, self.vocabulary, self.stale, self.stepped = [], 0, 0, []
        self.out_of_time = False

    def __enter__(self):
        self.before = functional.cross_entropy, functional.nll_loss, torch.Tensor.backward
        functional.cross_entropy, functional.nll_loss = map(self.noting, self.before[:2])
        torch.Tensor.backward = self.checking(self.before[2])
        self.hooks = [
            register_optimizer_step_pre_hook(self.before_step),
            register_optimizer_step_post_hook(self.after_step),
        ]
        return self

    def __exit__(self, *error):
        self.out_of_time = isinstance(error[1], TimeUp)
        functional.cross_entropy, functional.nll_loss, torch.Tensor.backward = self.before
        for hook in self.hooks:
            hook.remove()

    def noting(self, loss_function):
        def noted(input, target, *args, **kwargs):
            loss = loss_function(input, target, *args, **kwargs)
            if len(self.losses) < 4000 and loss.ndim == 0 and input.requires_grad:
                n = target.numel() if kwargs.get("reduction") == "sum" else 1
                self.losses.append(float(loss) / n)
                self.vocabulary = int(input.shape[min(1, input.ndim - 1)])
                if loss_function is self.before[0] and len(self.losses) == 1:
                    self.of_shares = are_shares(input.detach())
            return loss

        return noted

    def before_step(self, optimizer, args, kwargs):
        parts = [part for group in optimizer.param_groups for part in group["params"]]
        for part in parts:
            self.at_first.setdefault(id(part), (part, part.detach().clone()))
        self.rates.append(max(float(group["lr"]) for group in optimizer.param_groups))
        self.empty += not any(part.grad is not None and bool(part.grad.any()) for part in parts)

    def after_step(self, optimizer, args, kwargs):
        self.stepped = [part for group in optimizer.param_groups for part in group["params"]]

    def checking(self, backward):
        def checked(tensor, *args, **kwargs):
            gradients = [part.grad for part in self.stepped if part.grad is not None]
            self.stale += any(bool(gradient.any()) for gradient in gradients)
            self.stepped = []
            return backward(tensor, *args, **kwargs)

        return checked


def are_shares(rows):
    """Whether the vocabulary's axis holds shares, all above 0, together 1."""
    totals = rows.sum(min(1, rows.ndim - 1))
    return bool((rows >= 0).all() and torch.allclose(totals, torch.ones_like(totals), atol=1e-3))


def left_as_it_was(model, given, at_first):
    """Parameters that no step changed, though the logits change with them; positions apart.

    Unknown where the trained model shares no parameter with those of the optimizer: a copy.
    """
    named = [(name, part) for name, part in model.named_parameters() if "pos" not in name.lower()]
    if not any(id(part) in at_first for _, part in named):
        return []
    still = [
        (name, part)
        for name, part in named
        if id(part) not in at_first or torch.equal(part, at_first[id(part)][1])
    ]
    before = logits_of(model, given.source, given.target)
    found = []
    for name, part in still:
        kept = part.detach().clone()
        part.data += torch.randn(part.shape, generator=torch.Generator().manual_seed(0))
        after = logits_of(model, given.source, given.target)
        part.data.copy_(kept)
        if not torch.allclose(before, after, atol=1e-5):
            found.append(name)
    return found


def emptied(model):
    """A copy with every weight at zero: what it still knows does not come from training."""
    model = copy.deepcopy(model)
    for weight in model.parameters():
        weight.data.zero_()
    return model


if handed_out("secret/answers"):
    watch, trained = Watch(), []

    @asked("secret/answers")
    def _(given, answer):
        with watch:
            model = student.train(lists(given.inputs), lists(given.targets), seed=7)
        trained.append(model.eval())
        as_many_as_planned(answer, *trained, given)

    @asked("training/steps")
    def _(given, answer):
        if watch.out_of_time:  # how many steps were seen would depend on speed
            raise Missing("`train` did not come to its end in time")
        answer.losses, answer.vocabulary = watch.losses, watch.vocabulary
        answer.stale, answer.empty, answer.rates = watch.stale, watch.empty, watch.rates
        answer.of_shares = watch.of_shares
        answer.untrained = ""
        with contextlib.suppress(Exception), torch.no_grad():
            answer.untrained = ", ".join(left_as_it_was(*trained, given, watch.at_first))[:2000]

    @asked("secret/without-weights")
    def _(given, answer):
        """Last: a model without weights may never come to an end."""
        if trained:
            answer.answers = one_at_a_time(emptied(*trained), lists(given.sequences), given.width)
