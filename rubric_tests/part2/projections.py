"""Which of a module's weights is the query, the key, the value and the output projection?

Students write four Linear layers, one that gives all three at once, or three for each head. The
names say what is what; where they do not, every order is tried.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import permutations
from types import SimpleNamespace

import numpy as np

from rubric_tests.part2.reference import Linear, Projections

ROLES = {
    "q": "q", "query": "q", "queries": "q",
    "k": "k", "key": "k", "keys": "k",
    "v": "v", "value": "v", "values": "v", "val": "v",
}  # fmt: skip
DECORATION = re.compile(r"proj(ection)?|linear|lin|weights?|matrix|layer|dense|to|fc|w|[\d_]")


def linears(answer: SimpleNamespace, arrays: Mapping[str, np.ndarray]) -> dict[str, Linear]:
    """The weight matrices of an answer with their biases, by the name without `.weight`.

    A parameter that is no `weight` of a module is used as `x @ matrix`: it is turned round.
    """
    named = {
        name: np.asarray(arrays[f"parameter_{i}"], dtype=np.float64)
        for i, name in enumerate(answer.text.strings("names"))
        if f"parameter_{i}" in arrays
    }
    found, biases = {}, set()
    for name, matrix in named.items():
        if matrix.ndim == 3 and matrix.shape[-1] == 1:  # a convolution of width one
            matrix = matrix[..., 0]
        elif matrix.ndim == 3:
            matrix = of_all_heads(matrix)
        if matrix.ndim == 2 and matrix.size and np.isfinite(matrix).all():
            stem = name.removesuffix("weight").rstrip("._")
            matrix = matrix if name.endswith("weight") else matrix.T
            own = next((its for its in biases_of(stem) if its in named), None)
            bias = np.zeros(len(matrix)) if own is None else named[own].reshape(-1)
            if bias.shape == (len(matrix),) and np.isfinite(bias).all():
                found[stem] = Linear(matrix, bias)
                biases.add(own)
    return {stem: part for stem, part in found.items() if stem not in biases}


def of_all_heads(matrix: np.ndarray) -> np.ndarray:
    """One matrix of what each head has, with an axis for the heads.

    (heads, d_model, d_head) or (d_model, heads, d_head); the way back is (heads, d_head, d_model).
    """
    first, second, third = matrix.shape
    if second != first * third and (third == first * second or first == second * third):
        width = max(matrix.shape)
        return matrix.reshape(width, width)
    return np.concatenate(list(matrix), axis=-1)


def biases_of(stem: str) -> list[str]:
    """The names under which the bias of a weight may stand: for `W_q` that is `b_q` too."""
    path, dot, own = stem.rpartition(".")
    found = [f"{stem}.bias", f"{stem}_bias"]
    if own[:1] in ("w", "W"):
        found += [f"{path}{dot}{b}{own[1:]}" for b in ("b", "B")]
    return found


def candidates(parts: Mapping[str, Linear], n_heads: int, width: int) -> list[Projections]:
    """Every reading of the weights that would be right; none where they are not recognised."""
    if any(part.matrix.shape[1] != width for part in parts.values()) or width % n_heads:
        return []
    by_name = list(read_by_name(parts))
    found = by_name or [
        *read_at_once(parts, n_heads),
        *read_two_at_once(parts, n_heads),
        *read_in_any_order(parts),
    ]
    return [right for right in found if right.q.matrix.shape == (width, width)]


def are_named(parts: Mapping[str, Linear]) -> bool:
    """Whether each projection has a matrix of its own, and names say which is which."""
    return bool(list(read_by_name(parts)))


def role_of(stem: str) -> str | None:
    """The role a name speaks of: `heads.0.w_query` is a query's."""
    words = [DECORATION.sub("", word) for word in stem.lower().split(".")]
    spoken = [ROLES[word] for word in words if word in ROLES]
    return spoken[-1] if spoken else None


