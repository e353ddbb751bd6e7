"""The answers of a model that ran free: how many are right, at which positions, and why not."""

import ast
import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize, stats

from assay.rubric import ForReview, KnownMistake, Wrong, answered, assert_same, causes
from rubric_tests.nodes import nodes_of
from rubric_tests.part2 import tasks
from rubric_tests.part2.judgement import (
    NotRecognised,
    cause_of_others,
    check_weights_are_seen,
    said,
)
from rubric_tests.syntax import trees_of

IN_TRAINING_MODE = "evaluated in training mode"
FEW_STEPS = 10
"""Fewer are no training: public transformers take 60 at least, for the easiest of the tasks."""
LEFT = 0.02
"""Of the sum of all learning rates, in the second half: a cosine leaves a third there, a line a
quarter, a rate cut to a tenth twice, in the first half, more than this.
"""
N_ALONE = 24  # of all sequences, those that the exam asks once more, each by itself
FEW_OTHERS = 2  # of these may be answered otherwise, where two logits are all but equal
REPEATED = 0.75  # share of the tokens of made-up answers: not all, as BOS and EOS are among them
LEAKED = 0.3  # of the loss of guessing
SOME_BETTER = 6  # digits: fewer that are right by another way than the model's may be luck
CHANCE = 0.03  # untrained models exceed a guess by less, those of 20 steps by more
ENOUGH = 0.95  # of the sequences right: seventeen public transformers all reach 1


@dataclass(frozen=True)
class Marked:
    """Free-running answers beside the right ones, each a row filled up with NOTHING."""

    asked: np.ndarray
    answers: np.ndarray
    right: np.ndarray

    @property
    def exact(self) -> np.ndarray:
        """Which sequences are right from end to end, (n,)."""
        return (self.answers == self.right).all(axis=1)

    @property
    def share(self) -> float:
        return float(self.exact.mean()) if len(self.exact) else 0.0

    @property
    def by_position(self) -> np.ndarray:
        """The share of right digits at each position of the answer."""
        there = self.right != tasks.NOTHING
        hits = ((self.answers == self.right) & there).sum(axis=0)
        used = there.any(axis=0)
        return hits[used] / there.sum(axis=0)[used]

    @property
    def share_of_digits(self) -> float:
        there = self.right != tasks.NOTHING
        return float((self.answers == self.right)[there].mean()) if there.any() else 0.0

    def where(self, which: np.ndarray) -> "Marked":
        return Marked(self.asked[which], self.answers[which], self.right[which])


def marked(evidence: Any, given: Any, kept: Any, question: str = "reversal/answers") -> Marked:
    """As many as were asked: fewer of code that answers one at a time."""
    answers, right = evidence[question].answers, kept[question].right
    if len(answers) > len(right):
        raise Wrong(f"{len(answers)} answers to {len(right)} sequences")
    return Marked(given[question].sequences[: len(answers)], answers, right[: len(answers)])


def rows(table: np.ndarray) -> np.ndarray:
    """One comparable thing for each sequence of a table, whatever width it is filled up to."""
    wide = np.full((len(table), 24), tasks.NOTHING, dtype=np.int16)
    wide[:, : table.shape[1]] = table[:, :24]
    return wide.view(f"S{wide.itemsize * 24}").ravel()


def never_seen(evidence: Any, marks: Marked) -> Marked:
    """What is not in `train_inputs`; everything, where that is not known or leaves nothing."""
    if not answered(evidence, "data/train"):
        return marks
    unseen = ~np.isin(rows(marks.asked), rows(evidence["data/train"].inputs))
    return marks.where(unseen) if unseen.any() else marks


def each_once(marks: Marked) -> Marked:
    """Each sequence once: of one digit there are nine, which are drawn again and again."""
    return marks.where(np.unique(rows(marks.asked), return_index=True)[1])


