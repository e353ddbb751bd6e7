"""A task nobody has seen: the student's own `train` learns it, and is watched."""

import copy

import torch
from ask import Missing, TimeUp, handed_out, student
from exam.asking import asked
from exam.sequences import as_many_as_planned, lists, one_at_a_time
from torch.nn import functional
from torch.optim.optimizer import register_optimizer_step_post_hook


class Watch:
    """Notes a training run's losses, and whether gradients are left over from the step before."""

    def __init__(self):
        self.losses, self.vocabulary, self.stale, self.stepped = [], 0, 0, []
        self.out_of_time = False

    def __enter__(self):
        self.before = functional.cross_entropy, functional.nll_loss, torch.Tensor.backward
        functional.cross_entropy, functional.nll_loss = map(self.noting, self.before[:2])
        torch.Tensor.backward = self.checking(self.before[2])
        self.hook = register_optimizer_step_post_hook(self.after_step)
        return self

    def __exit__(self, *error):
        self.out_of_time = isinstance(error[1], TimeUp)
        functional.cross_entropy, functional.nll_loss, torch.Tensor.backward = self.before
        self.hook.remove()

    def noting(self, loss_function):
        def noted(input, target, *args, **kwargs):
            loss = loss_function(input, target, *args, **kwargs)
            if len(self.losses) < 4000 and loss.ndim == 0 and input.requires_grad:
                n = target.numel() if kwargs.get("reduction") == "sum" else 1
                self.losses.append(float(loss) / n)
                self.vocabulary = int(input.shape[min(1, input.ndim - 1)])
            return loss

        return noted

    def after_step(self, optimizer, args, kwargs):
        self.stepped = [part for group in optimizer.param_groups for part in group["params"]]

    def checking(self, backward):
        def checked(tensor, *args, **kwargs):
            gradients = [part.grad for part in self.stepped if part.grad is not None]
            self.stale += any(bool(gradient.any()) for gradient in gradients)
            self.stepped = []
            return backward(tensor, *args, **kwargs)

        return checked


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
        answer.stale = watch.stale

    @asked("secret/without-weights")
    def _(given, answer):
        """Last: a model without weights may never come to an end."""
        if trained:
            answer.answers = one_at_a_time(emptied(*trained), lists(given.sequences), given.width)
