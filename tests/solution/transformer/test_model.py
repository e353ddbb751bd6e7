import pytest
import torch
from torch import nn
from torch.testing import assert_close

from solution.transformer import Config, DecoderLayer, EncoderLayer, EncoderOnly, Transformer
from solution.transformer.attention import causal

EXACT = {"rtol": 0, "atol": 1e-12}
CONFIG = Config(vocab_size=14, max_length=12, d_model=8, n_heads=2, d_hidden=16, n_layers=2)
LIKE_OURS = {"dropout": 0.0, "batch_first": True, "norm_first": True, "dtype": torch.float64}


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def noisy(module):
    """Float64, and no parameter left at one or zero, as normalisations start."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return module.double()


def pairs_of_attention(ours, theirs):
    return [
        (ours.w_qkv.weight, theirs.in_proj_weight),
        (torch.zeros_like(theirs.in_proj_bias), theirs.in_proj_bias),
        (ours.w_o.weight, theirs.out_proj.weight),
        (torch.zeros_like(theirs.out_proj.bias), theirs.out_proj.bias),
    ]


def pairs_of_norm(ours, theirs):
    return [(ours.weight, theirs.weight), (torch.zeros_like(theirs.bias), theirs.bias)]


def pairs_of_linear(ours, theirs):
    return [(ours.weight, theirs.weight), (ours.bias, theirs.bias)]


def pairs_of_feed_forward(ours, theirs):
    return pairs_of_linear(ours.w_1, theirs.linear1) + pairs_of_linear(ours.w_2, theirs.linear2)


def pairs_of_layer(ours, theirs):
    """Which of our parameters is which of torch's."""
    pairs = pairs_of_attention(ours.self_attention, theirs.self_attn)
    pairs += pairs_of_feed_forward(ours.feed_forward, theirs)
    norms = [ours.norm_self, ours.norm_feed]
    if isinstance(ours, DecoderLayer):
        pairs += pairs_of_attention(ours.cross_attention, theirs.multihead_attn)
        norms.insert(1, ours.norm_cross)
        pairs += pairs_of_norm(norms[2], theirs.norm3)
    return pairs + pairs_of_norm(norms[0], theirs.norm1) + pairs_of_norm(norms[1], theirs.norm2)


def copy(pairs):
    with torch.no_grad():
        for ours, theirs in pairs:
            theirs.copy_(ours)


def assert_same_gradients(our_output, their_output, pairs):
    direction = torch.randn_like(our_output)
    our_output.backward(direction)
    their_output.backward(direction)
    for ours, theirs in pairs:
        if ours.requires_grad:
            assert_close(ours.grad, theirs.grad, **EXACT)


def padding(*lengths):
    """Visible are the first so many of five."""
    return (torch.arange(5) < torch.tensor(lengths).unsqueeze(1)).unsqueeze(1)


@pytest.mark.parametrize("visible", [None, causal(5), padding(5, 3, 1)], ids=str)
def test_the_encoder_layer_is_torchs_own(visible):
    """Output and gradients equal nn.TransformerEncoderLayer's, with the weights copied across."""
    ours = noisy(EncoderLayer(8, 2, 16))
    theirs = nn.TransformerEncoderLayer(8, 2, 16, **LIKE_OURS)
    pairs = pairs_of_layer(ours, theirs)
    copy(pairs)
    x = torch.randn(3, 5, 8, dtype=torch.float64)
    hidden = None if visible is None else ~visible.expand(3, 5, 5).repeat_interleave(2, 0)
    our_output, their_output = ours(x, visible), theirs(x, src_mask=hidden)

    assert_close(our_output, their_output, **EXACT)
    assert_same_gradients(our_output, their_output, pairs)


@pytest.mark.parametrize("memory_visible", [None, padding(5, 3, 1)], ids=str)
def test_the_decoder_layer_is_torchs_own(memory_visible):
    """Output and gradients equal nn.TransformerDecoderLayer's, both masks included."""
    ours = noisy(DecoderLayer(8, 2, 16))
    theirs = nn.TransformerDecoderLayer(8, 2, 16, **LIKE_OURS)
    pairs = pairs_of_layer(ours, theirs)
    copy(pairs)
    x, memory = torch.randn(2, 3, 5, 8, dtype=torch.float64)
    x = x[:, :4]
    our_output = ours(x, memory, causal(4), memory_visible)
    padded = None if memory_visible is None else ~memory_visible[:, 0]
    their_output = theirs(x, memory, tgt_mask=~causal(4), memory_key_padding_mask=padded)

    assert_close(our_output, their_output, **EXACT)
    assert_same_gradients(our_output, their_output, pairs)


