"""Time to the same training loss: `ScratchNetwork` against scikit-learn's MLPClassifier and torch.

    python -m benchmarks.network

Every contestant has the same width, sigmoid units, all rows in every step, float64, one thread and
the same starting weights. First each trains for at most 1000 steps, untimed; the target is the
lowest loss that all of them reach from that start, plus 0.001 nats. Then all are timed, in turn,
for just as many steps as each needed, in CPU time, so that other programs do not count.

`ScratchNetwork` keeps its defaults on every data set; the others get, on each, the learning rate of
a grid that needs the fewest steps. MLPClassifier is also shown with its default rate, which has no
say in the target; where it does not get there, its time for all 1000 steps is a lower bound.

Not the lowest loss that any of them reaches: on moons the two hidden units have several local
minima, and which one a method falls into from a given start is chance.
"""

import math
import platform
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import sklearn
import torch
from sklearn.datasets import make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from solution.backprop import ScratchNetwork, load, standardise

SEEDS, REPEATS, MOST_STEPS, MARGIN = range(5), 5, 1000, 1e-3
SGD_RATES, ADAM_RATES = (0.1, 0.3, 1.0, 3.0), (0.01, 0.03, 0.1, 0.3)
DEFAULT_RATE = (0.001,)  # MLPClassifier's


@dataclass
class Problem:
    """Standardised rows, their labels, and the weights everyone starts from."""

    X: np.ndarray
    y: np.ndarray
    seed: int

    def __post_init__(self) -> None:
        # MLPClassifier cannot be given weights, so its own are used: no float notices this step.
        network = mlp(self, "sgd", rate=1e-300, steps=1)
        self.coefs, self.intercepts = network.coefs_, network.intercepts_


class RecordedMLP(MLPClassifier):
    """MLPClassifier whose `losses` are known for lbfgs too: one for each evaluation."""

    @property
    def losses(self) -> list[float]:
        return self.evaluated_ if self.solver == "lbfgs" else self.loss_curve_

    def _loss_grad_lbfgs(self, *args):
        loss, gradient = super()._loss_grad_lbfgs(*args)
        self.evaluated_ = [*getattr(self, "evaluated_", []), loss]
        return loss, gradient


# (problem, learning rate, steps) -> the training loss before each step
Train = Callable[[Problem, float, int], list[float]]


def mlp(problem: Problem, solver: str, rate: float, steps: int) -> RecordedMLP:
    """A fitted MLPClassifier without penalty, shuffling or early end."""
    return RecordedMLP(
        hidden_layer_sizes=(problem.X.shape[1],),
        activation="logistic",
        solver=solver,
        alpha=0,
        batch_size=len(problem.X),
        learning_rate_init=rate,
        max_iter=steps,
        max_fun=steps,
        shuffle=False,
        random_state=problem.seed,
        tol=0,
        n_iter_no_change=MOST_STEPS,
    ).fit(problem.X, problem.y)


class StartingFrom(ScratchNetwork):
    """`ScratchNetwork`, but its first weights are the problem's."""

    def initialise(self, n_features: int) -> Self:
        super().initialise(n_features)
        self.coefs_ = [W.copy() for W in self.problem.coefs]
        self.intercepts_ = [b.copy() for b in self.problem.intercepts]
        return self


def train_scratch(problem: Problem, rate: float, steps: int) -> list[float]:
    network = StartingFrom(learning_rate=rate, max_iter=steps, tol=0)
    network.problem = problem
    return network.fit(problem.X, problem.y).loss_curve_


def torch_losses(problem: Problem, optimiser: Callable, rate: float, steps: int) -> list[float]:
    X, y = torch.from_numpy(problem.X), torch.from_numpy(problem.y[:, None].astype(float))
    d = X.shape[1]
    model = torch.nn.Sequential(torch.nn.Linear(d, d), torch.nn.Sigmoid(), torch.nn.Linear(d, 1))
    model.double()
    with torch.no_grad():
        for layer, W, b in zip(model[::2], problem.coefs, problem.intercepts, strict=True):
            layer.weight.copy_(torch.from_numpy(W.T))
            layer.bias.copy_(torch.from_numpy(b))
    update, losses = optimiser(model.parameters(), lr=rate), []
    for _ in range(steps):
        update.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(X), y)
        loss.backward()
        update.step()
        losses.append(loss.item())
    return losses


def train_torch(optimiser: Callable) -> Train:
    return lambda problem, rate, steps: torch_losses(problem, optimiser, rate, steps)


