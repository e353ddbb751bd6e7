"""From scratch: whose code runs when the network works."""

import contextlib
import io
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


class Operators:
    """Notes whether torch computes anything: its own hook, whatever became of the profiler."""

    def __init__(self):
        self.seen, self.before = set(), set(sys.modules)

    def __enter__(self):
        self.mode = contextlib.nullcontext()
        if "torch" in sys.modules:
            seen = self.seen
            hooks = sys.modules["torch"].utils._python_dispatch  # an import would load it for all

            class Note(hooks.TorchDispatchMode):
                def __torch_dispatch__(self, func, types, args=(), kwargs=None):
                    seen.add("torch")
                    return func(*args, **(kwargs or {}))

            self.mode = Note()
        self.mode.__enter__()
        return self

    def __exit__(self, *error):
        self.mode.__exit__(*error)
        self.seen |= set(sys.modules) - self.before


def modules_at_work(work):
    """The modules whose functions are called while `work` runs, and whether that was seen.

    They are found by the profiler, by torch's own hook, and by what is imported meanwhile.
    """
    spaces, functions, kinds, operators = {}, {}, {}, Operators()

    def note(frame, event, called):  # calls nothing of what it sees: that would go unwatched
        if event == "call":
            spaces[id(frame.f_globals)] = frame.f_globals
        elif event == "c_call":
            functions[id(called)] = called
            if isinstance(called, BUILT_IN):
                owner = called.__self__
                kinds[id(owner) if type(owner) is type else id(type(owner))] = (
                    owner if type(owner) is type else type(owner)
                )

    before = sys.getprofile()
    with (
        operators,
        quiet(),
    ):  # around the profiler, which would take its own calls for the network's
        threading.setprofile(note)  # of threads that are begun meanwhile
        sys.setprofile(note)
        try:
            work()
            watched = "to the end" if sys.getprofile() is note else "the profiler was switched off"
        finally:
            sys.setprofile(before)
            threading.setprofile(None)
    seen = [dict.get(space, "__name__") for space in spaces.values()]
    seen += [getattr(thing, "__module__", None) for thing in (*functions.values(), *kinds.values())]
    names = {name for name in seen if type(name) is str} | {
        name for name in operators.seen if type(name) is str
    }
    return sorted(names) or ["nothing"], watched


BUILT_IN = type(len)


@contextlib.contextmanager
def quiet():
    """What is printed meanwhile goes nowhere: the kernel's output works with locks and queues."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


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
    answer.at_work, answer.watched = modules_at_work(use_it)
    answer.threads = threads_alive()
    answer.unwatched, answer.seen = said


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
    found = by_name(network, network.loss_and_gradients(given.X.copy(), labels(given.y)))[1]
    answer.across = found.pop("dW1") @ given.across
    write(answer, found)
