"""Whose label each row has: the rows of a split are looked up among those of the data set.

Features may be scaled, turned round, left out and reordered, and rows dropped, drawn twice and
reordered: each row is found by the features that are recognised. Where rows cannot be found so,
as after a PCA, nothing is said of their labels.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy.spatial import KDTree

from assay.rubric import ForReview, KnownMistake, explains, follows_from
from rubric_tests import clean_run
from rubric_tests.part1.baseline import judged_accuracies
from rubric_tests.part1.judgement import after_marks_for, split_of
from rubric_tests.part1.pieces import by_skill

NEAR = 1e-5  # of a feature's range: what float32, of seven digits, leaves of a scaled number
FOUND = 0.9  # share of the rows: some may hold numbers that were filled in
BY_LOT = 0.5  # share of rows found, at most, once each feature is mixed by itself
FEW = 10  # rows of a part: of fewer, mixed labels may agree by luck
SLIPS = 0.02  # share of labels: a label or two may be corrected, or match a row that was filled in
RENAMED = 0.98  # share of labels that are the other one: 0 and 1 were swapped


class Column(NamedTuple):
    """A feature of the split that is one of the data set's, in numbers from 0 to 1."""

    values: np.ndarray
    raw: np.ndarray
    apart: float
    """How far its quantiles are from the data set's, on average."""


def unit(column: np.ndarray) -> np.ndarray | None:
    """The numbers of a feature, between 0 and 1; None where it is constant."""
    low, spread = float(column.min()), float(np.ptp(column))
    return None if spread < 1e-12 else (column - low) / spread


