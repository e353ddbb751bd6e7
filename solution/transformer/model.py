"""Two models from the same parts: encoder and decoder, or the encoder alone."""

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from solution.transformer.config import Config
from solution.transformer.decoder import Decoder
from solution.transformer.encoder import Encoder


class Transformer(nn.Module):
    """Read the source, then say for each target token which comes next (the paper's figure 1)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.to_logits = nn.Linear(config.d_model, config.vocab_size)

    def forward(
        self,
        source: Int[Tensor, "batch source_length"],
        target: Int[Tensor, "batch target_length"],
        source_visible: Bool[Tensor, "batch 1 source_length"] | None = None,
    ) -> Float[Tensor, "batch target_length vocab_size"]:
        """`source_visible` is False at padding. Padding behind a target is future, so unseen."""
        memory = self.encoder(source, source_visible)
        return self.to_logits(self.decoder(target, memory, source_visible))


class EncoderOnly(nn.Module):
    """Read the source and answer at every position at once: for answers as long as the question."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.to_logits = nn.Linear(config.d_model, config.vocab_size)

    def forward(
        self,
        source: Int[Tensor, "batch length"],
        source_visible: Bool[Tensor, "batch 1 length"] | None = None,
    ) -> Float[Tensor, "batch length vocab_size"]:
        return self.to_logits(self.encoder(source, source_visible))
