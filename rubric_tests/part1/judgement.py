"""What several tests of Part 1 ask about: the weights, the loss, and which mistake came first."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import optimize

from assay.rubric import (
    ForReview,
    KnownMistake,
    Wrong,
    answered,
    assert_close,
    assert_gradient,
    assert_unchanged,
    causes,
    same_numbers,
)
from rubric_tests import reference
from rubric_tests.part1.given import ENDS, OF_BASELINES, OF_NETWORKS
from rubric_tests.part1.sources import ready_made
from rubric_tests.reference import PLAIN, Form, Weights

Sheets = Mapping[str, SimpleNamespace]
PAID = {"loss_and_gradients": "gradients/square", "loss_curve_": "training/curve"}
"""Where a name that is missing costs points: more than all that cannot be asked without it."""
LOSS_ATOL = 1e-5  # leaves room for a small number added inside the logarithm
MODELS = {"networks": OF_NETWORKS, "baselines": OF_BASELINES}
SPLIT = ("X_train", "X_test", "y_train", "y_test")
ON_TEST = ("labels", "probabilities", "refit_probabilities")
GRADIENTS = (
    *(f"gradients/{which}" for which in ("square", "narrower", "wider", "real", "confident")),
    *("source/lines/3", "source/lines/24", "source/wide"),
)
"""The questions whose gradients are marked, or held against those: watched while they are put."""
GRADIENT_RTOL = 1e-6  # of the largest entry
Momentum = Callable[[int], float] | float
SLACK = 0.05  # of a loss: a penalty on the weights, or another first step
FURTHER = 100  # steps of the judge's own, to see what is left to gain


def weights(sheet: SimpleNamespace, pattern: str = "{}") -> Weights:
    """The four arrays of a sheet; `pattern` says how they are named, as in `{}_start`."""
    return Weights(*(getattr(sheet, pattern.format(part)) for part in Weights._fields))


def columns_of(X: np.ndarray) -> np.ndarray:
    """The values of each feature by themselves: neither the order nor the scale of rows counts."""
    spread = X.std(axis=0)
    return np.sort((X - X.mean(axis=0)) / np.where(spread > 0, spread, 1), axis=0)


def split_of(evidence: Sheets) -> SimpleNamespace:
    """The notebook's split, where rows and labels, and the features of both parts, belong together.

    Raises Wrong where they do not: no test has to look whether they fit.
    """
    split = evidence["notebook/split"]
    for part in ("train", "test"):
        X, y = getattr(split, f"X_{part}"), getattr(split, f"y_{part}")
        if len(X) != len(y):
            raise Wrong(f"`X_{part}` has {len(X)} rows, `y_{part}` has {len(y)} labels")
    if split.X_train.shape[1] != split.X_test.shape[1]:
        found = f"{split.X_train.shape[1]} and {split.X_test.shape[1]}"
        raise Wrong(f"`X_train` and `X_test` have {found} features")
    return split


def models_of(evidence: Sheets, kind: str) -> SimpleNamespace:
    """The models that the notebook left, each with an answer to every row of the split.

    Raises Wrong where they are not as many as they are said to be, ForReview where there is no
    split to ask them about: what of it is missing is marked where it is asked for.
    """
    try:
        models = evidence[f"notebook/{kind}"]
    except Exception as error:
        if getattr(error, "absent", "") in SPLIT:
            raise ForReview(
                f"{error}: without it no model of the notebook's can be asked"
            ) from None
        raise
    n, alone = int(models.found), MODELS[kind]
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys(alone, (n,))
    if n:
        split = split_of(evidence)
        shapes |= dict.fromkeys(ON_TEST, (n, len(split.y_test)))
        shapes["labels_train"] = (n, len(split.y_train))
    else:
        shapes |= dict.fromkeys((*ON_TEST, "labels_train"), (0, 0))
    for name, shape in shapes.items():
        if getattr(models, name).shape != shape:
            found = getattr(models, name).shape
            raise Wrong(f"`{name}` of {n} models has shape {found}, expected {shape}")
    return models


def lacks(evidence: Sheets, name: str) -> bool:
    """Whether the network has nothing of this name, which its own criterion is marked for."""
    try:
        evidence[PAID[name]]
    except Exception as error:
        return getattr(error, "lacks", "") == name
    return False


@contextmanager
def where_there(evidence: Sheets, name: str) -> Iterator[None]:
    """Leave out what cannot be asked for want of a name that another criterion loses for."""
    try:
        yield
    except Exception as error:
        if getattr(error, "lacks", "") == name and lacks(evidence, name):
            pytest.skip(f"not asked: there is no `{name}`, which is marked where it is asked for")
        raise


def check_left(models: SimpleNamespace, called: str) -> None:
    """Raise ForReview where the notebook left no such model to compare its numbers with."""
    if not models.found:
        raise ForReview(f"the notebook leaves no fitted {called} under a name")


def fitting(now: Weights, X: np.ndarray) -> Weights:
    """The weights, where they are those of one hidden layer for these features."""
    d, h = now.W1.shape
    if d != X.shape[1] or now.W2.shape != (h, 1) or now.b1.shape != (h,) or now.b2.shape != (1,):
        shapes = ", ".join(str(part.shape) for part in now)
        raise Wrong(f"weights of the shapes {shapes} do not take {X.shape[1]} features")
    return now


def recognised(evidence: Sheets, given: Sheets) -> Form:
    """What the network computes, by its loss and else by its probabilities; once, for all tests.

    A network with another hidden layer or another loss than was asked for is reported in one
    place. Everywhere else it is compared with what it is: with what it answers, where its loss is
    that of a network which is neither the one it answers with nor the one that was asked for.
    """
    loss = by_loss(evidence, given)
    if loss is None or structure(loss) == structure(PLAIN):
        return loss or by_probabilities(evidence, given) or PLAIN
    answering = by_probabilities(evidence, given) or by_labels(evidence, given) or loss
    return answering._replace(loss=loss.loss)


def structure(form: Form) -> tuple[str, tuple[bool, bool]]:
    """What of a form its answers tell: the hidden layer, and which biases are added."""
    return form.hidden, form.biases


def by_loss(evidence: Sheets, given: Sheets) -> Form | None:
    """The form whose loss the network has, for weights set by hand; None where none fits."""
    try:
        sheet, loss = given["gradients/square"], float(evidence["gradients/square"].loss)
    except Exception:  # not answered: marked where it was asked
        return None
    for form in reference.FORMS:
        if abs(loss - reference.loss_of(sheet.X, sheet.y, weights(sheet), form)) <= LOSS_ATOL:
            return form
    return None


def by_probabilities(evidence: Sheets, given: Sheets) -> Form | None:
    """The form whose probabilities the network gives; its loss is taken for the cross-entropy."""
    try:
        sheet, found = given["forward/weights"], evidence["forward/weights"].last
    except Exception:  # not answered: marked where it was asked
        return None
    for form in reference.FORMS:
        if same_numbers(found, reference.probabilities(sheet.X, weights(sheet), form), atol=1e-5):
            return form
    return None


def by_labels(evidence: Sheets, given: Sheets) -> Form | None:
    """What was asked for, where the network labels each row so and no other form that it may be."""
    try:
        sheet, found = given["forward/weights"], evidence["forward/labels"].labels
        known = {
            form: bool(np.array_equal(found > 0.5, reference.forward(sheet.X, its, form)[1] > 0))
            for form in (PLAIN, by_loss(evidence, given) or PLAIN)
            for its in [weights(sheet)]
        }
    except Exception:  # not answered: marked where it was asked
        return None
    return PLAIN if [form for form, alike in known.items() if alike] == [PLAIN] else None


@causes.explains("gradients")
def check_gradient(evidence: Sheets, given: Sheets, question: str, parts: tuple[str, ...]) -> None:
    """Some of the four gradients against the judge's, with the known mistakes named."""
    sheet, form = given[question], recognised(evidence, given)
    answer, now = evidence[question], weights(given[question])
    right = reference.gradients(sheet.X, sheet.y, now, form)
    adds = dict(zip(("b1", "b2"), form.biases, strict=True))
    for part in parts:
        if not adds.get(part, True):
            continue  # a bias that is not added has no slope
        found, expected = getattr(answer, f"d{part}"), getattr(right, part)
        if not found.any() and expected.any():
            raise Wrong(f"`d{part}` is zero")
        atol = GRADIENT_RTOL * float(np.abs(expected).max()) + 1e-12
        if found.shape == expected.shape[::-1] and same_numbers(found.T, expected, atol=atol):
            shapes = f"its shape is {found.shape}, expected {expected.shape}"
            if found.shape != expected.shape:
                raise KnownMistake(f"`d{part}` is transposed", shapes)
        if found.shape == expected.shape and not np.allclose(found, expected, atol=atol, rtol=0):
            mistakes = reference.known_mistakes(sheet.X, sheet.y, now, form)
            named = {sentence: getattr(g, part) for sentence, g in mistakes.items()}
            named |= reference.by_relation(found, expected, getattr(now, part))
            for sentence, its in named.items():
                if same_numbers(found, its, atol=atol):
                    raise KnownMistake(f"`d{part}`: {sentence}")
            raise Wrong(f"`d{part}` {in_words(found, expected, atol)}{also_right(answer, right)}")
        assert_close(found, expected, atol=atol, what=f"`d{part}`")


