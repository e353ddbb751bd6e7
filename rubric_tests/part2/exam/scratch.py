"""From scratch: what the model is made of, and what is called while it works."""

import contextlib
import sys
import types
from functools import partial
from itertools import chain

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
from exam.sequences import whole
from torch._C._profiler import _ExperimentalConfig
from torch.autograd.profiler import profile
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

WATCHED = "watched to the end"
PRECISIONS = torch.float32, torch.float64
HEADS = SIZES[:2], (8, 1), (16, 2), (24, 3), (32, 4)
"""As the answers are asked: a part may be ready made for one size or precision alone."""


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


def watched(work, seen):
    """What comes of the work, and whether the profiler was there to the end.

    Noted is every function that is called, of Python and of torch.
    """

    def note(frame, event, called):
        if event == "call":
            seen.add((frame.f_globals.get("__name__"), frame.f_code.co_qualname))
        elif event == "c_call":
            seen.add((called.__module__, called.__qualname__))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        with Functions(seen), Operators(seen):
            found = result_of(work)
        return found, sys.getprofile() is note
    finally:
        sys.setprofile(before)


def result_of(work):
    """An array; None where there is no result."""
    with contextlib.suppress(Exception), torch.no_grad():
        return torch.as_tensor(work()).double()
    return None


def alike(one, other):
    if one is None or other is None:
        return one is other
    return one.shape == other.shape and torch.allclose(one, other, rtol=1e-3, atol=1e-5)


def calls_of(works):
    """Every module whose functions are called, and every function named after attention.

    The last entry says whether all of it was watched, and came out as it does unwatched.
    """
    seen, end = set(), WATCHED
    for work in works:
        found, to_the_end = watched(work, seen)
        alone = result_of(work)
        if not to_the_end:
            end = "the profiler was switched off"
        elif not alike(found, alone) and alike(alone, result_of(work)):
            end = "it gives something else while it is watched"
    named = {f"{m}.{q}" for m, q in seen if "ttention" in str(q) or "ransformer" in str(q)}
    return [*sorted(named | {str(module) for module, _ in seen}), end]


def operators_of(works):
    """What torch itself says that it runs: in every thread, and inside what it has compiled.

    The last entry says whether it was asked at all.
    """
    seen = set()
    with contextlib.suppress(Exception):
        every = _ExperimentalConfig(profile_all_threads=True)
        with profile(experimental_config=every) as watching:
            for work in works:
                result_of(work)
        seen = {event.name() for event in watching.kineto_results.events()}
    operators = {name for name in seen if "::" in name}  # without it, a label of the student's own
    named = {f"torch.ops.{name.replace('::', '.')}" for name in operators if "ttention" in name}
    at_work = any(name.startswith("aten::") for name in seen)
    return [*sorted(named), WATCHED if at_work else "torch's own profiler saw nothing"]


def rows(given, dtype):
    """Of each component, as many channels as it takes."""
    return types.SimpleNamespace(dtype=dtype, x=torch.as_tensor(given.x).to(dtype))


def of_attention(given, dtype):
    x = rows(given, dtype).x[..., :12]
    return attend(x, x, x)


def of_heads(given, dtype, *sizes):
    own = rows(given, dtype)
    heads = built(own, "MultiHeadAttention", *sizes)
    return mix(heads, own.x, own.x)


def of_encoder_layer(given, dtype):
    own = rows(given, dtype)
    layer = encoder_layer(own)
    return through(layer, own.x, None)


def of_decoder_layer(given, dtype):
    own = rows(given, dtype)
    layer = decoder_layer(own)
    return through(layer, own.x, own.x, None, None)


@asked("scratch/work")
def _(given, answer):
    tokens = given.tokens
    works = {
        "attention": [partial(of_attention, given, dtype) for dtype in PRECISIONS],
        "MultiHeadAttention": [
            partial(of_heads, given, dtype, *sizes) for dtype in PRECISIONS for sizes in HEADS
        ],
        "EncoderLayer": [partial(of_encoder_layer, given, dtype) for dtype in PRECISIONS],
        "DecoderLayer": [partial(of_decoder_layer, given, dtype) for dtype in PRECISIONS],
        "model": [lambda: logits_of(student.model.eval(), tokens, tokens)],
        "generate": [lambda: whole(student.generate(student.model, tokens[0].tolist()))],
    }
    for name, work in works.items():
        setattr(answer, name, calls_of(work))
    answer.operators = operators_of(chain.from_iterable(works.values()))
