"""The student's components: how one is built, and called whatever it takes."""

import contextlib
import copy
import inspect
from itertools import product

import torch
from ask import Missing, student
from exam.asking import first_that_works, same_random_numbers

SIZES = 24, 3, 20  # d_model, n_heads, d_hidden where nothing else is said
HEAD_NAMES = ("n_heads", "num_heads", "n_head", "nhead", "heads", "h", "nheads", "n_h", "head")
CHANNELS = 512  # rows as wide as this are cut to what a component takes


def built(given, name, *sizes):
    """A fresh component in eval mode, and the rows of `given` cut to its width.

    One that cannot be built so, because its sizes are fixed, is taken as it is.
    """
    kind = getattr(student, name)
    same_random_numbers()
    module = first_that_works(lambda: sized(kind, sizes), kind, lambda: inside_model(kind))
    module = module.to(given.dtype).eval()
    width = width_of(module, sizes[0])
    for array, value in list(vars(given).items()):
        if isinstance(value, torch.Tensor) and value.ndim and value.shape[-1] == CHANNELS:
            setattr(given, array, value[..., :width])
    return module


def sized(kind, sizes):
    """A component of these sizes; one that says so takes the number of heads first."""
    names = [name.lower() for name in inspect.signature(kind).parameters]
    if len(sizes) > 1 and names[:1] and names[0] in HEAD_NAMES and names[1] not in HEAD_NAMES:
        sizes = sizes[1], sizes[0], *sizes[2:]
    return kind(*sizes)


def kind_of(name, *sizes):
    """The class of a component; an adapter may give a function that makes one."""
    kind = getattr(student, name)
    return kind if isinstance(kind, type) else type(sized(kind, sizes))


def takes_sizes(name, *sizes):
    """Whether a component can be built as it is asked for."""
    try:
        sized(getattr(student, name), sizes)
    except Exception:
        return False
    return True


def inside_model(kind):
    """A copy of the first module of this class in the model the notebook left."""
    return copy.deepcopy(next(part for part in student.model.modules() if isinstance(part, kind)))


def width_of(module, expected):
    """How many channels a component takes: as many as it was built for, or as its weights say.

    Buffers tell it only where no weight does: one may be a mask, as long as the longest sequence.
    """
    weights = [part.shape for part in module.parameters() if part.ndim > 1]
    shapes = weights or [part.shape for part in module.buffers() if part.ndim > 1]
    known = not shapes or any(expected in shape for shape in shapes)
    return expected if known else min(shape[-1] for shape in shapes)


def in_heads_of_another_number(one, other):
    """Give one module's weights to another, where they have the same shapes.

    Where each head has matrices of its own they do not: the number of heads is seen in that.
    """
    with contextlib.suppress(RuntimeError):
        other.load_state_dict(one.state_dict())


def first(result):
    """The output of what returns an output, or an output and weights, or a loss beside it.

    The loss may come first, as None where there are no labels, and all may have names.
    """
    if isinstance(result, dict):
        result = [result["logits"]] if "logits" in result else list(result.values())
    elif hasattr(result, "logits"):
        return result.logits
    if not isinstance(result, (tuple, list)):
        return result
    arrays = [part for part in result if getattr(part, "ndim", 0) > 1]
    return (arrays or result)[0]


def through(module, *inputs):
    """A layer's output; masks that are None are left out, or hide nothing where it insists.

    The arguments are copies: a layer may work on what it is given. What comes back has the
    shape of the first input, or it was not the right way to ask.
    """
    given = list(inputs)
    while given[-1] is None:
        given.pop()
    forms = [[*masked, *of_each(part, inputs[0])] for part in given if (masked := forms_of(part))]
    ways = list(product(*forms)) if forms else [()]

    def asked(masks, of):
        masks = iter(masks)
        parts = [next(masks) if forms_of(part) else part for part in of]
        return called(module, *in_its_order(module, parts))

    return first_that_works(
        *(lambda masks=masks: asked(masks, given) for masks in ways),
        *(lambda masks=masks: asked(masks, inputs) for masks in ways),
        lambda: called(module, *seeing_all(inputs)),
        lambda: without_masks(module, inputs),
    )


def without_masks(module, inputs):
    """One that has no room for a mask may hide the future by itself."""
    rows = [part for part in inputs if part is not None and not forms_of(part)]
    if len(names_taken(module)) != len(rows):
        raise TypeError("a mask is taken, in a form that is not known")
    return called(module, *rows)


def called(module, *inputs):
    copies = [p.clone() if isinstance(p, torch.Tensor) else p for p in inputs]
    try:
        out = first(module(*copies))
    except TypeError as error:
        error.args = (f"{error}; it was called with {in_words(inputs)}",)
        raise
    if out.ndim != inputs[0].ndim or out.shape[:2] != inputs[0].shape[:2]:
        raise ValueError(f"rows of shape {tuple(inputs[0].shape)} give {tuple(out.shape)}")
    return out


def forms_of(mask):
    """The shapes in which the same mask may be taken; none for what is no mask.

    (batch, queries, keys) or (queries, keys); with an axis for the heads; for all queries at once,
    where they see the same.
    """
    if not (isinstance(mask, torch.Tensor) and mask.dtype == torch.bool):
        return []
    forms = [mask, mask.unsqueeze(-3)]
    if (mask == mask[..., :1, :]).all():
        forms += [mask[..., :1, :], mask[..., None, :1, :], mask[..., 0, :]]
    return forms if mask.ndim == 3 else [*forms, mask[None, None]]


def of_each(mask, rows):
    """The same mask for every item of the batch, where all have one: some code insists on it."""
    if mask.ndim > 2 and len(mask) > 1:
        return []
    full = mask.expand(len(rows), *mask.shape[-2:])
    return [full, full.unsqueeze(1)]