@contextmanager
def of_any_width(evidence: Sheets, given: Sheets) -> Iterator[None]:
    """Leave out what code made for as many hidden units as features does not take.

    The assignment asks for no other network. So where it raises with another width and is right
    with that one, nothing is wrong.
    """
    try:
        yield
    except Exception as error:
        named = getattr(error, "absent", "") or getattr(error, "lacks", "")
        if isinstance(error, AssertionError) or named:
            raise
        try:
            check_gradient(evidence, given, "gradients/square", Weights._fields)
        except Exception:
            raise error from None
        pytest.skip("not asked: the network takes as many hidden units as features, and no others")


def in_words(found: np.ndarray, expected: np.ndarray, atol: float) -> str:
    """How a gradient differs from the slope of the loss: in which entries, and which way."""
    if found.size > 1 and np.ptp(found) <= atol:
        return (
            f"is one number, {found.flat[0]:.3g}, in all its entries, the slope of the loss is not"
        )
    for axis, each in ((1, "hidden unit"), (0, "feature")):
        if found.ndim == 2 and found.shape[axis] > 1 and np.ptp(found, axis=axis).max() <= atol:
            return f"is the same for every {each}, the slope of the loss is not"
    other = np.abs(found - expected) > atol
    lengths = np.linalg.norm(found) * np.linalg.norm(expected)
    cosine = float(np.vdot(found, expected) / lengths) if lengths else 0.0
    way = (
        "the other way" if cosine < -0.9 else "elsewhere" if cosine < 0.9 else "nearly the same way"
    )
    return (
        f"is not the slope of the loss: it points {way} (cosine {cosine:.2f}), "
        f"{other.sum()} of its {other.size} entries differ"
    )


