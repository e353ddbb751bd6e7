import math

import pytest
import torch
from torch.testing import assert_close

from solution.transformer import FeedForward, PositionalEncoding, TokenEmbedding


def test_a_token_is_looked_up_by_its_number():
    """Row t of the table is the vector of token t, wherever it stands."""
    embedding = TokenEmbedding(7, 4)
    out = embedding(torch.tensor([[2, 6], [6, 2]]))

    assert torch.equal(out[0], embedding.table.weight[[2, 6]])
    assert torch.equal(out[1], embedding.table.weight[[6, 2]])


def test_tokens_start_about_one_long():
    """Longer ones would drown the positions."""
    torch.manual_seed(0)
    lengths = TokenEmbedding(1000, 64).table.weight.norm(dim=1)

    assert lengths.mean().item() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("d_model", [6, 7])
def test_positions_are_the_papers_sinusoids(d_model):
    """Element by element what section 3.5 says, for even and odd widths."""
    table = PositionalEncoding(9, d_model)(torch.zeros(1, 9, d_model))[0]
    expected = torch.zeros(9, d_model)
    for position in range(9):
        for channel in range(d_model):
            angle = position / 10_000 ** (2 * (channel // 2) / d_model)
            expected[position, channel] = math.cos(angle) if channel % 2 else math.sin(angle)

    assert_close(table, expected, rtol=0, atol=1e-7)


def test_positions_are_added_to_every_sequence_alike():
    """The same pattern for each item of the batch, on top of what came in."""
    x = torch.randn(3, 5, 8, generator=torch.Generator().manual_seed(0))
    added = PositionalEncoding(5, 8)(x) - x

    assert_close(added[0], added[2])
    assert added[0].std() > 0.1


def test_later_positions_can_be_asked_for_alone():
    """Started at 3, the first token has position 3: what step-by-step generation needs."""
    positions = PositionalEncoding(6, 8)
    zeros = torch.zeros(1, 6, 8)

    assert torch.equal(positions(zeros[:, :2], start=3), positions(zeros)[:, 3:5])


def test_too_long_a_sequence_is_refused():
    """Beyond its table the encoding raises instead of guessing."""
    with pytest.raises(ValueError, match="a sequence of 5 tokens, but there are 4 positions"):
        PositionalEncoding(4, 8)(torch.zeros(1, 5, 8))


def test_feed_forward_treats_each_position_by_itself():
    """Changing one position changes that position's output and no other."""
    network = FeedForward(8, 16)
    x = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0))
    other = x.clone()
    other[:, 2] += 1
    changed = (network(x) != network(other)).any(dim=-1)

    assert changed.tolist() == [[False, False, True, False, False]] * 2


def test_feed_forward_bends():
    """It is not affine: the middle of two inputs is not mapped to the middle of their outputs."""
    torch.manual_seed(0)
    network, x = FeedForward(8, 16), torch.randn(2, 1, 1, 8)
    middle = network(x.mean(dim=0))

    assert not torch.allclose(middle, (network(x[0]) + network(x[1])) / 2, atol=1e-3)
