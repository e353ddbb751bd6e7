"""Decode all 59,049 sequences of five digits on one thread: with the cache and without.

    python -m benchmarks.decoding

Prints Markdown, and stops if the answers differ.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from solution.reversal import generate, generate_batch, train
from solution.reversal.tasks import TASKS, every_five_digits, split
from solution.reversal.training import Recipe
from solution.transformer import EncoderOnly


def seconds(run: Callable[[], object]) -> tuple[float, object]:
    """The processor time of one call, what other programs take left out; and what it gave."""
    start = time.process_time()
    result = run()
    return time.process_time() - start, result


def main(rounds: int = 5) -> None:
    torch.set_num_threads(1)
    data = split(TASKS["reverse-5"], np.random.default_rng(0))
    pairs = data.train_inputs, data.train_targets
    model = train(*pairs, seed=0)
    encoder = train(*pairs, seed=0, architecture=EncoderOnly, recipe=Recipe(steps=100))
    sequences = every_five_digits()
    ways = {
        "encoder-decoder, with cache": lambda: generate_batch(model, sequences),
        "encoder-decoder, without cache": lambda: generate_batch(model, sequences, cache=False),
        "encoder-only": lambda: generate_batch(encoder, sequences),
        "one at a time, with cache (first 500)": lambda: [
            generate(model, sequence) for sequence in sequences[:500]
        ],
    }
    times: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        answers = {}
        for way, run in ways.items():
            taken, answers[way] = seconds(run)
            times[way].append(taken)
        cached, uncached, _, single = answers.values()
        if cached != uncached or cached[:500] != single:
            raise SystemExit("the answers with and without the cache differ")
    print(f"{len(sequences):,} sequences, batches of 4,096, one thread\n")
    print("| how | processor seconds, median |\n|:--|--:|")
    for way, taken in times.items():
        print(f"| {way} | {statistics.median(taken):.2f} |")
    print("\nAnswers with and without the cache are equal.")


if __name__ == "__main__":
    main()