def torchs_transformer(ours):
    """nn.Transformer with our weights, and the pairs of parameters."""
    encoder_layer = nn.TransformerEncoderLayer(8, 2, 16, **LIKE_OURS)
    decoder_layer = nn.TransformerDecoderLayer(8, 2, 16, **LIKE_OURS)
    norms = [nn.LayerNorm(8, dtype=torch.float64) for _ in range(2)]
    encoder = nn.TransformerEncoder(encoder_layer, 2, norms[0], enable_nested_tensor=False)
    decoder = nn.TransformerDecoder(decoder_layer, 2, norms[1])
    theirs = nn.Transformer(8, 2, custom_encoder=encoder, custom_decoder=decoder, batch_first=True)
    pairs = pairs_of_norm(ours.encoder.norm, norms[0]) + pairs_of_norm(ours.decoder.norm, norms[1])
    for our_half, their_half in ((ours.encoder, encoder), (ours.decoder, decoder)):
        for our_layer, their_layer in zip(our_half.layers, their_half.layers, strict=True):
            pairs += pairs_of_layer(our_layer, their_layer)
    copy(pairs)
    return theirs, pairs


@pytest.mark.parametrize("visible", [None, padding(5, 3, 1)], ids=str)
def test_the_whole_model_is_torchs_own(visible):
    """Between the embeddings and the logits, two layers deep, it is nn.Transformer."""
    ours = noisy(Transformer(CONFIG))
    theirs, pairs = torchs_transformer(ours)
    source, target = torch.randint(3, 14, (3, 5)), torch.randint(3, 14, (3, 4))
    embedded = [
        half.positions(half.embedding(tokens))
        for half, tokens in ((ours.encoder, source), (ours.decoder, target))
    ]
    padded = None if visible is None else ~visible[:, 0]
    their_output = theirs(
        *embedded,
        tgt_mask=~causal(4),
        src_key_padding_mask=padded,
        memory_key_padding_mask=padded,
    )
    our_output = ours(source, target, visible)
    their_output = ours.to_logits(their_output)

    assert_close(our_output, their_output, **EXACT)
    direction = torch.randn_like(our_output)
    our_parameters = [our for our, _ in pairs if our.requires_grad]
    their_parameters = [their for our, their in pairs if our.requires_grad]
    for our, their in zip(
        torch.autograd.grad(our_output, our_parameters, direction),
        torch.autograd.grad(their_output, their_parameters, direction),
        strict=True,
    ):
        assert_close(our, their, **EXACT)


def test_the_future_is_invisible():
    """Another token at position 3 of the target leaves the logits before it alone."""
    model = noisy(Transformer(CONFIG))
    source, target = torch.randint(3, 14, (2, 5)), torch.full((2, 6), 4)
    other = target.clone()
    other[:, 3] = 9
    changed = (model(source, target) != model(source, other)).any(dim=-1)

    assert changed.tolist() == [[False, False, False, True, True, True]] * 2


def test_padding_is_invisible():
    """What stands in masked source positions does not matter, and being shorter is the same."""
    model = noisy(Transformer(CONFIG))
    source, target = torch.randint(3, 14, (1, 5)), torch.randint(3, 14, (1, 4))
    other = torch.cat((source[:, :3], torch.full((1, 2), 7)), dim=1)

    assert_close(model(source, target, padding(3)), model(other, target, padding(3)), **EXACT)
    assert_close(model(source, target, padding(3)), model(source[:, :3], target), **EXACT)


def test_items_of_a_batch_do_not_touch():
    """Each gets the logits that it gets alone."""
    model = noisy(Transformer(CONFIG))
    source, target = torch.randint(3, 14, (3, 5)), torch.randint(3, 14, (3, 4))

    assert_close(model(source, target)[1:2], model(source[1:2], target[1:2]), **EXACT)


@pytest.mark.parametrize("positions", [False, True])
def test_only_positions_tell_the_order(positions):
    """Without them, permuted tokens give permuted logits; with them, they do not."""
    model = noisy(EncoderOnly(Config(14, 12, d_model=8, d_hidden=16, positions=positions)))
    source, order = torch.tensor([[3, 4, 5, 6, 7]]), torch.tensor([2, 0, 4, 1, 3])
    permuted = torch.allclose(model(source[:, order]), model(source)[:, order], atol=1e-9)

    assert permuted == (not positions)


def test_a_new_model_favours_no_token():
    """The cross-entropy at the start is near ln(vocabulary)."""
    model = Transformer(Config(vocab_size=14, max_length=12))
    source, target = torch.randint(3, 14, (200, 5)), torch.randint(3, 14, (200, 6))
    cost = nn.functional.cross_entropy(model(source, target).flatten(0, 1), target.flatten())

    assert cost.item() == pytest.approx(torch.tensor(14.0).log().item(), abs=0.4)


def test_the_newest_token_alone_gives_what_the_whole_sequence_gives():
    """`step` by `step` with kept keys and values, the decoder computes what `forward` computes."""
    decoder = noisy(Transformer(CONFIG)).decoder
    tokens, memory = torch.randint(3, 14, (3, 6)), torch.randn(3, 5, 8, dtype=torch.float64)
    visible = padding(5, 2, 4)
    pasts, memories = decoder.start(memory)
    outputs = []
    for i in range(6):
        x, pasts = decoder.step(tokens[:, i : i + 1], pasts, memories, visible)
        outputs.append(x)

    assert_close(torch.cat(outputs, dim=1), decoder(tokens, memory, visible), **EXACT)
