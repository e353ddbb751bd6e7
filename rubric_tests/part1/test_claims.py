"""Claims: the accuracies reported are the accuracies measured."""

import numpy as np
import pytest

from assay.rubric import ForReview, KnownMistake, Wrong, answered, follows_from
from rubric_tests.part1.baseline import allowed, gap
from rubric_tests.part1.choices import chosen_on_test
from rubric_tests.part1.judgement import after_marks_for, check_left, models_of, split_of
from rubric_tests.reference import accuracy

pytestmark = pytest.mark.criterion("claims")

ROUNDING = 0.00501  # a claim may be rounded to two digits


@pytest.mark.hint("an accuracy is a share between 0 and 1")
def test_an_accuracy_is_reported(evidence, given):
    """`network_accuracy` is reported, as a share between 0 and 1."""
    with after_marks_for(evidence, given, "gradients"):
        claim = float(evidence["claims/network"].accuracy)

        if 1 < claim <= 100:
            raise KnownMistake("`network_accuracy` is in percent, not a share", f"{claim:g}")
        assert 0 <= claim <= 1, f"`network_accuracy` is {claim:g}, expected a share from 0 to 1"


@pytest.mark.hint("on which rows is the accuracy measured, and with which model?")
def test_network_accuracy_is_what_is_measured(evidence, given, measure):
    """`network_accuracy` is the accuracy of the notebook's network on the test part."""
    with after_marks_for(evidence, given, "inputs", "split"):
        claim = float(evidence["claims/network"].accuracy)
        measure("network accuracy, as claimed", claim)
        check_claim(evidence, "network", claim, models_of(evidence, "networks"))


@pytest.mark.hint("on which rows is the accuracy measured, and with which model?")
def test_logistic_accuracy_is_what_is_measured(evidence, given):
    """`logistic_accuracy` is the accuracy of the notebook's baseline on the test part."""
    with after_marks_for(evidence, given, "inputs", "split"):
        try:
            claim = float(evidence["claims/logistic"].accuracy)
        except Exception as error:
            if getattr(error, "absent", "") == "logistic_accuracy":
                pytest.skip("not asked: nothing is claimed, which is marked with the baseline")
            raise
        check_claim(evidence, "logistic", claim, models_of(evidence, "baselines"))


def check_claim(evidence, name: str, claim: float, models) -> None:
    """One of the models that the notebook left has to account for the claim."""
    split = split_of(evidence)
    check_left(models, "network" if name == "network" else "logistic regression")
    measured = [accuracy(labels, split.y_test) for labels in models.labels]
    accounts = [k for k, value in enumerate(measured) if abs(claim - value) <= ROUNDING]
    if any(learnt_from_training_rows(name, models, k) for k in accounts):
        return
    if accounts:
        if name == "logistic" and gap(evidence) < -allowed(evidence):
            follows_from("baseline", "the baseline is held back")
        raise Wrong(f"`{name}_accuracy` is that of a model that was not fitted on `X_train`")
    on_training = [accuracy(labels, split.y_train) for labels in models.labels_train]
    if min(abs(claim - value) for value in on_training) <= 1e-9:
        raise KnownMistake(
            "that is the accuracy on the training part", f"`{name}_accuracy` is {claim:.3f}"
        )
    for mistake, value in other_readings(evidence, name, models, measured):
        if abs(claim - value) <= 1e-6:
            raise KnownMistake(mistake, f"`{name}_accuracy` is {claim:.3f}, not {measured[0]:.3f}")
    raise Wrong(f"`{name}_accuracy` is {claim:.3f}, the model measures {measured[0]:.3f}")


def learnt_from_training_rows(name: str, models, k: int) -> bool:
    """Whether a model comes out the same where it is fitted on the training part once more."""
    if name == "logistic":  # it has one solution, if not found by steps in an order drawn anew
        apart = np.abs(models.probabilities[k] - models.refit_probabilities[k]).max()
        return bool(apart <= 0.01 or models.spread[k] > 0.01)
    again = np.isclose(models.loss[k], models.refit_loss[k], rtol=1e-6)
    return bool(again) or not models.repeatable[k]


def other_readings(evidence, name: str, models, measured: list[float]):
    """What else a number like that may be, with the sentence that says so."""
    split = split_of(evidence)
    n_train, n_test = len(split.y_train), len(split.y_test)
    for k, value in enumerate(measured):
        confidence = np.maximum(models.probabilities[k], 1 - models.probabilities[k])
        yield "that is the mean confidence, not the accuracy", float(np.mean(confidence))
        yield "that is the share of rows that are wrong", 1 - value
        yield "that is in percent, not a share", 100 * value
        on_training = accuracy(models.labels_train[k], split.y_train)
        whole = (on_training * n_train + value * n_test) / (n_train + n_test)
        yield "that is the accuracy on training and test part together", whole
    other = "baselines" if name == "network" else "networks"
    try:
        labels = models_of(evidence, other).labels
    except Exception:  # not answered: nothing to compare with
        return
    for row in labels:
        yield (
            f"that is the accuracy of the other model, one of the {other}",
            accuracy(row, split.y_test),
        )


@pytest.mark.hint("compare your network with what its `fit` makes of the training part")
def test_the_network_reported_is_what_fit_makes(evidence, given):
    """Fitted once more on the training part, the network that was reported comes out the same."""
    with after_marks_for(evidence, given, "inputs", "split"):
        models = models_of(evidence, "networks")
        check_left(models, "network")
        apart = np.abs(1.0 * models.probabilities - models.refit_probabilities)  # integers too

        if apart.max(axis=-1, initial=0.0).min(initial=np.inf) <= 1e-3:
            return
        if not models.repeatable.all():
            raise ForReview(
                "two fits of one network end with different weights: whether those reported were "
                "chosen in some other way cannot be told"
            )
        raise Wrong("`fit` ends with other weights: those reported were chosen in some other way")


@pytest.mark.hint("the test part is looked at once, at the end: what may be chosen on it?")
def test_nothing_is_chosen_on_the_test_part(submission, runs):
    """Neither the network nor its number of iterations is chosen by the test part."""
    found = chosen_on_test(submission)
    if found is None and not any(answered(run.evidence, "claims/network") for run in runs):
        pytest.skip("not asked: no accuracy of a network is reported, which is marked above")

    if found:
        line, certain = found
        raise (
            Wrong(f"the test part decides in `{line}`")
            if certain
            else ForReview(f"does the test part decide in `{line}`?")
        )
