"""Sequences of tokens as tables, and the student's answers to them, free running."""

import contextlib
import functools
from contextlib import contextmanager
from itertools import chain, pairwise
from types import MethodType

import numpy as np
import torch
from ask import student
from exam.at_work import (
    Calls,
    Choices,
    Parts,
    Weights,
    a_share_slightly,
    equal,
    moved,
    slightly,
)
from exam.components import SIZES, kind_of, logits_of
from torch.nn import functional

ONE_BY_ONE = 500  # sequences asked where there is no `generate_batch`; real code takes 1 to 70 ms
ALONE = 24  # of all sequences, those that are asked once more
FIRST, CHUNK = 16, 1024  # where there is one, it is asked for all, so many at once


def whole(sequence):
    """One answer as whole numbers, in whatever form: lists in lists, tensors, 3.0 for 3.

    Raises TypeError for what is no list of numbers, or has one such as 3.5 among them.
    """
    try:
        numbers = np.asarray(sequence)
    except Exception:  # tensors that learn, are elsewhere, or of a type that NumPy does not have
        numbers = np.asarray(plain(sequence))
    numbers = np.asarray(plain(sequence)) if numbers.dtype.kind == "O" else numbers
    numbers = numbers.ravel()
    if numbers.dtype.kind == "f" and (np.isfinite(numbers) & (numbers == numbers.round())).all():
        return numbers.clip(-1, 9999).astype(np.int64)
    if numbers.size and numbers.dtype.kind not in "iu":
        raise TypeError(f"expected a list of whole numbers, not {numbers.dtype}")
    return numbers


def plain(value):
    """Tensors as lists and numbers, in a list or by themselves."""
    if hasattr(value, "detach"):
        return value.detach().cpu().tolist()
    return [plain(entry) for entry in value] if isinstance(value, list | tuple) else value


def table(sequences, width):
    """Lists of whole numbers as rows, filled up with -1 and cut at the width."""
    width = int(width)
    rows = np.full((len(sequences), width), -1, dtype=np.int64)
    if (numbers := numbers_of(sequences)) is not None:
        lengths = [len(sequence) for sequence in sequences]
        place = np.concatenate([np.arange(length) for length in lengths])
        row, within = np.repeat(np.arange(len(lengths)), lengths), place < width
        rows[row[within], place[within]] = numbers[within]
        return rows.clip(-1, 9999).astype(np.int16)
    for row, sequence in zip(rows, sequences, strict=True):
        numbers = whole(sequence)
        row[: numbers.size] = numbers[:width]
    return rows.clip(-1, 9999).astype(np.int16)


def numbers_of(sequences):
    """All numbers one after the other, of lists of Python's own whole numbers; else None.

    Read at once, since what a notebook trained on is tens of thousands of lists.
    """
    if type(sequences) is not list or not sequences or set(map(type, sequences)) != {list}:
        return None
    every = list(chain.from_iterable(sequences))
    if set(map(type, every)) != {int}:
        return None
    numbers = np.asarray(every)
    return numbers if numbers.dtype == np.int64 else None


def in_order(rows, *others):
    """The rows sorted, and those of the other tables beside them; as they are, if others are fewer.

    In what order they were drawn tells nothing, and is most of the room that they take.
    """
    if any(len(other) != len(rows) for other in others):
        return rows, *others
    order = np.lexsort(rows.T[::-1])
    return rows[order], *(other[order] for other in others)


def lists(rows):
    return [[entry for entry in row if entry >= 0] for row in rows.tolist()]


def one_at_a_time(model, sequences, width):
    return table([student.generate(model, list(sequence)) for sequence in sequences], width)


def in_turns(given, asked):
    """By name, the answers of models that are asked in turns: each sequence, in the drawn order.

    One that cannot answer a sequence gives no answers.
    """
    answers = {name: [] for name in asked}
    for place, turns in enumerate(given.turns):
        for name in (list(asked)[turn] for turn in turns):
            try:
                answers[name].append(asked[name](place))
            except Exception:
                asked[name] = cannot
    nothing = table([[]] * len(given.sequences), given.width)
    tables = dict.fromkeys(asked, nothing)
    for name, rows in answers.items():
        with contextlib.suppress(Exception):
            if len(rows) == len(nothing):
                tables[name] = table(rows, given.width)
    return tables


def cannot(place):
    raise ValueError("an earlier sequence had no answer")


