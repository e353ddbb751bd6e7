"""A task nobody has seen: the student's own `train` learns it, and is watched."""

import contextlib
import re

import torch
from ask import Missing, TimeUp, handed_out, student
from exam.asking import asked
from exam.components import logits_of
from exam.sequences import (
    answer_with_equal_weights,
    answer_without_weights,
    as_many_as_planned,
    lists,
)
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

WATCHED = (
    (torch._C._nn, "cross_entropy_loss"),
    (torch._C._nn, "nll_loss_nd"),
    (torch.autograd, "_engine_run_backward"),
)
"""What torch's losses and all ways to gradients come down to, under whatever name one calls it."""
LOOKED_AT = 20  # backward passes in which the steps of another optimizer are looked for
FEW = 3  # tokens: fewer than any table of positions has rows
OF_PLACES = re.compile(r"pos(?!ition_?wise)", re.IGNORECASE)
SUM = 2  # as torch numbers its reductions


class Watch:
    """Notes a training run's losses and rates, and what becomes of gradients and parameters."""

    def __init__(self):
        self.rates, self.empty, self.of_shares, self.at_first = [], 0, False, {}
        self.losses, self.vocabulary, self.stale, self.stepped = [], 0, 0, []
        self.out_of_time, self.costs, self.backwards = False, [], 0
        self.made, self.begun, self.last = [], [], {}

    def __enter__(self):
        self.before = [getattr(module, name) for module, name in WATCHED]
        watchers = self.noting, self.noting, self.checking
        for (module, name), watch, own in zip(WATCHED, watchers, self.before, strict=True):
            setattr(module, name, watch(own))
        self.hooks = [
            register_optimizer_step_pre_hook(self.before_step),
            register_optimizer_step_post_hook(self.after_step),
            register_module_parameter_registration_hook(self.noting_part),
        ]
        return self

    def __exit__(self, *error):
        self.out_of_time = isinstance(error[1], TimeUp)
        for (module, name), own in zip(WATCHED, self.before, strict=True):
            setattr(module, name, own)
        for hook in self.hooks:
            hook.remove()

    def noting(self, loss_function):
        def noted(input, target, weight=None, reduction=1, *args):
            loss = loss_function(input, target, weight, reduction, *args)
            if len(self.losses) < 4000 and loss.ndim == 0 and input.requires_grad:
                n = target.numel() if reduction == SUM else 1
                plain = loss
                if len(args) > 1 and args[1]:  # smoothed labels: such a loss never comes near 0
                    plain = loss_function(input.detach(), target, weight, reduction, args[0])
                self.losses.append(float(plain) / n)
                self.vocabulary = int(input.shape[min(1, input.ndim - 1)])
                if loss_function is self.before[0] and len(self.losses) == 1:
                    self.of_shares = are_shares(input.detach())
            return loss

        return noted

    def noting_part(self, module, name, part):
        if part is not None:
            self.made.append(part)

    def before_step(self, optimizer, args, kwargs):
        parts = [part for group in optimizer.param_groups for part in group["params"]]
        for part in parts:
            self.at_first.setdefault(id(part), (part, part.detach().clone()))
        self.rates.append(max(float(group["lr"]) for group in optimizer.param_groups))
        self.empty += not any(part.grad is not None and bool(part.grad.any()) for part in parts)

    def after_step(self, optimizer, args, kwargs):
        self.stepped = [part for group in optimizer.param_groups for part in group["params"]]

    def checking(self, backward):
        def checked(roots, *args, **kwargs):
            if not self.backwards:
                self.begun = [part.detach().clone() for part in self.made]
            stepped = self.stepped or self.stepped_by_hand()
            gradients = [part.grad for part in stepped if part.grad is not None]
            self.stale += any(bool(gradient.any()) for gradient in gradients)
            self.stepped = []
            self.backwards += 1
            if len(self.costs) < 4000 and len(roots) == 1 and roots[0].numel() == 1:
                self.costs.append(float(roots[0]))
            return backward(roots, *args, **kwargs)

        return checked

    def stepped_by_hand(self):
        """Of an optimizer that is none of torch's: the parameters that moved since the last time.

        It is looked for in the first steps alone: to compare takes time.
        """
        if self.rates or self.backwards > LOOKED_AT:
            return []
        before, self.last = self.last, {id(part): part.detach().clone() for part in self.made}
        return [p for p in self.made if id(p) in before and not torch.equal(p, before[id(p)])]


def are_shares(rows):
    """Whether the vocabulary's axis holds shares, all above 0, together 1."""
    totals = rows.sum(min(1, rows.ndim - 1))
    return bool((rows >= 0).all() and torch.allclose(totals, torch.ones_like(totals), atol=1e-3))


