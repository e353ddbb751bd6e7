"""Read the notebook's source: is anything chosen by how it does on the test rows?"""

import ast
from collections.abc import Iterator
from types import SimpleNamespace

from rubric_tests.nodes import nodes_of
from rubric_tests.syntax import called_name, line_of, parsed

FITTING = {"fit", "partial_fit", "fit_transform"}
TEST_ROWS = {"X_test", "y_test"}
PLACES = {"argmax", "nanargmax", "argsort", "argpartition", "nlargest", "idxmax"}
LOOPS = (ast.For, ast.While, ast.ListComp, ast.DictComp, ast.GeneratorExp)


def names_in(node: ast.AST) -> set[str]:
    return {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}


def chosen_on_test(submission: SimpleNamespace) -> tuple[str, bool] | None:
    """The line of the notebook that fits, or picks the best of several fits, by the test labels.

    With it, whether that is certain: a curve, a number that is only printed and a column of a
    table look the same, and a person has to say which it is.
    """
    trees = [(cell, parsed(cell.source)) for cell in submission.cells if cell.kind == "code"]
    functions = frozenset[str]().union(*(functions_that_fit(tree) for _, tree in trees))
    tested = frozenset[str]().union(*(functions_that_test(tree) for _, tree in trees))
    reported = frozenset[str]().union(*(names_reported(tree) for _, tree in trees))
    doubtful = None
    for cell, tree in trees:
        for node, certain in suspicious(tree, functions, tested, reported):
            if certain:
                return line_of(cell.source, node.lineno), True
            doubtful = doubtful or (cell, node)
    return (line_of(doubtful[0].source, doubtful[1].lineno), False) if doubtful else None


def names_reported(tree: ast.Module) -> set[str]:
    """The names that `network_accuracy` is made of, itself among them."""
    made = [
        node
        for node in nodes_of(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign) and "network_accuracy" in names_in(node)
    ]
    return {name for node in made if node.value for name in names_in(node.value)} | {
        "network_accuracy"
    }


def functions_that_fit(tree: ast.Module) -> frozenset[str]:
    """The functions in which something is fitted: to call one in a loop is to fit in it."""
    return frozenset(name for name, function in functions_in(tree) if fits_within(function))


def functions_that_test(tree: ast.Module) -> frozenset[str]:
    """Those of them that return a score on the test rows, and nothing else.

    What is printed or drawn there chooses nothing; of two numbers it is not known which is used.
    """
    return frozenset(
        name
        for name, function in functions_in(tree)
        if fits_within(function) and returns_scores(function)
    )


