"""Read the notebook's source: is anything chosen by how it does on the test rows?"""

import ast
from collections.abc import Iterator, Mapping
from types import SimpleNamespace

from rubric_tests.nodes import nodes_of
from rubric_tests.syntax import called_name, line_of, parsed, trees_of

FITTING = {"fit", "partial_fit", "fit_transform"}
TEST_ROWS = {"X_test", "y_test"}
PLACES = {"argmax", "nanargmax", "argsort", "argpartition", "nlargest", "idxmax"}
LOWEST = {"argmin", "nanargmin", "nsmallest", "idxmin"}
LOOPS = (ast.For, ast.While, ast.ListComp, ast.DictComp, ast.GeneratorExp)
Column = int | str
Scores = dict[str, frozenset[Column]]
"""By name, what of it is made of test rows: of a record some entries, of all else `WHOLE`."""
WHOLE = frozenset[Column]()
UNKNOWN = frozenset[Column]({"?"})
Functions = Mapping[str, list[ast.AST]]


def chosen_on_test(submission: SimpleNamespace) -> tuple[str, bool] | None:
    """The line of the notebook that fits, or picks the best of several fits, by the test labels.

    With it, whether that is certain: where a score is compared and what follows from it cannot
    be read, a person has to.
    """
    functions: dict[str, list[ast.AST]] = {}
    for tree in trees_of(submission).values():
        for name, function in functions_in(tree):
            functions.setdefault(name, []).append(function)
    found = [
        (line_of(cell.source, node.lineno), certain)
        for cell in submission.cells
        if cell.kind == "code"
        for node, certain in suspicious(parsed(cell.source), functions)
    ]
    return next((one for one in found if one[1]), next(iter(found), None))


def names_in(node: ast.AST) -> set[str]:
    return {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}