def left_as_it_was(model, given, watch):
    """Parameters that no step changed, though the logits change with them; positions apart.

    A model that shares no parameter with those of the optimizer is a copy, or was trained by an
    optimizer of its own: of it, those that have the very values with which the training began.
    """
    named = without_positions(model)
    if any(id(part) in watch.at_first for _, part in named):
        still = [
            (name, part)
            for name, part in named
            if id(part) not in watch.at_first or torch.equal(part, watch.at_first[id(part)][1])
        ]
    else:
        begun = [*watch.begun, *(value for _, value in watch.at_first.values())]
        still = [(n, p) for n, p in named if any(torch.equal(p, value) for value in begun)]
    before = logits_of(model, given.source, given.target)
    found = []
    for name, part in still:
        kept = part.detach().clone()
        part.data += torch.randn(part.shape, generator=torch.Generator().manual_seed(0))
        after = logits_of(model, given.source, given.target)
        part.data.copy_(kept)
        if not torch.allclose(before, after, atol=1e-5) and not is_of_places(model, part, given):
            found.append(name)
    return found


def without_positions(model):
    """The parameters by name, but for up to two tables of positions: they may be fixed."""
    named = list(model.named_parameters())
    linear = {id(p) for m in model.modules() if isinstance(m, nn.Linear) for p in m.parameters()}
    tables = [n for n, p in named if OF_PLACES.search(n) and p.ndim > 1 and id(p) not in linear]
    return [(name, part) for name, part in named if name not in tables[:2]]


def is_of_places(model, part, given):
    """Whether a parameter is a table of positions, under whatever name: it may be fixed.

    Of few tokens, whichever they are, such a table's first rows are read, and none of the rest.
    """
    axis = next((axis for axis, size in enumerate(part.shape[:-1]) if size > FEW), None)
    if axis is None:
        return False
    largest = int(given.source.max())
    try:
        read = [read_rows(model, part, axis, [largest] * FEW)]
        read.append(read_rows(model, part, axis, [largest - n for n in range(FEW)]))
    except Exception:  # a model for one length alone
        return False
    return all(rows == [True] * FEW + [False] for rows in read)


def read_rows(model, part, axis, tokens):
    """Whether the logits change with each of the first rows of a parameter, and with the rest."""
    source = torch.tensor([tokens])
    before, kept, read = logits_of(model, source, source), part.detach().clone(), []
    rows = part.data.movedim(axis, 0)
    try:
        for which in (*map(slice, range(FEW), range(1, FEW + 1)), slice(FEW, None)):
            noise = torch.Generator().manual_seed(0)
            rows[which] += torch.randn(rows[which].shape, generator=noise)
            read.append(not torch.allclose(before, logits_of(model, source, source), atol=1e-5))
            part.data.copy_(kept)
    finally:
        part.data.copy_(kept)
    return read


def of_another(model, at_first):
    """Whether what the optimizer stepped was some other module than the one that came back.

    A copy of it has its values, or at least its shapes, as an average of several steps has.
    """
    own, stepped = list(model.parameters()), [part for part, _ in at_first.values()]
    if not stepped or any(id(part) in at_first for part in own):
        return False
    shapes = {part.shape for part in stepped}
    return sum(part.shape in shapes for part in own) < 0.5 * len(own)


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
        if not callable(student.train):  # where there is none, nothing is said of its steps
            raise Missing("`train` cannot be called")
        if watch.out_of_time:  # how many steps were seen would depend on speed
            raise Missing("`train` did not come to its end in time")
        answer.losses, answer.vocabulary = watch.losses, watch.vocabulary
        answer.stale, answer.empty, answer.rates = watch.stale, watch.empty, watch.rates
        answer.costs, answer.backwards = watch.costs, watch.backwards
        answer.of_another = bool(trained) and of_another(*trained, watch.at_first)
        answer.of_shares = watch.of_shares
        answer.untrained = ""
        with contextlib.suppress(Exception), torch.no_grad():
            answer.untrained = ", ".join(left_as_it_was(*trained, given, watch))[:2000]

    @asked("secret/attention")
    def _(given, answer):
        if trained:
            answer_with_equal_weights(answer, *trained, given)

    @asked("secret/without-weights")
    def _(given, answer):
        """Last: a model without weights may never come to an end."""
        if trained:
            answer_without_weights(answer, *trained, given)


@asked("reversal/without-weights")
def _(given, answer):
    """Last: a model without weights may never come to an end."""
    answer_without_weights(answer, student.model.eval(), given)