def also_right(answer: SimpleNamespace, right: Weights) -> str:
    """Which of the four gradients are right: the mistake is not in what they share."""
    held = [
        f"`d{part}`"
        for part in Weights._fields
        if same_numbers(
            getattr(answer, f"d{part}"),
            getattr(right, part),
            atol=GRADIENT_RTOL * float(np.abs(getattr(right, part)).max()) + 1e-12,
        )
    ]
    return f"; right {'is' if len(held) == 1 else 'are'} {', '.join(held)}" if held else ""


def entry(now: Weights, place: int) -> str:
    """The name of one number among those of `Weights.flat`, as in `W1[2, 0]`."""
    for name, part in zip(Weights._fields, now, strict=True):
        if place < part.size:
            return f"{name}[{', '.join(str(i) for i in np.unravel_index(place, part.shape))}]"
        place -= part.size
    raise IndexError(place)


@causes.explains("gradients")
def check_loss(evidence: Sheets, given: Sheets) -> None:
    """The loss is the mean of a loss that is known."""
    sheet, form = given["gradients/square"], recognised(evidence, given)
    other = by_loss(evidence, given) or form
    right = np.array(reference.loss_of(sheet.X, sheet.y, weights(sheet), form))
    assert_close(
        evidence["gradients/square"].loss,
        right,
        atol=LOSS_ATOL,
        what="the loss",
        known_mistakes={
            "it is the sum over the rows, not the mean": right * len(sheet.X),
            "its sign is flipped": -right,
            "it is in bits: the logarithm is to the base 2": right / np.log(2),
            "rows of label 0 are left out": np.array(one_sided(sheet, form, 1)),
            "rows of label 1 are left out": np.array(one_sided(sheet, form, 0)),
            "it is that of another network than the one that answers": np.array(
                reference.loss_of(sheet.X, sheet.y, weights(sheet), other)
            ),
        },
    )


def one_sided(sheet: SimpleNamespace, form: Form, label: int) -> float:
    """The loss of the rows of one label, over all rows."""
    own = sheet.y == label
    return float(reference.loss_of(sheet.X[own], sheet.y[own], weights(sheet), form) * own.mean())


@causes.explains("forward")
def check_probabilities(evidence: Sheets, given: Sheets) -> None:
    """The probability is sigmoid(sigmoid(X W1 + b1) W2 + b2), on rows never seen."""
    X, now = given["forward/weights"].X, weights(given["forward/weights"])
    right, (hidden, logits) = reference.probabilities(X, now), reference.forward(X, now)
    linear = reference.sigmoid(((X @ now.W1 + now.b1) @ now.W2 + now.b2)[:, 0])
    without = now._replace(b1=0 * now.b1, b2=0 * now.b2)
    found = evidence["forward/weights"].last
    known = {
        "it is the probability of label 0": 1 - right,
        "it is rounded to 0 or 1": np.round(right),
        "the hidden layer has no sigmoid": linear,
        "the hidden layer has two sigmoids": reference.sigmoid(
            (reference.sigmoid(hidden) @ now.W2 + now.b2)[:, 0]
        ),
        "the output has no sigmoid": logits,
        "the output passes the sigmoid twice": reference.sigmoid(right),
        "the biases are left out": reference.probabilities(X, without),
        "the hidden biases are left out": reference.probabilities(X, now._replace(b1=0 * now.b1)),
        "the output bias is left out": reference.probabilities(X, now._replace(b2=0 * now.b2)),
        **{
            f"the hidden sigmoid is a {other}": reference.probabilities(X, now, Form(other))
            for other in ("tanh", "ReLU", "leaky ReLU")
        },
    }
    # whether it is float64 is asked of the gradients
    if same_numbers(found, right, atol=1e-5):
        return
    if found.shape != right.shape:
        raise Wrong(f"P(y = 1 | x) has shape {found.shape}, expected {right.shape}")
    for sentence, its in known.items():
        if same_numbers(found, its, atol=1e-5):
            raise KnownMistake(f"P(y = 1 | x): {sentence}")
    other = np.abs(found - right)
    raise Wrong(
        f"P(y = 1 | x) does not follow from the weights: in {(other > 1e-5).sum()} of "
        f"{len(right)} rows it differs, by up to {other.max():.3g}"
    )


@causes.explains("forward")
def check_labels(evidence: Sheets, given: Sheets) -> None:
    """`predict` says 1 exactly where `predict_proba` is above one half."""
    last, labels = evidence["forward/weights"].last, evidence["forward/labels"].labels
    disagree = (last > 0.5) != (labels > 0.5)
    if disagree.all():
        raise KnownMistake("`predict` gives each row the other label")
    if disagree.any():
        found = f"{disagree.sum()} of {disagree.size} labels disagree with their probability"
        ones, zeros = last[labels > 0.5], last[labels <= 0.5]
        if ones.size and zeros.size and zeros.max() < ones.min():
            limit = (zeros.max() + ones.min()) / 2
            raise KnownMistake(f"a label becomes 1 from about {limit:.2g} on, not from 0.5", found)
        if not (ones.size and zeros.size):
            raise KnownMistake("`predict` gives every row the same label", found)
        raise Wrong(found)


def check_gradients(evidence: Sheets, given: Sheets) -> None:
    """Every gradient, at the shapes and for the batch sizes that were asked."""
    for question in ("gradients/square", "gradients/narrower", "gradients/wider"):
        check_gradient(evidence, given, question, Weights._fields)


