"""How a question is put to the student's code."""

import types
from contextlib import contextmanager

import torch
from ask import ask


def asked(*questions):
    """Run the function below it for each of these questions."""

    def put(work):
        for question in questions:
            with ask(question) as (given, answer):
                work(given, answer)

    return put


def precisely(*questions):
    """The same with tensors, in float64; in float32 where the student's code does not go along.

    The end of a question's time is no `Exception`: it is not asked again in float32.
    """

    def put(work):
        @asked(*questions)
        @torch.no_grad()
        def both(given, answer):
            try:
                work(in_tensors(given, torch.float64), answer)
            except Exception:
                work(in_tensors(given, torch.float32), answer)

        return work

    return put


def same_random_numbers():
    """Seed torch with 0; without an accelerator, its one generator alone.

    `torch.manual_seed` writes down the stack for each kind of device that is not there.
    """
    if torch.accelerator.is_available():
        torch.manual_seed(0)
    else:
        torch._C.default_generator.manual_seed(0)  # another name may be bound anew


def in_tensors(given, dtype):
    tensors = {name: torch.as_tensor(array) for name, array in vars(given).items()}
    floating = {name: t.to(dtype) for name, t in tensors.items() if t.is_floating_point()}
    return types.SimpleNamespace(dtype=dtype, **(tensors | floating))


@contextmanager
def told_with(said):
    """What goes wrong inside is told together with how the code was asked."""
    try:
        yield
    except Exception as error:
        error.args = (f"{error}; {said}",)
        raise


def first_that_works(*calls):
    """What the first call returns that does not raise; where all do, the first one's error."""
    errors = []
    for call in calls:
        try:
            return call()
        except Exception as error:
            errors.append(error)
    raise errors[0]
