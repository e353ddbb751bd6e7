from __main__ import DecoderLayer as MyDecoderLayer
from __main__ import EncoderLayer as MyEncoderLayer
from __main__ import PositionalEncoding as MyPositionalEncoding

train_inputs, train_targets, test_inputs, test_targets = train_src, train_tgt, val_src, val_tgt
model, reversal_accuracy = trained, exact
attention, FeedForward, generate = scaled_attention, PositionwiseFeedForward, greedy_decode


def TokenEmbedding(vocab_size, d_model):
    return Embeddings(d_model, vocab_size)


def PositionalEncoding(max_length, d_model):
    return MyPositionalEncoding(d_model, 0.0, max_length)


def MultiHeadAttention(d_model, n_heads):
    return MultiHeadedAttention(n_heads, d_model)


def EncoderLayer(d_model, n_heads, d_hidden):
    heads = MultiHeadedAttention(n_heads, d_model)
    return MyEncoderLayer(d_model, heads, PositionwiseFeedForward(d_model, d_hidden), 0.0)


def DecoderLayer(d_model, n_heads, d_hidden):
    heads = MultiHeadedAttention(n_heads, d_model), MultiHeadedAttention(n_heads, d_model)
    return MyDecoderLayer(d_model, *heads, PositionwiseFeedForward(d_model, d_hidden), 0.0)


def train(inputs, targets, *, seed):
    return run_training(inputs, targets, seed=seed)
