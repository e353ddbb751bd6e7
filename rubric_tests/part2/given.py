"""Fresh inputs for Part 2: drawn anew for every submission and run, and repeatable.

Components get rows of CHANNELS numbers and use as many as they are wide: most are built as wide
as the question says, one whose width is fixed is taken as it is.
"""

import numpy as np

from rubric_tests.part2 import tasks
from rubric_tests.question import SOME, Question, Shape

BATCH, LENGTH, MEMORY = 3, 5, 7  # rows of a batch, tokens, and tokens of the memory
CHANNELS = 512
HEADS = {"one": (8, 1), "two": (8, 2), "three": (12, 3), "four": (16, 4)}  # (d_model, n_heads)
ROWS: Shape = (BATCH, LENGTH, SOME)
PAIR: dict[str, Shape] = {"out": ROWS, "out_other": ROWS}
LOGITS: dict[str, Shape] = {"logits": (4, SOME, SOME), "logits_other": (4, SOME, SOME)}
HALVES = ("train", "test")
N_AGAIN = 24  # sequences that are asked several times over
ANSWER_SECONDS = 240  # for the answers that reversal is marked by
TRAIN_SECONDS = 240  # for the secret task: to train, and to answer
N_SECRET, N_SECRET_TEST = 25_000, 2_000


def draw(rng: np.random.Generator, parameters: dict) -> dict[str, Question]:
    """Every question of Part 2; parameters are the run's `seed` and `task`."""
    task = tasks.TASKS[parameters["task"]]
    return (
        attention(rng)
        | masks(rng)
        | multi_head(rng)
        | smaller_parts(rng)
        | layers(rng)
        | model(rng)
        | notebook(task)
        | answers(rng, task)
        | (secret(rng) if task.name == "reverse-5" else {})
    )


def attention(rng: np.random.Generator) -> dict[str, Question]:
    """As many channels as keys, so that the identity can be the values, or change places with K."""
    query, key, value = (rng.normal(size=(BATCH, n, MEMORY)) for n in (LENGTH, MEMORY, MEMORY))
    shown = {"query": query, "key": key, "value": value}
    other = {f"other_{name}": rng.normal(size=part.shape) for name, part in shown.items()}
    weights = {"weights": (BATCH, LENGTH, MEMORY)}
    pair = {"out": (BATCH, LENGTH, MEMORY), "out_other": (BATCH, LENGTH, MEMORY)}
    return {
        "attention/weights": Question(shown, weights),
        "attention/output": Question(shown, weights | {"out": (BATCH, LENGTH, MEMORY)}),
        "attention/large": Question(shown | {"query": 1e4 * query}, weights),
        "attention/batch": Question(shown | other, pair),
    }


def masks(rng: np.random.Generator) -> dict[str, Question]:
    """Scores of unit size, masks of both kinds, and something to change where nobody may look."""
    query, key, value = (rng.normal(size=(BATCH, LENGTH, LENGTH)) for _ in range(3))
    shown = {"query": query, "key": key, "value": value}
    causal = np.broadcast_to(np.tri(LENGTH, dtype=bool), (BATCH, LENGTH, LENGTH)).copy()
    padding = np.arange(LENGTH) < np.array([5, 3, 2])[:, None, None]
    padding = np.broadcast_to(padding, (BATCH, LENGTH, LENGTH)).copy()
    nowhere = causal.copy()
    nowhere[1] = False
    weights = {"weights": (BATCH, LENGTH, LENGTH)}
    both = weights | {"free": (BATCH, LENGTH, LENGTH)}
    return {
        "masks/taken": Question({}, {"n_arguments": ()}),
        "masks/causal": Question(shown | {"visible": causal}, both),
        "masks/padding": Question(shown | {"visible": padding}, both),
        "masks/nowhere": Question(shown | {"visible": nowhere}, weights),
        "masks/hidden": Question(
            shown | {"visible": padding, "noise": 30 * rng.normal(size=value.shape)},
            {"out": (BATCH, LENGTH, LENGTH), "out_other": (BATCH, LENGTH, LENGTH)},
        ),
        "masks/multi-head": changed(rng),
        "masks/encoder-layer": changed(rng),
        "masks/decoder-layer": changed(rng),
        "masks/memory": changed(rng),
        "masks/model": later_tokens(rng),
    }


