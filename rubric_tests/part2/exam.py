# Runs in the student's kernel, after the student's last cell.
# It asks and writes down. It compares nothing: the judging happens elsewhere.

import contextlib
import copy
import inspect
import signal
import sys
import time
import types
import warnings

import numpy as np
import torch
from ask import ask, handed_out, student
from torch.nn import functional
from torch.optim.optimizer import register_optimizer_step_post_hook

warnings.simplefilter("ignore")  # a warning is not an answer, and must not become an exception

ANSWER_SECONDS = 20.0  # for the answers to as many sequences as can be had
TRAIN_SECONDS = 60
CHUNK = 4096
SIZES = 12, 3, 20  # d_model, n_heads, d_hidden where nothing else is said
CHANNELS = 512  # rows as wide as this are cut to what a component takes


# How questions are put -----------------------------------------------------------------------


def asked(*questions):
    """Run the function below it for each of these questions."""

    def put(work):
        for question in questions:
            with ask(question) as (given, answer):
                work(given, answer)

    return put


def precisely(*questions):
    """The same with tensors, in float64; in float32 where the student's code does not go along."""

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


def in_tensors(given, dtype):
    tensors = {name: torch.as_tensor(array) for name, array in vars(given).items()}
    floating = {name: t.to(dtype) for name, t in tensors.items() if t.is_floating_point()}
    return types.SimpleNamespace(dtype=dtype, **(tensors | floating))


def first_that_works(*calls):
    """What the first call returns that does not raise; where all do, the first one's error."""
    errors = []
    for call in calls:
        try:
            return call()
        except Exception as error:
            errors.append(error)
    raise errors[0]


def built(given, name, *sizes):
    """A fresh component in eval mode, and the rows of `given` cut to its width.

    One that cannot be built so, because its sizes are fixed, is taken as it is.
    """
    kind = getattr(student, name)
    torch.manual_seed(0)
    module = first_that_works(lambda: kind(*sizes), kind, lambda: inside_model(kind))
    module = module.to(given.dtype).eval()
    width = width_of(module, sizes[0])
    for array, value in list(vars(given).items()):
        if isinstance(value, torch.Tensor) and value.ndim and value.shape[-1] == CHANNELS:
            setattr(given, array, value[..., :width])
    return module


def inside_model(kind):
    """A copy of the first module of this class in the model the notebook left."""
    return copy.deepcopy(next(part for part in student.model.modules() if isinstance(part, kind)))


def width_of(module, expected):
    """How many channels a component takes: as many as it was built for, or as its weights say."""
    shapes = [part.shape for part in (*module.parameters(), *module.buffers()) if part.ndim > 1]
    known = not shapes or any(expected in shape for shape in shapes)
    return expected if known else min(shape[-1] for shape in shapes)


def beside(own, other):
    """The first item of the batch with others beside it."""
    return torch.cat([own[:1], other[1:]])


def first(result):
    """The output of what returns an output, or an output and weights, or a loss beside it."""
    return result[0] if isinstance(result, (tuple, list)) else result


def through(module, *inputs):
    """A layer's output; masks that are None are left out, or hide nothing where it insists."""
    given = list(inputs)
    while given[-1] is None:
        given.pop()
    return first_that_works(
        lambda: first(module(*given)),
        lambda: first(module(*inputs)),
        lambda: first(module(*seeing_all(inputs))),
    )


def seeing_all(inputs):
    """The same with masks that hide nothing, (queries, keys), in the place of None."""
    rows = [part for part in inputs if part is not None and part.is_floating_point()]
    keys = iter(rows[-sum(part is None for part in inputs) :])
    queries = rows[0].shape[1]
    return [
        torch.ones(queries, next(keys).shape[1], dtype=torch.bool) if part is None else part
        for part in inputs
    ]


def names_taken(module):
    return [name.lower() for name in inspect.signature(module.forward).parameters]


def takes_itself_only(module):
    names = names_taken(module)
    return len(names) < 2 or "mask" in names[1] or "visible" in names[1]