def torch_sgd(parameters, lr):
    return torch.optim.SGD(parameters, lr, momentum=0.9, nesterov=True)


def train_mlp(solver: str) -> Train:
    return lambda problem, rate, steps: mlp(problem, solver, rate, steps).losses


# name -> how to train it, and the learning rates to try
CONTESTANTS: dict[str, tuple[Train, tuple[float, ...]]] = {
    "ScratchNetwork, defaults": (train_scratch, (ScratchNetwork().learning_rate,)),
    "MLPClassifier sgd, default rate": (train_mlp("sgd"), DEFAULT_RATE),
    "MLPClassifier sgd": (train_mlp("sgd"), SGD_RATES),
    "MLPClassifier adam, default rate": (train_mlp("adam"), DEFAULT_RATE),
    "MLPClassifier adam": (train_mlp("adam"), ADAM_RATES),
    "MLPClassifier lbfgs": (train_mlp("lbfgs"), (1,)),
    "torch SGD": (train_torch(torch_sgd), SGD_RATES),
    "torch Adam": (train_torch(torch.optim.Adam), ADAM_RATES),
}


def data_sets() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Name -> all rows, standardised, and their labels."""
    sets = {name: (load(name).X, load(name).y) for name in ("breast_cancer", "digits_3_8")}
    sets["moons"] = make_moons(800, noise=0.25, random_state=0)
    return {name: (standardise(X, X)[0], y) for name, (X, y) in sets.items()}


def steps_to(target: float, losses: list[float]) -> float:
    """How many steps it takes to measure a loss at or below the target; infinity if never."""
    return next((i for i, loss in enumerate(losses, start=1) if loss <= target), math.inf)


def plan(problems: list[Problem]) -> dict[str, tuple[float, list[float]]]:
    """Contestant -> its best learning rate, and the steps it then needs for each problem."""
    curves = {
        name: {rate: [train(p, rate, MOST_STEPS) for p in problems] for rate in rates}
        for name, (train, rates) in CONTESTANTS.items()
    }
    targets = [
        MARGIN
        + max(
            min(min(runs[i]) for runs in by_rate.values())
            for name, by_rate in curves.items()
            if "default rate" not in name
        )
        for i in range(len(problems))
    ]
    steps = {
        name: {rate: list(map(steps_to, targets, runs)) for rate, runs in by_rate.items()}
        for name, by_rate in curves.items()
    }
    return {
        name: min(by_rate.items(), key=lambda rate_and_steps: statistics.median(rate_and_steps[1]))
        for name, by_rate in steps.items()
    }


def milliseconds(train: Train, problem: Problem, rate: float, steps: float) -> float:
    start = time.process_time()
    train(problem, rate, min(steps, MOST_STEPS))
    return 1000 * (time.process_time() - start)


def race(name: str, X: np.ndarray, y: np.ndarray) -> None:
    """Print one table row for each contestant."""
    problems = [Problem(X, y, seed) for seed in SEEDS]
    plans = plan(problems)
    times: dict[str, list[float]] = {contestant: [] for contestant in CONTESTANTS}
    for _ in range(REPEATS):
        for i, problem in enumerate(problems):
            for contestant, (rate, steps) in plans.items():
                train, _ = CONTESTANTS[contestant]
                times[contestant].append(milliseconds(train, problem, rate, steps[i]))
    ours = statistics.median(times["ScratchNetwork, defaults"])
    for contestant, (rate, steps) in plans.items():
        there, ms = sum(map(math.isfinite, steps)), statistics.median(times[contestant])
        least = "" if there > len(steps) / 2 else "> "
        print(
            f"| {name} | {contestant} | {rate:g} | {there} of {len(steps)} "
            f"| {least}{min(statistics.median(steps), MOST_STEPS)} "
            f"| {least}{ms:.0f} | {least}{ms / ours:.1f} |",
            flush=True,
        )


def processor() -> str:
    """The processor's name where Linux tells it, its family elsewhere."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def main() -> None:
    warnings.simplefilter("ignore", ConvergenceWarning)  # all are stopped at the target
    torch.set_num_threads(1)
    print(
        f"{processor()}, {platform.system()}, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, scikit-learn {sklearn.__version__}, torch {torch.__version__}, "
        f"one thread, CPU time; medians of {len(SEEDS)} starts x {REPEATS} repeats\n\n"
        "| data set | contestant | learning rate | reached | steps | ms | times ours |\n"
        "|---|---|---|---|---|---|---|"
    )
    with threadpool_limits(1):
        for name, (X, y) in data_sets().items():
            race(name, X, y)


if __name__ == "__main__":
    main()