def changed(rng: np.random.Generator) -> Question:
    """Rows, a memory, and other rows and another memory that agree on what may be seen.

    The tokens from 3 on differ, in the memory those from 4 on.
    """
    x, memory = activations(rng, LENGTH), activations(rng, MEMORY)
    other, other_memory = activations(rng, LENGTH), activations(rng, MEMORY)
    other[:, :3], other_memory[:, :4] = x[:, :3], memory[:, :4]
    shown = {"x": x, "memory": memory, "other": other, "other_memory": other_memory}
    shown |= {
        "visible": np.tri(LENGTH, dtype=bool),
        "memory_visible": np.tile(np.arange(MEMORY) < 4, (LENGTH, 1)),
    }
    return Question(shown, PAIR)


def multi_head(rng: np.random.Generator) -> dict[str, Question]:
    """Several numbers of heads, none of them the length; with itself, and with a memory."""
    questions = {"multi-head/form": Question({}, {})}
    for name, sizes in HEADS.items():
        x, memory = activations(rng, LENGTH), activations(rng, MEMORY)
        shown = {"x": x, "sizes": np.array(sizes)}
        answers: dict[str, Shape] = {"out": ROWS, "n_heads": ()}
        questions[f"multi-head/self-{name}"] = Question(shown, answers)
        questions[f"multi-head/cross-{name}"] = Question(shown | {"memory": memory}, answers)
    x, memory, order = activations(rng, LENGTH), activations(rng, MEMORY), shifted(rng, LENGTH)
    others = beside(x, activations(rng, LENGTH))
    reordered = {"x": x, "other": x[:, order], "order": order}
    return questions | {
        "multi-head/order": Question(reordered, PAIR),
        "multi-head/memory": Question(
            two_calls((x, memory), (x, memory[:, shifted(rng, MEMORY)])), PAIR
        ),
        "multi-head/batch": Question({"x": x, "other": others}, PAIR),
    }


def two_calls(
    one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]
) -> dict[str, np.ndarray]:
    """A component is asked twice, each time with rows and a memory."""
    return dict(zip(("x", "memory", "other", "other_memory"), (*one, *other), strict=True))


