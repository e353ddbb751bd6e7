# Runs in the student's kernel where a name is found nowhere, and stands for what is there instead:
# the one model that the notebook left, whatever its name, and one answer of many.

import torch
from ask import student


def trained():
    """The models that the notebook left, but for parts of others."""
    left = {id(one): one for one in student.instances(torch.nn.Module) if list(one.parameters())}
    inner = {id(part) for one in left.values() for part in one.modules() if part is not one}
    return [one for key, one in left.items() if key not in inner]


def one_of_many(model, sequence):
    return student.generate_batch(model, [sequence])[0]


def answers(model):
    """Whether it is the student's own `generate` that it was made for."""
    ask = student.generate if student.has("generate") else one_of_many
    try:
        ask(model, list(student.test_inputs[0]))
    except Exception:
        return False
    return True


if not student.has("generate") and student.has("generate_batch"):
    generate = one_of_many

if not student.has("model") and len(found := [one for one in trained() if answers(one)]) == 1:
    (model,) = found