@causes.explains("gradients")
def check_rise(evidence: Sheets, given: Sheets) -> None:
    """The network's own loss rises along a direction as its own gradient says."""
    answer, directions = evidence["gradients/square"], given["gradients/square"].directions
    measured = (answer.ahead - answer.behind) / 2
    counts = reference.used(weights(given["gradients/square"]), recognised(evidence, given))
    predicted = directions @ (counts * weights(answer, "d{}").flat())
    atol = 1e-5 * float(np.abs(measured).max()) + 1e-12
    of_one_length(predicted, measured)
    if not np.allclose(predicted, measured, atol=atol, rtol=0):
        furthest = np.abs(predicted - measured).argmax()
        raise Wrong(
            "the network's own loss does not rise as its gradients say: with all weights moved a "
            f"little by {measured[furthest]:.3g}, where they say {predicted[furthest]:.3g}"
        )


def of_one_length(found: np.ndarray, expected: np.ndarray) -> None:
    if found.shape != expected.shape:
        raise Wrong(f"the gradients hold {found.size} numbers, expected {expected.size}")


@causes.explains("gradients")
def check_every_slope(evidence: Sheets, given: Sheets) -> None:
    """Each gradient equals the slope that the judge measures, weight by weight."""
    sheet, form = given["gradients/square"], recognised(evidence, given)
    measured = reference.slopes(sheet.X, sheet.y, weights(sheet), form)
    found = (
        reference.used(weights(sheet), form) * weights(evidence["gradients/square"], "d{}").flat()
    )
    of_one_length(found, measured)
    assert_gradient(
        found, measured, rtol=GRADIENT_RTOL, name=lambda place: entry(weights(sheet), place)
    )


def check_saturated(evidence: Sheets, given: Sheets) -> None:
    """The output layer's gradients where outputs are 0 or 1 to the last bit."""
    parts = ("W2", "b2")
    try:
        check_gradient(evidence, given, "gradients/confident", parts)
    except AssertionError:
        check_gradient(evidence, given, "gradients/square", parts)  # else the formula is wrong
        answer, sheet = evidence["gradients/confident"], given["gradients/confident"]
        right = reference.gradients(
            sheet.X, sheet.y, weights(sheet), recognised(evidence, given)
        ).W2
        if np.linalg.norm(answer.dW2) < 0.5 * np.linalg.norm(right):
            raise KnownMistake(
                "where an output is exactly 0 or 1 the gradient vanishes, also where the label is "
                "the other one: something is multiplied by p (1 - p), which is 0 there"
            ) from None
        raise


@causes.explains("gradients")
def check_weights_left(evidence: Sheets, given: Sheets) -> None:
    """`loss_and_gradients` leaves the weights as they are."""
    after = weights(evidence["gradients/square"], "{}_after")
    before = weights(given["gradients/square"])
    of_one_shape(after, before)
    if changed := int(np.sum(after.flat() != before.flat())):
        raise KnownMistake(
            "`loss_and_gradients` changes the weights",
            f"{changed} of {before.flat().size} are others after it",
        )


@causes.explains("gradients")
def check_doubled_batch(evidence: Sheets, given: Sheets) -> None:
    """The same rows twice give the same gradient."""
    answer = evidence["gradients/square"]
    once, twice = weights(answer, "d{}").flat(), weights(answer, "d{}_twice").flat()
    if not once.any():
        raise KnownMistake("every gradient is zero")
    doubled = {"it doubles, as a sum does: divide by the number of rows": 2 * once}
    what = "the gradient of the doubled batch"
    atol = 1e-6 * float(np.abs(once).max())
    if not same_numbers(twice, once, atol=atol):
        check_weights_left(evidence, given)  # else the second gradient is that of other weights
    assert_close(twice, once, atol=atol, what=what, known_mistakes=doubled)


@causes.explains("gradients")
def check_confident(evidence: Sheets, given: Sheets) -> None:
    """Outputs of exactly 0 or 1 are answered with numbers, not with NaN."""
    try:
        assert evidence["gradients/confident"].loss.shape == ()
    except AssertionError as wrong:
        raise KnownMistake(
            "where an output is exactly 0 or 1 the loss is no number: log(0)", str(wrong)
        ) from None


def steps(evidence: Sheets, moment: str) -> Weights:
    """How far each weight went from the start until `moment`.

    Some code counts the loss of the start as its first iteration, or keeps the best weights
    before each step: no weight moves in that one. Then the next iteration is the first step.
    """
    first = [way_from_start(evidence, name) for name in ("small", "double", "step")]
    is_still = not any(step.flat().any() for step in first)
    if is_still and way_from_start(evidence, "small_next").flat().any():
        return way_from_start(evidence, f"{moment}_next")
    return way_from_start(evidence, moment)


def way_from_start(evidence: Sheets, moment: str) -> Weights:
    """The weights at a moment less those at the start, as they were answered."""
    answer = evidence["update/steps"]
    then, start = weights(answer, "{}_" + moment), weights(answer, "{}_start")
    of_one_shape(then, start)
    return Weights(*(late - early for late, early in zip(then, start, strict=True)))


def slope_at(evidence: Sheets, step: Weights) -> Weights:
    """The network's own gradient at the start of the steps."""
    answer = evidence["update/gradient"]
    slope = weights(answer, "d{}")
    of_one_shape(slope, step)
    if answer.outputs == 2:  # the step is of their difference, the gradient of half of it
        slope = slope._replace(W2=2 * slope.W2, b2=2 * slope.b2)
    return slope


