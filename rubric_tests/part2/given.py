"""Fresh inputs for Part 2: drawn anew for every submission and run, and repeatable.

Components get rows of CHANNELS numbers and use as many as they are wide: most are built as wide
as the question says, one whose width is fixed is taken as it is.
"""

import numpy as np

from assay.rubric import SOME, Question, Shape
from rubric_tests.part2 import tasks

BATCH, LENGTH, MEMORY = 6, 5, 7  # rows of a batch, tokens, and tokens of the memory
N_STEPS = 2  # items of the batch of which every step inside a layer is kept
D_KEY, D_VALUE = 4, 9  # channels of keys and of values: no two sizes of a question are alike
CHANNELS = 512
HEADS = {"one": (8, 1), "two": (16, 2), "three": (24, 3), "four": (32, 4)}  # (d_model, n_heads)
SEEN = np.array([7, 4, 2, 6, 3, 1])  # of a memory, how many places each item of a batch has
WIDTH, TOKENS, VOCABULARY = "width", "tokens", "vocabulary"  # as long as the code is made
ROWS: Shape = (BATCH, LENGTH, WIDTH)
PAIR: dict[str, Shape] = {"out": ROWS, "out_other": ROWS}
LOGITS: dict[str, Shape] = dict.fromkeys(
    ("logits", "logits_other", "again"), (4, TOKENS, VOCABULARY)
)
HALVES = ("train", "test")
N_AGAIN = 24  # sequences that are asked several times over
N_AGAIN_LONG, LONG = 12, 11  # of so many digits or more, half as many say more than twice as much
N_CHANGED = 60  # digits that a model with other weights is asked: they tell a guess from an answer
N_EXCHANGED = 6  # of these, sequences that are asked where the layers say something of another
ANSWER_SECONDS = 240  # for the answers that reversal is marked by
TRAIN_SECONDS = 240  # for the secret task: to train, and to answer
N_SECRET, N_SECRET_TEST = 25_000, 2_000


def draw(rng: np.random.Generator, parameters: dict) -> dict[str, Question]:
    """Every question of Part 2; parameters are the run's `seed` and `task`."""
    task = tasks.TASKS[parameters["task"]]
    shown = public(rng, parameters)
    return (
        shown
        | attention(rng)
        | masks(rng)
        | multi_head(rng)
        | smaller_parts(rng)
        | layers(rng)
        | model(rng)
        | notebook(task)
        | answers(rng, task)
        | (secret(rng) if task.name == "reverse-5" else {})
    )


def public(rng: np.random.Generator, parameters: dict) -> dict[str, Question]:
    """The questions that students may put themselves: rows for the two smallest components."""
    x, other, order = activations(rng, LENGTH), activations(rng, LENGTH), shifted(rng, LENGTH)
    other[0, 0] = x[0, 0]
    tokens = rng.permuted(np.tile(np.arange(1, 9), (BATCH, 1)), axis=1)[:, :LENGTH]
    one: dict[str, Shape] = {"out": ROWS, "one": (1, 1, WIDTH)}
    return {
        "embedding/rows": Question(
            {"tokens": tokens, "vocabulary": np.array(11)}, one | {"as_asked": (), "learns": ()}
        ),
        "feed-forward/alone": Question(
            {"x": x, "other": other, "order": order},
            one | dict.fromkeys(("out_other", "out_permuted", "again"), ROWS),
        ),
    }


