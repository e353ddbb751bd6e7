"""The seed is honoured where another one gives another run, and noise on the same run is none."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from assay.rubric import KnownMistake
from rubric_tests.part1 import test_clean_run, test_split
from rubric_tests.part2 import test_clean_run as test_clean_run2
from tests.mistakes import shared
from tests.toys.toy import arrays, npz

Array = np.ndarray[Any, Any]
Change = Callable[[Array, Array], tuple[Array, Array]]


def answer(part: str, question: str) -> dict[str, Array]:
    return arrays(shared.right(part).files[f"evidence/{question}.npz"])


def run_of(part: str, seed: int, **changed: dict[str, Array]) -> shared.Run:
    """A run of the reference under this seed, some of its answers exchanged."""
    files = dict(shared.right(part).files)
    changed = changed | {"notebook/parameters": {"seed": np.array(seed)}}
    for question, new in changed.items():
        files[f"evidence/{question}.npz"] = npz(**(answer(part, question) | new))
    run = shared.laid(part, shared.right(part).answering(files))
    return shared.Run(**vars(run) | {"parameters": run.parameters | {"seed": seed}})


def noisy(X_train: Array, X_test: Array) -> tuple[Array, Array]:
    return X_train * 1.00001, X_test * 1.00001


def noise_of_its_own(X_train: Array, X_test: Array) -> tuple[Array, Array]:
    rng = np.random.default_rng(1)
    train, test = (1e-4 * rng.normal(size=X.shape) for X in (X_train, X_test))
    return X_train + train, X_test + test


def shuffled(X_train: Array, X_test: Array) -> tuple[Array, Array]:
    return X_train[::-1] * 1.00001, X_test[::-1] * 1.00001


def other_rows(X_train: Array, X_test: Array) -> tuple[Array, Array]:
    whole = np.random.default_rng(1).permutation(np.vstack([X_train, X_test]))
    return whole[: len(X_train)], whole[len(X_train) :]


def two_seeds(change: Change) -> list[shared.Run]:
    """The second run's split is the first one's, changed; its network's loss is another."""
    split, loss = answer("part1", "notebook/split"), answer("part1", "notebook/networks")["loss"]
    train, test = change(split["X_train"], split["X_test"])
    changed = {
        "notebook/split": {"X_train": train, "X_test": test},
        "notebook/networks": {"loss": loss * 1.00001},
    }
    return [run_of("part1", 0), run_of("part1", 1, **changed)]


@pytest.mark.parametrize("change", [noisy, noise_of_its_own, shuffled])
def test_noise_on_the_same_split_is_no_other_seed(change: Change):
    """Neither another split nor another run, whatever the order and the scale of its rows."""
    runs = two_seeds(change)

    with pytest.raises(KnownMistake, match="the split is the same for every seed"):
        test_split.test_another_seed_splits_otherwise(runs)
    with pytest.raises(KnownMistake, match="the seed is ignored"):
        test_clean_run.test_another_seed_gives_another_run(runs)


def test_other_rows_are_another_seed():
    """Drawn from the same data set."""
    runs = two_seeds(other_rows)

    test_split.test_another_seed_splits_otherwise(runs)
    test_clean_run.test_another_seed_gives_another_run(runs)


def test_the_same_split_and_another_network_are_another_run():
    """The split that is the same to the last bit is marked as that, and the run is another."""
    runs = two_seeds(lambda X_train, X_test: (X_train, X_test))

    test_clean_run.test_another_seed_gives_another_run(runs)


def test_without_a_network_that_is_left_the_split_alone_is_told():
    """Of a network written as functions nothing is there to compare: no run is called the same."""
    left = answer("part1", "notebook/networks")
    none = {n: np.zeros((0,) * part.ndim, dtype=part.dtype) for n, part in left.items()}
    runs = [run_of("part1", seed, **{"notebook/networks": none}) for seed in (0, 1)]

    with pytest.raises(KnownMistake, match="the split is the same for every seed"):
        test_split.test_another_seed_splits_otherwise(runs)
    test_clean_run.test_another_seed_gives_another_run(runs)


@pytest.mark.parametrize(("noise", "is_ignored"), [(1e-5, True), (0.5, False)])
def test_noise_on_the_same_weights_is_no_other_seed(noise: float, is_ignored: bool):
    """What another seed trains differs by about as much as the weights are large."""
    weights = answer("part2", "notebook/trace")["weights"]
    drawn = weights + noise * weights.std() * np.random.default_rng(1).normal(size=weights.shape)
    runs = [run_of("part2", 0), run_of("part2", 1, **{"notebook/trace": {"weights": drawn}})]

    if is_ignored:
        with pytest.raises(KnownMistake, match="the seed is ignored"):
            test_clean_run2.test_another_seed_gives_another_model(runs)
    else:
        test_clean_run2.test_another_seed_gives_another_model(runs)