def enough_for(model, sequences, counted):
    """How much of what is counted is plenty for an answer, of a model that is changed too."""
    with contextlib.suppress(Exception), counted:
        student.generate(model, list(sequences[0]))
    return 20 * counted.done + 10_000


def vocabulary_of(model, given):
    """How many tokens the model's logits are of; as many as are said where it cannot be asked."""
    with contextlib.suppress(Exception), torch.no_grad():
        tokens = given.sequences[:1].clip(0).astype(np.int64)  # an index, wherever it is empty
        return logits_of(model, tokens, tokens).shape[-1]
    with contextlib.suppress(Exception):  # it takes masks too: as many as it embeds and tells apart
        parts = list(model.modules())
        embedded = {part.num_embeddings for part in parts if isinstance(part, torch.nn.Embedding)}
        apart = {part.out_features for part in parts if isinstance(part, torch.nn.Linear)}
        wide = {part.embedding_dim for part in parts if isinstance(part, torch.nn.Embedding)}
        wide |= {part.in_features for part in parts if isinstance(part, torch.nn.Linear)}
        (vocabulary,) = (embedded & apart) - wide  # as wide as there are places, it may be
        return vocabulary
    return int(given.vocabulary)


def with_choices(model, sequences, given):
    """The answers, and beside each what the model's logits said in every call that it took."""
    answers, tables, side_by_side = [], [], False
    vocabulary, width = vocabulary_of(model, given), int(given.width)
    for sequence in sequences:
        with Choices(model, vocabulary) as choices:
            answers.append(student.generate(model, list(sequence)))
        tables.append(choices.table(width, 3 * width))
        side_by_side |= choices.side_by_side
    return table(answers, width), np.stack(tables), side_by_side


@contextmanager
def dropout_seen():
    """A list that gets an entry for each time that torch's dropout is at work."""
    seen, dropout = [], functional.dropout

    def noting(input, p=0.5, training=True, inplace=False):
        if training and p > 0:
            seen.append(p)
        return dropout(input, p, training, inplace)

    functional.dropout = noting
    try:
        yield seen
    finally:
        functional.dropout = dropout


class Exchange:
    """What comes out of every layer: kept while one question is asked, given back at another.

    All that a transformer knows of its question goes through them. Their `forward` is changed: a
    hook does not see who calls it by name. It is a method of the layer, so that one of a copied
    layer is the copy's.
    """

    def __init__(self, model):
        self.layers, self.kept, self.given_back = [], [], None
        self.exchanged, self.lasts = 0, False
        kinds = []
        for name in ("EncoderLayer", "DecoderLayer"):
            with contextlib.suppress(Exception):
                kinds.append(kind_of(name, *SIZES))
        with contextlib.suppress(Exception):
            self.layers = [part for part in model.modules() if isinstance(part, tuple(kinds))]

    def __enter__(self):
        self.own = [part.__dict__.get("forward") for part in self.layers]
        for part, own in zip(self.layers, self.own, strict=True):
            part.__dict__["forward"] = MethodType(self.noting(type(part).forward, own), part)
        self.lasts = True
        return self

    def __exit__(self, *error):
        self.lasts = False  # a copy may be kept
        for part, own in zip(self.layers, self.own, strict=True):
            if own is None:
                part.__dict__.pop("forward", None)
            else:
                part.__dict__["forward"] = own

    def noting(self, plain, own):
        @functools.wraps(plain)
        def forward(part, *args, **kwargs):
            return self.note(own(*args, **kwargs) if own else plain(part, *args, **kwargs))

        return forward

    def note(self, out):
        if not self.lasts:
            return out
        if self.given_back is None:
            self.kept.append(copied(out))
            return out
        self.exchanged += 1
        return next(self.given_back, out)

    def keep(self):
        self.kept, self.given_back = [], None

    def give_back(self):
        self.given_back = iter(self.kept)


def copied(out):
    """Tensors alone, without what else may hang on them."""
    if isinstance(out, torch.Tensor):
        return out.detach().clone()
    if type(out) in (tuple, list):
        return type(out)(copied(part) for part in out)
    return {name: copied(part) for name, part in out.items()} if type(out) is dict else out


@contextmanager
def other_weights(model, others):
    """The very model, each of its weights another for as long as this lasts: a copy is known."""
    weights = [(weight, weight.detach().clone()) for weight in model.parameters()]
    try:
        for (weight, _), other in zip(weights, others, strict=True):
            weight.data.copy_(other)
        yield
    finally:
        for weight, own in weights:
            weight.data.copy_(own)