def of_one_shape(some: Weights, others: Weights) -> None:
    """Raise where they are not of the same network: nothing of them can be compared."""
    for name, one, other in zip(Weights._fields, some, others, strict=True):
        if one.shape != other.shape:
            raise Wrong(f"`{name}` has shape {other.shape} first, {one.shape} afterwards")


@causes.explains("update")
def check_learning_rate(evidence: Sheets, given: Sheets) -> None:
    """Twice the learning rate, twice the step."""
    small, double = steps(evidence, "small").flat(), steps(evidence, "double").flat()
    if not (small.any() or double.any() or steps(evidence, "later").flat().any()):
        raise KnownMistake(
            "the gradients are not applied: training changes no weight",
            "after five iterations all weights are as they began",
        )
    if np.allclose(small, double, rtol=1e-6, atol=0):
        raise KnownMistake("the step is the same for every learning rate")
    ratio = np.linalg.norm(double) / np.linalg.norm(small)
    if np.linalg.norm(double - 2 * small) > 0.1 * np.linalg.norm(double):
        if abs(ratio - 4) < 0.05:
            raise KnownMistake("the step grows with the square of the learning rate")
        raise Wrong(f"doubling the learning rate makes the first step {ratio:.3g} times as long")


@causes.explains("update")
def check_every_layer_moves(evidence: Sheets, given: Sheets) -> None:
    """After five iterations no layer is where it started."""
    moved = steps(evidence, "later")
    still = [name for name, step in zip(Weights._fields, moved, strict=True) if not step.any()]
    if still:
        names, have = "`, `".join(still), "has" if len(still) == 1 else "have"
        raise Wrong(f"after five iterations `{names}` {have} not changed at all")


@causes.explains("update")
def check_downhill(evidence: Sheets, given: Sheets) -> None:
    """The step goes against the network's own gradient, layer for layer taken together."""
    step = steps(evidence, "small").flat()
    slope = slope_at(evidence, steps(evidence, "small")).flat()
    cosine = step @ slope / (np.linalg.norm(step) * np.linalg.norm(slope) + 1e-300)
    if cosine > 0.1:
        raise KnownMistake("the first step goes up the gradient, not down")
    if cosine > -0.1:
        raise Wrong(f"the first step does not follow the gradient (cosine {cosine:.2f})")
    check_no_part_goes_up(evidence)
    check_length(evidence, given)


def check_length(evidence: Sheets, given: Sheets) -> None:
    """Steps of plain descent, or with momentum, are as long as the learning rate says.

    All of five steps have to be too long by exactly this factor. A rate that rises at first, an
    average of gradients, clipped gradients, mini-batches and a search along the line are not
    that: how long their first step is, is theirs.
    """
    form = recognised(evidence, given)
    # with or without the factor 2 of a square
    allowed = (1.0,) if form.loss == PLAIN.loss else (0.5, 1.0, 2.0)
    small, step = steps(evidence, "small").flat(), steps(evidence, "step").flat()
    slope = slope_at(evidence, steps(evidence, "step")).flat()
    times = -float(step @ slope) / (0.5 * float(slope @ slope) + 1e-300)
    n_rows = len(given["update/steps"].X)
    if any(abs(times / k - 1) < 0.02 or abs(times / k / n_rows - 1) < 1e-3 for k in allowed):
        return  # a sum over the rows, where the gradient is said to be a mean
    for rate, moved in ((0.5, step), (1e-3, small)):
        expected = -rate * times * slope
        if np.linalg.norm(moved - expected) > 1e-3 * np.linalg.norm(expected):
            return
    sentence = "the step is not as long as the learning rate says"
    found = f"it is {times:.3g} times the rate times the network's own gradient"
    later, begun = steps(evidence, "later").flat(), first_slope(evidence, given, form).flat()
    rate = 0.5 * times * float(slope @ begun) / (float(begun @ begun) + 1e-300)

    def off(momentum: Momentum, first: float = 1.0) -> float:
        """How far five such steps are from those that were made, as a share of their length."""
        expected = descended(evidence, given, rate / first, momentum, form, first)
        return float(np.linalg.norm(later - expected) / (np.linalg.norm(later) + 1e-300))

    if min(off(lambda t: 0.0), off(lambda t: t / (t + 1))) < 1e-3:
        raise KnownMistake(sentence, found)
    if 1 < times < 2 and off(times - 1, times) < 1e-3:
        return  # Nesterov's as torch and scikit-learn have it: the first step is 1 + momentum
    fitted = optimize.minimize_scalar(off, bounds=(0, 1), method="bounded", options={"xatol": 1e-9})
    if fitted.fun < 1e-5 and abs(times / (1 - fitted.x) - 1) > 0.02:  # no average of gradients
        raise KnownMistake(sentence, f"{found}, with a momentum of {fitted.x:.2g}")


def descended(
    evidence: Sheets, given: Sheets, rate: float, momentum: Momentum, form: Form, first: float = 1.0
) -> np.ndarray:
    """How far five steps lead from the start.

    `momentum` is Nesterov's for each step, or a number: that of a heavy ball, which `first` times
    the rate leads ahead, by as much as that is above 1.
    """
    sheet = given["update/steps"]
    start = now = landing = fitting(weights(evidence["update/steps"], "{}_start"), sheet.X)
    velocity = np.zeros_like(start.flat())
    for t in range(5):
        slope = slope_of_all_outputs(evidence, reference.gradients(sheet.X, sheet.y, now, form))
        if callable(momentum):
            before, landing = landing, now.moved(-rate * slope.flat())
            now = landing.moved(momentum(t) * (landing.flat() - before.flat()))
        else:
            velocity = momentum * velocity - rate * slope.flat()
            ahead = momentum * velocity - rate * slope.flat() if first > 1 else velocity
            now = now.moved(ahead)
    return now.flat() - start.flat()


