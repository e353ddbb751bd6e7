"""Passages that stand in several answers of a question: shown to the marker, and no accusation."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from assay.review.answers import Answer, Question

RUN = 12
"""Words in a row that two people hardly write alike by chance."""
COMMON = 0.2
"""What this share of a class of `FEW` or more writes, the course has given."""
FEW = 10
MOST = 5
WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Passage:
    """The longest run of words that an answer shares with another one."""

    answer: Answer
    words: int
    text: str


def of(question: Question) -> Mapping[str, list[Passage]]:
    """Return the shared passages of each answer, by its id; longest first."""
    words = {one.id: WORD.findall(one.text.lower())[:20_000] for one in question.answers}
    asked = _runs(WORD.findall(question.spec.prompt.lower()))
    holders: dict[int, list[str]] = {}
    for ident, written in words.items():
        for run in _runs(written):
            holders.setdefault(run, []).append(ident)
    authors = {one.id: one.author for one in question.answers}
    size = len(set(authors.values()))
    limit = max(2, int(COMMON * size)) if size >= FEW else size
    shared = {
        run: held
        for run, held in holders.items()
        if run not in asked and 2 <= len({authors[ident] for ident in held}) <= limit
    }
    return {
        one.id: found
        for one in question.answers
        if (found := _passages(question, one, words, shared))
    }


def _passages(
    question: Question,
    answer: Answer,
    words: Mapping[str, list[str]],
    shared: Mapping[int, list[str]],
) -> list[Passage]:
    mine = words[answer.id]
    longest: dict[str, tuple[int, int]] = {}
    now: Counter[str] = Counter()
    for start in range(max(0, len(mine) - RUN + 1)):
        held = shared.get(hash(tuple(mine[start : start + RUN])), ())
        others = [ident for ident in held if question.by_id[ident].author != answer.author]
        now = Counter({ident: now[ident] + 1 for ident in others})
        for ident, length in now.items():
            if length > longest.get(ident, (0, 0))[0]:
                longest[ident] = (length, start)
    found = sorted(longest.items(), key=lambda one: (-one[1][0], one[0]))[:MOST]
    return [
        Passage(
            question.by_id[ident],
            length + RUN - 1,
            " ".join(mine[start - length + 1 : start + RUN])[:400].strip(),
        )
        for ident, (length, start) in found
    ]


def _runs(words: list[str]) -> set[int]:
    return {hash(tuple(words[at : at + RUN])) for at in range(len(words) - RUN + 1)}