def read_by_name(parts: Mapping[str, Linear]) -> Iterator[Projections]:
    """Names that speak for themselves; those of single heads are put side by side."""
    roles = {stem: role_of(stem) for stem in parts}
    grouped = {r: [parts[s] for s in parts if roles[s] == r] for r in ("q", "k", "v")}
    rest = [linear for stem, linear in parts.items() if roles[stem] is None]
    if not all(grouped.values()) or len(rest) > 1:
        return
    q, k, v = (side_by_side(group) if len(group) > 1 else group[0] for group in grouped.values())
    if all(is_square(part) for part in (q, k, v, *rest)):
        yield Projections(q, k, v, rest[0] if rest else None)


def side_by_side(group: list[Linear]) -> Linear:
    matrices, biases = zip(*group, strict=True)
    return Linear(np.concatenate(matrices), np.concatenate(biases))


def is_square(part: Linear) -> bool:
    return part.matrix.shape[0] == part.matrix.shape[1]


def read_at_once(parts: Mapping[str, Linear], n_heads: int) -> Iterator[Projections]:
    """One matrix for query, key and value: its rows by role, head and channel, in any order."""
    triple = {s: p for s, p in parts.items() if p.matrix.shape[0] == 3 * p.matrix.shape[1]}
    rest = [p for p in parts.values() if is_square(p)]
    if len(triple) != 1 or len(rest) != len(parts) - 1 or len(rest) > 1:
        return
    [(stem, fused)] = triple.items()
    spoken = [order for order in map("".join, permutations("qkv")) if order in stem.lower()]
    for thirds in cuts(len(fused.matrix), 3, n_heads):
        for order in spoken or map("".join, permutations("qkv")):
            named = dict(zip(order, (rows_of(fused, third) for third in thirds), strict=True))
            yield Projections(named["q"], named["k"], named["v"], rest[0] if rest else None)


def read_two_at_once(parts: Mapping[str, Linear], n_heads: int) -> Iterator[Projections]:
    """One matrix for two of the roles, keys and values most often, and one for the third."""
    double = [p for p in parts.values() if p.matrix.shape[0] == 2 * p.matrix.shape[1]]
    rest = [p for p in parts.values() if is_square(p)]
    if len(double) != 1 or len(rest) != len(parts) - 1 or len(rest) not in (1, 2):
        return
    for halves in cuts(len(double[0].matrix), 2, n_heads):
        for order in permutations("qkv"):
            for third, *o in permutations(rest):
                pieces = [*(rows_of(double[0], half) for half in halves), third]
                named = dict(zip(order, pieces, strict=True))
                yield Projections(named["q"], named["k"], named["v"], o[0] if o else None)