def first_slope(evidence: Sheets, given: Sheets, form: Form) -> Weights:
    """The judge's gradient where training begins."""
    sheet = given["update/steps"]
    start = fitting(weights(evidence["update/steps"], "{}_start"), sheet.X)
    return slope_of_all_outputs(evidence, reference.gradients(sheet.X, sheet.y, start, form))


def slope_of_all_outputs(evidence: Sheets, slope: Weights) -> Weights:
    """Of two outputs each takes the step: their difference, by which they are told, moves twice."""
    each = 1 if evidence["update/gradient"].outputs == 1 else 2
    return slope._replace(W2=each * slope.W2, b2=each * slope.b2)


def check_no_part_goes_up(evidence: Sheets) -> None:
    """No array goes as far up its gradient as the others go down: mini-batches alone may not."""
    step = steps(evidence, "small")
    slope = slope_at(evidence, step)
    rate = np.linalg.norm(step.flat()) / (np.linalg.norm(slope.flat()) + 1e-300)
    up = [
        name
        for name, moved, its in zip(Weights._fields, step, slope, strict=True)
        if its.any() and np.linalg.norm(moved - rate * its) < 0.1 * rate * np.linalg.norm(its)
    ]
    if up:
        raise KnownMistake(
            "a part of the first step goes up the gradient, not down", f"`{'`, `'.join(up)}`"
        )


@causes.explains("update")
def check_layers_move_together(evidence: Sheets, given: Sheets) -> None:
    """Where the output layer takes one exact gradient step, the hidden layer takes the same."""
    step = steps(evidence, "step")
    slope = slope_at(evidence, step)
    if not step.W2.any():
        raise KnownMistake("the first step leaves the output layer where it was")
    rate = -float(step.W2.ravel() @ slope.W2.ravel()) / (float(np.sum(slope.W2**2)) + 1e-300)
    if np.linalg.norm(step.W2 + rate * slope.W2) > 1e-4 * np.linalg.norm(step.W2):
        return  # mini-batches or scaled steps: right too, but not one exact step
    start = weights(evidence["update/steps"], "{}_start").W2[:, 0]
    grown = 1 + np.divide(step.W2[:, 0], start, out=np.zeros_like(start), where=start != 0)
    found, atol = -step.W1 / rate, 1e-3 * float(np.abs(slope.W1).max()) + 1e-12
    if np.allclose(found, slope.W1, atol=atol, rtol=0):
        return check_biases_move_too(step, slope, rate)
    late = [slope.W1 * grown, *slopes_after_the_output_layer(evidence, given, step)]
    if any(np.allclose(found, its, atol=atol, rtol=0) for its in late):
        raise KnownMistake("W2 is already updated when the gradient of W1 is computed")
    times = float(np.vdot(found, slope.W1) / np.vdot(slope.W1, slope.W1))
    if np.allclose(found, times * slope.W1, atol=max(1.0, abs(times)) * atol, rtol=0):
        if abs(times) < 1e-6:
            raise KnownMistake("the first step leaves the hidden layer where it was")
        raise KnownMistake(
            "the two layers are trained at different rates",
            f"the step of W1 is {times:.3g} times as long as that of W2, by their gradients",
        )
    raise Wrong("the first step of W1 is not down its gradient, that of W2 is")


def check_biases_move_too(step: Weights, slope: Weights, rate: float) -> None:
    """Where both matrices take one exact step, the biases take the same."""
    for name in ("b1", "b2"):
        its, found = getattr(slope, name), -getattr(step, name) / rate
        if np.allclose(found, its, atol=1e-3 * float(np.abs(its).max()) + 1e-9, rtol=0):
            continue
        raise KnownMistake(
            "biases and weights are not trained at the same rate",
            f"the first step of `{name}` is not the rate of the weights times its gradient",
        )


def slopes_after_the_output_layer(
    evidence: Sheets, given: Sheets, step: Weights
) -> list[np.ndarray]:
    """dW1 where W2, or W2 and b2, have already made their step."""
    sheet, form = given["update/steps"], recognised(evidence, given)
    start = fitting(weights(evidence["update/steps"], "{}_start"), sheet.X)
    moved = start._replace(W2=start.W2 + step.W2)
    both = moved._replace(b2=start.b2 + step.b2)
    return [reference.gradients(sheet.X, sheet.y, now, form).W1 for now in (moved, both)]


@causes.explains("hidden-layer")
def check_hidden_layer(evidence: Sheets, given: Sheets) -> None:
    """One hidden layer, as many units as features, freshly initialised and after `fit`."""
    for d in given["start/widths"].widths:
        for moment, shapes in evidence["start/widths"].text.shapes(f"features_{d}").items():
            check_shapes(int(d), moment, shapes)


