"""A clean run: from the top, with the parameters it was given."""

import numpy as np
import pytest

from rubric_tests.checks import Wrong

pytestmark = pytest.mark.criterion("clean-run")


@pytest.mark.hint("restart the kernel and run all cells")
def test_no_cell_fails(run):
    """Every cell runs, from the top, without an error."""
    failed = [cell for cell in run.cells if cell.error]

    if failed:
        raise Wrong(f"code cell {failed[0].number} raised {failed[0].error}")


@pytest.mark.hint("restart the kernel, run all cells, and watch time and memory")
def test_the_notebook_comes_to_its_end(run):
    """The run reaches the last cell within its limits."""
    outcome = str(getattr(run.outcome, "value", run.outcome)).replace("_", " ")

    assert outcome in ("completed", "cell failed"), f"the run ended as: {outcome}"


@pytest.mark.hint("set `seed` and `dataset` in the cell tagged `parameters` and nowhere else")
def test_parameters_are_honoured(run, evidence):
    """`seed` and `dataset` are at the end what they were set to."""
    if not run.parameterised:
        raise Wrong("not parameterised: run once, as it stands")
    answer = evidence["notebook/parameters"]
    found = {"seed": int(answer.seed), "dataset": answer.text.get("dataset")}

    for name, value in found.items():
        expected = run.parameters[name]
        assert value == expected, f"`{name}` is {value!r} at the end, it was set to {expected!r}"


@pytest.mark.hint("follow `seed` from the parameters to the split and to the network")
def test_another_seed_gives_another_run(runs):
    """Another seed gives another split or another network."""
    by_data_set: dict[str, list[tuple[int, bytes]]] = {}
    for run in runs:
        if (trace := left_by(run)) is not None:
            entry = (int(run.parameters["seed"]), trace)
            by_data_set.setdefault(str(run.parameters["dataset"]), []).append(entry)

    for name, entries in by_data_set.items():
        seeds, traces = {seed for seed, _ in entries}, {trace for _, trace in entries}
        if len(seeds) > 1 and len(traces) == 1:
            raise Wrong(f"{name}: {len(seeds)} seeds leave the same split and the same network")


def left_by(run) -> bytes | None:
    """The split and the networks a run left, as bytes; None where it left no split."""
    try:
        split, networks = run.evidence["notebook/split"], run.evidence["notebook/networks"]
    except Exception:  # not answered, or of the wrong form: judged elsewhere
        return None
    return b"".join(np.ascontiguousarray(x).tobytes() for x in (split.X_train, networks.loss))