def mix(module, query, memory, *visible):
    """Multi-head attention that takes (query, memory), (query, key, value) or one input."""
    names = names_taken(module)
    if takes_itself_only(module):
        return first(module(query, *visible))
    three = len(names) > 2 and names[1][0] == "k" and names[2][0] == "v" and names[2] != "visible"
    inputs = [query, memory, memory] if three else [query, memory]
    return through(module, *inputs, *(visible or (None,)))


def parameters_of(answer, module):
    """All weights of a module by name: what it computes can then be computed again."""
    state = list(module.state_dict().items())[:40]
    answer.names = [name for name, _ in state]
    for i, (_, value) in enumerate(state):
        setattr(answer, f"parameter_{i}", value.detach().double())


# Attention and masks -------------------------------------------------------------------------


def attend(query, key, value, *visible):
    """`attention` on (batch, length, channels); with an axis for heads where it insists on one.

    Where it insists on a mask too, it gets one that hides nothing.
    """
    all_visible = torch.ones(len(query), query.shape[1], key.shape[1], dtype=torch.bool)
    plain = [query, key, value, *visible]
    ways = [plain] if visible else [plain, [*plain, all_visible]]
    return first_that_works(
        *(lambda way=way: first(student.attention(*way)) for way in ways),
        *(lambda way=way: with_heads(way) for way in ways),
    )


def with_heads(inputs):
    return first(student.attention(*(part.unsqueeze(1) for part in inputs))).squeeze(1)


def weights_under(given, *visible):
    """With the identity as values, the output is the weights."""
    eye = torch.eye(given.key.shape[1], dtype=given.dtype).expand(len(given.key), -1, -1)
    return attend(given.query, given.key, eye, *visible)


@precisely("attention/weights", "attention/large")
def _(given, answer):
    answer.weights = weights_under(given)


@precisely("attention/output")
def _(given, answer):
    answer.out, answer.weights = attend(given.query, given.key, given.value), weights_under(given)


@precisely("attention/batch")
def _(given, answer):
    own = given.query, given.key, given.value
    others = given.other_query, given.other_key, given.other_value
    answer.out, answer.out_other = attend(*own), attend(*map(beside, own, others))


@asked("masks/taken")
def _(given, answer):
    answer.n_arguments = len(inspect.signature(student.attention).parameters)


@precisely("masks/causal", "masks/padding")
def _(given, answer):
    answer.weights, answer.free = weights_under(given, given.visible), weights_under(given)


@precisely("masks/nowhere")
def _(given, answer):
    answer.weights = weights_under(given, given.visible)


@precisely("masks/hidden")
def _(given, answer):
    noise = given.noise * ~given.visible[:, 0, :, None]
    answer.out = attend(given.query, given.key, given.value, given.visible)
    other = given.query, given.key + noise, given.value + noise, given.visible
    answer.out_other = attend(*other)


@precisely("masks/multi-head")
def _(given, answer):
    module = built(given, "MultiHeadAttention", *SIZES[:2])
    answer.out = mix(module, given.x, given.x, given.visible)
    answer.out_other = mix(module, given.other, given.other, given.visible)


@precisely("masks/encoder-layer")
def _(given, answer):
    layer = built(given, "EncoderLayer", *SIZES)
    answer.out = through(layer, given.x, given.visible)
    answer.out_other = through(layer, given.other, given.visible)


@precisely("masks/decoder-layer")
def _(given, answer):
    layer = built(given, "DecoderLayer", *SIZES)
    answer.out = through(layer, given.x, given.memory, given.visible, None)
    answer.out_other = through(layer, given.other, given.memory, given.visible, None)


@precisely("masks/memory")
def _(given, answer):
    layer = built(given, "DecoderLayer", *SIZES)
    masks = given.visible, given.memory_visible
    answer.out = through(layer, given.x, given.memory, *masks)
    answer.out_other = through(layer, given.x, given.other_memory, *masks)


# Multi-head attention ------------------------------------------------------------------------

HEADS = ("one", "two", "three", "four")
HEAD_NAMES = ("n_heads", "num_heads", "n_head", "nhead", "heads", "h", "nheads", "n_h")


def heads_of(module, expected):
    found = [vars(module)[name] for name in HEAD_NAMES if isinstance(vars(module).get(name), int)]
    return found[0] if found else expected