def check_shapes(d: int, moment: str, shapes: list[tuple[int, ...]]) -> None:
    if len(shapes) == 1:
        raise KnownMistake(f"there is no hidden layer: `coefs_` holds one matrix, {shapes[0]}")
    if len(shapes) != 2:
        raise Wrong(f"`coefs_` holds {len(shapes)} matrices, expected 2: one hidden layer")
    if shapes not in ([(d, d), (d, 1)], [(d, d), (d, 2)]):  # or a softmax of two outputs
        found = " and ".join(str(shape) for shape in shapes)
        (inputs, units), *_ = shapes if all(len(s) == 2 for s in shapes) else [(0, 0)]
        if inputs == d and units != d and shapes[1][0] == units:
            raise KnownMistake(
                f"the hidden layer has {units} units where there are {d} features, not as many",
                f"the {moment} weights are {found}",
            )
        raise Wrong(
            f"with {d} features the {moment} weights are {found}, not {(d, d)} and {(d, 1)}"
        )


@causes.explains("start")
def check_random_start(evidence: Sheets, given: Sheets) -> None:
    """Fresh weights are not zero, and no two hidden units begin alike."""
    W1 = evidence["start/weights"].W1
    if not W1.any():
        raise KnownMistake("all weights are zero at the start")
    if len(np.unique(W1, axis=1).T) < W1.shape[1]:
        raise KnownMistake("several hidden units start with the same weights")


def check_fit_starts_anew(evidence: Sheets, given: Sheets) -> None:
    """A second `fit` begins where the first began, not where it ended."""
    sheet, answer = given["start/again"], evidence["start/again"]
    end = reference.loss_of(
        sheet.X, sheet.y, fitting(weights(answer), sheet.X), recognised(evidence, given)
    )
    fallen = float(answer.first) - end
    if fallen > 0.05 * answer.first and abs(answer.again - end) < 0.1 * fallen:
        raise KnownMistake(
            "`fit` goes on from the weights that an earlier `fit` left",
            f"its second training begins at a loss of {answer.again:.3g}, the first did at "
            f"{answer.first:.3g}",
        )


@causes.explains("start")
def check_repeatable_start(evidence: Sheets, given: Sheets) -> None:
    """The same `random_state` gives the same weights again."""
    answer = evidence["start/weights"]
    if not np.array_equal(answer.W1, answer.W1_again):
        raise KnownMistake("two networks with `random_state=0` start with different weights")


def check_inputs(evidence: Sheets, given: Sheets) -> None:
    """No method of the network writes into the arrays it is given."""
    for call in ("fit", "predict", "loss"):
        check_input(evidence, given, call)


@causes.explains("inputs")
def check_input(evidence: Sheets, given: Sheets, call: str) -> None:
    before, after = given[f"inputs/{call}"], evidence[f"inputs/{call}"]
    for name in ("X", "y"):
        assert_unchanged(getattr(before, name), getattr(after, name), name)


def loss_curve(evidence: Sheets, given: Sheets) -> np.ndarray:
    """The losses recorded; the first counts no more than a fresh network's own."""
    curve = evidence["training/curve"].loss_curve
    return np.minimum(curve, fresh_loss(evidence, given) + SLACK)


def fresh_loss(evidence: Sheets, given: Sheets) -> float:
    """The loss of the network's own weights before training, measured by the judge."""
    sheet = given["training/short"]
    fresh = fitting(weights(evidence["training/short"], "{}_fresh"), sheet.X_train)
    return reference.loss_of(sheet.X_train, sheet.y_train, fresh, recognised(evidence, given))


