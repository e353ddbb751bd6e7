"""How good is it, where is it wrong, and what would have done as well?"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from solution.reversal.generation import generate_batch, visible_tokens
from solution.reversal.tasks import Split
from solution.reversal.tokenizer import encode, encode_target
from solution.reversal.training import Model
from solution.transformer import Config, EncoderOnly, MultiHeadAttention, Transformer


@dataclass(frozen=True)
class Score:
    """Answers against the right ones.

    `per_position[i]` is the share of right integers at position i, among targets that have one.
    `confusion[wanted, answered]` counts integers; its last column, answers that were too short.
    `errors` holds (input, target, answer) of every sequence with a fault, or a wrong length.
    """

    n: int
    exact_match: float
    per_position: Float[np.ndarray, " longest"]
    confusion: Int[np.ndarray, "wanted answered"]
    errors: list[tuple[list[int], list[int], list[int]]]


def score(
    inputs: Sequence[list[int]], targets: Sequence[list[int]], answers: Sequence[list[int]]
) -> Score:
    """Compare; ValueError if there is nothing to compare, or the three differ in number."""
    if not targets or not len(inputs) == len(targets) == len(answers):
        raise ValueError(f"{len(inputs)} inputs, {len(targets)} targets, {len(answers)} answers")
    missing = 1 + max(max(sequence, default=0) for sequence in (*targets, *answers))
    wanted = _table(targets, max(map(len, targets)), missing)
    answered = _table(answers, wanted.shape[1], missing)
    asked = wanted != missing
    confusion = np.zeros((missing, missing + 1), dtype=np.int64)
    np.add.at(confusion, (wanted[asked], answered[asked]), 1)
    triples = zip(inputs, targets, answers, strict=True)
    errors = [(source, target, answer) for source, target, answer in triples if target != answer]
    return Score(
        n=len(targets),
        exact_match=1 - len(errors) / len(targets),
        per_position=((wanted == answered) & asked).sum(axis=0) / asked.sum(axis=0),
        confusion=confusion,
        errors=errors,
    )


def evaluate(model: Model, split: Split) -> dict[str, Score]:
    """Free running: everything never seen, and apart from it as much of what was trained on.

    With `reverse-5` and `sort-5` the two together are all 59,049 sequences.
    """
    n = len(split.test_inputs)
    halves = {
        "trained on": (split.train_inputs[:n], split.train_targets[:n]),
        "never seen": (split.test_inputs, split.test_targets),
    }
    return {
        name: score(inputs, targets, generate_batch(model, inputs))
        for name, (inputs, targets) in halves.items()
    }


def most_frequent_by_position(
    targets: Sequence[list[int]],
) -> Callable[[Sequence[list[int]]], list[list[int]]]:
    """A baseline that never looks at the question: at each position, what is there most often.

    Its answers are as long as the longest target, so that it has a guess for every place. A tie
    goes to whichever came first.
    """
    length = max(map(len, targets))
    columns = [[target[i] for target in targets if len(target) > i] for i in range(length)]
    answer = [Counter(column).most_common(1)[0][0] for column in columns]
    return lambda inputs: [list(answer) for _ in inputs]


def without_positions(config: Config) -> EncoderOnly:
    """A baseline to hand to `train` as its architecture: an encoder that cannot know the order."""
    return EncoderOnly(replace(config, positions=False))


def exact_match_by_length(
    model: Model,
    answer: Callable[[list[int]], list[int]],
    lengths: Sequence[int],
    rng: np.random.Generator,
    n: int = 500,
) -> dict[int, float]:
    """The share of n random sequences of 1 to 9 answered rightly, at each of the lengths."""
    shares = {}
    for length in lengths:
        inputs = rng.integers(1, 10, size=(n, length)).tolist()
        targets = [answer(source) for source in inputs]
        shares[length] = score(inputs, targets, generate_batch(model, inputs)).exact_match
    return shares


@torch.no_grad()
def cross_attention(
    model: Transformer, source: list[int]
) -> tuple[Float[Tensor, "layers heads answer source"], list[int]]:
    """Where each token of the model's answer (EOS the last) looked in the source; and the answer.

    A model that has learned to reverse shows a diagonal from bottom left to top right.
    """
    (answer,) = generate_batch(model, [source])
    maps: list[Tensor] = []

    def look(attention: MultiHeadAttention, inputs: tuple, _: Tensor) -> None:
        maps.append(attention.weights(*inputs)[0])

    hooks = [layer.cross_attention.register_forward_hook(look) for layer in model.decoder.layers]
    tokens = encode([source])
    model(tokens, encode_target([answer])[:, :-1], visible_tokens(tokens))
    for hook in hooks:
        hook.remove()
    return torch.stack(maps), answer


def _table(
    sequences: Sequence[list[int]], length: int, missing: int
) -> Int[np.ndarray, "sequences length"]:
    rows = [[*sequence[:length], *[missing] * (length - len(sequence))] for sequence in sequences]
    return np.array(rows, dtype=np.int64).reshape(len(rows), length)
