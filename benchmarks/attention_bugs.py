"""Does accuracy show a wrong attention layer? Train with each known bug, and count what is right.

    python -m benchmarks.attention_bugs

Prints Markdown: the share of the never-seen sequences of reverse-5 answered without one fault, by
an encoder alone and by encoder and decoder, and the criterion of the rubric that finds the bug.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.mistakes.cases import Case, short_submission
from tests.mistakes.part2 import ATTENTION, HEADS

ROOT = Path(__file__).parents[1]
NONE = Case("none", None, {})
TRAIN = """
import json
import numpy as np
import torch
from solution.reversal import generate_batch, train
from solution.reversal.tasks import TASKS, split
from solution.transformer import EncoderOnly, Transformer

torch.set_num_threads(1)
shares = []
for architecture in EncoderOnly, Transformer:
    data = split(TASKS["reverse-5"], np.random.default_rng(0))
    model = train(data.train_inputs, data.train_targets, seed=0, architecture=architecture)
    answers = generate_batch(model, data.test_inputs)
    shares.append(sum(map(list.__eq__, answers, data.test_targets)) / len(answers))
print(json.dumps(shares))
"""


def trained_with(bug: Case) -> list[float]:
    """Exact match on every never-seen sequence, encoder alone and encoder with decoder."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in bug.apply(short_submission(ROOT, "part2")).items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        train = subprocess.run(
            [sys.executable, "-c", TRAIN],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": folder, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
    shares: list[float] = json.loads(train.stdout)
    return shares


def main() -> None:
    print("| bug | encoder alone | encoder and decoder | found by |\n|:--|--:|--:|:--|")
    for bug in (NONE, *ATTENTION, *HEADS):
        alone, both = trained_with(bug)
        print(f"| {bug.name} | {alone:.2%} | {both:.2%} | {bug.loses or ''} |", flush=True)


if __name__ == "__main__":
    main()
