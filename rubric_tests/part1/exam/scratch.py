"""From scratch: whose code runs when the network works."""

import sys

from ask import ask, student
from exam.network import outputs_of, ready


def modules_at_work(work):
    """The modules whose functions are called while `work` runs, found by the profiler."""
    seen = set()

    def note(frame, event, called):
        if event == "call":
            seen.add(frame.f_globals.get("__name__"))
        elif event == "c_call":
            owner = getattr(called, "__self__", None)
            seen.add(getattr(called, "__module__", None))
            seen.add(getattr(owner if isinstance(owner, type) else type(owner), "__module__", None))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return sorted(name for name in seen if isinstance(name, str))


def held_by(thing, depth=2):
    """The modules of the types of an object's attributes, and of what those hold."""
    values = vars(thing).values() if hasattr(thing, "__dict__") else ()
    if isinstance(thing, (list, tuple, set)):
        values = list(thing)[:50]
    elif isinstance(thing, dict):
        values = list(thing.values())[:50]
    found = {type(thing).__module__}
    for value in values if depth else ():
        found |= held_by(value, depth - 1)
    return found


with ask("source/class") as (given, answer):
    answer.module = student.ScratchNetwork.__module__
    answer.ancestors = [base.__module__ for base in student.ScratchNetwork.__mro__]

with ask("source/work") as (given, answer):
    network = student.ScratchNetwork(max_iter=3, random_state=0)

    def use_it():
        network.fit(given.X.copy(), given.y.copy())
        outputs_of(network, given.X.copy())

    answer.at_work = modules_at_work(use_it)
    answer.holds = sorted(held_by(network))

with ask("source/gradients") as (given, answer):
    network = ready(given.X.shape[1])
    call = network.loss_and_gradients
    answer.at_work = modules_at_work(lambda: call(given.X.copy(), given.y.copy()))
