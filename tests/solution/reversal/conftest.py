"""Training under shape checks is slow: the two trained models are shared by all tests here."""

from types import SimpleNamespace

import numpy as np
import pytest

from solution.reversal import train
from solution.reversal.tasks import TASKS, split
from solution.reversal.training import Recipe
from solution.transformer import EncoderOnly, Transformer

RECIPES = {Transformer: Recipe(), EncoderOnly: Recipe(steps=100)}


@pytest.fixture(scope="session")
def reverse_5():
    return split(TASKS["reverse-5"], np.random.default_rng(0))


@pytest.fixture(scope="session", params=RECIPES, ids=lambda kind: kind.__name__)
def trained(request, reverse_5):
    """A model that reverses five digits, and its learning curve."""
    return learn(reverse_5, request.param)


@pytest.fixture(scope="session")
def encoder_decoder(reverse_5):
    return learn(reverse_5, Transformer).model


def learn(data, kind, cache={}):  # noqa: B006
    if kind not in cache:
        curve = []
        model = train(
            data.train_inputs,
            data.train_targets,
            seed=0,
            architecture=kind,
            recipe=RECIPES[kind],
            record=curve.append,
        )
        cache[kind] = SimpleNamespace(model=model, curve=curve)
    return cache[kind]
