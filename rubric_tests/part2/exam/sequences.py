"""Sequences of tokens as tables, and the student's answers to them, free running."""

import time

import numpy as np
from ask import student

ANSWER_SECONDS = 20.0  # for the answers to as many sequences as can be had
CHUNK = 4096


def table(sequences, width):
    """Lists of whole numbers as rows, filled up with -1 and cut at the width."""
    width = int(width)
    rows = np.full((len(sequences), width), -1, dtype=np.int64)
    for row, sequence in zip(rows, sequences, strict=True):
        numbers = np.asarray(sequence).ravel()
        if numbers.size and numbers.dtype.kind not in "iu":
            raise TypeError(f"expected a list of whole numbers, not {numbers.dtype}")
        row[: numbers.size] = numbers[:width]
    return rows.clip(-1, 9999).astype(np.int16)


def lists(rows):
    return [[entry for entry in row if entry >= 0] for row in rows.tolist()]


def one_at_a_time(model, sequences, width):
    return table([student.generate(model, list(sequence)) for sequence in sequences], width)


def many_at_once(model, sequences, width):
    return table(student.generate_batch(model, [list(sequence) for sequence in sequences]), width)


def as_many_as_time_allows(answer, model, given):
    """Answers to the first of the sequences, all at once where the student's code can do that."""
    sequences, started, answers = lists(given.sequences), time.monotonic(), []
    try:
        many_at_once(model, sequences[:2], given.width)
        way = many_at_once
    except Exception:
        way, sequences = one_at_a_time, sequences[:CHUNK]
    start, step = 0, 16
    while start < len(sequences) and time.monotonic() - started < ANSWER_SECONDS:
        began = time.monotonic()
        answers.append(way(model, sequences[start : start + step], given.width))
        start += step
        if time.monotonic() - began < 1:  # what many take at once can only be found out slowly
            step = min(4 * step, CHUNK)
    answer.answers = np.concatenate(answers)
