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
    """The weight matrices of an answer with their biases, by the name without `.weight`."""
    named = {
        name: np.asarray(arrays[f"parameter_{i}"], dtype=np.float64)
        for i, name in enumerate(answer.text.strings("names"))
        if f"parameter_{i}" in arrays
    }
    found = {}
    for name, matrix in named.items():
        if matrix.ndim == 3 and matrix.shape[-1] == 1:  # a convolution of width one
            matrix = matrix[..., 0]
        if matrix.ndim == 2 and matrix.size and np.isfinite(matrix).all():
            stem = name.removesuffix("weight").rstrip("._")
            bias = named.get(f"{stem}.bias", named.get(f"{stem}_bias", np.zeros(len(matrix))))
            if bias.shape == (len(matrix),) and np.isfinite(bias).all():
                found[stem] = Linear(matrix, bias)
    return found


def candidates(parts: Mapping[str, Linear], n_heads: int, width: int) -> list[Projections]:
    """Every reading of the weights that would be right; none where they are not recognised."""
    if any(width not in part.matrix.shape for part in parts.values()):
        return []
    by_name = list(read_by_name(parts))
    found = by_name or list(read_at_once(parts, n_heads)) or list(read_in_any_order(parts))
    return [right for right in found if right.q.matrix.shape == (width, width)]


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
    q, k, v = (side_by_side(group) for group in grouped.values())
    if all(is_square(part) for part in (q, k, v, *rest)):
        yield Projections(q, k, v, rest[0] if rest else None)


def side_by_side(group: list[Linear]) -> Linear:
    matrices, biases = zip(*group, strict=True)
    return Linear(np.concatenate(matrices), np.concatenate(biases))


def is_square(part: Linear) -> bool:
    return part.matrix.shape[0] == part.matrix.shape[1]


def read_at_once(parts: Mapping[str, Linear], n_heads: int) -> Iterator[Projections]:
    """One matrix for query, key and value: in thirds, or in thirds of every head's share."""
    triple = {s: p for s, p in parts.items() if p.matrix.shape[0] == 3 * p.matrix.shape[1]}
    rest = [p for p in parts.values() if is_square(p)]
    if len(triple) != 1 or len(rest) != len(parts) - 1 or len(rest) > 1:
        return
    [(stem, (matrix, bias))] = triple.items()
    spoken = [order for order in map("".join, permutations("qkv")) if order in stem.lower()]
    rows = np.arange(len(matrix))
    in_thirds = rows.reshape(3, -1)
    by_head = rows.reshape(n_heads, 3, -1).swapaxes(0, 1).reshape(3, -1)
    for thirds in (in_thirds, by_head):
        for order in spoken or map("".join, permutations("qkv")):
            named = dict(zip(order, thirds, strict=True))
            q, k, v = (Linear(matrix[named[role]], bias[named[role]]) for role in "qkv")
            yield Projections(q, k, v, rest[0] if rest else None)


def read_in_any_order(parts: Mapping[str, Linear]) -> Iterator[Projections]:
    """Four square matrices, or three, that no name tells apart."""
    if len(parts) in (3, 4) and all(is_square(part) for part in parts.values()):
        for order in permutations(parts.values()):
            q, k, v, *o = order
            yield Projections(q, k, v, o[0] if o else None)


def misread(right: Projections) -> dict[str, Projections]:
    """The mistakes in who does what, by the sentence that says which."""
    q, k, v, _ = right
    return {
        "K and V are swapped": right._replace(k=v, v=k),
        "Q and K share their weights": right._replace(k=q),
        "K and Q share their weights": right._replace(q=k),
        "K and V share their weights": right._replace(v=k),
        "V and K share their weights": right._replace(k=v),
        "Q and V are swapped": right._replace(q=v, v=q),
        "Q and K are swapped": right._replace(q=k, k=q),
        "the output projection is missing": right._replace(o=None),
    }


def shared(right: Projections) -> str | None:
    """Two of query, key and value that are one and the same matrix."""
    for one, other in (("q", "k"), ("k", "v"), ("q", "v")):
        if np.array_equal(getattr(right, one).matrix, getattr(right, other).matrix):
            return f"{one.upper()} and {other.upper()} share their weights"
    return None