def cuts(n_rows: int, n_roles: int, n_heads: int) -> Iterator[np.ndarray]:
    """Which rows belong to each role, (roles, rows): roles, heads and channels in every order."""
    sizes = {"role": n_roles, "head": n_heads, "channel": n_rows // n_roles // n_heads}
    for order in permutations(sizes):
        rows = np.arange(n_rows).reshape([sizes[axis] for axis in order])
        axes = [order.index(axis) for axis in ("role", "head", "channel")]
        yield rows.transpose(axes).reshape(n_roles, -1)


def rows_of(fused: Linear, rows: np.ndarray) -> Linear:
    return Linear(fused.matrix[rows], fused.bias[rows])


def read_in_any_order(parts: Mapping[str, Linear]) -> Iterator[Projections]:
    """Square matrices that no name tells apart; with three or two, one may serve several roles."""
    if not all(is_square(part) for part in parts.values()):
        return
    if len(parts) in (3, 4):
        for order in permutations(parts.values()):
            q, k, v, *o = order
            yield Projections(q, k, v, o[0] if o else None)
    if len(parts) == 3:
        for one, two, o in permutations(parts.values()):
            yield from (Projections(one, one, two, o), Projections(one, two, two, o))
            yield Projections(one, two, one, o)
    if len(parts) == 2:
        for one, o in permutations(parts.values()):
            yield Projections(one, one, one, o)


def misread(right: Projections, n_heads: int) -> dict[str, Projections]:
    """The mistakes in who does what, by the sentence that says which."""
    q, k, v, _ = right
    return mixed_up(right, n_heads) | {
        "K and V are swapped": right._replace(k=v, v=k),
        "Q and K share their weights": right._replace(k=q),
        "K and Q share their weights": right._replace(q=k),
        "V and Q share their weights": right._replace(v=q),
        "K and V share their weights": right._replace(v=k),
        "V and K share their weights": right._replace(k=v),
        "Q and V are swapped": right._replace(q=v, v=q),
        "Q and K are swapped": right._replace(q=k, k=q),
        "the output projection is missing": right._replace(o=None),
        "the queries are not projected": right._replace(q=identity(right.q)),
        "the keys are not projected": right._replace(k=identity(right.k)),
        "the values are not projected": right._replace(v=identity(right.v)),
        "the queries are projected twice": right._replace(q=twice(right.q)),
        "the keys are projected twice": right._replace(k=twice(right.k)),
        "the values are projected twice": right._replace(v=twice(right.v)),
    }


def mixed_up(right: Projections, n_heads: int) -> dict[str, Projections]:
    """Heads that get what belongs to another one: its queries, its keys, its values."""
    if n_heads == 1:
        return {}
    q, k, v, _ = right
    found = {}
    for head, which in ((0, "first"), (n_heads - 1, "last")):
        of_one = [of_head(part, head, n_heads) for part in (q, k, v)]
        said = f"of the {which} head"
        found |= {
            f"every head has the queries {said}": right._replace(q=of_one[0]),
            f"every head has the keys {said}": right._replace(k=of_one[1]),
            f"every head has the values {said}": right._replace(v=of_one[2]),
            f"every head has the keys and values {said}": right._replace(k=of_one[1], v=of_one[2]),
            f"every head has the queries and keys {said}": right._replace(q=of_one[0], k=of_one[1]),
        }
        if right.o is not None:
            found[f"only the output {said} goes on"] = right._replace(
                o=right.o._replace(matrix=only_from(right.o.matrix, head, n_heads))
            )
    for step, which in ((-1, "next"), (1, "previous")):
        of_other = [moved_on(part, step, n_heads) for part in (q, k, v)]
        said = f"of the {which} one"
        found |= {
            f"each head has the queries {said}": right._replace(q=of_other[0]),
            f"each head has the keys {said}": right._replace(k=of_other[1]),
            f"each head has the values {said}": right._replace(v=of_other[2]),
        }
    return found


def only_from(matrix: np.ndarray, head: int, n_heads: int) -> np.ndarray:
    """An output projection that takes the channels of one head alone."""
    of_head = np.arange(matrix.shape[1]) // (matrix.shape[1] // n_heads) == head
    return matrix * of_head


def of_head(part: Linear, head: int, n_heads: int) -> Linear:
    """A projection that gives every head the channels of this one."""
    rows = np.arange(len(part.bias)).reshape(n_heads, -1)[head]
    return rows_of(part, np.tile(rows, n_heads))


def moved_on(part: Linear, step: int, n_heads: int) -> Linear:
    """A projection whose heads have moved on by one place, the last to the first."""
    return rows_of(part, np.roll(np.arange(len(part.bias)), step * len(part.bias) // n_heads))


def identity(part: Linear) -> Linear:
    return Linear(np.eye(len(part.matrix)), np.zeros(len(part.matrix)))


def twice(part: Linear) -> Linear:
    return Linear(part.matrix @ part.matrix, part(part.bias))


def shared(right: Projections, parts: Mapping[str, Linear], answer: SimpleNamespace) -> str | None:
    """Two names for one and the same parameter; matrices that only begin alike are two."""
    names, first = answer.text.strings("names"), answer.text.strings("one_and_the_same")
    places = dict(zip(names, first, strict=False))
    for one, other in (("q", "k"), ("k", "v"), ("q", "v")):
        stems = {
            stem
            for role in (one, other)
            for stem, part in parts.items()
            if part is getattr(right, role)
        }
        where = [place_of(stem, places) for stem in stems]
        if len(stems) == 2 and where[0] and where[0] == where[1]:
            return f"{one.upper()} and {other.upper()} share their weights"
    return None


def place_of(stem: str, places: Mapping[str, str]) -> str | None:
    return places.get(f"{stem}.weight", places.get(stem))
