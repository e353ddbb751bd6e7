"""What a marker is pointed to: nothing of it accuses somebody who wrote an answer."""

import pytest

from assay.review import hints


@pytest.mark.parametrize(
    "text",
    [
        "Of course, there is a bias in every layer.",
        "Sure, the letters in one batch are independent.",
        "The network overfits. Let me know if you have questions.",
        "I hope this helps you, boss. Feel free to ask.",
        "Certainly! Here the weights are found by descent.",
        "Certainly! Here is an answer:\n\nA line.",
    ],
)
def test_polite_words_are_no_assistants(text: str):
    """A letter to a boss begins and ends like this; these words were once taken for a chat's."""
    assert hints.residue(text) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Loss falls [cite: 3].", "[cite…]"),
        ("As an AI language model I cannot", "As an AI"),
        ("see https://x.org/?utm_source=chatgpt.com", "an address of a chat"),
    ],
)
def test_what_only_an_assistant_leaves_is_named(text: str, name: str):
    """Its marks of sources, what it says of itself, its addresses."""
    assert hints.residue(text) == [name]


@pytest.mark.parametrize(
    "text",
    [
        "# The weights are found by descent\n## Nobody sets them",
        "# The weights are found by descent\n\nTBD",
        "#1 the loss falls, #2 it rises",
        "# Answer 42",
        "Type I errors matter here.",
        "Put differently, overfitting begins here",
        "Put a bit differently, overfitting begins here",
    ],
)
def test_a_heading_and_a_short_line_are_an_answer(text: str):
    """It is not said of them that nothing stands there."""
    assert not hints.is_placeholder(text)


@pytest.mark.parametrize(
    "text",
    [
        *("TODO", "# TODO", "## Answer\n\nTODO", "*Write your answer here.*", "Type here", "..."),
        *("# Frage 5b\n> Hier bitte die Antwort eintragen", "Your answer goes here", "Answer here"),
        *("", "Write an explanation of one page here", "Add some text here", "tbd\n\nTBD"),
    ],
)
def test_a_placeholder_is_one(text: str):
    """Under a heading that is a label too."""
    assert hints.is_placeholder(text)