def in_disorder(dice):
    """Every weight somewhere else in its own matrix: as large, and without sense."""

    def changed(weight):
        order = torch.randperm(weight.numel(), generator=dice)
        return weight.flatten()[order].view(weight.shape)

    return changed


def a_little_else(dice):
    """Every weight all but what it is; whole numbers, as of places, stay."""

    def changed(weight):
        whole = not weight.is_floating_point() or bool((weight == weight.round()).all())
        return weight.clone() if whole else slightly(weight, dice)

    return changed


def answer_without_weights(answer, model, given):
    """The answers with both kinds, and with its own; one that comes to no end is broken off.

    With its own once more, where its layers say what they say of another question.
    """
    sequences, dice = lists(given.sequences), torch.Generator().manual_seed(0)
    most, exchange = enough_for(model, sequences, Calls()), Exchange(model)
    ways = {
        "shuffled": in_disorder(dice),
        "answers": torch.zeros_like,
        "unchanged": a_little_else(dice),
    }

    def asked(changed):
        @functools.cache
        def others():
            return [changed(weight.detach()) for weight in model.parameters()]

        def answered(place):
            with other_weights(model, others()), Calls(most):
                return student.generate(model, list(sequences[place]))

        return answered

    def exchanged(place):
        """With what its layers gave for another question, the answer is the other's."""
        if given.partners[place] == place:
            return []
        with exchange, torch.no_grad(), Calls(2 * most):
            exchange.keep()
            student.generate(model, list(sequences[given.partners[place]]))
            exchange.give_back()
            return student.generate(model, list(sequences[place]))

    every = {name: asked(way) for name, way in ways.items()} | {"exchanged": exchanged}
    for name, rows in in_turns(given, every).items():
        setattr(answer, name, rows)
    answer.n_layers, answer.n_exchanged = len(exchange.layers), exchange.exchanged


def answer_with_equal_weights(answer, model, given):
    """Whether attention is at work while the model answers, and the answers without its choice.

    Once all places are given the same weight, once each the weight of its neighbour, and once its
    own, or all but. A model that cannot answer so gives no answers: all the better.
    """
    sequences, vocabulary = lists(given.sequences), vocabulary_of(model, given)
    most = enough_for(model, sequences, Weights(vocabulary))
    dice = torch.Generator().manual_seed(0)
    ways = {
        "answers": equal,
        "moved": moved,
        "unchanged": lambda out, axis, *, is_share: (
            a_share_slightly(out, axis, dice) if is_share else slightly(out, dice)
        ),
    }
    weights = {name: Weights(vocabulary, way, most) for name, way in ways.items()}

    def asked(mode):
        def answered(place):
            mode.begin()
            with torch.no_grad(), mode:
                return student.generate(model, list(sequences[place]))

        return answered

    with Parts() as parts:
        found = in_turns(given, {name: asked(mode) for name, mode in weights.items()})
    for name, rows in found.items():
        setattr(answer, name, rows)
    answer.n_weights, answer.parts = weights["answers"].seen, ", ".join(sorted(parts.called))


def many_at_once(model, sequences, width):
    return table(student.generate_batch(model, [list(sequence) for sequence in sequences]), width)


def as_many_as_planned(answer, model, given):
    """Answers to all sequences; to the first of them where there is no `generate_batch` that works.

    How many are asked depends on nothing else: time only ends the question. Some of them are asked
    once more, each by itself and watched: many at once may be answered by something else.
    """
    sequences = lists(given.sequences)
    try:
        many_at_once(model, sequences[:2], given.width)
        way = many_at_once
    except Exception:
        way, sequences = one_at_a_time, sequences[:ONE_BY_ONE]
    starts = [0, *range(FIRST, len(sequences), CHUNK), len(sequences)]
    chunks = [sequences[start:end] for start, end in pairwise(starts)]
    answer.answers = np.concatenate([way(model, chunk, given.width) for chunk in chunks if chunk])
    width = int(given.width)
    answer.alone, answer.side_by_side = table([], width), False
    answer.choices = np.full((0, width, 3 * width), -1, dtype=np.int16)
    with contextlib.suppress(Exception):  # a `generate` that raises is asked elsewhere
        some = [sequences[place] for place in given.places if place < len(sequences)][:ALONE]
        answer.alone, answer.choices, answer.side_by_side = with_choices(model, some, given)
