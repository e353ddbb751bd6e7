"""From scratch: what the model is made of, and what is called while it works."""

import contextlib
import sys
import types

import torch
from ask import student
from exam.asking import asked
from exam.components import (
    SIZES,
    attend,
    built,
    decoder_layer,
    encoder_layer,
    logits_of,
    mix,
    through,
)
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

WATCHED = "watched to the end"


@asked("scratch/live")
def _(given, answer):
    kinds = {kind for part in student.model.modules() for kind in type(part).__mro__}
    answer.classes = sorted(f"{kind.__module__}.{kind.__qualname__}" for kind in kinds)


class Functions(TorchFunctionMode):
    """Notes the functions of torch that are called, whatever became of the profiler."""

    def __init__(self, seen):
        super().__init__()
        self.seen = seen

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.seen.add(("torch", str(getattr(func, "__qualname__", func))))
        return func(*args, **(kwargs or {}))


class Operators(TorchDispatchMode):
    """Notes the operators that they come down to."""

    def __init__(self, seen):
        super().__init__()
        self.seen = seen

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.seen.add(("torch.ops", func.name().replace("::", ".")))
        return func(*args, **(kwargs or {}))


def calls_of(work):
    """Every module whose functions are called, and every function named after attention.

    The last entry says whether the profiler was there to the end.
    """
    seen = set()

    def note(frame, event, called):
        if event == "call":
            seen.add((frame.f_globals.get("__name__"), frame.f_code.co_qualname))
        elif event == "c_call":
            seen.add((called.__module__, called.__qualname__))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        with contextlib.suppress(Exception), torch.no_grad(), Functions(seen), Operators(seen):
            work()
        watched = WATCHED if sys.getprofile() is note else "the profiler was switched off"
    finally:
        sys.setprofile(before)
    named = {f"{m}.{q}" for m, q in seen if "ttention" in str(q) or "ransformer" in str(q)}
    return [*sorted(named | {str(module) for module, _ in seen}), watched]


@asked("scratch/work")
def _(given, answer):
    x, tokens = torch.as_tensor(given.x).float(), given.tokens
    rows = types.SimpleNamespace(dtype=torch.float32)
    works = {
        "attention": lambda: attend(x, x, x),
        "MultiHeadAttention": lambda: mix(built(rows, "MultiHeadAttention", *SIZES[:2]), x, x),
        "EncoderLayer": lambda: through(encoder_layer(rows), x, None),
        "DecoderLayer": lambda: through(decoder_layer(rows), x, x, None, None),
        "model": lambda: logits_of(student.model.eval(), tokens, tokens),
        "generate": lambda: student.generate(student.model, tokens[0].tolist()),
    }
    for name, work in works.items():
        setattr(answer, name, calls_of(work))