def in_words(inputs):
    """What a call was given: "(2, 5, 24), (5, 5) of bool, None"."""
    return ", ".join(
        "None" if part is None else f"{tuple(part.shape)}{' of bool' * (part.dtype == torch.bool)}"
        for part in inputs
    )


OF_MEMORY = ("src", "source", "memory", "mem", "enc", "cross")


def in_its_order(module, inputs):
    """The two masks of a decoder layer in the order in which it names them."""
    names = names_taken(module)[2:4]
    first_is_of_memory = [any(word in name for word in OF_MEMORY) for name in names]
    if len(inputs) == 4 and first_is_of_memory == [True, False]:
        return [*inputs[:2], inputs[3], inputs[2]]
    return inputs


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
    """Whether one input is all that its `forward` takes, masks apart."""
    inputs = [n for n in names_taken(module) if "mask" not in n and "visible" not in n]
    return len(inputs) < 2


def encoder_layer(given, *sizes):
    """A fresh encoder layer; in a decoder by itself, its layer that looks at nothing else."""
    with contextlib.suppress(Missing):
        return built(given, "EncoderLayer", *(sizes or SIZES))
    with contextlib.suppress(Missing):
        layer = built(given, "DecoderLayer", *(sizes or SIZES))
        if takes_itself_only(layer):
            return layer
    name = "EncoderLayer"
    said = f"expected `{name}` in the notebook or in the `solution` package beside it"
    raise Missing(said, absent=name)


def decoder_layer(given, *sizes):
    """A fresh decoder layer, one that looks at a memory too."""
    layer = built(given, "DecoderLayer", *(sizes or SIZES))
    if takes_itself_only(layer):
        said = "expected `DecoderLayer` to take a memory beside its input"
        raise Missing(said, lacks="DecoderLayer")
    return layer


def roles_of(function):
    """`qkv`, `kqv`, ...: the order in which query, key and value are taken, where names say so."""
    taken = list(inspect.signature(function).parameters)[:3]
    roles = "".join(name.lower()[:1] for name in taken)
    return roles if sorted(roles) == ["k", "q", "v"] else ""


def in_roles(function, query, key, value):
    parts = {"q": query, "k": key, "v": value}
    return [parts[role] for role in roles_of(function) or "qkv"]


def mix(module, query, memory, *visible):
    """Multi-head attention that takes (query, memory), (query, key, value) or one input."""
    mask = visible or (None,)
    if takes_itself_only(module):
        return through(module, query, *mask)
    if roles_of(module.forward):
        return through(module, *in_roles(module.forward, query, memory, memory), *mask)
    return through(module, query, memory, *mask)


def attend(query, key, value, *visible):
    """`attention` on (batch, length, channels); with an axis for heads where it insists on one.

    Where it insists on a mask too, it gets one that hides nothing.
    """
    return mixed(query, key, value, *visible)[0]


def mixed(query, key, value, *visible):
    """The output, and what comes back beside it: the weights, or nothing."""
    rows = in_roles(student.attention, query, key, value)
    all_visible = torch.ones(len(query), query.shape[1], key.shape[1], dtype=torch.bool)
    ways = [[*rows, *visible]] if visible else [rows, [*rows, all_visible]]
    return first_that_works(
        *(lambda way=way: both_of(way) for way in ways),
        *(lambda way=way: with_heads(way) for way in ways),
    )


def both_of(inputs):
    """Copies go in: a function may work on what it is given."""
    result = student.attention(*(part.clone() for part in inputs))
    several = isinstance(result, (tuple, list)) and len(result) > 1
    beside = result[1] if several and isinstance(result[1], torch.Tensor) else None
    return first(result), beside


def with_heads(inputs):
    out, beside = both_of([part.unsqueeze(1) for part in inputs])
    return out.squeeze(1), beside if beside is None else beside.squeeze(1)


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
    rows = [torch.as_tensor(source), torch.as_tensor(target)]
    rows = rows if form_of(model) == "source, target" else rows[:1]
    turned = is_sequence_first(model)
    rows = [part.T for part in rows] if turned else rows
    out = first(model(*rows))
    out = out.reshape(len(rows[0]), -1, out.shape[-1]) if out.ndim == 2 else out
    return out.transpose(0, 1) if turned else out


SEQUENCE_FIRST = {}


def is_sequence_first(model):
    """Whether models of this class take (length, batch), as the student's own `generate` tells.

    One sequence goes in: as a column, or as a row. Where nothing is seen, the batch is first.
    """
    kind = type(model)
    if kind not in SEQUENCE_FIRST:
        SEQUENCE_FIRST[kind] = False  # what is asked below may come back here
        watched, seen = copy.deepcopy(model), []

        def note(module, args, kwargs):
            parts = [part for part in (*args, *kwargs.values()) if isinstance(part, torch.Tensor)]
            seen.extend(tuple(part.shape) for part in parts[:1])

        watched.register_forward_pre_hook(note, with_kwargs=True)
        with contextlib.suppress(Exception), torch.no_grad(), torch.random.fork_rng(devices=[]):
            student.generate(watched, list(student.test_inputs[0]))
        SEQUENCE_FIRST[kind] = bool(seen) and len(seen[0]) == 2 and seen[0][0] > seen[0][1] == 1
    return SEQUENCE_FIRST[kind]


def parameters_of(answer, module):
    """All weights of a module by name: what it computes can then be computed again."""
    state = list(module.state_dict().items())[:40]
    answer.names = [name for name, _ in state]
    at = [value.data_ptr() for _, value in state]
    answer.one_and_the_same = [answer.names[at.index(place)] for place in at]
    for i, (_, value) in enumerate(state):
        setattr(answer, f"parameter_{i}", value.detach().double())