def functions_in(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Functions by their names, those of one expression among them."""
    for node in nodes_of(tree):
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            yield from ((name, node.value) for target in node.targets for name in names_in(target))


def suspicious(
    tree: ast.Module, functions: Functions
) -> Iterator[tuple[ast.stmt | ast.expr, bool]]:
    """A fit that is handed `y_test`; a running best, or the best of a list, of test scores."""
    fitting = {name for name, made in functions.items() if any(map(fits_within, made))}
    tested = {name for name in fitting if any(map(returns_scores, functions[name]))}
    scores = scores_of_many_fits(tree, fitting, tested)
    for node in nodes_of(tree):
        certain = None
        if isinstance(node, ast.Call) and called_name(node) in FITTING:
            certain = handed_to_fit(node, functions)
        elif isinstance(node, ast.Assign) and "network_accuracy" in names_in(node):
            if picks_best(node.value) and names_in(node.value) & scores.keys():
                certain = True
        elif isinstance(node, ast.Call):
            certain = picks_one(node, scores, functions)
        elif isinstance(node, ast.If | ast.While) and names_in(node.test) & scores.keys():
            certain = goes_by(node, scores, tree)
        if certain is not None:
            yield node, certain


def handed_to_fit(call: ast.Call, functions: Functions) -> bool | None:
    """Whether a fit that is handed the test labels learns or stops by them.

    Beside the training rows they may be there for a curve: then what `fit` does with them decides.
    """
    places = [k for k, value in enumerate(call.args) if "y_test" in names_in(value)]
    names = [keyword.arg for keyword in call.keywords if "y_test" in names_in(keyword.value)]
    if not places and not names:
        return None
    if min(places, default=2) < 2 or not {None, "y", "Y", "labels"}.isdisjoint(names):
        return True
    ours = [f for f in functions.get(called_name(call), []) if isinstance(f, ast.FunctionDef)]
    if not ours:
        return False
    decides = [compares(function, places, set(map(str, names))) for function in ours]
    return True if any(decides) else None


def compares(function: ast.FunctionDef, places: list[int], names: set[str]) -> bool:
    """Whether something in a function goes by these arguments: a branch, a loop, the best."""
    arguments = [argument.arg for argument in function.args.args if argument.arg != "self"]
    all_names = {*arguments, *(argument.arg for argument in function.args.kwonlyargs)}
    scores: Scores = dict.fromkeys({a for k, a in enumerate(arguments) if k in places}, WHOLE)
    scores |= dict.fromkeys(names & all_names, WHOLE)
    if names - all_names or len(scores) < len(places) + len(names):
        return True  # `**options`: handed on
    inside = list(ast.walk(function))
    for node in [*inside, *inside]:
        scores |= dict(passed_on(node, scores))
    deciding = {"min", "max", *PLACES, *LOWEST, *FITTING, "loss_and_gradients"}
    for node in inside:
        branches = isinstance(node, ast.If | ast.While | ast.IfExp)
        if branches:
            decides = not only_asks_whether(node.test)
        else:
            decides = isinstance(node, ast.Call) and called_name(node) in deciding
        if decides and names_in(node.test if branches else node) & scores.keys():
            return True
    return False


def only_asks_whether(test: ast.expr) -> bool:
    """Whether a condition asks only if something is there: `X_val is not None`, `X_val`."""
    parts = test.values if isinstance(test, ast.BoolOp) else [test]
    return all(
        isinstance(part, ast.Name)
        or (isinstance(part, ast.Compare) and isinstance(part.ops[0], ast.Is | ast.IsNot))
        for part in parts
    )


def returns_scores(function: ast.AST) -> bool:
    """Whether all that it returns is made of test rows; its own under this name may be others.

    What is printed or drawn there chooses nothing; of two numbers it is not known which is used.
    """
    inside = list(ast.walk(function))
    own = {node.arg for node in inside if isinstance(node, ast.arg)}
    own |= {n.id for n in inside if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    scores: Scores = dict.fromkeys(TEST_ROWS - own, WHOLE)
    for node in [*inside, *inside]:  # twice: a score may be passed on before it is named
        scores |= dict(passed_on(node, scores))
    returned = [node.value for node in inside if isinstance(node, ast.Return) and node.value]
    returned += [node.body for node in inside if isinstance(node, ast.Lambda)]
    return bool(returned) and all(columns_of(value, scores) == WHOLE for value in returned)


def columns_of(value: ast.expr, scores: Scores) -> frozenset[Column] | None:
    """What of a value is made of scores; None where nothing is."""
    if isinstance(value, ast.Name):
        return scores.get(value.id)
    if isinstance(value, ast.ListComp | ast.GeneratorExp) and entries_of(value.elt):
        return columns_of(value.elt, scores)
    if entries := entries_of(value):
        made = {key: columns_of(entry, scores) for key, entry in entries.items()}
        if all(columns is not None for columns in made.values()):
            return WHOLE if WHOLE in made.values() else UNKNOWN
        return frozenset(key for key, columns in made.items() if columns is not None) or None
    used = names_in(value) & scores.keys()
    if not used or not scoring(value):
        return None
    return WHOLE if all(scores[name] == WHOLE for name in used) else UNKNOWN


def entries_of(value: ast.expr) -> dict[Column, ast.expr]:
    """The entries of a record that is written out, by place or by key."""
    if isinstance(value, ast.Tuple | ast.List):
        return dict(enumerate(value.elts))
    if isinstance(value, ast.Dict):
        keys = [key.value if isinstance(key, ast.Constant) else None for key in value.keys]
        return {k if isinstance(k, str) else n: v
                for n, (k, v) in enumerate(zip(keys, value.values, strict=True))}  # fmt: skip
    if isinstance(value, ast.Call) and is_record(value.func):
        given = {str(keyword.arg): keyword.value for keyword in value.keywords}
        return {**dict(enumerate(value.args)), **given}
    return {}


def is_record(called: ast.expr) -> bool:
    return isinstance(called, ast.Name) and (called.id == "dict" or called.id[0].isupper())


def scores_of_many_fits(tree: ast.Module, fitting: set[str], tested: set[str]) -> Scores:
    """Names that hold a score on the test rows, made anew for each of several fits."""
    loops = [
        node for node in nodes_of(tree) if isinstance(node, LOOPS) and fits_within(node, fitting)
    ]
    scores: Scores = dict.fromkeys(TEST_ROWS | tested if loops else tested, WHOLE)
    for loop in [*loops, *loops]:  # twice: a score may be passed on before it is named
        for node in ast.walk(loop):
            scores |= dict(passed_on(node, scores))
    on_test: Scores = dict.fromkeys(TEST_ROWS | tested, WHOLE)
    for node in nodes_of(tree):
        if isinstance(node, ast.Assign) and any(loop in ast.walk(node.value) for loop in loops):
            columns = columns_of(node.value, on_test)
            names = {name for target in node.targets for name in names_in(target)}
            scores |= dict.fromkeys(names, columns) if columns is not None else {}
    others = TEST_ROWS | {"X_train", "y_train"}
    return {name: columns for name, columns in scores.items() if name not in others}


def fits_within(node: ast.AST, functions: set[str] | frozenset[str] = frozenset()) -> bool:
    calls = [inner for inner in ast.walk(node) if isinstance(inner, ast.Call)]
    fitting = FITTING | {"loss_and_gradients"}
    return any(
        called_name(call) in fitting
        or (isinstance(call.func, ast.Name) and call.func.id in functions)
        for call in calls
    )


def passed_on(node: ast.AST, scores: Scores) -> Iterator[tuple[str, frozenset[Column]]]:
    """The names that take over a score: `a = score`, `scores.append(a)`, `scores[k] = a`."""
    if isinstance(node, ast.Assign | ast.NamedExpr):
        for target, value in pairs_of(node):
            columns = columns_of(value, scores)
            if columns is not None:
                yield from ((name, columns) for name in names_in(target))
    elif isinstance(node, ast.Call) and called_name(node) in ("append", "add", "update"):
        made = [columns_of(arg, scores) for arg in node.args]
        for columns in [each for each in made if each is not None][:1]:
            yield from ((name, columns) for name in names_in(node.func))


def pairs_of(node: ast.Assign | ast.NamedExpr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Each target with its value, one by one of `val, test = score(val_rows), score(test_rows)`."""
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
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


def picks_one(node: ast.Call, scores: Scores, functions: Functions) -> bool | None:
    """Whether one of many is taken by its score; the best of each row of probabilities is a label.

    The lowest may be that of an error, or the row that is hardest: whoever reads it knows.
    """
    name, key = called_name(node), next((k.value for k in node.keywords if k.arg == "key"), None)
    if (name in PLACES | LOWEST and is_by_row(node)) or name not in {
        *PLACES, *LOWEST, *(("max", "sorted", "min") if key else ()),
    }:  # fmt: skip
        return None
    surely = name not in {*LOWEST, "min"}
    if asks_each(key, {}):
        return True
    if asks_each(key, functions):
        return False
    many = any(isinstance(inner, LOOPS) for inner in ast.walk(node))
    if many and names_in(node) & TEST_ROWS and name in PLACES:
        return True
    verdicts = [by_column(scores[used], key) for used in names_in(node) & scores.keys()]
    if any(verdicts):
        return surely
    return False if False in verdicts else None


def by_column(columns: frozenset[Column], key: ast.expr | None) -> bool | None:
    """Whether a key looks at what is a score in a record; None: it looks at something else."""
    if columns == WHOLE:
        return True
    if columns == UNKNOWN or not isinstance(key, ast.Lambda):
        return False
    looked_at = [
        node.slice.value
        for node in ast.walk(key.body)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)
    ]
    looked_at += [node.attr for node in ast.walk(key.body) if isinstance(node, ast.Attribute)]
    if not looked_at:
        return False
    return True if not columns.isdisjoint(looked_at) else None


