"""A clean run: from the top, with the parameters it was given."""

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


@pytest.mark.hint("set `seed` and `task` in the cell tagged `parameters` and nowhere else")
def test_parameters_are_honoured(run, evidence):
    """`seed` and `task` are at the end what they were set to."""
    if not run.parameterised:
        raise Wrong("not parameterised: run once, as it stands")
    answer = evidence["notebook/parameters"]
    found = {"seed": int(answer.seed), "task": answer.text.get("task")}

    for name, value in found.items():
        expected = run.parameters[name]
        assert value == expected, f"`{name}` is {value!r} at the end, it was set to {expected!r}"


@pytest.mark.hint("follow `seed` from the parameters to the first weights and to the split")
def test_another_seed_gives_another_model(runs):
    """Another seed gives another trained model."""
    by_task: dict[str, dict[int, bytes]] = {}
    for run in runs:
        if (left := left_by(run)) is not None:
            by_task.setdefault(str(run.parameters["task"]), {})[int(run.parameters["seed"])] = left

    for task, models in by_task.items():
        if len(models) > 1 and len(set(models.values())) == 1:
            raise Wrong(f"{task}: {len(models)} seeds leave the same model")


def left_by(run) -> bytes | None:
    """The trained weights of a run, summed up; None where it left no model."""
    try:
        return run.evidence["notebook/trace"].weights.tobytes()
    except Exception:  # not answered, or of the wrong form: judged elsewhere
        return None