def attention(rng: np.random.Generator) -> dict[str, Question]:
    """No two sizes alike; but for `weights`, where the identity can change places with the keys."""
    query, key, value = (rng.normal(size=(BATCH, n, MEMORY)) for n in (LENGTH, MEMORY, MEMORY))
    alike = {"query": query, "key": key, "value": value}
    shown = rows_for_attention(rng)
    other = {f"other_{name}": rng.normal(size=part.shape) for name, part in shown.items()}
    weights = {"weights": (BATCH, LENGTH, MEMORY)}
    out: Shape = (BATCH, LENGTH, D_VALUE)
    whole = {"out": out, "again": out}
    one = {"query": query[:1, :1, :D_KEY], "key": key[:1, :2, :D_KEY], "value": value[:1, :2]}
    return {
        "attention/weights": Question(alike, weights),
        "attention/large": Question(alike | {"query": 1e4 * query}, weights),
        "attention/square": Question(
            rows_for_attention(rng, keys=LENGTH), {"weights": (BATCH, LENGTH, LENGTH)}
        ),
        "attention/output": Question(shown, weights | whole),
        "attention/one": Question(
            one, {"weights": (1, 1, 2), "out": (1, 1, MEMORY), "again": (1, 1, MEMORY)}
        ),
        "attention/itself": Question({"x": query}, {"out": (BATCH, LENGTH, MEMORY)}),
        "attention/batch": Question(shown | other, {"out": out, "out_other": out}),
    }


def rows_for_attention(rng: np.random.Generator, keys: int = MEMORY) -> dict[str, np.ndarray]:
    """Queries, keys and values; scores are about as large as they are in use."""
    sizes = {"query": (LENGTH, D_KEY), "key": (keys, D_KEY), "value": (keys, D_VALUE)}
    return {name: rng.normal(size=(BATCH, *size)) for name, size in sizes.items()}


def masks(rng: np.random.Generator) -> dict[str, Question]:
    """Masks of all kinds, another for every item, and something to change where nobody may look."""
    shown, square = rows_for_attention(rng), rows_for_attention(rng, keys=LENGTH)
    causal = np.broadcast_to(np.tri(LENGTH, dtype=bool), (BATCH, LENGTH, LENGTH)).copy()
    padding = padded(SEEN, MEMORY, LENGTH)
    nowhere = causal.copy()
    nowhere[1] = nowhere[2, 3] = False
    out: Shape = (BATCH, LENGTH, D_VALUE)

    def weights(keys: int) -> dict[str, Shape]:
        return dict.fromkeys(("weights", "free"), (BATCH, LENGTH, keys)) | {"out": out}

    x, memory = activations(rng, LENGTH), activations(rng, MEMORY)
    questions = {
        "masks/taken": Question({}, {"n_arguments": ()}),
        "masks/causal": Question(square | {"visible": causal}, weights(LENGTH)),
        "masks/padding": Question(shown | {"visible": padding}, weights(MEMORY)),
        "masks/cross": Question(shown | {"visible": at_random(rng, MEMORY)}, weights(MEMORY)),
        "masks/one": Question(
            shown | {"query": shown["query"][:, :1], "visible": padding[:, :1]},
            dict.fromkeys(("weights", "free"), (BATCH, 1, MEMORY)),
        ),
        "masks/nowhere": Question(
            square | {"visible": nowhere},
            {
                "weights": (int(nowhere.any(axis=-1).sum()), LENGTH),
                "free": (BATCH, LENGTH, LENGTH),
                "finite_elsewhere": (),
            },
        ),
        "masks/hidden": Question(
            shown | {"visible": padding, "noise": 30 * rng.normal(size=(BATCH, MEMORY, 1))},
            {"out": out, "out_other": out},
        ),
        "masks/multi-head": changed(rng),
        "masks/heads-self": Question({"x": x, "visible": at_random(rng, LENGTH)}, {"out": ROWS}),
        "masks/heads-cross": Question(
            {"x": x, "memory": memory, "visible": at_random(rng, MEMORY)}, {"out": ROWS}
        ),
        "masks/encoder-layer": changed(rng),
        "masks/encoder-padding": changed(rng, padded(1 + SEEN % LENGTH, LENGTH, LENGTH)),
        "masks/decoder-layer": changed(rng),
        "masks/memory": changed(rng),
    }
    later = later_tokens(rng)
    return questions | {
        "masks/model": Question(later, LOGITS),
        "masks/training": Question(later, {n: LOGITS[n] for n in ("logits", "logits_other")}),
    }


def padded(lengths: np.ndarray, keys: int, queries: int) -> np.ndarray:
    """Every query of an item sees as many keys as the item has."""
    seen = np.arange(keys) < lengths[:, None, None]
    return np.broadcast_to(seen, (len(lengths), queries, keys)).copy()