@precisely("multi-head/form")
def _(given, answer):
    module = built(given, "MultiHeadAttention", *SIZES[:2])
    answer.form = "one input" if takes_itself_only(module) else "query and memory"


@precisely(*(f"multi-head/{way}-{name}" for way in ("self", "cross") for name in HEADS))
def _(given, answer):
    d_model, n_heads = given.sizes.tolist()
    module = built(given, "MultiHeadAttention", d_model, n_heads)
    answer.out = mix(module, given.x, getattr(given, "memory", given.x))
    answer.n_heads = heads_of(module, n_heads)
    parameters_of(answer, module)


@precisely("multi-head/order", "multi-head/memory", "multi-head/batch")
def _(given, answer):
    module = built(given, "MultiHeadAttention", *SIZES[:2])
    answer.out = mix(module, given.x, getattr(given, "memory", given.x))
    answer.out_other = mix(module, given.other, getattr(given, "other_memory", given.other))


# Embedding, positions, feed-forward ----------------------------------------------------------


@precisely("embedding/rows")
def _(given, answer):
    module = built(given, "TokenEmbedding", 11, 8)
    answer.out = module(given.tokens)
    parameters_of(answer, module)


@precisely("positions/added")
def _(given, answer):
    rows = copy.copy(given)
    module = built(rows, "PositionalEncoding", 16, 8)
    answer.learned = any(part.requires_grad for part in module.parameters())
    if answer.learned:  # fresh rows may all be zero
        trained = first_that_works(lambda: inside_model(student.PositionalEncoding), lambda: module)
        module = trained.to(given.dtype).eval()
    x = given.x[..., : width_of(module, 8)]
    answer.out, answer.at_zero = module(x), module(torch.zeros_like(x))


@precisely("feed-forward/alone")
def _(given, answer):
    module = built(given, "FeedForward", 8, 16)
    given.other[0, 0] = given.x[0, 0]
    answer.out, answer.out_other = module(given.x), module(given.other)
    answer.out_permuted = module(given.x[:, given.order])


@precisely("feed-forward/bent")
def _(given, answer):
    module, x, step = built(given, "FeedForward", 8, 16), given.x, given.step
    answer.out, answer.ahead, answer.behind = module(x), module(x + step), module(x - step)


# Layers --------------------------------------------------------------------------------------

LAYERS = {"encoder-layer": "EncoderLayer", "decoder-layer": "DecoderLayer"}


def ask_layer(name, kind):
    """The questions that are the same for both layers."""

    def layer_and(given):
        layer = built(given, kind, *SIZES)
        if kind == "EncoderLayer":
            return layer, lambda x, memory: through(layer, x, None)
        return layer, lambda x, memory: through(layer, x, memory, None, None)

    @precisely(f"{name}/silent")
    def _(given, answer):
        layer, output = layer_and(given)
        for part in layer.parameters():
            if part.ndim > 1:
                part.zero_()
        answer.out = output(given.x, given.memory)

    @precisely(f"{name}/scaled", f"{name}/batch", f"{name}/tokens", f"{name}/memory")
    def _(given, answer):
        _, output = layer_and(given)
        answer.out = output(given.x, given.memory)
        answer.out_other = output(given.other, given.other_memory)


for name, kind in LAYERS.items():
    ask_layer(name, kind)


# The model -----------------------------------------------------------------------------------


