"""Whether attention is at work in a model: its weights are seen, and changed.

Whatever the student calls it, and however it is written, the shares of a softmax over places are
looked for among torch's operators.
"""

import inspect
import sys

import numpy as np
import torch
from ask import student
from exam.components import first
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

SOFTMAX = ("aten::_softmax", "aten::_safe_softmax", "aten::softmax", "aten::special_softmax")
"""The last two in `torch.inference_mode`, where operators are not taken apart."""

EXPONENTIAL = ("aten::exp", "aten::exp2")

LITTLE = 1e-3
PARTS = ("MultiHeadAttention", "EncoderLayer", "DecoderLayer")


class Calls(TorchFunctionMode):
    """Counts calls of torch's functions, and breaks off what takes more than so many: it comes to
    no end.

    To see the operators that they are made of takes five times as much.
    """

    def __init__(self, most=None):
        super().__init__()
        self.most, self.done = most, 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.done += 1
        if self.most is not None and self.done > self.most:
            raise RuntimeError("an answer comes to no end")
        return func(*args, **(kwargs or {}))


class Weights(TorchDispatchMode):
    """Counts what may be attention's weights; what comes of them is what `changed` makes of it.

    A softmax over the vocabulary is none of them. An exponential may be a softmax by hand. What
    takes more operators than `most` is broken off, as calls are: each operator passes through one
    mode of ours, and not through two, which is most of what it takes.
    """

    def __init__(self, vocabulary, changed=None, most=None):
        super().__init__()
        self.vocabulary, self.changed, self.seen = vocabulary, changed, 0
        self.most, self.done, self.kinds = most, 0, {}

    def begin(self):
        """Count operators anew."""
        self.done = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.done += 1
        if self.most is not None and self.done > self.most:
            raise RuntimeError("an answer comes to no end")
        out = func(*args, **(kwargs or {}))
        if func not in self.kinds:  # to ask for its name takes as long as some operators
            self.kinds[func] = func.name()
        name = self.kinds[func]
        if name.startswith(SOFTMAX):
            axis = int(args[1])
        elif name in EXPONENTIAL:
            axis = -1
        else:
            return out
        if out.ndim < 2 or (out.ndim < 4 and out.shape[axis] == self.vocabulary):
            return out
        self.seen += 1
        if self.changed is None:
            return out
        return self.changed(out, axis, is_share=name.startswith(SOFTMAX))


def equal(out, axis, *, is_share):
    """The same for all that are not hidden."""
    ones = (out > 0).to(out.dtype)
    return ones / ones.sum(axis, keepdim=True).clamp(min=1) if is_share else ones


def moved(out, axis, *, is_share):
    """To each place that of the place before it: as sharp, and as much together."""
    return out.roll(1, axis)


def slightly(numbers, dice):
    """All but the same, as half-precision has it; 0 stays 0, and what is hidden hidden."""
    noise = torch.randn(numbers.shape, generator=dice).to(numbers.dtype)
    return numbers * (1 + LITTLE * noise)


def a_share_slightly(shares, axis, dice):
    """The same of a softmax: they still sum to one, which code may assert; rows of zeros stay."""
    changed = slightly(shares, dice)
    return changed / changed.sum(axis, keepdim=True).clamp(min=0.5)


class Parts:
    """Which of the student's own parts of attention are called, by the profiler."""

    def __init__(self):
        self.codes, self.called = {}, set()
        functions = {"attention": lambda: student.attention}
        functions |= {name: lambda name=name: getattr(student, name).forward for name in PARTS}
        for name, find in functions.items():
            try:
                self.codes[inspect.unwrap(find()).__code__] = name
            except Exception:
                continue

    def __enter__(self):
        self.before = sys.getprofile()
        sys.setprofile(self.note)
        return self

    def __exit__(self, *error):
        sys.setprofile(self.before)

    def note(self, frame, event, called):
        if event == "call" and frame.f_code in self.codes:
            self.called.add(self.codes[frame.f_code])
            if self.called == set(self.codes.values()):  # to look on takes time
                sys.setprofile(self.before)


class Choices:
    """The likeliest token at every place, each time that a part of the model gives logits.

    The model itself where it is called, else the part of it that gives them last.
    """

    def __init__(self, model, vocabulary):
        self.model, self.vocabulary = model, vocabulary
        self.calls, self.side_by_side = [], False

    def __enter__(self):
        parts = self.model.modules() if isinstance(self.model, nn.Module) else ()
        self.hooks = [part.register_forward_hook(self.note) for part in parts]
        return self

    def __exit__(self, *error):
        for hook in self.hooks:
            hook.remove()

    def note(self, part, inputs, out):
        if type(part) is nn.Dropout:  # of weights of attention: there may be as many places
            return
        out = first(out) if isinstance(out, torch.Tensor) or out else out
        if isinstance(out, torch.Tensor) and out.ndim and out.shape[-1] == self.vocabulary:
            self.side_by_side |= out.ndim > 2 and len(out) > 1
            self.calls.append((part, out.detach().reshape(-1, self.vocabulary).argmax(-1)))

    def table(self, calls, places):
        """A row for each call, filled up with -1."""
        of = {id(part) for part, _ in self.calls}
        one = self.model if id(self.model) in of or not of else self.calls[-1][0]
        rows = np.full((calls, places), -1, dtype=np.int16)
        noted = [tokens for part, tokens in self.calls if part is one][:calls]
        for row, tokens in zip(rows, noted, strict=False):
            tokens = tokens[:places].cpu().numpy()
            row[: len(tokens)] = tokens
        return rows


def at_work(answer, work, vocabulary):
    """Let the model work once, and note its attention; return what comes of it."""
    with Parts() as parts:
        found, answer.n_weights = with_weights(work, vocabulary)
    answer.parts = ", ".join(sorted(parts.called))
    return found


def with_weights(work, vocabulary, changed=None):
    """Let the model work once; what comes of it, and how many weights were seen."""
    with torch.no_grad(), Weights(vocabulary, changed) as weights:
        return work(), weights.seen
