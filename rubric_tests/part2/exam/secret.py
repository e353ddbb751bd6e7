"""A task nobody has seen: the student's own `train` learns it, and is watched."""

import contextlib

import torch
from ask import Missing, handed_out, student
from exam.asking import asked
from exam.components import logits_of
from exam.places import may_stay
from exam.sequences import (
    answer_with_equal_weights,
    answer_without_weights,
    as_many_as_planned,
    lists,
)
from exam.watch import Watch, leaves_of

ENOUGH = 8  # parameters that have to be trained: what others are takes time, and changes nothing
ROUNDING = 1e-6  # of the largest gradient: what a bias of the keys has, which moves no softmax


def left_as_it_was(model, given, watch):
    """Parameters that no step changed, though the logits change with them; what may stay apart.

    A model that shares no parameter with those of the optimizer is a copy, or was trained by an
    optimizer of its own: of it, those that have the very values with which the training began.
    """
    named = [(n, part) for n, part in model.named_parameters() if part.is_floating_point()]
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
        if torch.allclose(before, after, atol=1e-5):
            continue
        if len(found) > ENOUGH or not may_stay(model, name, part, given):
            found.append(name)
    return found


def not_registered(model, given, watch):
    """How many parameters outside the model's own learn nothing, though the logits go with them.

    They are what gradients come to, wherever they are kept; what the optimizer or a step by hand
    changed is as good as registered. That the logits go with them is told by the gradients: one
    may be kept as a copy made at the beginning, so that other values of it change nothing.
    """
    with torch.enable_grad():
        again = leaves_of(logits_of(model, given.source, given.target))
        logits = logits_of(model, given.source, given.target)
        kept = {id(part) for part in again}  # what `forward` makes anew is no parameter
        parts = [part for part in leaves_of(logits) if id(part) in kept]
        if not parts:
            return 0
        weights = torch.randn(logits.shape, generator=torch.Generator().manual_seed(0))
        gradients = torch.autograd.grad((logits * weights).sum(), parts)
    own = {id(part) for part in model.parameters()}
    sizes = [float(gradient.abs().max()) for gradient in gradients]
    begun = {**watch.learning, **watch.at_first}

    def is_as_it_was(part):
        values = [begun[id(part)]] if id(part) in begun else begun.values()
        return any(torch.equal(part, value) for _, value in values)

    still = [
        part
        for part, size in zip(parts, sizes, strict=True)
        if size > ROUNDING * max(sizes) and id(part) not in own and is_as_it_was(part)
    ]
    return sum(not may_stay(model, "", part, given) for part in still)


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
        answer.of_shares, answer.to_zero = watch.of_shares, watch.to_zero
        answer.untrained = ""
        with contextlib.suppress(Exception), torch.no_grad():
            answer.untrained = ", ".join(left_as_it_was(*trained, given, watch))[:2000]
        answer.not_registered = 0
        with contextlib.suppress(Exception), torch.no_grad():
            answer.not_registered = not_registered(*trained, given, watch)

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