def at_random(rng: np.random.Generator, keys: int) -> np.ndarray:
    """A mask of its own for every query of every item; each sees something, and not all."""
    visible = rng.random((BATCH, LENGTH, keys)) < 0.5
    shown, hidden = rng.permuted(np.tile(np.arange(keys), (BATCH, LENGTH, 1)), axis=-1)[..., :2].T
    i, j = np.indices((LENGTH, BATCH))
    visible[j, i, shown], visible[j, i, hidden] = True, False
    return visible


def changed(rng: np.random.Generator, visible: np.ndarray | None = None) -> Question:
    """Rows, a memory, and other rows and another memory that agree on what may be seen.

    The tokens from 3 on differ, or those at hidden places; of the memory what is hidden does,
    in every item of the batch as its own mask says.
    """
    x, memory = activations(rng, LENGTH), activations(rng, MEMORY)
    other, other_memory = activations(rng, LENGTH), activations(rng, MEMORY)
    memory_visible = padded(SEEN, MEMORY, LENGTH)
    kept = np.arange(LENGTH) < 3 if visible is None else visible[:, 0]
    other = np.where(kept[..., None], x, other)
    other_memory = np.where(memory_visible[:, 0, :, None], memory, other_memory)
    shown = {"x": x, "memory": memory, "other": other, "other_memory": other_memory}
    shown |= {
        "visible": np.tri(LENGTH, dtype=bool) if visible is None else visible,
        "memory_visible": memory_visible,
    }
    return Question(shown, PAIR)


def multi_head(rng: np.random.Generator) -> dict[str, Question]:
    """Several numbers of heads, none of them the length; with itself, and with a memory."""
    questions = {"multi-head/form": Question({}, {})}
    for name, sizes in HEADS.items():
        x, memory = activations(rng, LENGTH), activations(rng, MEMORY)
        shown = {"x": x, "sizes": np.array(sizes)}
        answers: dict[str, Shape] = {"out": ROWS, "as_asked": ()}
        questions[f"multi-head/self-{name}"] = Question(shown, answers)
        questions[f"multi-head/cross-{name}"] = Question(shown | {"memory": memory}, answers)
    x, memory, order = activations(rng, LENGTH), activations(rng, MEMORY), shifted(rng, LENGTH)
    others = beside(x, activations(rng, LENGTH))
    reordered = {"x": x, "other": x[:, order], "order": order}
    thrice = PAIR | {"again": ROWS}
    one: dict[str, Shape] = {"out": (1, 1, WIDTH), "out_other": (BATCH, 1, WIDTH)}
    return questions | {
        "multi-head/order": Question(reordered, thrice),
        "multi-head/memory": Question(
            two_calls((x, memory), (x, memory[:, shifted(rng, MEMORY)])), thrice
        ),
        "multi-head/reach": Question(
            two_calls((x, memory), (x, other_at_one_place(rng, memory))), thrice
        ),
        "multi-head/batch": Question({"x": x, "other": others}, thrice),
        "multi-head/one": Question({"x": x}, one),
        "multi-head/heads": Question({"x": x}, PAIR),
    }


def other_at_one_place(rng: np.random.Generator, rows: np.ndarray) -> np.ndarray:
    """The same rows, but for the i-th of the i-th item of the batch."""
    items = np.arange(len(rows))
    changed = rows.copy()
    changed[items, items % rows.shape[1]] = activations(rng, 1)[:, 0]
    return changed


def two_calls(
    one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]
) -> dict[str, np.ndarray]:
    """A component is asked twice, each time with rows and a memory."""
    return dict(zip(("x", "memory", "other", "other_memory"), (*one, *other), strict=True))


