"""Fresh inputs for the three questions."""

from types import SimpleNamespace

import numpy as np


def draw(rng, parameters):
    train, test = rng.normal(3, 2, size=(40, 4)), rng.normal(3, 2, size=(15, 4))
    labels = (train[:, 0] > 3).astype(int)
    truth = rng.integers(2, size=15)
    shown = {"train": train, "test": test, "labels": labels}
    return {
        "scale": SimpleNamespace(
            shown=shown, kept={}, answers={"train": train.shape, "test": test.shape}
        ),
        "fit": SimpleNamespace(shown=shown, kept={}, answers={"probability": (15, 2)}),
        "error": SimpleNamespace(
            shown=shown | {"truth": truth},
            kept={},
            answers={"share": (), "predicted": np.shape(truth)},
        ),
    }
