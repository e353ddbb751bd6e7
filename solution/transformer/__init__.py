"""A transformer by hand, from torch's Linear, Embedding and LayerNorm."""

from solution.transformer.attention import MultiHeadAttention, attention
from solution.transformer.config import Config
from solution.transformer.decoder import Decoder, DecoderLayer
from solution.transformer.embedding import PositionalEncoding, TokenEmbedding
from solution.transformer.encoder import Encoder, EncoderLayer
from solution.transformer.feed_forward import FeedForward
from solution.transformer.model import EncoderOnly, Transformer

__all__ = [
    "Config",
    "Decoder",
    "DecoderLayer",
    "Encoder",
    "EncoderLayer",
    "EncoderOnly",
    "FeedForward",
    "MultiHeadAttention",
    "PositionalEncoding",
    "TokenEmbedding",
    "Transformer",
    "attention",
]
