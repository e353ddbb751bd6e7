"""Read the notebook's source: is anything chosen by how it does on the test rows?"""

import ast
import re
from collections.abc import Iterator
from types import SimpleNamespace

from rubric_tests.nodes import nodes_of
from rubric_tests.syntax import called_name, line_of, parsed

FITTING = {"fit", "partial_fit", "fit_transform"}
TEST_ROWS = {"X_test", "y_test"}
PLACES = {"argmax", "nanargmax", "argsort", "argpartition", "nlargest", "idxmax"}
LOOPS = (ast.For, ast.While, ast.ListComp, ast.DictComp, ast.GeneratorExp)
OTHER_ROWS = re.compile(r"(?i)val|cv|dev|fold|oof")
"""In the names of scores on rows that were kept apart from training to choose by."""
SHOWS = {
    "print", "display", "axvline", "axhline", "annotate", "text", "scatter", "plot", "bar", "barh",
    "title", "set_title", "legend", "info",
}  # fmt: skip
DECIDES = PLACES | {"max", "min", "argmin", "nanargmin"}


def names_in(node: ast.AST) -> set[str]:
    """Names, and entries under a text as names of their own: `history`, `history['val']`."""
    inside = list(ast.walk(node))
    found = {name.id for name in inside if isinstance(name, ast.Name)}
    return found | {ast.unparse(inner) for inner in inside if is_entry(inner)}


def is_entry(node: ast.AST) -> bool:
    named = isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name)
    return named and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)


def names_of(target: ast.expr) -> set[str]:
    """What is bound or added to: of `history['val']` this entry, and not the others."""
    return {ast.unparse(target)} if is_entry(target) else names_in(target)


def chosen_on_test(submission: SimpleNamespace) -> str | None:
    """The line of the notebook that fits, or picks the best of several fits, by the test labels."""
    trees = [(cell, parsed(cell.source)) for cell in submission.cells if cell.kind == "code"]
    functions = frozenset[str]().union(*(functions_that_fit(tree) for _, tree in trees))
    tested = frozenset[str]().union(*(functions_that_test(tree) for _, tree in trees))
    shown = only_shown([tree for _, tree in trees])
    fits = [
        node
        for _, tree in trees
        for node in nodes_of(tree)
        if isinstance(node, ast.FunctionDef) and node.name in FITTING
    ]
    for cell, tree in trees:
        for node in suspicious(tree, functions, tested):
            if id(node) in shown or (isinstance(node, ast.Call) and only_notes(node, fits)):
                continue
            return line_of(cell.source, node.lineno)
    return None


def only_shown(trees: list[ast.Module]) -> set[int]:
    """The nodes whose value is printed or drawn, and goes nowhere else."""
    nodes = [node for tree in trees for node in nodes_of(tree)]
    found: set[int] = set()
    for node in nodes:
        if is_shown(node):
            found |= {id(inner) for inner in ast.walk(node)}
        elif isinstance(node, ast.For) and all(is_shown(statement) for statement in node.body):
            found |= {id(inner) for inner in ast.walk(node.iter)}
    read: dict[str, list[int]] = {}
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            read.setdefault(node.id, []).append(id(node))
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            asked_for = name in ("network", "network_accuracy")
            if not asked_for and name in read and found.issuperset(read[name]):
                found |= {id(inner) for inner in ast.walk(node)}
    return found


def is_shown(node: ast.AST) -> bool:
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and called_name(call) in SHOWS


def only_notes(fit: ast.Call, own: list[ast.FunctionDef]) -> bool:
    """Whether `y_test` goes to a parameter by which the student's own `fit` decides nothing."""
    if called_name(fit) not in FITTING:
        return False
    handed = [(str(i), value) for i, value in enumerate(fit.args)]
    handed += [(keyword.arg or "", keyword.value) for keyword in fit.keywords]
    places = [place for place, value in handed if "y_test" in names_in(value)]
    if len(handed) == 1 and places == ["0"]:
        return True  # labels alone, as an encoder takes them
    if not own or any(place in ("", "0", "1", "y") for place in places):
        return False
    for function in own:
        names = [arg.arg for arg in function.args.args]
        for place in places:
            name = "".join(names[int(place) + 1 :][:1]) if place.isdigit() else place
            known = {*names, *(arg.arg for arg in function.args.kwonlyargs)}
            if name not in known or decides_by(function, name):
                return False
    return True


def decides_by(function: ast.FunctionDef, name: str) -> bool:
    """Whether what is made of a parameter is compared, or the best of it taken."""
    held, inside = {name}, list(ast.walk(function))
    for node in [*inside, *inside]:  # twice: a score may be passed on before it is named
        held |= {each for each in passed_on(node, held) if each != "self"}
    for node in inside:
        if isinstance(node, ast.If | ast.While | ast.IfExp):
            if names_in(node.test) & held and not asks_for_none(node.test):
                return True
        elif isinstance(node, ast.Call) and called_name(node) in DECIDES and names_in(node) & held:
            return True
    return False