def asks_each(key: ast.expr | None, functions: Functions) -> bool:
    """Whether a key asks each of several models about the test rows: `one.predict(X_test)`.

    Rows, columns and labels are put in an order too, which chooses no model.
    """
    asking: list[ast.AST] = [key] if isinstance(key, ast.Lambda) else []
    asking += functions.get(key.id, []) if isinstance(key, ast.Name) else []
    rows = TEST_ROWS | {"X_train", "y_train"}
    for function in asking:
        arguments = getattr(function, "args", None)
        each = {argument.arg for argument in arguments.args} if arguments else set()
        for call in [node for node in ast.walk(function) if isinstance(node, ast.Call)]:
            asked = [names_in(node) for node in (call.func, *call.args[:1])]
            if "X_test" in names_in(call) and any(n & each and not n & rows for n in asked):
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
    return any(ast.unparse(axis) in ("1", "-1") for axis in axes)


def goes_by(node: ast.If | ast.While, scores: Scores, tree: ast.Module) -> bool | None:
    """`if score > best: best = score`, where the score was made with test rows.

    Of a best score alone it is not known what for: certain is that a model is kept beside it, or
    that it is reported.
    """
    if isinstance(node, ast.While):
        return False if fits_within(node) else None
    compared = [inner for inner in ast.walk(node.test) if isinstance(inner, ast.Compare)]
    if not compared or node.test not in compared:
        return None
    assigned = [s for s in node.body if isinstance(s, ast.Assign)]
    stored = [names_in(target) for s in assigned for target in s.targets]
    if not any(names & names_in(node.test) for names in stored):
        return None
    best = set[str]().union(*stored)
    reported = any(
        "network_accuracy" in names_in(other) and names_in(other.value) & best
        for other in nodes_of(tree)
        if isinstance(other, ast.Assign)
    )
    return reported or bool(best - names_in(node.test) - scores.keys())
