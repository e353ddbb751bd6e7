"""Training, watched: losses and rates, and what becomes of gradients and parameters."""

import contextlib

import torch
from ask import TimeUp
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
SUM = 2  # as torch numbers its reductions


class Watch:
    """Notes a training run's losses and rates, and what becomes of gradients and parameters."""

    def __init__(self):
        self.rates, self.empty, self.of_shares, self.at_first = [], 0, False, {}
        self.losses, self.vocabulary, self.stale, self.stepped = [], 0, 0, []
        self.out_of_time, self.costs, self.backwards = False, [], 0
        self.made, self.begun, self.last = [], [], {}
        self.learning, self.looked = {}, -1  # by id, what losses are functions of, as it began
        self.to_zero = False  # whether a loss was seen that comes near 0, smoothed apart

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
            if len(self.losses) < 4000 and input.requires_grad:
                axis = min(1, input.ndim - 1)
                smoothed = target.is_floating_point() or (len(args) > 1 and bool(args[1]))
                self.to_zero |= loss.ndim == 0 or not smoothed
                if loss.ndim == 0:
                    plain, n = loss, 1
                    if smoothed:  # such a loss never comes near 0
                        target, ignored = hard(target, axis, *args[:1])
                        plain = loss_function(input.detach(), target, weight, reduction, ignored)
                    if reduction == SUM:
                        n = target.numel()
                    self.losses.append(float(plain.detach()) / n)
                    self.vocabulary = int(input.shape[axis])
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
            self.note_learning(roots)
            stepped = self.stepped or self.stepped_by_hand()
            gradients = [part.grad for part in stepped if part.grad is not None]
            self.stale += any(bool(gradient.any()) for gradient in gradients)
            self.stepped = []
            self.backwards += 1
            if len(self.costs) < 4000 and len(roots) == 1 and roots[0].numel() == 1:
                self.costs.append(float(roots[0].detach()))
            return backward(roots, *args, **kwargs)

        return checked

    def note_learning(self, roots):
        """What the loss is a function of: at the first one, and where more parts were made since.

        Parts of a list are registered nowhere, but seldom come alone.
        """
        if len(self.made) > self.looked:
            self.looked = len(self.made)
            with contextlib.suppress(Exception):  # the student's own training goes on
                for part in leaves_of(*roots):
                    if id(part) not in self.learning:
                        self.learning[id(part)] = part, part.detach().clone()

    def stepped_by_hand(self):
        """Of an optimizer that is none of torch's: the parameters that moved since the last time.

        It is looked for in the first steps alone: to compare takes time.
        """
        if self.rates or self.backwards > LOOKED_AT:
            return []
        before, self.last = self.last, {id(part): part.detach().clone() for part in self.made}
        return [p for p in self.made if id(p) in before and not torch.equal(p, before[id(p)])]


def leaves_of(*outputs):
    """The tensors that gradients of these outputs come to, registered anywhere or not."""
    reached, found = set(), []
    left = [output.grad_fn for output in outputs if output.grad_fn is not None]
    while left:
        node = left.pop()
        if node not in reached:
            reached.add(node)
            left += [before for before, _ in node.next_functions if before is not None]
            part = getattr(node, "variable", None)
            # a function of the student's own may keep anything under that name
            if isinstance(part, torch.Tensor) and part.is_leaf:
                found.append(part)
    return found


def hard(target, axis, ignored=-100):
    """Of targets that are shares, the largest; a place without any counts for nothing."""
    if not target.is_floating_point():
        return target, ignored
    found = target.argmax(axis)
    return found.masked_fill(target.sum(axis) == 0, ignored), ignored


def are_shares(rows):
    """Whether the vocabulary's axis holds shares, all above 0, together 1."""
    totals = rows.sum(min(1, rows.ndim - 1))
    return bool((rows >= 0).all() and torch.allclose(totals, torch.ones_like(totals), atol=1e-3))
