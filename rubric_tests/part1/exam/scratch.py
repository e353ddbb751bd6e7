"""From scratch: whose code runs when the network works."""

import contextlib
import sys
import threading
import tracemalloc

import numpy as np
from ask import ask, student
from exam.network import (
    PARTS,
    by_name,
    labels,
    needs,
    outputs_of,
    ready,
    set_weights,
    write,
)
from exam.watching import modules_at_work, watched_gradients


def threads_alive():
    """The modules whose functions other threads run that began after the first cell."""
    known, found = sys.modules["assay-switches"].threads_of_a_new_kernel(), set()
    for number, frame in sys._current_frames().items():
        modules = []
        while frame is not None:
            modules.append(frame.f_globals.get("__name__"))
            frame = frame.f_back
        if number != threading.get_ident() and number not in known:
            outer = [name for name in modules[::-1] if name != "threading"]
            found.add(str(outer[0]) if outer else "threading")
    return sorted(found) or ["none"]


def lines_of(call, *arguments):
    """How many lines of Python a call executes."""
    counted, before = 0, sys.gettrace()

    def note(frame, event, arg):
        nonlocal counted
        counted += event == "line"
        return note

    threading.settrace(note)
    sys.settrace(note)
    try:
        call(*arguments)
    finally:
        sys.settrace(before)
        threading.settrace(None)
    return counted


def memory_of(call, *arguments):
    """The most bytes that a call holds at once, NumPy's arrays among them."""
    tracemalloc.start()
    try:
        call(*arguments)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


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
    said = []

    def use_it():
        network = student.ScratchNetwork(max_iter=3, random_state=0)
        network.fit(given.X.copy(), labels(given.y))
        said.append(outputs_of(network, given.X.copy())[:, -1])
        return network

    answer.holds = sorted(held_by(use_it()))
    use_it()  # unwatched as well: whether two fits are alike at all
    answer.at_work, answer.watched = modules_at_work(use_it)
    answer.threads = threads_alive()
    answer.unwatched, answer.once_more, answer.seen = said


def to_ask(given):
    """A network with weights set by hand, a call that asks for its gradients, and what it says.

    Weights that it does not take are marked elsewhere: then it is watched as it is.
    """
    network = ready(given.X.shape[1])
    needs(network, "loss_and_gradients")
    with contextlib.suppress(Exception):
        set_weights(network, *(vars(given)[part] for part in PARTS))
    said = {}

    def gradients():
        found = network.loss_and_gradients(given.X.copy(), labels(given.y))
        with contextlib.suppress(Exception):  # without names there is nothing to compare
            said.update(by_name(network, found)[1])  # as numbers: they may be worked out this late

    return network, gradients, said


for width in (3, 24):
    with ask(f"source/lines/{width}") as (given, answer):
        network, gradients, said = to_ask(given)
        answer.lines = [lines_of(outputs_of, network, given.X.copy()), lines_of(gradients)]
        write(answer, said)
        answer.memory = str(memory_of(gradients))  # as a text: equal runs differ by a few bytes
        answer.at_work, answer.watched = modules_at_work(gradients)

with ask("source/gradients") as (given, answer):
    network, gradients, said = to_ask(given)
    answer.at_work, answer.watched = modules_at_work(gradients)
    write(answer, said)


def wide(given):
    """A network of many weights, set by hand; `initialise` is quick where `fit` need not be."""
    network, d = student.ScratchNetwork(max_iter=1, random_state=0), given.X.shape[1]
    try:
        network.initialise(d)
        network.classes_ = np.array([0, 1])
    except Exception:  # its absence is marked where fresh weights are
        network.fit(given.X.copy(), labels(given.y))
    needs(network, "loss_and_gradients")
    return set_weights(network, np.outer(given.left, given.right), given.b1, given.W2, given.b2)


with ask("source/wide") as (given, answer):
    network = wide(given)
    found = watched_gradients(answer, network, given.X, given.y)[1]
    answer.across = found.pop("dW1") @ given.across
    write(answer, found)
