import pytest
from hypothesis import given
from hypothesis import strategies as st

from solution.reversal.tokenizer import (
    BOS,
    EOS,
    PAD,
    decode,
    encode,
    encode_target,
    name,
    vocab_size,
)

sequences = st.lists(st.lists(st.integers(0, 40), max_size=8), min_size=1, max_size=6)


@given(sequences)
def test_what_is_encoded_can_be_decoded(numbers):
    """Sources and targets of any lengths come back as they were, special tokens gone."""
    assert decode(encode(numbers)) == numbers
    assert decode(encode_target(numbers)) == numbers


@given(sequences)
def test_tokens_stay_inside_the_vocabulary(numbers):
    """The vocabulary has room for the largest integer, and no more than that."""
    largest = max((number for sequence in numbers for number in sequence), default=0)
    tokens = encode_target([*numbers, [largest]])

    assert tokens.max() == vocab_size(largest) - 1
    assert tokens.min() >= 0


def test_a_batch_is_padded_behind():
    """The worked example of the module."""
    assert encode([[3, 5, 2], [1]]).tolist() == [[6, 8, 5], [4, PAD, PAD]]
    assert encode_target([[3, 5], [1]]).tolist() == [[BOS, 6, 8, EOS], [BOS, 4, EOS, PAD]]


def test_what_follows_eos_is_not_read():
    """A model may go on babbling while others of its batch finish."""
    assert decode(encode_target([[3, 5]])[:, [0, 1, 3, 2, 2]]) == [[3]]


def test_negative_integers_are_refused():
    """They would land on the special tokens."""
    with pytest.raises(ValueError, match="-1 is negative"):
        encode([[3, -1]])


def test_tokens_have_names():
    """As they are written on figures."""
    assert [name(token) for token in (PAD, BOS, EOS, 3, 12)] == ["PAD", "BOS", "EOS", "0", "9"]