def interval(hits: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact interval of a share (Clopper and Pearson 1934)."""
    tail = (1 - confidence) / 2
    low = stats.beta.ppf(tail, hits, n - hits + 1) if hits else 0.0
    high = stats.beta.ppf(1 - tail, hits + 1, n - hits) if hits < n else 1.0
    return float(low), float(high)


def in_words(marks: Marked) -> str:
    """`7.1 % of 29,525 sequences (6.8 to 7.4 %), by position 100 98 40 12 11 %`."""
    n = len(marks.exact)
    low, high = interval(int(marks.exact.sum()), n)
    positions = " ".join(f"{share:.0%}".rstrip("%") for share in marks.by_position)
    return (
        f"{marks.share:.1%} of {n:,} sequences are right "
        f"({low:.1%} to {high:.1%}), by position {positions} %"
    )


def check_it_is_the_model(evidence: Any, right: np.ndarray, task: str) -> None:
    """What answers is the model: other weights give other answers."""
    question = f"{task}/without-weights"
    if not was_answered(evidence, question, "without its weights"):
        return
    answer = evidence[question]
    for what, found in (
        ("all its weights at zero", answer.answers),
        ("its weights in disorder", answer.shuffled),
    ):
        share = share_right(found, right)
        if share > 0.5:
            raise KnownMistake(
                "the answers do not come from the model",
                f"with {what} the model gives {share:.0%} of the digits",
            )


def check_layers_decide(evidence: Any, given: Any, task: str) -> None:
    """Where its layers say what they say of another question, the model's answer is the other's.

    What answers out of the question itself, past the layers, gives its own all the same, or none.
    """
    question = f"{task}/without-weights"
    if not (answered(evidence, question) and answered(evidence, f"{task}/answers")):
        return
    answer, partners = evidence[question], given[question].partners
    others = evidence[f"{task}/answers"].answers
    told = (partners != np.arange(len(partners))) & (partners < len(others))
    if not answer.n_layers or not told.any():
        return  # its layers have other names, or no two questions are as long
    if not answer.n_exchanged:
        raise ForReview("no layer of the model is called while it answers: who answers?")
    wrong = int((answer.exchanged[told] != others[partners[told]]).any(axis=1).sum())
    if wrong > told.sum() // 6:
        raise ForReview(
            f"what the layers say does not decide: where they say what they say of another "
            f"question, {wrong} of {told.sum()} answers are not that question's"
        )


def check_attention_answers(evidence: Any, right: np.ndarray, task: str) -> None:
    """Attention is at work in the answers, and where it looks makes a difference.

    A question reversed cannot be told without looking at one place more than at another; where it
    is enough to count, nothing is asked.
    """
    if not was_answered(evidence, f"{task}/attention", "with other weights of attention"):
        return
    answer = evidence[f"{task}/attention"]
    check_weights_are_seen(answer, "the model answers without any attention")
    for weights, found in (
        ("equal weights for all places", answer.answers),
        ("every weight one place further on", answer.moved),
    ):
        share = share_right(found, right)
        if share > 0.5:
            raise ForReview(
                "where attention looks makes no difference to the answers: with "
                f"{weights} {share:.0%} of the digits are right"
            )


def was_answered(evidence: Any, question: str, how: str) -> bool:
    """Whether a changed model was asked, and came back; one that the exam cannot stop is read.

    The exam itself breaks off answers that call torch for ever: these count as none.
    """
    if question not in evidence.questions():
        return False
    if not answered(evidence, question):
        raise ForReview(
            f"asked {how}, the model did not come back: what it waits for has to be read"
        )
    return True


@contextlib.contextmanager
def reviewed_last(*checks: Callable[[], None]) -> Iterator[None]:
    """Begin with these checks, and end with the first doubt that they leave to a person.

    What is inside fails where it fails: a doubt about who answers is none about wrong answers.
    """
    doubt = None
    try:
        for check in checks:
            check()
    except ForReview as left:
        doubt = left
    yield
    if doubt:
        raise doubt


def share_right(found: np.ndarray, right: np.ndarray) -> float:
    """Of the digits that there should be, how many are right."""
    right = right[: len(found)]
    there = right != tasks.NOTHING
    return float((found == right)[there].mean()) if there.any() else 0.0


@causes.explains("reversal")
def check_share(marks: Marked, needed: float) -> None:
    """Enough sequences are right, allowing for how few could be asked."""
    if not len(marks.exact):
        raise Wrong("no sequence was answered in time")
    if interval(int(marks.exact.sum()), len(marks.exact))[1] < needed:
        found = signature(marks)
        raise KnownMistake(found, in_words(marks)) if found else Wrong(in_words(marks))


def signature(marks: Marked) -> str | None:
    """What the answers look like, where it tells the mistake."""
    if len(np.unique(marks.answers, axis=0)) == 1:
        return (
            "every answer is the same, whatever is asked: nothing was learned, "
            "or something of an earlier question is kept"
        )
    reach = min(marks.answers.shape[1], marks.asked.shape[1])
    if (marks.answers[:, :reach] == marks.asked[:, :reach]).all(axis=1).mean() > 0.9:
        return "the answers are the questions"
    lengths = (marks.answers != tasks.NOTHING).sum(axis=1)
    right_lengths = (marks.right != tasks.NOTHING).sum(axis=1)
    if (lengths == right_lengths).mean() < 0.1:
        few = np.median(lengths) < np.median(right_lengths)
        return f"the answers are too {'short' if few else 'long'}"
    return signature_by_position(marks.by_position)


def signature_by_position(shares: np.ndarray) -> str | None:
    """Chance is near 0.11 for a digit."""
    low, high, n = shares < 0.4, shares > 0.8, len(shares)
    if n < 2 or not low[0]:
        return None
    if high[1:].all():
        return "only the first digit is not learned: what does the decoder start from?"
    first_half = np.arange(n) < n // 2
    if low[first_half].all() and high[~first_half].all():
        return "each place knows only the tokens up to it: a causal mask where none belongs"
    return None


def check_something_is_trained(evidence: Any, given: Any) -> None:
    """Gradients are taken, and the steps are those of the model that comes back.

    This is no slip in work that is there, so it excuses nothing that an untrained model misses.
    """
    answer = evidence["training/steps"]
    if not answer.backwards and not len(answer.rates):
        raise KnownMistake(
            "nothing was trained", "`train` took no gradient and no step of an optimizer"
        )
    if (steps := int(max(answer.backwards, len(answer.rates)))) < FEW_STEPS:
        raise KnownMistake(
            "nothing was trained", f"`train` came to its end after {steps} step{'s' * (steps != 1)}"
        )
    if len(answer.rates) and not answer.rates.max() > 0:
        raise KnownMistake("nothing was trained", "the learning rate is 0 in every step")
    losses = losses_of(answer)
    if not len(answer.rates) and len(losses) and late_loss(losses) > 0.98 * losses[0]:
        raise KnownMistake(
            "nothing was trained", "no step of an optimizer was seen, and the loss stays as it was"
        )
    if answer.of_another:
        raise KnownMistake(
            "the model that comes back is not the one that was trained",
            "the optimizer's parameters are those of something else",
        )


def is_untrained(runs: Sequence[Any]) -> str:
    """What shows that `train` trains nothing, where every run that watched it shows it."""
    watched = [run for run in runs if answered(run.evidence, "training/steps")]
    found = [causes.fault_of(check_something_is_trained, r.evidence, r.given) for r in watched]
    return str(found[0]) if found and all(found) else ""


@contextlib.contextmanager
def of_a_trained_model(evidence: Any, given: Any, kept: Any, runs: Sequence[Any]) -> Iterator[None]:
    """What holds inside holds of a model that was trained, and has learned something."""
    check_there_is_a_trained_model(evidence, given, runs)
    yield
    follow_from_nothing_learned(evidence, given, kept)


def follow_from_nothing_learned(evidence: Any, given: Any, kept: Any) -> None:
    """Leave out what is asked of a model that learned nothing: it is marked under `reversal`."""
    if not answered(evidence, "reversal/answers"):
        return
    try:
        check_something_is_learned(marked(evidence, given, kept))
    except Wrong as nothing:
        causes.follows_from("reversal", str(nothing))


def check_there_is_a_trained_model(evidence: Any, given: Any, runs: Sequence[Any]) -> None:
    """What answers has attention, and `train` trains: else nothing was found out about it.

    Numbers as they were drawn can be answered with, asked again and reported without a fault.
    """
    if reason := is_untrained(runs):
        raise KnownMistake("no trained model answers", reason)
    with contextlib.suppress(ForReview, NotRecognised):
        check_a_transformer_is_trained(evidence, given)


def check_a_transformer_is_trained(evidence: Any, given: Any) -> None:
    if answered(evidence, "model/attention"):
        check_weights_are_seen(evidence["model/attention"], "the model is no transformer")


def check_something_is_learned(marks: Marked) -> None:
    """The answers go with their questions, better than with the questions of others.

    They may begin a place early or late: that is a fault of generation, and marked there.
    """
    if not any(fits_its_question(marks, late) for late in (0, 1, -1)):
        raise Wrong("the answers fit other questions as well: nothing was learned")


def fits_its_question(marks: Marked, late: int) -> bool:
    """Whether answers, `late` places late, have more digits right than those to others have."""
    given = np.full_like(marks.answers, tasks.NOTHING)
    places = np.arange(given.shape[1])
    inside = (places + late >= 0) & (places + late < given.shape[1])
    given[:, inside] = marks.answers[:, places[inside] + late]
    there = marks.right != tasks.NOTHING
    own, other = (
        ((given == right) & there).sum(axis=1) / there.sum(axis=1)
        for right in (marks.right, np.roll(marks.right, 1, axis=0))
    )
    more = own - other
    return bool(more.mean() + 2 * more.std() / max(1, len(more)) ** 0.5 >= CHANCE)


def losses_of(answer: Any) -> np.ndarray:
    """Those of torch's cross-entropy; of a loss by hand, what gradients were taken of."""
    return answer.losses if len(answer.losses) else answer.costs


@cause_of_others("training")
def check_gradients_start_from_zero(evidence: Any, given: Any) -> None:
    stale = int(evidence["training/steps"].stale)
    if stale:
        raise KnownMistake(
            "gradients are not set back", f"{stale} times those of the step before were still there"
        )


def steps_seen(evidence: Any) -> Any:
    """What was seen of the optimizer's steps; without one of torch's, nothing is known of them."""
    answer = evidence["training/steps"]
    if not len(answer.rates):
        raise NotRecognised("no step of an optimizer was seen")
    return answer


@cause_of_others("training")
def check_steps_have_gradients(evidence: Any, given: Any) -> None:
    answer = steps_seen(evidence)
    if answer.empty > 0.1 * len(answer.rates):
        raise KnownMistake(
            "steps are taken without gradients", f"{int(answer.empty)} of {len(answer.rates)}"
        )


@cause_of_others("training")
def check_everything_is_trained(evidence: Any, given: Any) -> None:
    """Every parameter that the answers depend on is another after training."""
    if not evidence["training/steps"].backwards:
        raise NotRecognised("no gradient was seen")
    untrained = said(evidence, "training/steps", "untrained").split(", ")
    if untrained != [""]:
        more = f" and {len(untrained) - 1} more" if len(untrained) > 1 else ""
        raise KnownMistake(
            "only a part of the model is trained", f"`{untrained[0]}`{more} are as they began"
        )
    if n := int(evidence["training/steps"].not_registered):
        what = f"{n} parameters are" if n > 1 else "a parameter is"
        raise KnownMistake(
            "only a part of the model is trained",
            f"{what} not registered in it: are layers kept in a plain list?",
        )


@cause_of_others("training")
def check_rate_stays_alive(evidence: Any, given: Any) -> None:
    """The learning rate is not spent before half of the steps are done.

    Where the loss has come down, nothing is lost by a rate that is nearly spent. How far down it
    can come is known of torch's cross-entropy alone, with labels that are not smoothed.
    """
    answer = steps_seen(evidence)
    rates, losses = answer.rates, losses_of(answer)
    spent = rates < 1e-3 * rates.max(initial=0)
    if len(rates) >= 20 and spent.mean() > 0.5:
        raise KnownMistake(
            "the learning rate dies",
            f"in {spent.sum()} of {len(rates)} steps it is below a thousandth of its highest",
        )
    if not answer.to_zero:  # how near a loss by hand, or one of smoothed labels, can come
        return
    late = rates[len(rates) // 2 :].sum() / rates.sum()
    if len(rates) >= 20 and late < LEFT and len(losses) and late_loss(losses) > 0.1 * losses[0]:
        raise KnownMistake(
            "the learning rate dies",
            f"{1 - late:.1%} of the way is gone in the first half of {len(rates)} steps, "
            f"and the loss is still {late_loss(losses):.3g}",
        )


@cause_of_others("training")
def check_loss_falls(evidence: Any, given: Any, at_most: float = 0.9) -> None:
    losses = losses_of(evidence["training/steps"])
    if not len(losses):
        return
    late = late_loss(losses)
    if not late < at_most * losses[0]:
        raise Wrong(f"the loss goes from {losses[0]:.3g} to {late:.3g}")


@cause_of_others("training")
def check_targets_are_shifted(evidence: Any, given: Any) -> None:
    """A loss that falls is that of the next token, and not of the one that the decoder reads.

    Of a question and an answer that have nothing to do with each other, a model that was trained
    to say what it reads says just that, and its loss comes near 0. Where a tied output has hardly
    learned, it may say what it reads too, with a loss that is not far below that of guessing.
    """
    if not answered(evidence, "model/logits") or not answered(evidence, "training/steps"):
        return
    seen = evidence["training/steps"]
    losses = losses_of(seen)
    if not len(losses) or late_loss(losses) > LEAKED * np.log(max(2, int(seen.vocabulary))):
        return
    read, said = given["model/logits"].target, evidence["model/logits"].logits.argmax(axis=-1)
    if said.shape == read.shape and np.mean(said == read) > REPEATED:
        raise KnownMistake(
            "the decoder is trained to say the token that it reads, not the next one",
            f"it repeats {np.mean(said == read):.0%} of what is put in",
            "it reads the answer without its last token, and is asked for it without its first",
        )


def late_loss(losses: np.ndarray) -> float:
    return float(np.median(losses[-max(1, len(losses) // 20) :]))


@cause_of_others("generation")
def check_answers_are_digits(evidence: Any, given: Any) -> None:
    """Lists of digits, most of them as long as they should be."""
    asked, answers = given["generation/again"].sequences, evidence["generation/again"].answers
    if (answers == tasks.NOTHING).all():
        raise Wrong("every answer is empty")
    if answers.max() > 9:
        raise Wrong(f"there is a {answers.max()} among the digits: is it a token, not a digit?")
    lengths, expected = ((rows != tasks.NOTHING).sum(axis=1) for rows in (answers, asked))
    if answers.shape[1] - 2 == asked.shape[1] and (lengths == expected).mean() < 0.5:
        found = f"the answer to {expected[0]} digits has {lengths[0]}, most are like it"
        in_training = learned_in_training(evidence)
        shares = {late: share_moved(asked, answers, late) for late in (-1, 0, 1)}
        if not in_training and max(shares.values()) < 0.5:
            raise NotRecognised(f"the model has hardly learned: {found}")
        short = (lengths == expected - 1).mean() > 0.5
        start = short and (in_training or shares[1] > 0.5)
        why = ": does the decoder start from the same token in training?" if start else ""
        raise Wrong(found + why)


def learned_in_training(evidence: Any) -> bool:
    """Whether the loss came down in training, where it was seen: there the tokens before are right.

    What is wrong with answers that run free is then the way they are generated.
    """
    if not answered(evidence, "training/steps"):
        return False
    losses = losses_of(evidence["training/steps"])
    return bool(len(losses)) and late_loss(losses) < 0.5 * float(losses[0])


def share_moved(asked: np.ndarray, answers: np.ndarray, late: int) -> float:
    """The share of digits that are those `late` places later, of a question reversed or sorted."""
    there = asked != tasks.NOTHING
    by_rule = [np.full_like(answers, tasks.NOTHING) for _ in range(2)]
    for n, row in enumerate(asked):
        digits = row[there[n]]
        for right, its in zip(by_rule, (digits[::-1], np.sort(digits)), strict=True):
            its = its[max(0, late) :]
            right[n, max(0, -late) : max(0, -late) + len(its)] = its
    return max(
        float((answers == right)[right != tasks.NOTHING].mean()) if asked.shape[1] > 1 else 0.0
        for right in by_rule
    )


def check_logits_repeat(evidence: Any, given: Any) -> None:
    """The trained model itself, where it can be asked: what else it shows is luck."""
    if answered(evidence, "model/logits"):
        answer = evidence["model/logits"]
        assert_same(answer.logits, answer.again, "asked again, the model's logits are others")


@cause_of_others("generation")
def check_repeatable(evidence: Any, given: Any) -> None:
    answer = evidence["generation/again"]
    if answer.dropped:
        raise KnownMistake("dropout is at work while the model answers")
    check_logits_repeat(evidence, given)
    changed = (answer.answers != answer.again).any(axis=1).sum()
    if changed:
        raise Wrong(f"{changed} of {len(answer.again)} sequences have another answer the next time")


@causes.explains("generation")
def check_evaluation_mode(evidence: Any, submission: Any) -> None:
    """The model that the notebook leaves answers without dropout, or its mode is set somewhere."""
    if evaluated_in_training_mode(evidence, submission):
        raise KnownMistake(IN_TRAINING_MODE, "dropout is at work, `eval` is not called")


def evaluated_in_training_mode(evidence: Any, submission: Any) -> bool:
    """Whether the model that the notebook leaves answers with dropout, and no mode is ever set.

    Where one is set, it may have been another when the notebook evaluated.
    """
    if not answered(evidence, "generation/as-left") or evidence["generation/again"].dropped:
        return False
    return bool(evidence["generation/as-left"].dropped) and not sets_evaluation_mode(submission)


def sets_evaluation_mode(submission: Any) -> bool:
    nodes = (node for tree in trees_of(submission).values() for node in nodes_of(tree))
    written = {ast.unparse(node) for node in nodes if isinstance(node, ast.Call | ast.Attribute)}
    return any(text.endswith((".eval", ".train(False)", ".train(mode=False)")) for text in written)


@cause_of_others("generation")
def check_answers_are_the_models(evidence: Any, given: Any) -> None:
    """Each digit goes with a token that the model's logits say, one to one.

    Which of the places of a call counts is the student's: the last, or one that moves on.
    """
    answer = evidence["generation/again"]
    check_choices(answer.answers, answer)


def check_choices(answers: np.ndarray, answer: Any) -> None:
    """The same of any answers, and what was seen while they were given."""
    if (answers == tasks.NOTHING).all():
        return
    if (answer.choices < 0).all():
        raise ForReview("`generate` was not seen to ask the model: who answers has to be read")
    share = agreement(answers, answer.choices)
    if share >= 0.6:
        return
    if answer.side_by_side:
        raise ForReview(
            f"{share:.0%} of the digits go with the likeliest tokens of the model, which answers "
            "several sequences at once: how the answer is chosen has to be read"
        )
    raise KnownMistake(
        "the answers are not the model's", f"its logits say {share:.0%} of their digits"
    )


def check_answers_are_said(evidence: Any, given: Any, question: str, right: np.ndarray) -> None:
    """The same for what hangs on it, of answers that were asked for in between.

    Whether the model answers many at once is not watched: so some of them are asked once
    more. What a person has to read is read under `generation`, but for answers that are better
    than the model's.
    """
    if answered(evidence, "generation/again"):
        with contextlib.suppress(ForReview):
            check_answers_are_the_models(evidence, None)
    if not answered(evidence, question):
        return
    answer = evidence[question]
    if len(answer.answers) and not len(answer.alone):
        raise ForReview("asked alone, `generate` gave no answers: who answers has to be read")
    right = asked_alone(answer, given[question].places, right)
    with contextlib.suppress(ForReview):
        check_choices(answer.alone, answer)
    check_nothing_is_corrected(answer.alone, answer.choices, right)


def check_alone_as_together(evidence: Any, given: Any, question: str) -> None:
    """Of all sequences, those that are asked alone too have the same answer."""
    answer = evidence[question]
    if len(answer.answers) and not len(answer.alone):
        return  # a person looks, where all are right
    together = asked_alone(answer, given[question].places, answer.answers)
    changed = int((answer.alone != together).any(axis=1).sum())
    if changed > FEW_OTHERS:
        raise Wrong(
            f"{changed} of {len(together)} sequences have another answer alone than among many"
        )


def check_asked_in_turns(evidence: Any, right: np.ndarray, task: str) -> None:
    """Asked in between changed models, the model has the right answers that it has elsewhere.

    Wrong ones may be others: weights off by a thousandth change a third of the answers of a model
    that has learned little. One that has no answer then is for review, which is asked by itself.
    """
    answer = evidence[f"{task}/answers"]
    for question in (f"{task}/attention", f"{task}/without-weights"):
        if not answered(evidence, question) or not len(answer.alone):
            continue
        again = evidence[question].unchanged[: len(answer.answers)]
        if (again == tasks.NOTHING).all():
            continue
        elsewhere, wanted = answer.answers[: len(again)], right[: len(again)]
        changed = (again != elsewhere).any(axis=1)
        lost = int((changed & (elsewhere == wanted).all(axis=1)).sum())
        asked = wanted != tasks.NOTHING
        better = int((elsewhere == wanted)[asked].sum()) - int((again == wanted)[asked].sum())
        if lost > FEW_OTHERS or (changed.sum() > FEW_OTHERS and better > SOME_BETTER):
            raise KnownMistake(
                "what the model answers depends on when it is asked",
                f"{changed.sum()} of {len(again)} sequences have another answer "
                "when models with other weights are asked in between",
            )


def check_answers_in_turns(evidence: Any, task: str) -> None:
    """Asked in between changed models, the model answers at all.

    What raises then may be an assertion that a right model makes of its numbers, or a refusal.
    """
    if not answered(evidence, f"{task}/answers"):
        return
    answers = evidence[f"{task}/answers"].answers
    for question in (f"{task}/attention", f"{task}/without-weights"):
        if not answered(evidence, question):
            continue
        again = evidence[question].unchanged[: len(answers)]
        elsewhere = answers[: len(again)]
        if (again == tasks.NOTHING).all() and (elsewhere != tasks.NOTHING).any():
            raise ForReview(
                "with all but its own numbers inside, the model has no answer: what it asks of "
                "them has to be read"
            )


def asked_alone(answer: Any, places: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The rows of the sequences that are asked alone: the first of those drawn that were asked."""
    n = min(len(answer.answers), len(rows))
    if not len(answer.alone) == len(answer.choices) == min(n, N_ALONE):
        raise Wrong(f"{len(answer.alone)} answers to {min(n, N_ALONE)} sequences asked alone")
    return rows[places[places < n][:N_ALONE]]


def spread(n: int, some: int) -> np.ndarray:
    """The places of some of n rows, from the first to the last."""
    return np.linspace(0, n - 1, min(n, some)).astype(int)


def check_nothing_is_corrected(answers: np.ndarray, choices: np.ndarray, right: np.ndarray) -> None:
    """Digits that do not go with the model's tokens are no better than chance."""
    digits, goes, places = going_with_tokens(answers, choices)
    other = ~goes & (digits != tasks.NOTHING)
    better = int((digits == right[:, :places])[other].sum())
    if better >= SOME_BETTER and better > 0.5 * other.sum():
        raise ForReview(
            f"{better} digits are right where the model's logits say others: how the answer is "
            "chosen has to be read"
        )


def agreement(answers: np.ndarray, choices: np.ndarray) -> float:
    """The largest share of digits that go with tokens, one to one, over the ways to read calls.

    `choices` are tokens, (sequences, calls, places); the digits of an answer, (sequences, digits).
    """
    digits, goes, _ = going_with_tokens(answers, choices)
    there = digits != tasks.NOTHING
    return float(goes[there].mean()) if there.any() else 0.0


def going_with_tokens(
    answers: np.ndarray, choices: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """The digits that calls can tell, whether each goes with its token, and how many an answer."""
    _, calls, places = choices.shape
    step = np.arange(min(answers.shape[1], calls))
    digits = answers[:, : len(step)]
    last = np.take_along_axis(choices, (choices >= 0).sum(axis=2, keepdims=True) - 1, axis=2)
    ways = [last[:, step, 0]]
    for offset in range(places - len(step) + 1):
        ways += [choices[:, step, step + offset], choices[:, 0, step + offset]]
    there = digits != tasks.NOTHING
    found = [np.zeros_like(there) for _ in ways]
    for goes, tokens in zip(found, ways, strict=True):
        goes[there] = _one_to_one(digits[there], tokens[there])
    return digits, max(found, key=np.sum), len(step)


def _one_to_one(digits: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """Which digits go with their tokens, where each token stands for one digit."""
    known = tokens >= 0
    goes = np.zeros(len(digits), dtype=bool)
    if not known.any():
        return goes
    _, rows = np.unique(tokens[known], return_inverse=True)
    _, columns = np.unique(digits[known], return_inverse=True)
    counts = np.zeros((rows.max() + 1, columns.max() + 1))
    np.add.at(counts, (rows, columns), 1)
    pairs = np.zeros_like(counts, dtype=bool)
    pairs[optimize.linear_sum_assignment(counts, maximize=True)] = True
    goes[known] = pairs[rows, columns]
    return goes


@cause_of_others("generation")
def check_together(evidence: Any, given: Any) -> None:
    together, alone = evidence["generation/together"].together, evidence["generation/again"].again
    changed = (alone != together).any(axis=1).sum()
    if changed:
        raise Wrong(f"{changed} of {len(alone)} sequences have another answer in a batch")
