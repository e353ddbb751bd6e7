"""Two runs are equal where every bit of every array is."""

import numpy as np
import pytest

from assay.audit import Audit, audit
from assay.records import Outcome, Run, RunRecord
from assay.store import Store
from tests.assay.toy import npz

RECORD = RunRecord(
    run=Run(part="sums", parameters={"seed": 1, "dataset": "a"}),
    key="ab" * 32,
    outcome=Outcome.COMPLETED,
    reason="",
    seconds=1.0,
    cells=[],
    numerics={},
)
X = np.array([1.0, -0.0, np.nan, 4.0])


def files(**values: object) -> dict[str, bytes]:
    return {"evidence/add/plain.npz": npz(**values), "evidence/add/plain.json": b"{}"}


def audited(tmp_path, one: dict[str, bytes], other: dict[str, bytes]) -> Audit:
    first, second = Store(tmp_path / "1"), Store(tmp_path / "2")
    first.put(RECORD, one)
    second.put(RECORD, other)
    return audit([RECORD], first, second)


def test_equal_bits_are_equal(tmp_path):
    """NaN is the same NaN; how the archive was packed does not count."""
    found = audited(tmp_path, files(x=X, y=1), files(y=1, x=X))

    assert found == Audit(runs=1, arrays=2, differing=[])


@pytest.mark.parametrize(
    "other",
    [
        np.array([np.nextafter(1, 2), -0.0, np.nan, 4.0]),
        -X,
        X.astype(np.float32),
        X.reshape(2, 2),
        X[:3],
    ],
    ids=["last bit", "sign of zero", "dtype", "shape", "length"],
)
def test_one_changed_bit_is_found(tmp_path, other: np.ndarray):
    """And named: run, question, array."""
    found = audited(tmp_path, files(x=X, y=1), files(x=other, y=1))

    assert found.differing == ["sums/a/seed-1: add/plain/x"]
    assert found.arrays == 2


def test_an_array_that_only_one_run_has_differs(tmp_path):
    """Whichever of the two it is missing from."""
    found = audited(tmp_path, files(x=X, y=1), files(x=X, z=1))

    assert found.differing == ["sums/a/seed-1: add/plain/y", "sums/a/seed-1: add/plain/z"]
    assert found.arrays == 3


def test_a_refused_archive_differs_from_a_good_one(tmp_path):
    """Bytes that are no evidence are compared as bytes, never loaded."""
    found = audited(tmp_path, files(x=X), {"evidence/add/plain.npz": b"junk"})

    assert "sums/a/seed-1: add/plain/x" in found.differing
    assert "sums/a/seed-1: evidence/add/plain.npz" in found.differing


def test_two_refused_archives_are_equal_where_their_bytes_are(tmp_path):
    """A submission that forges the same file twice is reproducible at least."""
    same = audited(tmp_path / "same", {"evidence/q.npz": b"junk"}, {"evidence/q.npz": b"junk"})
    other = audited(tmp_path / "other", {"evidence/q.npz": b"junk"}, {"evidence/q.npz": b"junk2"})

    assert (len(same.differing), len(other.differing)) == (0, 1)


def test_only_evidence_is_compared(tmp_path):
    """What the judge drew is the same by construction; times differ and mean nothing."""
    found = audited(
        tmp_path, files(x=X) | {"given/q.npz": npz(a=1)}, files(x=X) | {"given/q.npz": npz(a=2)}
    )

    assert found == Audit(runs=1, arrays=1, differing=[])
