import pytest
import torch
from jaxtyping import TypeCheckError
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

from solution.transformer import MultiHeadAttention, attention
from solution.transformer.attention import causal

EXACT = {"rtol": 0, "atol": 1e-12}


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(0)


def randn(rng, *shape):
    return torch.randn(*shape, generator=rng, dtype=torch.float64)


def random_mask(rng, *shape):
    """Every query may look somewhere: its first key at least."""
    visible = torch.rand(*shape, generator=rng) < 0.6
    visible[..., 0] = True
    return visible


MASKS = {
    "none": lambda rng: None,
    "causal": lambda rng: causal(5),
    "padding": lambda rng: random_mask(rng, 3, 1, 5),
    "any": lambda rng: random_mask(rng, 3, 5, 5),
}


def heads_of(d_model, n_heads, rng):
    """Ours and torch's, with the same weights."""
    ours = MultiHeadAttention(d_model, n_heads).double()
    theirs = nn.MultiheadAttention(d_model, n_heads, bias=False, batch_first=True).double()
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.copy_(randn(rng, *parameter.shape) / 2)
        theirs.in_proj_weight.copy_(ours.w_qkv.weight)
        theirs.out_proj.weight.copy_(ours.w_o.weight)
    return ours, theirs


@pytest.mark.parametrize("mask", MASKS)
def test_attention_is_torchs_own_in_forward_and_gradients(mask, rng):
    """Output and gradients equal F.scaled_dot_product_attention, under every kind of mask."""
    visible = MASKS[mask](rng)
    qkv = [randn(rng, 3, 5, 4).requires_grad_() for _ in range(3)]
    ours, _ = attention(*qkv, visible)
    theirs = F.scaled_dot_product_attention(*qkv, attn_mask=visible)
    direction = randn(rng, *ours.shape)

    assert_close(ours, theirs, **EXACT)
    for our, their in zip(
        torch.autograd.grad(ours, qkv, direction),
        torch.autograd.grad(theirs, qkv, direction),
        strict=True,
    ):
        assert_close(our, their, **EXACT)


def test_the_weights_of_a_query_sum_to_one_and_make_the_output(rng):
    """Each row of weights is a mixture over the keys, and the output is that mixture."""
    query, key, value = randn(rng, 2, 3, 4), randn(rng, 2, 6, 4), randn(rng, 2, 6, 5)
    output, weights = attention(query, key, value)

    assert_close(weights.sum(dim=-1), torch.ones(2, 3).double(), **EXACT)
    assert_close(output, weights @ value, **EXACT)
    assert weights.std() > 0.05


def test_what_is_invisible_has_no_weight(rng):
    """Weights are zero wherever `visible` is False and positive wherever it is True."""
    visible = random_mask(rng, 2, 5, 5)
    _, weights = attention(*(randn(rng, 2, 5, 4) for _ in range(3)), visible)

    assert torch.equal(weights > 0, visible)


def test_a_query_that_may_look_nowhere_looks_everywhere_alike(rng):
    """Its output is the mean of the values, and its gradients are finite."""
    qkv = [randn(rng, 1, 4, 3).requires_grad_() for _ in range(3)]
    output, _ = attention(*qkv, torch.zeros(4, 4, dtype=torch.bool))
    gradients = torch.autograd.grad(output.sum(), qkv)

    assert_close(output, qkv[2].mean(dim=1, keepdim=True).expand(1, 4, 3), **EXACT)
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_a_causal_mask_lets_each_position_look_back_only():
    """Position i sees positions 0 to i."""
    assert causal(3).tolist() == [[True, False, False], [True, True, False], [True, True, True]]


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("n_heads", [1, 2, 4])
def test_multi_head_attention_is_torchs_own(n_heads, mask, rng):
    """With its weights copied across, output, head weights and gradients equal torch's."""
    visible = MASKS[mask](rng)
    ours, theirs = heads_of(8, n_heads, rng)
    x = randn(rng, 3, 5, 8).requires_grad_()
    hidden = None if visible is None else ~visible.expand(3, 5, 5).repeat_interleave(n_heads, 0)
    our_output = ours(x, x, visible)
    their_output, their_weights = theirs(
        x, x, x, attn_mask=hidden, average_attn_weights=False, need_weights=True
    )
    direction = randn(rng, 3, 5, 8)
    our_gradients = torch.autograd.grad(our_output, [x, *ours.parameters()], direction)
    their_gradients = torch.autograd.grad(their_output, [x, *theirs.parameters()], direction)

    assert_close(our_output, their_output, **EXACT)
    assert_close(ours.weights(x, x, visible), their_weights, **EXACT)
    for our, their in zip(our_gradients, their_gradients, strict=True):
        assert_close(our, their, **EXACT)


def test_cross_attention_is_torchs_own(rng):
    """So it is where the memory is another sequence, of another length."""
    ours, theirs = heads_of(8, 2, rng)
    query, memory = randn(rng, 3, 4, 8), randn(rng, 3, 7, 8)

    assert_close(ours(query, memory), theirs(query, memory, memory)[0], **EXACT)


def test_an_equal_memory_is_as_good_as_the_same(rng):
    """Self-attention in one product equals the same sequence handed over as another tensor."""
    ours, _ = heads_of(8, 2, rng)
    x = randn(rng, 3, 5, 8)

    assert_close(ours(x, x), ours(x, x.clone()), **EXACT)


def test_order_means_nothing_to_attention(rng):
    """Permuting the sequence permutes the output."""
    ours, _ = heads_of(8, 2, rng)
    x, order = randn(rng, 2, 6, 8), torch.tensor([3, 0, 5, 1, 4, 2])

    assert_close(ours(x[:, order], x[:, order]), ours(x, x)[:, order], **EXACT)


def test_heads_that_do_not_fit_are_refused():
    """Ten channels cannot be cut into four equal heads."""
    with pytest.raises(ValueError, match="d_model=10 does not divide into 4"):
        MultiHeadAttention(10, 4)


def test_shapes_are_enforced(rng):
    """Keys and values of different length are refused at the call."""
    with pytest.raises(TypeCheckError):
        attention(randn(rng, 2, 3, 4), randn(rng, 2, 5, 4), randn(rng, 2, 6, 4))
