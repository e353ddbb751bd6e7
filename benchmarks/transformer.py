"""The reference transformer against torch's own: time a step, and what training reaches.

    python -m benchmarks.transformer            # time a step, where it goes
    python -m benchmarks.transformer --learn    # exact match of seeds 0-19, and the harder tasks

One thread, rounds interleaved, medians. Both sides have the same embeddings, positions, logits,
optimizer and batch, and normalise first; only what lies between differs. Prints Markdown.
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from solution.reversal import train
from solution.reversal.evaluation import evaluate
from solution.reversal.tasks import TASKS, split
from solution.reversal.training import SETTINGS, Progress, Recipe
from solution.transformer import (
    Config,
    EncoderOnly,
    PositionalEncoding,
    TokenEmbedding,
    Transformer,
)

Step = Callable[[], None]


class TorchEncoderOnly(nn.Module):
    """`EncoderOnly` with nn.TransformerEncoder inside."""

    def __init__(self, c: Config, bias: bool = True) -> None:
        super().__init__()
        self.embedding = TokenEmbedding(c.vocab_size, c.d_model)
        self.positions = PositionalEncoding(c.max_length, c.d_model)
        like_ours = {"batch_first": True, "norm_first": True, "bias": bias}
        layer = nn.TransformerEncoderLayer(*torch_shape(c), **like_ours)
        norm = nn.LayerNorm(c.d_model, bias=bias)
        self.inner = nn.TransformerEncoder(layer, c.n_layers, norm, enable_nested_tensor=False)
        self.to_logits = nn.Linear(c.d_model, c.vocab_size)

    def forward(self, source: Tensor) -> Tensor:
        return self.to_logits(self.inner(self.positions(self.embedding(source))))


class TorchTransformer(nn.Module):
    """`Transformer` with nn.Transformer inside."""

    def __init__(self, c: Config, bias: bool = True) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(TokenEmbedding(c.vocab_size, c.d_model) for _ in range(2))
        self.positions = PositionalEncoding(c.max_length, c.d_model)
        d_model, n_heads, d_hidden, dropout = torch_shape(c)
        depth = (c.n_layers, c.n_layers)
        like_ours = {"batch_first": True, "norm_first": True, "bias": bias}
        with warnings.catch_warnings(action="ignore"):  # nested tensors are for post-norm only
            self.inner = nn.Transformer(d_model, n_heads, *depth, d_hidden, dropout, **like_ours)
        self.to_logits = nn.Linear(c.d_model, c.vocab_size)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        x, y = (
            self.positions(embedding(tokens))
            for embedding, tokens in zip(self.embeddings, (source, target), strict=True)
        )
        mask = nn.Transformer.generate_square_subsequent_mask(target.size(1))
        return self.to_logits(self.inner(x, y, tgt_mask=mask))


def torch_shape(c: Config) -> tuple[int, int, int, float]:
    """Width, heads, hidden width and no dropout, in torch's order."""
    return c.d_model, c.n_heads, c.d_hidden, 0.0


def training_step(model: nn.Module, batch_size: int, length: int) -> Step:
    """One step as `solution.reversal.training` makes it, on random tokens."""
    source = torch.randint(3, 13, (batch_size, length))
    target = torch.randint(3, 13, (batch_size, length + 2))
    two = isinstance(model, Transformer | TorchTransformer)
    inputs, wanted = ((source, target[:, :-1]), target[:, 1:]) if two else ((source,), source)
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), fused=True)

    def step() -> None:
        loss = F.cross_entropy(model(*inputs).flatten(0, 1), wanted.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return step


def race(steps: list[Step], rounds: int) -> list[float]:
    """Median milliseconds of each, taken in turn; the first tenth warms up.

    Of processor time: one thread does all the work, and what other programs take is left out.
    """
    times: list[list[float]] = [[] for _ in steps]
    for _ in range(rounds):
        for step, own in zip(steps, times, strict=True):
            start = time.process_time()
            step()
            own.append(1e3 * (time.process_time() - start))
    return [statistics.median(own[rounds // 10 :]) for own in times]


def compare(rounds: int) -> None:
    """Ours and torch's in turn; a step at batch 1 is the floor, all overhead.

    Ours has biases in the feed-forward only, torch's everywhere or, with bias=False, nowhere.
    """
    print(
        "| model | heads | length | batch | ours, ms | torch, ms | ratio | bias=False, ms | ratio |"
    )
    print("|:--" + "|--:" * 8 + "|")
    kinds = {
        "encoder-decoder": (Transformer, TorchTransformer),
        "encoder-only": (EncoderOnly, TorchEncoderOnly),
    }
    for name, (own, other) in kinds.items():
        for heads, length, batch in ((2, 5, 64), (2, 5, 1), (4, 5, 64), (2, 20, 64)):
            config = Config(14, 2 * length + 2, n_heads=heads)
            models = own(config), other(config), other(config, bias=False)
            ours, *torchs = race([training_step(model, batch, length) for model in models], rounds)
            cells = " | ".join(f"{their:.2f} | {ours / their:.3f}" for their in torchs)
            print(f"| {name} | {heads} | {length} | {batch} | {ours:.2f} | {cells} |", flush=True)


def profile(n: int = 15, steps: int = 100) -> None:
    """Where a step of the encoder-decoder goes, by the kernels' own time."""
    step = training_step(Transformer(Config(14, 12)), 64, 5)
    race([step], 20)
    with torch.profiler.profile() as recorded:
        race([step], steps)
    events = sorted(recorded.key_averages(), key=lambda e: -e.self_cpu_time_total)
    total = sum(event.self_cpu_time_total for event in events)
    print("\n| operation | calls a step | share of the step |\n|:--|--:|--:|")
    for event in events[:n]:
        share = event.self_cpu_time_total / total
        print(f"| {event.key} | {event.count / steps:.0f} | {share:.1%} |")


def learn(task: str, architecture: Callable[[Config], nn.Module], recipe: Recipe, seed: int) -> str:
    """Train, and ask for every sequence never seen; a row of a table."""
    data = split(TASKS[task], np.random.default_rng(seed))
    curve: list[Progress] = []
    start = time.process_time()
    model = train(
        data.train_inputs,
        data.train_targets,
        seed=seed,
        architecture=architecture,
        recipe=recipe,
        record=curve.append,
    )
    seconds = time.process_time() - start
    score = evaluate(model, data)["never seen"]
    return (
        f"| {task} | {type(model).__name__} | {seed} | {curve[-1].step} | {seconds:.1f} "
        f"| {score.exact_match:.3%} of {score.n:,} |"
    )


def learning(n_seeds: int) -> None:
    """reverse-5 with both models and every seed; then the harder tasks."""
    torch.optim.AdamW([nn.Parameter(torch.zeros(1))])  # its first use imports for 1.5 s
    print("\n| task | model | seed | steps | processor seconds | exact match, never seen |")
    print("|:--|:--|--:|--:|--:|--:|")
    for architecture, steps in ((Transformer, 200), (EncoderOnly, 100)):
        for seed in range(n_seeds):
            print(learn("reverse-5", architecture, Recipe(steps=steps), seed), flush=True)
    for task in ("reverse-1-to-10", "sort-5", "reverse-20", "add-3"):
        settings = {"architecture": Transformer, "recipe": Recipe(), **SETTINGS.get(task, {})}
        for seed in range(3):
            print(learn(task, **settings, seed=seed), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--learn", action="store_true")
    parser.add_argument("--seeds", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.learn:
        learning(options.seeds)
    else:
        compare(options.rounds)
        profile()


if __name__ == "__main__":
    main()
