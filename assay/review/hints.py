"""What a marker is pointed to in an answer: facts about its text, never a reason for points."""

import re
from collections.abc import Sequence

from assay.review.answers import Answer
from assay.review.questions import QuestionSpec

PLACEHOLDER = re.compile(
    r"to ?do|tbd|tba|wip|fixme|x{3,20}|placeholder|platzhalter|lorem ipsum.{0,200}|coming soon"
    r"|(?:your|my) (?:answer|text|solution|comment)s?(?: goes)?(?: here)?"
    r"|(?:write|type|add|insert|put) (?:(?:your|an?|some|text|answer|in) [^,]{0,60})?here"
    r"|answer (?:goes |comes )?here"
    r"|(?:deine|ihre|eure|meine) (?:antwort|lösung)(?: hier)?"
    r"|(?:hier|bitte) .{0,60}(?:antworten|antwort|einfügen|eintragen|ergänzen|schreiben)",
    re.IGNORECASE,
)
LABEL = re.compile(
    r"(?:(?:the|my|your|meine|deine) )?(?:answer|solution|antwort|lösung"
    r"|question|frage|exercise|aufgabe|task|part|teil)(?: [\w.]{1,5})?",
    re.IGNORECASE,
)
"""A heading that only says where an answer stands."""
EDGES = " \t.,:;!?…*_#>()[]{}<>-–—/\\|`~\"'"
RESIDUE = {
    "[cite…]": re.compile(r"\[cite(?:_start|_end)?(?::[^\]]{0,40})?\]|\[/?cite\]"),
    "oaicite": re.compile(r"oaicite|contentReference\["),
    "turn0search0": re.compile(r"turn\d+(?:search|view|news|file)\d+"),
    "As an AI": re.compile(r"\bas an? (?:ai|large)(?: language)? (?:model|assistant)\b", re.I),
    "Als KI": re.compile(r"\bals (?:ki|künstliche intelligenz)(?:-| )?(?:modell|assistent)", re.I),
    "an address of a chat": re.compile(r"utm_source=(?:chatgpt|openai|copilot)", re.I),
}
MOST = 200_000
"""Characters of an answer that are looked through: a page does it each time it is shown."""
SHARED_WITH_THE_PROMPT = 8
"""Words in a row that are taken for the prompt itself."""


def of(answer: Answer, spec: QuestionSpec) -> list[str]:
    """Return what a marker may want to know of an answer before reading it, in words."""
    if answer.is_stale:
        return ["the report is not the one that was graded: `assay class grade` writes it again"]
    if not answer.pieces:
        return ["no answer was found under a heading of its own: look into the notebook"]
    said, text = [], answer.text.strip()[:MOST]
    if not text:
        said.append("the answer is empty")
    elif is_placeholder(text):
        said.append("nothing but a placeholder")
    if len(answer.pieces) > 1:
        said.append(f"put together from {len(answer.pieces)} places of the notebook")
    if left := prompt_left_in(text, spec.prompt):
        said.append(f"{left} words are those of the prompt")
    said += [f"text of an assistant: {name}" for name in residue(text)]
    return said


def is_placeholder(text: str) -> bool:
    """Return whether a text only says that something is to be written there.

    A heading may be the answer itself; one that is only a label says nothing either way.
    """
    lines = [(line, line.strip(EDGES)[:300]) for line in text.splitlines()]
    said = [(line, words) for line, words in lines if words]
    rest = [words for line, words in said if not (line.startswith("#") and LABEL.fullmatch(words))]
    return all(map(PLACEHOLDER.fullmatch, rest)) and bool(rest or not said)


def residue(text: str) -> list[str]:
    """Return what an assistant's output left in a text, by name."""
    return [name for name, pattern in RESIDUE.items() if pattern.search(text)]


def prompt_left_in(text: str, prompt: str) -> int:
    """Return how many words of a text stand in runs that are the prompt's too."""
    mine, asked = _words(text), _words(prompt)
    runs = set(_runs(asked))
    covered: set[int] = set()
    for start, run in enumerate(_runs(mine)):
        if run in runs:
            covered |= set(range(start, start + SHARED_WITH_THE_PROMPT))
    return len(covered)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _runs(words: Sequence[str]) -> list[tuple[str, ...]]:
    length = SHARED_WITH_THE_PROMPT
    return [tuple(words[at : at + length]) for at in range(len(words) - length + 1)]
