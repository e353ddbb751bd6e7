"""Eight bare notebooks, written as students write: right work under names of its own.

None of them has parameters, so each is run once, as it stands; that costs the share of the clean
run that docs/contract.md names, with an adapter too. What a notebook does that the rubric counts
as a mistake anywhere, another function than a sigmoid in the hidden layer, it counts here too.
"""

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from assay.course.assignment import Assignment
from assay.evidence.store import Store
from assay.records import Outcome, Result, Verdict
from assay.submission import preflight, sections, submission
from assay.submission.submission import Submission
from tests.mistakes.grading import explain, graded, one_part

BARE = Path(__file__).parent / "short" / "bare"
PART1 = ("coursera_dict", "layer_list", "deutsch_softmax", "colab_one_cell")
PART2 = ("deutsch_encoder", "annotated", "seq_first", "min_gpt")
ORDINARY = {"deutsch_softmax"}
ONCE = "test_clean_run.test_parameters_are_honoured"
FORWARD = "test_forward.test_probabilities_follow_from_the_weights"
KNOWN = {  # what these lose beside the parameters, and why
    "deutsch_softmax": {FORWARD: "the hidden sigmoid is a tanh"},
    "colab_one_cell": {FORWARD: "the hidden sigmoid is a ReLU"},
}
NAMES = [
    pytest.param(name, marks=[] if name in ORDINARY else pytest.mark.thorough)
    for name in (*PART1, *PART2)
]
LOST = {Verdict.FAILED, Verdict.NOT_ANSWERED, Verdict.NOT_JUDGED}


def one_run(name: str) -> Assignment:
    """The part that a notebook answers, for one run of it."""
    if name in PART1:
        return one_part("part1", [0], {"dataset": ["penguins"]})
    return one_part("part2", [0], {"task": ["reverse-5"]})


def without_adapter(name: str) -> Submission:
    handed_in = submission.read(BARE / name)
    files = {file: text for file, text in handed_in.files.items() if file != "adapter.py"}
    return replace(handed_in, files=files)


def missed(result: Result) -> dict[str, str]:
    """The properties that lost marks, each with its reason."""
    each = (p for criterion in result.criteria for p in criterion.properties)
    return {p.name: p.reason for p in each if p.verdict in LOST}


@pytest.mark.parametrize("name", NAMES)
def test_with_its_adapter_a_right_notebook_loses_nothing(name: str, tmp_path: Path):
    """But for the share that parameters have, and what is a mistake wherever it stands."""
    result = graded(one_run(name), submission.read(BARE / name), Store(tmp_path / "s"), tmp_path)
    found, known = missed(result), KNOWN.get(name, {})

    assert found.keys() == {ONCE, *known}, explain(result)
    assert all(words in found[property_] for property_, words in known.items())
    assert result.judged_points > 40  # parity is asked in part alone where there are no parameters
    assert result.earned > 0.95 * result.judged_points


@pytest.mark.parametrize("name", NAMES)
def test_without_an_adapter_nobody_is_accused(name: str, tmp_path: Path):
    """What is not found is not answered: no run breaks off, and nothing is called wrong."""
    result = graded(one_run(name), without_adapter(name), Store(tmp_path / "s"), tmp_path)
    each = [p for criterion in result.criteria for p in criterion.properties]
    failed = {p.name for p in each if p.verdict is Verdict.FAILED}

    assert failed == {ONCE}, explain(result)
    assert all(p.verdict is not Verdict.NOT_JUDGED for p in each), explain(result)
    assert all(run.outcome is Outcome.COMPLETED for run in result.runs)


PROPOSED = {
    "coursera_dict": {
        "X_train": "train_x", "X_test": "test_x", "y_train": "train_y", "y_test": "test_y",
        "logistic_accuracy": "baseline_acc", "network_accuracy": "nn_acc",
    },
    "colab_one_cell": {
        "X_train": "X_tr", "X_test": "X_te", "y_train": "y_tr", "y_test": "y_te",
        "logistic_accuracy": "lr_acc", "network_accuracy": "nn_acc",
    },
    "layer_list": {
        "X_train": "x_tr", "X_test": "x_te", "y_train": "y_tr", "y_test": "y_te",
        "logistic_accuracy": "acc_logreg", "network_accuracy": "acc_net",
    },
    "deutsch_softmax": {
        "X_train": "X_training", "y_train": "y_training", "X_test": "X_pruefung",
        "logistic_accuracy": "genauigkeit_logreg", "network_accuracy": "genauigkeit_netz",
    },
    "deutsch_encoder": {
        "attention": "aufmerksamkeit", "MultiHeadAttention": "MehrkopfAufmerksamkeit",
        "TokenEmbedding": "Einbettung", "PositionalEncoding": "Positionen",
        "FeedForward": "Vorwaertsnetz", "EncoderLayer": "Block", "model": "netz",
        "reversal_accuracy": "genauigkeit", "train_inputs": "trainingsdaten",
        "train_targets": "trainingsziele", "test_inputs": "testdaten", "test_targets": "testziele",
    },
    "annotated": {
        "attention": "scaled_attention", "MultiHeadAttention": "MultiHeadedAttention",
        "FeedForward": "PositionwiseFeedForward", "generate": "greedy_decode", "model": "trained",
        "reversal_accuracy": "exact", "train_inputs": "train_src", "test_targets": "val_tgt",
    },
    "seq_first": {
        "TokenEmbedding": "Embedding", "PositionalEncoding": "LearnedPositions",
        "MultiHeadAttention": "MultiHeadSelfAttention", "FeedForward": "MLP",
        "EncoderLayer": "TransformerBlock", "generate": "predict", "model": "net",
        "reversal_accuracy": "test_accuracy", "train": "train_model",
    },
    "min_gpt": {
        "generate": "generate_output", "model": "gpt", "reversal_accuracy": "val_acc",
        "train_inputs": "train_x", "train_targets": "train_y", "test_inputs": "val_x",
        "test_targets": "val_y", "train": "train_model",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", PROPOSED)
def test_the_template_proposes_the_right_names(name: str):
    """Those that a person would bind, as they stand in the notebook."""
    lines = preflight.adapter(sections.sections(one_run(name), without_adapter(name))).splitlines()
    bound = [line.removeprefix("# Not tried: ") for line in lines if "Not tried" in line]
    found = dict(line.split(" = ") for line in bound if " = " in line)

    assert PROPOSED[name].items() <= found.items()


def test_what_takes_other_arguments_is_to_be_wrapped():
    """A name that is near, and cannot be called so, is named without a line that binds it."""
    template = preflight.adapter(sections.sections(one_run("min_gpt"), without_adapter("min_gpt")))

    assert "`MLP` is near, and takes other arguments: call it in `FeedForward`" in template
    assert "FeedForward = MLP" not in template
    assert ast.parse(template).body == []