def beside(own: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The items of the batch with another first one and another last one beside them."""
    return np.concatenate([other[:1], own[1:-1], other[-1:]])


def smaller_parts(rng: np.random.Generator) -> dict[str, Question]:
    """Embedding, positions and feed-forward network."""
    x = activations(rng, LENGTH)
    step = rng.normal(size=x.shape)
    one: Shape = (1, 1, WIDTH)
    every = {n: rng.permuted(np.tile(np.arange(n), (2, 1)), axis=1) for n in (11, 40)}
    bent = ("out", "ahead", "behind", "one", "other", "both")
    numbers: dict[str, Shape] = {f"numbers_{width}": () for width in (3, 19)}

    def all_rows(n: int) -> dict[str, Shape]:
        return {"out": (2, n, WIDTH), "one": one, "as_asked": ()}

    return {
        "embedding/all": Question({"tokens": every[11], "vocabulary": np.array(11)}, all_rows(11)),
        "embedding/more": Question({"tokens": every[40], "vocabulary": np.array(40)}, all_rows(40)),
        "positions/added": Question(
            {"x": x}, dict.fromkeys(("out", "at_zero", "again"), ROWS) | {"learned": (), "one": one}
        ),
        "positions/full": Question({"length": np.array(16)}, full_length()),
        "positions/long": Question({"length": np.array(301)}, full_length()),
        "feed-forward/bent": Question({"x": x, "step": step}, dict.fromkeys(bent, ROWS)),
        "feed-forward/sizes": Question({"x": x}, numbers | {"out": ROWS, "as_asked": ()}),
        "feed-forward/units": Question({"x": x}, {"out": ROWS, "as_asked": ()}),
    }


def full_length() -> dict[str, Shape]:
    return {"at_zero": (2, SOME, WIDTH), "as_asked": ()}


def layers(rng: np.random.Generator) -> dict[str, Question]:
    """For both layers: silent inside, with longer rows, other items, tokens and memories."""
    questions = {}
    for kind in ("encoder-layer", "decoder-layer"):
        x, memory = activations(rng, LENGTH), activations(rng, MEMORY)
        others, memories = activations(rng, LENGTH), activations(rng, MEMORY)
        long = 1e3 * x  # beside it, what the sub-layers add to a token is small
        longer = rng.uniform(0.5, 4, size=(BATCH, LENGTH, 1)) * long
        another = np.concatenate([others[:, :1], x[:, 1:]], axis=1)
        one_place = other_at_one_place(rng, memory)
        pairs = {
            "scaled": two_calls((long, memory), (longer, memory)),
            "batch": two_calls((x, memory), (beside(x, others), beside(memory, memories))),
            "tokens": two_calls((x, memory), (another, memory)),
            "memory": two_calls((x, memory), (x, one_place)),
        }
        thrice = PAIR | {"again": ROWS}
        questions |= {f"{kind}/{name}": Question(shown, thrice) for name, shown in pairs.items()}
        alone = {"x": x, "memory": memory}
        sizes: dict[str, Shape] = {"numbers_20": (), "numbers_37": (), "as_asked": ()}
        questions |= {
            f"{kind}/silent": Question(alone, {"out": ROWS, "silent": ROWS}),
            f"{kind}/one": Question(alone, {"out": (1, 1, WIDTH), "out_other": (BATCH, 1, WIDTH)}),
            f"{kind}/sizes": Question(alone, PAIR | sizes),
            f"{kind}/steps": Question(
                {name: rows[:N_STEPS] for name, rows in alone.items()},
                {"out": (N_STEPS, LENGTH, WIDTH)},
            ),
            f"{kind}/norms": Question(alone, {}),
        }
        order = shifted(rng, LENGTH)
        questions[f"{kind}/order"] = Question(
            two_calls((x, memory), (x[:, order], memory)) | {"order": order}, thrice
        )
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
        "model/source": Question(
            one_token_each(source, target),
            dict.fromkeys(LOGITS, (LENGTH * len(source), TOKENS, VOCABULARY)),
        ),
        "model/attention": Question(shown, {"n_weights": ()}),
        "model/parts": Question(shown, {}),
        "positions/model": Question(reordered(rng), LOGITS),
        "training/batch": Question(shown, {"losses": (SOME,)}),
        "scratch/live": Question({}, {}),
        "scratch/work": Question({"x": activations(rng, LENGTH), "tokens": source}, {}),
    }


def one_token_each(source: np.ndarray, target: np.ndarray) -> dict[str, np.ndarray]:
    """For each place in turn, all sources with another token there."""
    every, targets = (np.tile(rows, (LENGTH, 1)) for rows in (source, target))
    other, place = every.copy(), np.repeat(np.arange(LENGTH), len(source))
    other[np.arange(len(other)), place] = 1 + every[np.arange(len(other)), place] % 8
    shown = {"source": every, "target": targets, "place": place}
    return shown | {"other_source": other, "other_target": targets}


def reordered(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Sources of different tokens, and the same in another order."""
    source = rng.permuted(np.tile(np.arange(1, 9), (4, 1)), axis=1)[:, :LENGTH]
    target, order = ids(rng), shifted(rng, LENGTH)
    shown = {"source": source, "target": target, "order": order}
    return shown | {"other_source": source[:, order], "other_target": target}


def later_tokens(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Targets that differ from the fourth token on."""
    source, target = ids(rng), ids(rng)
    later = np.concatenate([target[:, :3], 1 + target[:, 3:] % 8], axis=1)
    return {"source": source, "target": target, "other_source": source, "other_target": later}


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
        "data/handed": Question(widths, {"inputs": (SOME, task.length + 2)}),
        "claims/reversal": Question({}, {"accuracy": ()}),
        "diagram/text": Question({}, {}),
        "diagram/widths": Question({}, {"widths": (SOME,)}),
    }


def answers(rng: np.random.Generator, task: tasks.Task) -> dict[str, Question]:
    """The sequences to be answered, free running; the right answers stay here."""
    asked = tasks.questions(task.name, rng)
    right = [tasks.answer(task.name, sequence) for sequence in asked]
    width = task.answer_length + 2  # room to see an answer that is too long
    shown = {"sequences": tasks.table(asked, task.length), "width": np.array(width)}
    n = N_AGAIN if task.length < LONG else N_AGAIN_LONG
    few = {"sequences": shown["sequences"][:n], "width": np.array(width)}
    uncut = few | {"width": np.array(task.length)}
    apart = rng.spawn(1)[0]  # what is drawn here moves no other question's draw
    moved = [[*sequence[1::-1], *sequence[2:]] for sequence in asked[:n]]
    swapped = {"moved": tasks.table(moved, task.length), "width": np.array(width)}
    rows: Shape = (n, width)
    questions = {
        "tokenizer/round-trip": Question(uncut, {"back": (n, task.length)}),
        "generation/again": Question(
            few | {"vocabulary": np.array(12)},
            {
                **{"answers": rows, "again": rows, "dropped": (), "side_by_side": ()},
                "choices": (n, width, 3 * width),
            },
        ),
        "generation/as-left": Question(few, {"dropped": ()}),
        "generation/together": Question(few, {"together": rows}),
        "reversal/answers": Question(
            shown | {"vocabulary": np.array(12), "places": apart.permutation(len(asked))},
            {"answers": (None, width)} | watched(width),
            kept={"right": tasks.table(right, width)},
            seconds=ANSWER_SECONDS,
        ),
        **changed_models("reversal", shown, apart),
    }
    if not task.name.startswith("sort"):  # a sorted answer does not depend on the order
        questions["positions/order"] = Question(swapped, {"moved": rows})
    if not task.name.startswith("reverse"):  # to sort, it is enough to count
        del questions["reversal/attention"]
    return questions


def watched(width: int) -> dict[str, Shape]:
    """Some of the answers once more, and what the model's logits said in the calls they took.

    Which they are is drawn: what answers many at once does not know for which it is asked again.
    """
    return {
        "alone": (None, width),
        "choices": (None, width, 3 * width),
        "side_by_side": (),
    }


def changed_models(
    task: str, shown: dict[str, np.ndarray], rng: np.random.Generator
) -> dict[str, Question]:
    """The first sequences once more, to the same model with other weights of either kind.

    Each is put to the model as it is as well; the order is drawn, so that how often or how late
    something is asked does not tell which of the models it is.
    """
    digits = (shown["sequences"] != tasks.NOTHING).sum(axis=1).cumsum()
    n = 1 + int(np.searchsorted(digits, N_CHANGED))
    few = {"sequences": shown["sequences"][:n], "width": shown["width"]}
    rows: Shape = (n, int(shown["width"]))

    def turns(ways: int) -> dict[str, np.ndarray]:
        return {"turns": rng.permuted(np.tile(np.arange(ways), (n, 1)), axis=1)}

    return {
        f"{task}/attention": Question(
            few | {"vocabulary": np.array(12)} | turns(3),
            {"n_weights": (), "answers": rows, "moved": rows, "unchanged": rows},
        ),
        f"{task}/without-weights": Question(
            few | turns(4) | {"partners": partners(few["sequences"])},
            dict.fromkeys(("answers", "shuffled", "unchanged", "exchanged"), rows)
            | {"n_layers": (), "n_exchanged": ()},
        ),
    }


def partners(sequences: np.ndarray) -> np.ndarray:
    """For some sequences the place of the next one that is as long; for the others their own."""
    lengths, n = (sequences != tasks.NOTHING).sum(axis=1), len(sequences)
    found = np.arange(n)
    for i in range(min(n, N_EXCHANGED)):
        later = ((i + k) % n for k in range(1, n + 1))
        found[i] = next(j for j in later if lengths[j] == lengths[i])
    return found


def secret(rng: np.random.Generator) -> dict[str, Question]:
    """A task nobody has seen: the digits change places and names, by rules drawn for this run.

    Which of two orders applies is read from one digit of the question. The orders differ at two
    places of the answer, both before that digit: neither a fixed table of places nor a model that
    sees the past alone can give both.
    """
    orders, differ, key = two_orders(rng)
    names, chooses = 1 + rng.permutation(9), 1 + rng.permutation(9)[:4]
    asked = tasks.FIVE_DIGITS[rng.permutation(len(tasks.FIVE_DIGITS))[: N_SECRET + N_SECRET_TEST]]
    chosen = np.isin(asked[:, key], chooses).astype(int)
    right = names[np.take_along_axis(asked, orders[chosen], axis=1) - 1]
    apart = rng.spawn(1)[0]
    shown = {
        "inputs": asked[:N_SECRET].astype(np.int16),
        "targets": right[:N_SECRET].astype(np.int16),
        "sequences": asked[N_SECRET:].astype(np.int16),
        "width": np.array(7),
        "vocabulary": np.array(12),
    }
    kept = {
        "right": tasks.table(right[N_SECRET:].tolist(), 7),
        "chosen": chosen[N_SECRET:],
        "places": orders[0],
        "differ": differ,
    }
    return {
        "secret/answers": Question(
            shown | {"places": apart.permutation(N_SECRET_TEST)},
            {"answers": (None, 7)} | watched(7),
            kept=kept,
            seconds=TRAIN_SECONDS,
        ),
        **changed_models("secret", shown, apart),
        "training/steps": Question(
            {"source": ids(rng), "target": ids(rng)},
            dict.fromkeys(("losses", "rates"), (None,))
            | {"costs": (None,), "backwards": (), "of_another": (), "not_registered": ()}
            | dict.fromkeys(("vocabulary", "stale", "empty", "of_shares", "to_zero"), ()),
        ),
    }


def two_orders(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, int]:
    """Two orders of five places, (2, 5), the two places at which they differ, and where the key is.

    Of the three other places some stand in the question later than in the answer, and some do not.
    """
    key = int(rng.integers(2, 5))
    differ = rng.choice(key, size=2, replace=False)
    others = np.setdiff1d(np.arange(5), differ)
    while True:
        orders = np.tile(rng.permutation(5), (2, 1))
        orders[1, differ] = orders[0, differ[::-1]]
        later = int((orders[0] > np.arange(5))[others].sum())
        if 0 < later < len(others) and not (orders == [4, 3, 2, 1, 0]).all(axis=1).any():
            return orders, differ, key


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