def returns_scores(function: ast.AST) -> bool:
    """Whether all that it returns is made of test rows; its own under this name may be others."""
    inside = list(ast.walk(function))
    own = {node.arg for node in inside if isinstance(node, ast.arg)}
    own |= {n.id for n in inside if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    scores = TEST_ROWS - own
    for node in [*inside, *inside]:  # twice: a score may be passed on before it is named
        scores |= set(passed_on(node, scores))
    returned = [node.value for node in inside if isinstance(node, ast.Return) and node.value]
    returned += [node.body for node in inside if isinstance(node, ast.Lambda)]
    return bool(returned) and all(is_score(value, scores) for value in returned)


def is_score(value: ast.expr, scores: set[str]) -> bool:
    """Whether a value is made of scores; of several values in one, whether each is."""
    if isinstance(value, ast.Tuple | ast.List | ast.Set):
        return all(is_score(each, scores) for each in value.elts)
    if isinstance(value, ast.Dict):
        return all(is_score(each, scores) for each in value.values)
    if isinstance(value, ast.Call) and is_record(value.func):
        kept = [*value.args, *(keyword.value for keyword in value.keywords)]
        return all(is_score(each, scores) for each in kept)
    return bool(names_in(value) & scores) and scoring(value)


def is_record(called: ast.expr) -> bool:
    return isinstance(called, ast.Name) and (called.id == "dict" or called.id[0].isupper())


def functions_in(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Functions by their names, those of one expression among them."""
    for node in nodes_of(tree):
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            yield from ((name, node.value) for target in node.targets for name in names_in(target))


def suspicious(
    tree: ast.Module,
    functions: frozenset[str],
    tested: frozenset[str],
    reported: frozenset[str],
) -> Iterator[tuple[ast.stmt | ast.expr, bool]]:
    """A fit that is handed `y_test`; a running best, or the best of a list, of test scores."""
    scores = scores_of_many_fits(tree, functions, tested)
    for node in nodes_of(tree):
        if isinstance(node, ast.Call) and called_name(node) in FITTING:
            handed = [*node.args, *(keyword.value for keyword in node.keywords)]
            if any("y_test" in names_in(value) for value in handed):
                yield node, learns_from_it(node)
        elif isinstance(node, ast.Assign) and "network_accuracy" in names_in(node):
            if picks_best(node.value) and names_in(node.value) & scores:
                yield node, True
        elif isinstance(node, ast.Call) and picks_best_place(node):
            many = any(isinstance(inner, LOOPS) for inner in ast.walk(node))
            by_key = any(asks_each(keyword.value) for keyword in node.keywords)
            if not by_key and is_threshold(node):
                yield node, False
            if by_key or names_in(node) & (scores | (TEST_ROWS if many else set())):
                yield node, by_key or not by_column(node)
        elif isinstance(node, ast.If) and (best := keeps_best(node, scores)):
            yield node, bool(best & reported) or keeps_more(node)


def learns_from_it(call: ast.Call) -> bool:
    """Whether `y_test` is to be learnt; behind the training rows it may be there for a curve."""
    handed = [names_in(value) for value in (*call.args, *(k.value for k in call.keywords))]
    learnt = handed[: min(2, len(call.args))]
    learnt += [names_in(k.value) for k in call.keywords if k.arg in (None, "y", "Y")]
    learnt += [names for names in handed if "y_train" in names]
    return any("y_test" in names for names in learnt) or not any("y_train" in n for n in handed)


def by_column(call: ast.Call) -> bool:
    """Whether a key looks at a part of each record, which may be the score on other rows.

    `key=lambda r: r[1]`, `key=itemgetter(1)`.
    """
    keys = [keyword.value for keyword in call.keywords if keyword.arg == "key"]
    for node in (node for key in keys for node in ast.walk(key)):
        if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Name):
            return True
        if isinstance(node, ast.Call) and called_name(node) in ("itemgetter", "attrgetter"):
            return True
    return False


def scores_of_many_fits(
    tree: ast.Module, functions: frozenset[str], tested: frozenset[str]
) -> set[str]:
    """Names that hold a score on the test rows, made anew for each of several fits."""
    loops = [
        node for node in nodes_of(tree) if isinstance(node, LOOPS) and fits_within(node, functions)
    ]
    scores = TEST_ROWS | tested if loops else set(tested)
    for loop in [*loops, *loops]:  # twice: a score may be passed on before it is named
        scores |= {name for node in ast.walk(loop) for name in passed_on(node, scores)}
    for node in nodes_of(tree):
        if isinstance(node, ast.Assign) and any(loop in ast.walk(node.value) for loop in loops):
            on_test = names_in(node.value) & (TEST_ROWS | tested)
            scores |= {name for target in node.targets for name in names_in(target) if on_test}
    return scores - TEST_ROWS - {"X_train", "y_train"}


def fits_within(node: ast.AST, functions: frozenset[str] = frozenset()) -> bool:
    calls = [inner for inner in ast.walk(node) if isinstance(inner, ast.Call)]
    fitting = FITTING | {"loss_and_gradients"}
    return any(
        called_name(call) in fitting
        or (isinstance(call.func, ast.Name) and call.func.id in functions)
        for call in calls
    )


def passed_on(node: ast.AST, scores: set[str]) -> Iterator[str]:
    """The names that take over a score: `a = score`, `scores.append(a)`, `scores[k] = a`."""
    if isinstance(node, ast.Assign):
        for target, value in pairs_of(node):
            if names_in(value) & scores and scoring(value):
                yield from names_in(target)
    elif isinstance(node, ast.Call) and called_name(node) in ("append", "add", "update"):
        taken = any(names_in(arg) & scores for arg in node.args)
        yield from names_in(node.func) if taken else ()


def pairs_of(node: ast.Assign) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Each target with its value, one by one of `val, test = score(val_rows), score(test_rows)`."""
    for target in node.targets:
        both = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple | ast.List)
        if both and len(target.elts) == len(node.value.elts):
            yield from zip(target.elts, node.value.elts, strict=True)
        else:
            yield target, node.value


def scoring(value: ast.expr) -> bool:
    """Anything but a fitted model: what a call of `fit` returns is not a score."""
    return not (isinstance(value, ast.Call) and called_name(value) in FITTING)


def picks_best(value: ast.expr) -> bool:
    calls = [node for node in ast.walk(value) if isinstance(node, ast.Call)]
    return any(called_name(call) in ("max", "nanmax", "amax", "sorted") for call in calls)


def picks_best_place(node: ast.Call) -> bool:
    """Whether one place of all is taken; the best of each row of probabilities is a label."""
    if called_name(node) in PLACES and is_by_row(node):
        return False
    with_key = any(keyword.arg == "key" for keyword in node.keywords)
    return called_name(node) in PLACES or (with_key and called_name(node) in ("max", "sorted"))


def asks_each(key: ast.expr) -> bool:
    """Whether a key asks each of several models about the test rows: `one.predict(X_test)`.

    Rows, columns and labels are put in an order too, which chooses no model.
    """
    if not isinstance(key, ast.Lambda):
        return False
    each = {argument.arg for argument in key.args.args}
    rows = TEST_ROWS | {"X_train", "y_train"}
    for call in [node for node in ast.walk(key.body) if isinstance(node, ast.Call)]:
        asked = [names_in(node) for node in (call.func, *call.args[:1])]
        if "X_test" in names_in(call) and any(n & each and not n & rows for n in asked):
            return True
    return False


def is_threshold(call: ast.Call) -> bool:
    """Whether the best of several numbers is taken by what lies above each, and by the test labels.

    `max(numbers, key=lambda t: np.mean((p > t) == y_test))`.
    """
    for key in [keyword.value for keyword in call.keywords if keyword.arg == "key"]:
        if called_name(call) != "max" or not isinstance(key, ast.Lambda):
            continue
        each = {argument.arg for argument in key.args.args}
        for node in [node for node in ast.walk(key.body) if isinstance(node, ast.Compare)]:
            above = any(isinstance(op, ast.Gt | ast.GtE | ast.Lt | ast.LtE) for op in node.ops)
            sides = {n.id for n in (node.left, *node.comparators) if isinstance(n, ast.Name)}
            if above and sides & each and "y_test" in names_in(key.body):
                return True
    return False


def is_by_row(node: ast.Call) -> bool:
    """Whether it goes along the last axis: `argmax(p, axis=1)`, `np.argmax(p, -1)`, `p.argmax(1)`.

    One axis is all that a list of scores has.
    """
    of_module = isinstance(node.func, ast.Name) or (
        isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in ("np", "numpy", "torch")
    )
    axes = [keyword.value for keyword in node.keywords if keyword.arg in ("axis", "dim")]
    axes += node.args[1:2] if of_module else node.args[:1]
    return any(is_last(axis) for axis in axes)


def is_last(axis: ast.expr) -> bool:
    """Whether an axis is written `1` or `-1`."""
    number = axis.operand if isinstance(axis, ast.UnaryOp) else axis
    minus = not isinstance(axis, ast.UnaryOp) or isinstance(axis.op, ast.USub)
    return minus and isinstance(number, ast.Constant) and number.value == 1


def keeps_best(node: ast.If, scores: set[str]) -> set[str]:
    """The names that `if score > best: best = score` keeps, where test rows made the score."""
    if not isinstance(node.test, ast.Compare) or not names_in(node.test) & scores:
        return set()
    stored = [
        names_in(target) for s in node.body if isinstance(s, ast.Assign) for target in s.targets
    ]
    kept = any(names & names_in(node.test) for names in stored)
    return set[str]().union(*stored) if kept else set()


def keeps_more(node: ast.If) -> bool:
    """Whether more than a best number is kept or done where it is found, or else."""
    plain = [s for s in node.body if isinstance(s, ast.Assign) and isinstance(s.value, ast.Name)]
    shown = [
        s
        for s in node.body
        if isinstance(s, ast.Expr)
        and isinstance(s.value, ast.Call)
        and called_name(s.value) == "print"
    ]
    compared = names_in(node.test)
    kept = {name for s in plain for target in s.targets for name in names_in(target)}
    return bool(node.orelse) or len(plain) + len(shown) < len(node.body) or bool(kept - compared)