def apart(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """How far each value is from the nearest of the known ones, which are sorted."""
    place = np.clip(np.searchsorted(known, values), 1, len(known) - 1)
    gaps: np.ndarray = np.minimum(np.abs(known[place] - values), np.abs(known[place - 1] - values))
    return gaps


def as_raw(values: np.ndarray | None, own: np.ndarray | None) -> Column | None:
    """The feature as it would be, were it this one of the data set; None where it cannot be."""
    if values is None or own is None:
        return None
    known, found = np.sort(own), None
    quantiles = np.quantile(values, np.linspace(0, 1, len(own)))
    for way, its in ((values, quantiles), (1 - values, 1 - quantiles[::-1])):  # turned round
        if np.mean(apart(way, known) < NEAR) < FOUND:
            continue
        by = float(np.abs(its - known).mean())
        if found is None or by < found.apart:
            found = Column(way, own, by)
    return found


def readings(X: np.ndarray, raw: np.ndarray) -> Iterator[list[Column]]:
    """Which feature is which: first in their order, then each by its quantiles."""
    features, known = ([unit(column) for column in rows.T] for rows in (X, raw))
    if len(features) == len(known):
        in_order = [as_raw(*both) for both in zip(features, known, strict=True)]
        yield [column for column in in_order if column]
    if len(features) > 4 * len(known):
        return  # constructed: to compare each with each takes long
    by_quantiles = []
    for values in features:
        some = [column for own in known if (column := as_raw(values, own))]
        by_quantiles += [min(some, key=lambda column: column.apart)] if some else []
    yield by_quantiles


def rows_found(columns: list[Column]) -> list[list[int]]:
    """The rows of the data set that each row may be, by the features recognised."""
    known = np.column_stack([column.raw for column in columns])
    rows = np.column_stack([column.values for column in columns])
    return list(KDTree(known).query_ball_point(rows, NEAR, p=np.inf))


def share_found(found: list[list[int]]) -> float:
    return float(np.mean([bool(rows) for rows in found]))


def rows_of(X: np.ndarray, raw: np.ndarray) -> list[list[int]] | None:
    """The rows of the data set that each row may be; None where that cannot be told.

    That features were told apart rightly shows in this: rows are found, and rows in which every
    feature is mixed by itself are not. Looked up once for the same rows: three tests ask for it.
    """
    texts = (np.ascontiguousarray(rows, dtype=float).tobytes() for rows in (X, raw))
    return _rows_of(*texts, X.shape[1], raw.shape[1])


@lru_cache(maxsize=100)
def _rows_of(X: bytes, raw: bytes, n_features: int, n_raw: int) -> list[list[int]] | None:
    ours, known = np.frombuffer(X).reshape(-1, n_features), np.frombuffer(raw).reshape(-1, n_raw)
    for columns in readings(ours, known):
        if len(columns) < 2:
            continue
        found, rng = rows_found(columns), np.random.default_rng(0)
        mixed = [column._replace(values=rng.permutation(column.values)) for column in columns]
        if share_found(found) >= FOUND and share_found(rows_found(mixed)) <= BY_LOT:
            return found
    return None


def other_labels(split: SimpleNamespace, right: SimpleNamespace) -> dict[str, np.ndarray] | None:
    """For each part, whether each row's label is another than in the data set.

    Only of rows whose label is known. None where rows cannot be looked up. Labels that are swapped
    everywhere are renamed.
    """
    y, labels = np.concatenate([split.y_train, split.y_test]), np.asarray(right.y)
    if not np.array_equal(np.unique(y), np.unique(labels)):
        return None
    found = rows_of(np.vstack([split.X_train, split.X_test]), right.X)
    if found is None:
        return None
    known = np.array([len(set(labels[rows])) == 1 for rows in found])
    expected = np.array([labels[rows[0]] if rows else 0 for rows in found])
    other = y != expected
    if other[known].sum() > known.sum() / 2:
        other = ~other
    n = len(split.y_train)
    return {"training": other[:n][known[:n]], "test": other[n:][known[n:]]}


@explains("split")
def check_labels(split: SimpleNamespace, right: SimpleNamespace) -> None:
    """Every row that is found in the data set has the label that it has there."""
    share = float(np.mean(right.y == right.y[0]))
    by_lot = 2 * share * (1 - share)  # the share of other labels, where they are drawn by lot
    for part, other in (other_labels(split, right) or {}).items():
        if len(other) < FEW or other.mean() <= SLIPS:
            continue
        seen = f"{other.sum()} of {len(other)} rows of the {part} part have another label than in "
        seen += "the data set"
        if other.mean() > RENAMED:
            raise KnownMistake("0 and 1 are swapped in one of the two parts", seen)
        if other.mean() < by_lot / 2:
            raise ForReview(seen)
        raise KnownMistake("labels do not belong to their rows", seen)


@contextmanager
def after_labels(runs: Sequence[Any]) -> Iterator[None]:
    """Set aside what fails inside where a run's labels are not those of their rows: marked once."""
    try:
        yield
    except ForReview:  # it waits for a person all the same
        raise
    except Exception:
        for run in runs:
            if reason := fault_of_labels(run):
                follows_from("split", reason)
        raise


def fault_of_labels(run: Any) -> str | None:
    """Why labels are not those of their rows; None where they are, or where it cannot be told."""
    try:
        split = split_of(run.evidence)
    except Exception:  # none was left, or it has rows without labels
        return None
    try:
        if run.parameterised:
            check_labels(split, run.kept["notebook/split"])
    except AssertionError as wrong:
        return str(wrong).partition("\n")[0]
    except Exception:  # not answered, or for review: nothing is explained by it
        return None
    return None


def nothing_to_learn(run: Any) -> str | None:
    """Why every fit to a run's training labels is as good as another: they are noise.

    None where the judge's own fit is better than luck, or worse. None also where it is not the
    split that is marked for these labels: its test sets them aside for the same causes.
    """
    try:
        split = split_of(run.evidence)
        told = judged_accuracies(run.evidence)
        if any(by_skill(share, split.y_test) for one in told for share in (one, 1 - one)):
            return None
        with (
            clean_run.after_parameters(run, run.evidence, "dataset"),
            after_marks_for(run.evidence, run.given, "inputs"),
        ):
            if run.parameterised:
                check_labels(split, run.kept["notebook/split"])
    except KnownMistake as mistake:
        return str(mistake).partition("\n")[0]
    except (Exception, pytest.skip.Exception):  # not answered, for review, or set aside
        return None
    return None