def asks_for_none(test: ast.expr) -> bool:
    """`X_val is not None`, `verbose and y_val is not None`: whether it was handed in at all."""
    parts = test.values if isinstance(test, ast.BoolOp) else [test]
    return all(
        isinstance(part, ast.Name)
        or (isinstance(part, ast.Compare) and isinstance(part.ops[0], ast.Is | ast.IsNot))
        for part in parts
    )


def functions_that_fit(tree: ast.Module) -> frozenset[str]:
    """The functions in which something is fitted: to call one in a loop is to fit in it."""
    return frozenset(name for name, function in functions_in(tree) if fits_within(function))


def functions_that_test(tree: ast.Module) -> frozenset[str]:
    """The functions that return a score on the test rows, and nothing else.

    What is printed or drawn there chooses nothing; of two numbers it is not known which is used.
    """
    return frozenset(name for name, function in functions_in(tree) if returns_scores(function))


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
    tree: ast.Module, functions: frozenset[str], tested: frozenset[str]
) -> Iterator[ast.stmt | ast.expr]:
    """A fit that is handed `y_test`; a running best, or the best of a list, of test scores."""
    scores = scores_of_many_fits(tree, functions, functions & tested)
    for node in nodes_of(tree):
        if isinstance(node, ast.Call) and called_name(node) in FITTING:
            handed = [*node.args, *(keyword.value for keyword in node.keywords)]
            if any("y_test" in names_in(value) for value in handed):
                yield node
        elif isinstance(node, ast.Assign) and "network_accuracy" in names_in(node):
            if picks_best(node.value) and names_in(node.value) & scores:
                yield node
        elif isinstance(node, ast.Call) and picks_best_place(node):
            each = [inner for inner in ast.walk(node) if isinstance(inner, LOOPS)]
            each += [keyword.value for keyword in node.keywords if keyword.arg == "key"]
            if names_in(node) & scores or any(asks_each(inner, tested) for inner in each):
                yield node
        elif isinstance(node, ast.If) and keeps_best(node, scores):
            yield node


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
            if names_in(value) & scores and scoring(value) and not is_mixed(value, scores):
                yield from names_of(target)
    elif isinstance(node, ast.Call) and called_name(node) in ("append", "add", "update"):
        taken = any(names_in(arg) & scores and not is_mixed(arg, scores) for arg in node.args)
        if taken and isinstance(node.func, ast.Attribute):
            yield from names_of(node.func.value)


def pairs_of(node: ast.Assign) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Each target with its value, one by one of `val, test = score(val_rows), score(test_rows)`."""
    for target in node.targets:
        both = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
        if both and len(target.elts) == len(node.value.elts):
            yield from zip(target.elts, node.value.elts, strict=True)
        else:
            yield target, node.value


def is_mixed(value: ast.expr, scores: set[str]) -> bool:
    """Whether a record has a score on rows for choosing beside it: which is used is not known."""
    if isinstance(value, ast.Dict):
        entries = value.values
    elif isinstance(value, ast.Tuple | ast.List):
        entries = value.elts
    elif isinstance(value, ast.Call) and is_record(value.func):
        entries = [*value.args, *(keyword.value for keyword in value.keywords)]
    else:
        return False
    others = [entry for entry in entries if not names_in(entry) & scores]
    return any(OTHER_ROWS.search(ast.unparse(entry)) for entry in others)


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


def asks_each(loop: ast.AST, tested: frozenset[str]) -> bool:
    """Whether a loop, or a key, fits each of several models or asks it about the test rows.

    Rows, columns and labels are put in an order too, which chooses no model:
    `key=lambda i: abs(p[i] - y_test[i])`.
    """
    if isinstance(loop, ast.Name):
        return loop.id in tested
    inside = list(ast.walk(loop))
    each = {n.id for n in inside if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    each |= {node.arg for node in inside if isinstance(node, ast.arg)}
    calls = [node for node in inside if isinstance(node, ast.Call)]
    return (
        (fits_within(loop) and bool(names_in(loop) & TEST_ROWS))
        or any(called_name(call) in tested for call in calls)
        or any(is_asked(call, each) for call in calls)
    )


def is_asked(call: ast.Call, each: set[str]) -> bool:
    """`m.score(X_test, y_test)`, `nets[k].predict(X_test)`, `accuracy(m, X_test)`."""
    rows = TEST_ROWS | {"X_train", "y_train"}
    asked = [names_in(node) for node in (call.func, *call.args[:1])]
    return bool(names_in(call) & TEST_ROWS) and any(n & each and not n & rows for n in asked)


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
    return any(ast.unparse(axis) in ("1", "-1") for axis in axes)


def keeps_best(node: ast.If, scores: set[str]) -> bool:
    """`if score > best: best = score`, where the score was made with test rows."""
    if not isinstance(node.test, ast.Compare) or not names_in(node.test) & scores:
        return False
    stored = [
        names_in(target) for s in node.body if isinstance(s, ast.Assign) for target in s.targets
    ]
    return any(names & names_in(node.test) for names in stored)
