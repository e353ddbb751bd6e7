"""Reproducibility is audited, not assumed: two runs of one job, compared bit by bit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from assay.evidence import Refused, read_arrays
from assay.records import Outcome, RunRecord
from assay.store import Store


@dataclass(frozen=True)
class Audit:
    """How many arrays were compared in how many runs, and the names of those that differ.

    `unmade` are the runs that the machine could not make a second time.
    """

    runs: int
    arrays: int
    differing: list[str]
    unmade: list[str] = field(default_factory=list)


def audit(records: Sequence[RunRecord], first: Store, second: Store) -> Audit:
    """Compare what two stores keep of the same runs; an array that only one has differs."""
    arrays, differing = 0, []
    made = [r for r in records if r.outcome is not Outcome.INFRASTRUCTURE]
    for record in made:
        one = _arrays(first.files(record.key))
        other = _arrays(second.files(record.key))
        arrays += len(one.keys() | other.keys())
        unlike = sorted(n for n in one.keys() | other.keys() if one.get(n) != other.get(n))
        differing += [f"{record.run.id}: {name}" for name in unlike]
    unmade = [record.run.id for record in records if record not in made]
    return Audit(len(made), arrays, differing, unmade)


def _arrays(files: Mapping[str, bytes]) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    """Every recorded array as dtype, shape and bytes: equal exactly where every bit is."""
    found: dict[str, tuple[str, tuple[int, ...], bytes]] = {}
    for file, content in files.items():
        if file.startswith("evidence/") and file.endswith(".npz"):
            try:
                arrays = read_arrays(content)
            except Refused as error:
                found[file] = (f"refused: {error}", (), content)
                continue
            question = file.removeprefix("evidence/").removesuffix(".npz")
            for name, array in arrays.items():
                found[f"{question}/{name}"] = (array.dtype.str, array.shape, array.tobytes())
    return found
