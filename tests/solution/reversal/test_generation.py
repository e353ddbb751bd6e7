import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from solution.reversal import generate, generate_batch
from solution.reversal.generation import visible_tokens
from solution.reversal.tokenizer import vocab_size
from solution.transformer import Config, EncoderOnly, Transformer

CONFIG = Config(vocab_size(9), max_length=14, d_model=8, d_hidden=16, n_layers=2)


def babbler(kind, seed=0):
    """An untrained model, whose answers are long, various and wrong: hard to agree with by luck."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return kind(CONFIG).eval()


@given(
    st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=9), min_size=1, max_size=5),
    st.integers(0, 50),
)
@settings(max_examples=15, deadline=None)
def test_the_cache_changes_nothing(sequences, seed):
    """With and without kept keys and values the answers are the same, whatever the model says."""
    model = babbler(Transformer, seed)

    assert generate_batch(model, sequences) == generate_batch(model, sequences, cache=False)


@pytest.mark.parametrize("kind", [Transformer, EncoderOnly])
def test_a_sequence_is_answered_alike_alone_and_in_company(kind):
    """Padding and batch size do not show in an answer."""
    model = babbler(kind)
    sequences = [[1, 2, 3], [9], [4, 4, 4, 4, 4, 4, 4], [5, 6]]
    alone = [generate(model, sequence) for sequence in sequences]

    assert generate_batch(model, sequences) == alone
    assert generate_batch(model, sequences, batch_size=3) == alone


def test_the_decoder_reads_its_own_words():
    """Each token is the likeliest after those that it has said itself."""
    model = babbler(Transformer, seed=1)
    (answer,) = generate_batch(model, [[1, 2, 3, 4, 5]])
    source = torch.tensor([[4, 5, 6, 7, 8]])
    tokens = [1]
    while len(tokens) < CONFIG.max_length and tokens[-1] != 2:
        tokens.append(int(model(source, torch.tensor([tokens]))[0, -1].argmax()))

    assert answer == [token - 3 for token in tokens[1:] if token > 2]
    assert len(answer) > 1


def test_an_endless_answer_is_cut():
    """A model that never says EOS is stopped where its positions end."""
    model = babbler(Transformer)
    with torch.no_grad():
        model.to_logits.bias[5] += 100

    assert generate(model, [1, 2]) == [2] * (CONFIG.max_length - 1)


@pytest.mark.parametrize("kind", [Transformer, EncoderOnly])
def test_too_long_a_question_is_refused(kind):
    """With a ValueError that gives both numbers."""
    with pytest.raises(ValueError, match="20 tokens, but there are 14 positions"):
        generate(babbler(kind), [1] * 20)


def test_no_questions_have_no_answers():
    """An empty batch is not an error, nor is an empty sequence."""
    assert generate_batch(babbler(Transformer), []) == []
    assert isinstance(generate(babbler(Transformer), []), list)
    assert generate(babbler(EncoderOnly), []) == []


def test_only_padding_is_hidden():
    """And where there is none, no mask is made."""
    assert visible_tokens(torch.tensor([[4, 5], [4, 0]])).tolist() == [
        [[True, True]],
        [[True, False]],
    ]
    assert visible_tokens(torch.tensor([[4, 5]])) is None
