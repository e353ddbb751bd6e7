"""Which parameters may stay as they began: those that tell places, and numbers fixed by design.

What a parameter does decides, and no name: a table of places is read further down the longer a
sequence is, whatever its tokens are. Frequencies and slopes work between places alone.
"""

import re

import torch
from exam.components import logits_of

LENGTHS = 2, 3, 4  # of the sequences by which a table is told
MANY = 12  # entries: of such sequences no table has more read
NAMED = re.compile(
    r"(?:^|[._])(?:w?pe|pos(?:ition(?:s|al)?)?)(?:_?(?:emb|enc|table)\w*)?(?:\.\w+)?$",
    re.IGNORECASE,
)


def may_stay(model, name, part, given):
    """Whether a parameter of which the logits are a function need not be trained.

    A model for one length alone cannot be asked: of it, the name says whether it is a table, or
    that it is fixed and has a row for each place.
    """
    if part.numel() == 1:
        return not part.requires_grad
    rows, tokens = len(given.source), (int(given.source.min()), int(given.source.max()))

    def asked(length, token):
        source = torch.full((rows, length), token)
        return logits_of(model, source, source)

    try:
        axes = [axis for axis, size in enumerate(part.shape) if size >= max(LENGTHS)]
        return is_table(part, axes, asked, tokens) or is_between_places(part, asked, tokens)
    except Exception:
        if part.ndim < 2:
            return False
        return bool(NAMED.search(name)) or is_as_long_as_the_source(part, given, asked, tokens)


def is_as_long_as_the_source(part, given, asked, tokens):
    """Whether a fixed parameter has as many entries along an axis as the one length has places.

    All of them are read, whatever the tokens are.
    """
    length = given.source.shape[1]
    if part.requires_grad or length not in part.shape:
        return False
    axis, every = part.shape.index(length), set(range(length))
    return all(entries(part, axis, lambda t=t: asked(length, t)) == every for t in tokens)


def is_table(part, axes, asked, tokens):
    """Whether along an axis as many entries more are read as a sequence has tokens more.

    A table may begin anywhere, have a row for padding, or be as wide as distances are.
    """
    return any(is_table_along(part, axis, asked, tokens) for axis in axes)


def is_table_along(part, axis, asked, tokens):
    found = []
    for length in LENGTHS:
        one, other = (entries(part, axis, lambda t=t: asked(length, t)) for t in tokens)  # noqa: B023
        if one is None or one != other or not (not found or found[-1] < one):
            return False
        found.append(one)
    short, middle, long = map(len, found)
    return middle - short == long - middle


def entries(part, axis, output):
    """The entries along an axis with which the output changes; None where they are many."""
    before, found, groups = output(), set(), [range(part.shape[axis])]
    while groups:
        group = groups.pop()
        if not changes(part, axis, group, before, output):
            continue
        if len(group) == 1:
            found.update(group)
            if len(found) > MANY:
                return None
        else:
            half = len(group) // 2
            groups += [group[:half], group[half:]]
    return found


def changes(part, axis, group, before, output):
    """Whether the output is another with other numbers in some entries of an axis."""
    kept, rows = part.detach().clone(), part.data.movedim(axis, 0)
    try:
        noise = torch.Generator().manual_seed(0)
        rows[group.start : group.stop] += torch.randn(rows[: len(group)].shape, generator=noise)
        return not torch.allclose(before, output(), atol=1e-5)
    finally:
        part.data.copy_(kept)


def is_between_places(part, asked, tokens):
    """Whether fixed numbers, not all the same, do nothing where there is one place alone.

    So do frequencies that turn queries and keys, and slopes by which far places count less. They
    are of one sign; a bias of the queries or keys, which does as little, is drawn around zero.
    """
    if part.requires_grad or sum(size > 1 for size in part.shape) != 1:
        return False
    if bool((part == part.flatten()[0]).all()) or not bool((part >= 0).all() | (part <= 0).all()):
        return False
    axis = max(range(part.ndim), key=lambda n: part.shape[n])
    every = range(part.shape[axis])
    return not any(changes(part, axis, every, asked(1, t), lambda t=t: asked(1, t)) for t in tokens)