def last_tenth(curve: np.ndarray) -> float:
    """The mean loss of the last tenth of the iterations: mini-batches make single ones jump."""
    return float(curve[-max(1, len(curve) // 10) :].mean())


@causes.explains("convergence")
def check_converged(evidence: Sheets, given: Sheets) -> None:
    """Training has lowered the loss, and a further hundred steps gain little."""
    curve = loss_curve(evidence, given)
    if last_tenth(curve) > 0.95 * curve[0]:
        raise Wrong(f"the loss goes from {curve[0]:.3g} to {last_tenth(curve):.3g} only")
    size, start = remaining_gradient(evidence, given)
    if size > 0.4 * start and (gain := still_to_gain(evidence, given)) > 0.4 * (
        curve[0] - last_tenth(curve)
    ):
        raise Wrong(
            f"the gradient is still {size / start:.0%} of a fresh network's: "
            f"{FURTHER} more steps lower the loss by {gain:.3g}"
        )


def remaining_gradient(evidence: Sheets, given: Sheets) -> tuple[float, float]:
    """The length of the gradient at the end of training, and that of a fresh network.

    The fresh ones are the judge's: the student's own start may be flat or steep.
    """
    split = given["parity/0"]
    now = fitting(weights(evidence["training/weights"]), split.X_train)
    form, X, y = recognised(evidence, given), split.X_train, split.y_train
    fresh = [initial(X.shape[1], seed) for seed in range(2)]
    start, end = np.mean([norm(X, y, w, form) for w in fresh]), norm(X, y, now, form)
    return end, float(start)


def norm(X: np.ndarray, y: np.ndarray, now: Weights, form: Form) -> float:
    """The length of the whole gradient."""
    return float(np.linalg.norm(reference.gradients(X, y, now, form).flat()))


def initial(d: int, seed: int) -> Weights:
    """Weights as most networks begin: W ~ N(0, 1 / inputs of the unit), b = 0."""
    rng = np.random.default_rng(seed)
    W1, W2 = rng.normal(scale=d**-0.5, size=(d, d)), rng.normal(scale=d**-0.5, size=(d, 1))
    return Weights(W1, np.zeros(d), W2, np.zeros(1))


def still_to_gain(evidence: Sheets, given: Sheets) -> float:
    """By how much plain gradient descent lowers the loss from where training ended."""
    split = given["parity/0"]
    now = fitting(weights(evidence["training/weights"]), split.X_train)
    form, X, y = recognised(evidence, given), split.X_train, split.y_train
    first = loss = reference.loss_of(X, y, now, form)
    rate = 1.0
    for _ in range(FURTHER):
        ahead = now.moved(-rate * reference.gradients(X, y, now, form).flat())
        if (new := reference.loss_of(X, y, ahead, form)) < loss:
            now, loss = ahead, new
        else:
            rate /= 2
    return first - loss


def watched_in(evidence: Sheets) -> list[str]:
    """The questions about gradients that were answered, which were watched then."""
    return [question for question in GRADIENTS if answered(evidence, question)]


@causes.explains("from-scratch")
def check_live_objects(evidence: Sheets, given: Sheets) -> None:
    """No ready-made network, and no autograd, runs while the student's network works."""
    itself, work = evidence["source/class"].text, evidence["source/work"].text
    modules = [itself.string("module"), *itself.strings("ancestors")]
    modules += [*work.strings("at_work"), *work.strings("holds")]
    if not lacks(evidence, "loss_and_gradients"):
        modules += evidence["source/gradients"].text.strings("at_work")
    for question in watched_in(evidence):
        modules += evidence[question].text.strings("at_work")
    found = sorted({module for module in modules if ready_made(module)})
    if found:
        raise KnownMistake(
            "a library does the work", f"`{found[0]}` is at work inside `ScratchNetwork`"
        )


@causes.explains("split")
def check_same_split(evidence: Sheets, given: Sheets) -> None:
    """The models that the notebook fitted come out alike when fitted on its training part."""
    baselines, networks = models_of(evidence, "baselines"), models_of(evidence, "networks")
    check_left(baselines, "logistic regression")
    check_left(networks, "network")
    check_same_rows(baselines)
    first = np.isclose(networks.loss, networks.refit_loss, rtol=1e-6)
    if first.any():
        return
    other = networks.repeatable.astype(bool) | ends_elsewhere(networks)
    if other.all():
        raise KnownMistake("the network was not fitted on `X_train`, `y_train`")
    if not ends_there(networks).any():
        raise ForReview(
            "two fits of one network begin with different losses: whether it was fitted on "
            "`X_train`, `y_train` cannot be told"
        )


@causes.explains("split")
def check_same_rows(baselines: SimpleNamespace) -> None:
    """A logistic regression that the notebook left comes out the same on its training part."""
    gaps = np.abs(baselines.probabilities - baselines.refit_probabilities).max(axis=-1, initial=0)
    if gaps.min() <= 0.01:
        return
    if baselines.spread.max() > 0.01:  # steps in an order drawn anew
        raise ForReview(
            "two fits of one logistic regression differ: whether it was fitted on `X_train`, "
            "`y_train` cannot be told"
        )
    raise KnownMistake("the logistic regression was not fitted on `X_train`, `y_train`")


def ends_there(networks: SimpleNamespace, prefix: str = "") -> np.ndarray:
    """Whether the loss that each left network has there is the one with which its record ends.

    That is the last loss recorded, or the least where the best weights were kept. Some record a
    loss before each step: then one more step was made, which lowers it by about as much as the
    one before it. Twice that is allowed, up to a hundredth of the loss: other rows of the same
    data change it by several.
    """
    left, last, before, least = (getattr(networks, prefix + end) for end in ENDS)
    a_step = np.minimum(2 * np.abs(last - before), 0.01 * last)
    at_end = np.abs(left - last) <= np.maximum(a_step, 1e-6 * last)
    found: np.ndarray = (left >= 0) & (at_end | np.isclose(left, least, rtol=1e-6))
    return found


def ends_elsewhere(networks: SimpleNamespace) -> np.ndarray:
    """Whether a network has there another loss than its record, where one fitted there has not.

    So its record is one of that loss. A tenth of it is ten times what is allowed above. Records of
    single mini-batches jump by as much, so both have to end quietly.
    """
    gap = np.minimum(np.abs(networks.left - networks.last), np.abs(networks.left - networks.least))
    found: np.ndarray = (networks.left >= 0) & (gap > 0.1 * networks.last)
    quiet = [
        np.abs(last - before) <= 0.02 * last
        for last, before in (
            (networks.last, networks.before),
            (networks.refit_last, networks.refit_before),
        )
    ]
    return found & quiet[0] & quiet[1] & ends_there(networks, "refit_")


CAUSES: causes.Causes = {
    "hidden-layer": (check_hidden_layer,),
    "from-scratch": (check_live_objects,),
    "inputs": (check_inputs,),
    "start": (check_random_start, check_repeatable_start),
    "forward": (check_probabilities, check_labels),
    "gradients": (
        *(check_gradients, check_confident, check_loss),
        *(check_rise, check_every_slope, check_doubled_batch),
    ),
    "update": (
        check_learning_rate,
        check_every_layer_moves,
        check_downhill,
        check_layers_move_together,
    ),
    "split": (check_same_split,),
    "convergence": (check_converged,),
}

first_cause = partial(causes.first_cause, CAUSES)


@contextmanager
def after_marks_for(evidence: Sheets, given: Sheets, *criteria: str) -> Iterator[None]:
    """Set aside what fails inside if one of these criteria has already lost marks for its cause.

    What waits for a person goes on waiting: else a slip would take the doubt away.
    """
    doubt = None
    with causes.after_marks_for(CAUSES, evidence, given, *criteria):
        try:
            yield
        except ForReview as error:
            doubt = error
    if doubt:
        raise doubt