def form_of(model):
    """What `model(...)` takes: "source", "source, target", or something else."""
    takes = inspect.signature(model.forward).parameters.values()
    plain = [p for p in takes if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = [p.name.lower() for p in plain if p.default is p.empty]
    if len(needed) not in (1, 2) or any("mask" in n or "visible" in n for n in needed):
        return "something else"
    return ("source", "source, target")[len(needed) - 1]


def logits_of(model, source, target):
    """(batch, length, vocabulary), however the model returns them."""
    both = [torch.as_tensor(source), torch.as_tensor(target)]
    out = first(model(*(both if form_of(model) == "source, target" else both[:1])))
    return out.reshape(len(source), -1, out.shape[-1]) if out.ndim == 2 else out


@asked("model/form")
def _(given, answer):
    answer.form = form_of(student.model)


@asked("model/logits", "model/batch", "masks/model")
@torch.no_grad()
def _(given, answer):
    model = student.model.eval()
    answer.logits = logits_of(model, given.source, given.target)
    answer.logits_other = logits_of(model, given.other_source, given.other_target)


@asked("training/batch")
def _(given, answer):
    learner = copy.deepcopy(student.model).train()
    optimizer = torch.optim.Adam(learner.parameters(), lr=3e-3)
    torch.manual_seed(0)
    losses = answer.losses = np.zeros(60)
    for i in range(len(losses)):
        logits = logits_of(learner, given.source, given.target)
        wanted = torch.as_tensor(given.wanted[:, : logits.shape[1]])
        loss = functional.cross_entropy(logits.flatten(0, 1), wanted.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses[i] = float(loss)


# From scratch: what the model is made of, and what is called while it works ------------------


@asked("scratch/live")
def _(given, answer):
    kinds = {kind for part in student.model.modules() for kind in type(part).__mro__}
    answer.classes = sorted(f"{kind.__module__}.{kind.__qualname__}" for kind in kinds)


def calls_of(work):
    """Every module whose functions are called, and every function named after attention."""
    seen = set()

    def note(frame, event, called):
        if event == "call":
            seen.add((frame.f_globals.get("__name__"), frame.f_code.co_qualname))
        elif event == "c_call":
            seen.add((called.__module__, called.__qualname__))

    before = sys.getprofile()
    sys.setprofile(note)
    with contextlib.suppress(Exception), torch.no_grad():
        work()
    sys.setprofile(before)
    named = {f"{m}.{q}" for m, q in seen if "ttention" in str(q) or "ransformer" in str(q)}
    return sorted(named | {str(module) for module, _ in seen})


@asked("scratch/work")
def _(given, answer):
    x, tokens = torch.as_tensor(given.x).float(), given.tokens
    rows = types.SimpleNamespace(dtype=torch.float32)
    works = {
        "attention": lambda: attend(x, x, x),
        "MultiHeadAttention": lambda: mix(built(rows, "MultiHeadAttention", *SIZES[:2]), x, x),
        "EncoderLayer": lambda: through(built(rows, "EncoderLayer", *SIZES), x, None),
        "DecoderLayer": lambda: through(built(rows, "DecoderLayer", *SIZES), x, x, None, None),
        "model": lambda: logits_of(student.model.eval(), tokens, tokens),
        "generate": lambda: student.generate(student.model, tokens[0].tolist()),
    }
    for name, work in works.items():
        setattr(answer, name, calls_of(work))


# What the notebook left behind ---------------------------------------------------------------


def table(sequences, width):
    """Lists of whole numbers as rows, filled up with -1 and cut at the width."""
    width = int(width)
    rows = np.full((len(sequences), width), -1, dtype=np.int64)
    for row, sequence in zip(rows, sequences, strict=True):
        numbers = np.asarray(sequence).ravel()
        if numbers.size and numbers.dtype.kind not in "iu":
            raise TypeError(f"expected a list of whole numbers, not {numbers.dtype}")
        row[: numbers.size] = numbers[:width]
    return rows.clip(-1, 9999).astype(np.int16)


def lists(rows):
    return [[int(entry) for entry in row if entry >= 0] for row in rows]


@asked("notebook/parameters")
def _(given, answer):
    answer.seed, answer.task = student.seed, str(student.task)


@asked("notebook/trace")
def _(given, answer):
    answer.weights = [float(part.double().abs().sum()) for part in student.model.parameters()]


@asked("data/train", "data/test")
def _(given, answer):
    half = str(given.half)
    answer.inputs = table(getattr(student, f"{half}_inputs"), given.widths[0])
    answer.targets = table(getattr(student, f"{half}_targets"), given.widths[1])


@asked("claims/reversal")
def _(given, answer):
    answer.accuracy = float(student.reversal_accuracy)


def as_text(diagram):
    """The source of a diagram, or what kind of thing it is where there is none."""
    if isinstance(diagram, str):
        return diagram
    for name in ("_repr_svg_", "_repr_html_", "_repr_markdown_"):
        with contextlib.suppress(Exception):
            return str(getattr(diagram, name)())
    text = getattr(diagram, "data", None)
    return text if isinstance(text, str) else f"<{type(diagram).__name__}>"


@asked("diagram/text")
def _(given, answer):
    answer.text = as_text(student.diagram)[:200_000]
    shapes = [part.shape for part in student.model.parameters() if part.ndim > 1]
    answer.widths = sorted({int(width) for shape in shapes for width in shape})


@asked("tokenizer/round-trip")
def _(given, answer):
    """A tokenizer is an object, or two functions, and takes one sequence or many."""
    sequences = lists(given.sequences)
    with contextlib.suppress(Exception):
        one = student.tokenizer
        answer.back = table([one.decode(one.encode(s)) for s in sequences], given.width)
        return
    try:
        back = student.decode(student.encode(sequences))
        answer.back = table(back, given.width)
    except Exception:
        back = [student.decode(student.encode(sequence)) for sequence in sequences]
        answer.back = table(back, given.width)


# Answers, free running -----------------------------------------------------------------------


def one_at_a_time(model, sequences, width):
    return table([student.generate(model, list(sequence)) for sequence in sequences], width)


def many_at_once(model, sequences, width):
    return table(student.generate_batch(model, [list(sequence) for sequence in sequences]), width)


def as_many_as_time_allows(answer, model, given):
    """Answers to the first of the sequences, all at once where the student's code can do that."""
    sequences, started, answers = lists(given.sequences), time.monotonic(), []
    try:
        many_at_once(model, sequences[:2], given.width)
        way, step = many_at_once, CHUNK
    except Exception:
        way, step, sequences = one_at_a_time, 16, sequences[:CHUNK]
    for start in range(0, len(sequences), step):
        answers.append(way(model, sequences[start : start + step], given.width))
        if time.monotonic() - started > ANSWER_SECONDS:
            break
    answer.answers = np.concatenate(answers)


@asked("generation/again")
def _(given, answer):
    model, sequences = student.model.eval(), lists(given.sequences)
    answer.answers = one_at_a_time(model, sequences, given.width)
    answer.again = one_at_a_time(model, sequences, given.width)


@asked("generation/together")
def _(given, answer):
    model, sequences = student.model.eval(), lists(given.sequences)
    answer.together = many_at_once(model, sequences, given.width)
    answer.alone = one_at_a_time(model, sequences, given.width)


@asked("positions/order")
def _(given, answer):
    model = student.model.eval()
    answer.answers = one_at_a_time(model, lists(given.sequences), given.width)
    answer.moved = one_at_a_time(model, lists(given.moved), given.width)


@asked("reversal/answers")
def _(given, answer):
    as_many_as_time_allows(answer, student.model.eval(), given)


# A task nobody has seen ----------------------------------------------------------------------


@contextlib.contextmanager
def time_limit(seconds):
    """Raise TimeoutError in the block when the time is up."""

    def stop(signum, frame):
        raise TimeoutError(f"took longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class Watch:
    """Notes a training run's losses, and whether gradients are left over from the step before."""

    def __init__(self):
        self.losses, self.vocabulary, self.stale, self.stepped = [], 0, 0, []

    def __enter__(self):
        self.before = functional.cross_entropy, functional.nll_loss, torch.Tensor.backward
        functional.cross_entropy, functional.nll_loss = map(self.noting, self.before[:2])
        torch.Tensor.backward = self.checking(self.before[2])
        self.hook = register_optimizer_step_post_hook(self.after_step)
        return self

    def __exit__(self, *error):
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


if handed_out("secret/answers"):
    watch = Watch()

    @asked("secret/answers")
    def _(given, answer):
        with time_limit(TRAIN_SECONDS), watch:
            model = student.train(lists(given.inputs), lists(given.targets), seed=7)
        as_many_as_time_allows(answer, model.eval(), given)

    @asked("training/steps")
    def _(given, answer):
        answer.losses, answer.vocabulary = watch.losses, watch.vocabulary
        answer.stale = watch.stale
