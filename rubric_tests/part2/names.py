"""The names that Part 2 asks for."""

from assay.rubric import Row

NAMES = (
    Row(
        ("attention",),
        "(query, key, value, visible=None)",
        "`(output, weights)`, scaled dot-product attention",
    ),
    Row(("TokenEmbedding",), "(vocab_size, d_model)", "`(batch, length)` to `(…, d_model)`"),
    Row(("PositionalEncoding",), "(max_length, d_model)", "x to x + positions"),
    Row(
        ("MultiHeadAttention",),
        "(d_model, n_heads)",
        "`(query, memory, visible=None)` to `(batch, queries, d_model)`",
    ),
    Row(("FeedForward",), "(d_model, d_hidden)", "position by position"),
    Row(
        ("EncoderLayer",),
        "(d_model, n_heads, d_hidden)",
        "`(x, visible=None)`; pre- or post-norm",
    ),
    Row(
        ("DecoderLayer",),
        "(d_model, n_heads, d_hidden)",
        "`(x, memory, visible=None, memory_visible=None)`; pre- or post-norm",
        optional=True,
    ),
    Row(("train",), "(inputs, targets, *, seed)", "a trained model, from lists of digit lists"),
    Row(("generate",), "(model, sequence)", "free running: it never sees the answer"),
    Row(
        ("generate_batch",),
        "(model, sequences)",
        "the same for many sequences at once",
        optional=True,
    ),
    Row(("model",), "", "the trained model that the notebook leaves"),
    Row(("reversal_accuracy",), "", "what the notebook claims; compared with what is measured"),
    Row(
        ("train_inputs", "train_targets", "test_inputs", "test_targets"),
        "",
        "lists of digit lists; no input in both halves",
    ),
    Row(("diagram",), "", "the model's diagram, with dimensions"),
    Row(
        ("tokenizer",),
        "",
        "`.encode(sequence)`, `.decode(tokens)`; or two functions of these names",
        optional=True,
    ),
)

ALSO = {
    "attention": ("scaled_attention", "self_attention", "aufmerksamkeit"),
    "TokenEmbedding": ("Embeddings", "Einbettung", "InputEmbedding"),
    "PositionalEncoding": (
        *("PositionalEmbedding", "PositionEmbedding", "LearnedPositions", "Positions"),
        "Positionen",
    ),
    "MultiHeadAttention": (
        *("MultiHeadedAttention", "CausalSelfAttention", "SelfAttention"),
        *("MehrkopfAufmerksamkeit", "MultiKopfAufmerksamkeit"),
    ),
    "FeedForward": ("MLP", "FFN", "PositionwiseFeedForward", "Vorwaertsnetz"),
    "EncoderLayer": ("EncoderBlock", "TransformerBlock", "TransformerLayer", "Block"),
    "train": ("fit", "run_training", "training_loop", "trainiere"),
    "generate": ("greedy_decode", "decode", "predict", "sample", "translate", "vorhersage"),
    "model": ("gpt", "net", "netz", "modell", "transformer", "trained", "trained_model"),
    "reversal_accuracy": (
        *("accuracy", "acc", "test_acc", "val_acc", "exact_match", "exact", "genauigkeit"),
    ),
    "train_inputs": ("train_x", "x_tr", "train_src", "train_data", "trainingsdaten"),
    "train_targets": ("train_y", "y_tr", "train_tgt", "train_labels", "trainingsziele"),
    "test_inputs": ("test_x", "val_x", "val_src", "x_te", "test_src", "test_data", "testdaten"),
    "test_targets": ("test_y", "val_y", "val_tgt", "y_te", "test_tgt", "test_labels", "testziele"),
}
"""What students who were not told call it: where a name is missing, these are looked for too."""
