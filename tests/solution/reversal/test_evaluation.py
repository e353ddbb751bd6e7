import numpy as np
import pytest
import torch

from solution.reversal import generate_batch, train
from solution.reversal.evaluation import (
    cross_attention,
    exact_match_by_length,
    most_frequent_by_position,
    score,
    without_positions,
)
from solution.reversal.tasks import reverse
from solution.reversal.training import Recipe


def test_a_score_counts_sequences_and_positions():
    """Worked by hand: one right, one with a wrong digit, one too short, one too long."""
    targets = [[1, 2], [1, 2], [3, 2], [3, 3]]
    answers = [[1, 2], [1, 1], [3], [3, 3, 3]]
    result = score([[0]] * 4, targets, answers)

    assert result.exact_match == 1 / 4
    assert result.per_position.tolist() == [1, 2 / 4]
    assert [error[2] for error in result.errors] == [[1, 1], [3], [3, 3, 3]]
    assert result.confusion[2].tolist() == [0, 1, 1, 0, 1]
    assert result.confusion.sum() == 8


def test_positions_that_some_targets_lack_are_not_counted_there():
    """The second position is judged on the targets that have one."""
    result = score([[0]] * 3, [[1], [1, 2], [1, 2]], [[1], [1, 2], [1, 1]])

    assert result.per_position.tolist() == [1, 1 / 2]


def test_nothing_to_compare_is_refused():
    """So is a different number of questions and answers."""
    with pytest.raises(ValueError, match="0 targets"):
        score([], [], [])
    with pytest.raises(ValueError, match="1 inputs, 1 targets, 2 answers"):
        score([[1]], [[1]], [[1], [2]])


def test_the_most_frequent_digit_by_position_is_a_constant():
    """It says the same to every question, and has a guess for every place."""
    answer = most_frequent_by_position([[1, 2], [1, 3], [4, 3], [9, 9, 9]])

    assert answer([[5], [6, 7]]) == [[1, 3, 9], [1, 3, 9]]


def test_without_positions_reversing_cannot_be_learned(reverse_5):
    """An encoder that sees a bag of digits stays far from the model; 1.6 % are all it could get."""
    model = train(
        reverse_5.train_inputs,
        reverse_5.train_targets,
        seed=0,
        architecture=without_positions,
        recipe=Recipe(steps=100, n_cycles=1),
    )
    inputs, targets = reverse_5.test_inputs[:5000], reverse_5.test_targets[:5000]

    assert score(inputs, targets, generate_batch(model, inputs)).exact_match < 0.05


def test_the_map_of_a_model_that_reverses_is_the_other_diagonal(encoder_decoder):
    """For token i of the answer, the source position most looked at is 4 - i."""
    maps, answer = cross_attention(encoder_decoder, [3, 5, 2, 4, 1])

    assert answer == [1, 4, 2, 5, 3]
    assert maps.shape == (1, 2, 6, 5)
    assert torch.allclose(maps.sum(dim=-1), torch.ones(1, 2, 6))
    assert maps[0, :, :5].mean(dim=0).argmax(dim=-1).tolist() == [4, 3, 2, 1, 0]
    assert not any(module._forward_hooks for module in encoder_decoder.modules())


def test_lengths_are_scored_apart(encoder_decoder):
    """Perfect at the length trained on, and not beyond it: the model learned five, not reversal."""
    shares = exact_match_by_length(
        encoder_decoder, reverse, [3, 5, 7], np.random.default_rng(0), n=100
    )

    assert list(shares) == [3, 5, 7]
    assert shares[5] == 1
    assert shares[7] < 0.5
