"""Search width, depth and learning rate for one task (needs `optuna`, an optional extra).

    python -m solution.reversal.tuning --task sort-5 --trials 20 --out reports/tuning

Every trial trains once. One that is behind the median of the others at the same point of its
learning curve is given up. All are kept in `study.db`, so that an interrupted search goes on
where it was; the table and the plots are written anew each time.
"""

import argparse
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from solution.reversal.tasks import TASKS, Split, split
from solution.reversal.training import Model, Progress, Recipe, train
from solution.transformer import Config, Transformer

if TYPE_CHECKING:
    import optuna

STEPS = 150  # fewer than reverse-5 needs for certain, so that good settings stand out


def objective(trial: "optuna.Trial", data: Split, seed: int) -> float:
    """The exact match of the pairs held back, after a fixed number of steps."""
    from optuna import TrialPruned

    width = trial.suggest_categorical("d_model", [16, 32, 64])
    depth = trial.suggest_int("n_layers", 1, 2)
    rate = trial.suggest_float("learning_rate", 1e-3, 3e-2, log=True)
    curve: list[Progress] = []

    def build(config: Config) -> Model:
        return Transformer(replace(config, d_model=width, d_hidden=2 * width, n_layers=depth))

    def report(point: Progress) -> None:
        curve.append(point)
        trial.report(point.exact_match, point.step)
        if trial.should_prune():
            raise TrialPruned

    recipe = Recipe(steps=STEPS, n_cycles=1, learning_rate=rate)
    train(
        data.train_inputs,
        data.train_targets,
        seed=seed,
        architecture=build,
        recipe=recipe,
        record=report,
    )
    return curve[-1].exact_match


def table(study: "optuna.Study") -> str:
    """Every trial, the best first, as Markdown."""
    rows = [
        "| trial | d_model | layers | learning rate | exact match | state |",
        "|--:" * 5 + "|:--|",
    ]
    for trial in sorted(study.trials, key=_rank):
        value = "" if trial.value is None else f"{trial.value:.4f}"
        settings = [trial.params.get(name, "") for name in ("d_model", "n_layers")]
        rate = f"{trial.params.get('learning_rate', math.nan):.2g}"
        cells = [trial.number, *settings, rate, value, trial.state.name.lower()]
        rows.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(rows) + "\n"


def search(task: str, n_trials: int, out: Path, seed: int = 0) -> "optuna.Study":
    """Go on until `n_trials` have been tried in all, then write study.db, trials.md and plots."""
    import optuna

    out.mkdir(parents=True, exist_ok=True)
    data = split(TASKS[task], np.random.default_rng(seed))
    pruner = optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=STEPS // 3)
    study = optuna.create_study(
        storage=f"sqlite:///{out / 'study.db'}",
        study_name=task,
        direction="maximize",
        load_if_exists=True,
        pruner=pruner,
    )
    done = sum(trial.state.is_finished() for trial in study.trials)
    study.sampler = optuna.samplers.TPESampler(seed=seed + done)  # the seed alone would repeat them
    left = n_trials - done
    if left > 0:
        study.optimize(lambda trial: objective(trial, data, seed), n_trials=left)
    (out / f"{task}.md").write_text(table(study))
    _plot(study, out / f"{task}.svg")
    return study


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="tuning", description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=TASKS, default="reverse-5")
    parser.add_argument("--trials", type=int, default=20, help="how many in all, earlier ones too")
    parser.add_argument("--out", type=Path, default=Path("reports/tuning"))
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)  # with matrices this small, threads mostly wait for one another
    search(options.task, options.trials, options.out)
    print((options.out / f"{options.task}.md").read_text(), end="")


def _rank(trial: "optuna.trial.FrozenTrial") -> tuple[bool, float]:
    return trial.state.name != "COMPLETE", -(trial.value or 0.0)


def _plot(study: "optuna.Study", path: Path) -> None:
    """Exact match against learning rate; colour is width, shape is depth, hollow was given up."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    colours, shapes = {16: "#0072b2", 32: "#e69f00", 64: "#009e73"}, {1: "o", 2: "s"}
    for trial in study.trials:
        if not trial.intermediate_values:
            continue
        colour = colours[trial.params["d_model"]]
        axes.plot(
            trial.params["learning_rate"],
            trial.intermediate_values[max(trial.intermediate_values)],
            shapes[trial.params["n_layers"]],
            color=colour,
            markerfacecolor=colour if trial.state.name == "COMPLETE" else "white",
        )
    for width, colour in colours.items():
        axes.plot([], [], "o", color=colour, label=f"width {width}")
    for depth, shape in shapes.items():
        axes.plot([], [], shape, color="grey", label=f"{depth} layer" + "s" * (depth > 1))
    axes.plot([], [], "o", color="grey", markerfacecolor="white", label="given up early")
    axes.set(xscale="log", xlim=(8e-4, 4e-2), ylim=(-0.05, 1.05))
    axes.set(xlabel="learning rate", ylabel="exact match, last seen")
    axes.set_xticks([], minor=True)
    axes.set_xticks([0.001, 0.003, 0.01, 0.03], ["0.001", "0.003", "0.01", "0.03"])
    axes.set_title(f"{study.study_name}: {len(study.trials)} trials of {STEPS} steps")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    figure.savefig(path)


if __name__ == "__main__":
    main()
