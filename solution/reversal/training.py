"""Training: the same loop for every task, every architecture and every seed.

AdamW, a linear warm-up and a cosine down to zero (Loshchilov and Hutter 2017, SGDR). At the end
of this cycle pairs held back from training are answered free running. When all are right, that
was enough; otherwise another cycle starts, twice as long. Easy tasks so stay cheap, and harder
ones get the steps they need.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from solution.reversal.generation import generate_batch, visible_tokens
from solution.reversal.tokenizer import PAD, encode, encode_target, vocab_size
from solution.transformer import Config, EncoderOnly, Transformer

Model = Transformer | EncoderOnly
SAMPLE = 256  # of the pairs held back, for the points of the curve within a cycle


@dataclass(frozen=True)
class Recipe:
    """How to train. `steps` are those of the first cycle, each further one has twice as many."""

    steps: int = 200
    n_cycles: int = 4
    batch_size: int = 64
    learning_rate: float = 1e-2
    warm_up: float = 0.1
    betas: tuple[float, float] = (0.9, 0.98)
    weight_decay: float = 0.01
    max_norm: float = 1.0
    validation: float = 0.1
    max_validation: int = 2048


def wide(config: Config) -> Transformer:
    """An architecture with room for twenty places, which 32 channels tell apart less reliably."""
    return Transformer(replace(config, d_model=48, d_hidden=96))


# What a task needs beyond the defaults: train(inputs, targets, seed=0, **SETTINGS.get(task, {}))
SETTINGS: dict[str, dict[str, Any]] = {
    "reverse-1-to-10": {"recipe": Recipe(steps=500)},
    "sort-5": {"recipe": Recipe(steps=500)},
    "reverse-20": {"architecture": wide, "recipe": Recipe(steps=250, learning_rate=7e-3)},
    "add-3": {"recipe": Recipe(steps=800, learning_rate=7e-3)},
}


@dataclass(frozen=True)
class Progress:
    """One point of the learning curve; `exact_match` is that of the pairs held back."""

    step: int
    samples_seen: int
    loss: float
    exact_match: float


@dataclass(frozen=True)
class Pairs:
    """Questions and answers as lists, and as tensors."""

    inputs: Sequence[list[int]]
    targets: Sequence[list[int]]
    sources: Int[Tensor, "n source_length"]
    wanted: Int[Tensor, "n target_length"]

    def first(self, n: int | None) -> tuple[Sequence[list[int]], Sequence[list[int]]]:
        """The first n questions and answers; all of them for None."""
        return self.inputs[:n], self.targets[:n]


def train(
    inputs: Sequence[list[int]],
    targets: Sequence[list[int]],
    *,
    seed: int,
    architecture: Callable[[Config], Model] = Transformer,
    recipe: Recipe | None = None,
    record: Callable[[Progress], None] | None = None,
    progress: bool = False,
) -> Model:
    """A model that has learned to answer `inputs` with `targets`, lists of integers from 0 upwards.

    A function of its arguments alone: the same seed gives the same bits, and the global
    generator is left as it was. The vocabulary and the number of positions follow from the data.
    `record` is given ten points of the learning curve in each cycle (`curve.append`, say);
    `progress` shows a bar.

    Raises ValueError if there are no pairs, or inputs and targets differ in number, or an
    encoder alone is to give answers that are not as long as the questions.
    """
    _check(inputs, targets)
    recipe = recipe or Recipe()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = architecture(_config(inputs, targets))
        training, held_back = _hold_back(model, inputs, targets, recipe)
        for point in _cycles(model, training, held_back, recipe, progress):
            if record is not None:
                record(point)
    return model.eval()


def loss(
    model: Model,
    sources: Int[Tensor, "batch source_length"],
    wanted: Int[Tensor, "batch target_length"],
) -> Float[Tensor, ""]:
    """Mean cross-entropy of a token, padding apart.

    The decoder is given the right tokens up to each position (teacher forcing), and asked for
    the next one: `wanted` holds BOS and EOS. For an encoder alone it holds neither.
    """
    visible = visible_tokens(sources)
    if isinstance(model, EncoderOnly):
        logits = model(sources, visible)
    else:
        logits, wanted = model(sources, wanted[:, :-1], visible), wanted[:, 1:]
    return F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=PAD)


def exact_match(model: Model, inputs: Sequence[list[int]], targets: Sequence[list[int]]) -> float:
    """The share of sequences answered without one fault, free running."""
    answers = generate_batch(model, inputs)
    return sum(map(list.__eq__, answers, targets)) / len(targets)


def schedule(step: int, steps: int, warm_up: float) -> float:
    """The learning rate as a share of its highest: up in a line, then down in half a cosine."""
    rising = max(1, round(warm_up * steps))
    if step < rising:
        return (step + 1) / rising
    return (1 + math.cos(math.pi * (step - rising) / (steps - rising))) / 2


def _cycles(
    model: Model, training: Pairs, held_back: Pairs, recipe: Recipe, progress: bool
) -> Iterator[Progress]:
    optimizer = torch.optim.AdamW(
        model.parameters(), betas=recipe.betas, weight_decay=recipe.weight_decay, fused=True
    )
    done = 0
    for cycle in range(recipe.n_cycles):
        steps = recipe.steps * 2**cycle
        every = math.ceil(steps / 10)
        for step in tqdm(range(steps), desc=f"cycle {cycle + 1}", disable=not progress):
            rate = recipe.learning_rate * schedule(step, steps, recipe.warm_up)
            last_loss = _step(model, optimizer, rate, training, recipe)
            last = step + 1 == steps
            if last or (step + 1) % every == 0:
                share = exact_match(model, *held_back.first(None if last else SAMPLE))
                seen = done + step + 1
                yield Progress(seen, seen * recipe.batch_size, last_loss.item(), share)
        done += steps
        if share == 1:
            return


def _step(
    model: Model,
    optimizer: torch.optim.Optimizer,
    learning_rate: float,
    pairs: Pairs,
    recipe: Recipe,
) -> Float[Tensor, ""]:
    optimizer.param_groups[0]["lr"] = learning_rate
    batch = torch.randint(len(pairs.sources), (recipe.batch_size,))
    cost = loss(model, pairs.sources[batch], pairs.wanted[batch])
    optimizer.zero_grad()
    cost.backward()
    nn.utils.clip_grad_norm_(model.parameters(), recipe.max_norm)
    optimizer.step()
    return cost


def _hold_back(
    model: Model, inputs: Sequence[list[int]], targets: Sequence[list[int]], recipe: Recipe
) -> tuple[Pairs, Pairs]:
    """A random share for validation; of fewer than ten pairs none is spared: all serve twice."""
    order = torch.randperm(len(inputs)).tolist()
    n = min(int(recipe.validation * len(inputs)), recipe.max_validation)

    def pick(which: list[int]) -> Pairs:
        return _pairs(model, [inputs[i] for i in which], [targets[i] for i in which])

    return pick(order[n:]), pick(order[:n] or order)


def _pairs(model: Model, inputs: list[list[int]], targets: list[list[int]]) -> Pairs:
    if not isinstance(model, EncoderOnly):
        return Pairs(inputs, targets, encode(inputs), encode_target(targets))
    if list(map(len, inputs)) != list(map(len, targets)):
        raise ValueError("an encoder alone gives answers as long as the questions; these are not")
    return Pairs(inputs, targets, encode(inputs), encode(targets))


def _config(inputs: Sequence[list[int]], targets: Sequence[list[int]]) -> Config:
    """Room for ten digits and PLUS at least, and for twice the longest sequence."""
    largest = max(max(sequence, default=0) for sequence in (*inputs, *targets))
    longest = max(len(sequence) for sequence in (*inputs, *targets))
    return Config(vocab_size=vocab_size(max(largest, 10)), max_length=2 * longest + 2)


def _check(inputs: Sequence[list[int]], targets: Sequence[list[int]]) -> None:
    if not inputs or len(inputs) != len(targets):
        raise ValueError(f"{len(inputs)} inputs and {len(targets)} targets do not make pairs")