def beside(own: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The first item of the batch, with other items beside it."""
    return np.concatenate([own[:1], other[1:]])


def smaller_parts(rng: np.random.Generator) -> dict[str, Question]:
    """Embedding, positions and feed-forward network."""
    x, other = activations(rng, LENGTH), activations(rng, LENGTH)
    other[0, 0] = x[0, 0]
    order, step = shifted(rng, LENGTH), rng.normal(size=x.shape)
    tokens = rng.permuted(np.tile(np.arange(1, 9), (BATCH, 1)), axis=1)[:, :LENGTH]
    return {
        "embedding/rows": Question({"tokens": tokens}, {"out": ROWS}),
        "positions/added": Question({"x": x}, {"out": ROWS, "at_zero": ROWS, "learned": ()}),
        "feed-forward/alone": Question(
            {"x": x, "other": other, "order": order}, PAIR | {"out_permuted": ROWS}
        ),
        "feed-forward/bent": Question(
            {"x": x, "step": step}, dict.fromkeys(("out", "ahead", "behind"), ROWS)
        ),
    }


def layers(rng: np.random.Generator) -> dict[str, Question]:
    """For both layers: silent inside, with longer rows, other items, tokens and memories."""
    questions = {}
    for kind in ("encoder-layer", "decoder-layer"):
        x, memory = activations(rng, LENGTH), activations(rng, MEMORY)
        others, memories = activations(rng, LENGTH), activations(rng, MEMORY)
        long = 1e3 * x  # beside it, what the sub-layers add to a token is small
        longer = rng.uniform(0.5, 4, size=(BATCH, LENGTH, 1)) * long
        another_first = np.concatenate([others[:, :1], x[:, 1:]], axis=1)
        pairs = {
            "scaled": two_calls((long, memory), (longer, memory)),
            "batch": two_calls((x, memory), (beside(x, others), beside(memory, memories))),
            "tokens": two_calls((x, memory), (another_first, memory)),
            "memory": two_calls((x, memory), (x, memories)),
        }
        questions |= {f"{kind}/{name}": Question(shown, PAIR) for name, shown in pairs.items()}
        questions[f"{kind}/silent"] = Question({"x": x, "memory": memory}, {"out": ROWS})
    return questions


def model(rng: np.random.Generator) -> dict[str, Question]:
    """The trained model on digits from 1 to 8, which are tokens whatever the vocabulary."""
    source, target = ids(rng), ids(rng)
    shown = {"source": source, "target": target, "wanted": ids(rng)}
    shown |= {"other_source": beside(source, ids(rng)), "other_target": beside(target, ids(rng))}
    return {
        "model/form": Question({}, {}),
        "model/logits": Question(shown, LOGITS),
        "model/batch": Question(shown, LOGITS),
        "training/batch": Question(shown, {"losses": (SOME,)}),
        "scratch/live": Question({}, {}),
        "scratch/work": Question({"x": activations(rng, LENGTH)[..., :12], "tokens": source}, {}),
    }


def later_tokens(rng: np.random.Generator) -> Question:
    """Targets that differ from the fourth token on."""
    source, target = ids(rng), ids(rng)
    later = np.concatenate([target[:, :3], 1 + target[:, 3:] % 8], axis=1)
    shown = {"source": source, "target": target, "other_source": source, "other_target": later}
    return Question(shown, LOGITS)


def notebook(task: tasks.Task) -> dict[str, Question]:
    """What the notebook leaves behind."""
    pairs: dict[str, Shape] = {
        "inputs": (SOME, task.length + 2),
        "targets": (SOME, task.answer_length + 2),
    }
    widths = {"widths": np.array([task.length + 2, task.answer_length + 2])}
    return {
        "notebook/parameters": Question({}, {"seed": ()}),
        "notebook/trace": Question({}, {"weights": (SOME,)}),
        **{f"data/{half}": Question(widths | {"half": np.array(half)}, pairs) for half in HALVES},
        "claims/reversal": Question({}, {"accuracy": ()}),
        "diagram/text": Question({}, {"widths": (SOME,)}),
    }


def answers(rng: np.random.Generator, task: tasks.Task) -> dict[str, Question]:
    """The sequences to be answered, free running; the right answers stay here."""
    asked = tasks.questions(task.name, rng)[: tasks.SAMPLE]
    right = [tasks.answer(task.name, sequence) for sequence in asked]
    width = task.answer_length + 2  # room to see an answer that is too long
    shown = {"sequences": tasks.table(asked, task.length), "width": np.array(width)}
    few = {"sequences": shown["sequences"][:N_AGAIN], "width": np.array(width)}
    uncut = few | {"width": np.array(task.length)}
    moved = [[*sequence[1::-1], *sequence[2:]] for sequence in asked[:N_AGAIN]]
    swapped = few | {"moved": tasks.table(moved, task.length)}
    rows: Shape = (N_AGAIN, width)
    return {
        "tokenizer/round-trip": Question(uncut, {"back": (N_AGAIN, task.length)}),
        "generation/again": Question(few, {"answers": rows, "again": rows}),
        "generation/together": Question(few, {"alone": rows, "together": rows}),
        "positions/order": Question(swapped, {"answers": rows, "moved": rows}),
        "reversal/answers": Question(
            shown,
            {"answers": (None, width)},
            kept={"right": tasks.table(right, width)},
            seconds=ANSWER_SECONDS,
        ),
    }


def secret(rng: np.random.Generator) -> dict[str, Question]:
    """A task nobody has seen: the digits change places and names, by rules drawn for this run."""
    places, names = rng.permutation(5), 1 + rng.permutation(9)
    while places.tolist() in ([0, 1, 2, 3, 4], [4, 3, 2, 1, 0]):
        places = rng.permutation(5)
    asked = np.array(tasks.questions("reverse-5", rng)[: N_SECRET + N_SECRET_TEST])
    right = names[asked[:, places] - 1]
    shown = {
        "inputs": asked[:N_SECRET].astype(np.int16),
        "targets": right[:N_SECRET].astype(np.int16),
        "sequences": asked[N_SECRET:].astype(np.int16),
        "width": np.array(7),
    }
    kept = {"right": tasks.table(right[N_SECRET:].tolist(), 7)}
    few = {"sequences": shown["sequences"][:N_AGAIN], "width": shown["width"]}
    return {
        "secret/answers": Question(shown, {"answers": (None, 7)}, kept=kept, seconds=TRAIN_SECONDS),
        "secret/without-weights": Question(few, {"answers": (None, 7)}),
        "training/steps": Question({}, {"losses": (None,), "vocabulary": (), "stale": ()}),
    }


def activations(rng: np.random.Generator, length: int) -> np.ndarray:
    """Rows large enough that a wrong scale shows."""
    return 2 * rng.normal(size=(BATCH, length, CHANNELS))


def shifted(rng: np.random.Generator, length: int) -> np.ndarray:
    """An order in which no place keeps its token."""
    order = rng.permutation(length)
    places = np.empty(length, dtype=int)
    places[order] = np.roll(order, 1)
    return places


def ids(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(1, 9, size=(4, 5))
