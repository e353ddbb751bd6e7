"""Whose code runs while a network works."""

import contextlib
import io
import sys
import threading
from types import ModuleType

from exam.network import gradients_of


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
            owner = called.__self__ if isinstance(called, BUILT_IN) else None
            if owner is None or type(owner) is ModuleType:
                functions[id(called)] = called
            else:  # of a method the kind is enough: its array would be held to the end
                kind = owner if type(owner) is type else type(owner)
                kinds[id(kind)] = kind

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


def watched_gradients(answer, network, X, y):
    """The loss, then the gradients by name; `answer` is told whose code ran for them.

    Gradients are watched where they are asked for marks: those that are asked in order to be
    watched can be told by their shapes, and worked out in another way.
    """
    said = []
    modules, watched = modules_at_work(lambda: said.append(gradients_of(network, X, y)))
    answer.at_work = sorted({*getattr(answer, "at_work", ()), *modules})
    if getattr(answer, "watched", "to the end") == "to the end":
        answer.watched = watched
    return said[0]
