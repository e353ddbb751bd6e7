"""What `train` was handed in the notebook: the call is found, and its argument worked out again."""

import ast

import numpy
import torch
from ask import student

PURE = (
    ast.Name, ast.Attribute, ast.Subscript, ast.Slice, ast.Constant, ast.UnaryOp, ast.BinOp,
    ast.operator, ast.unaryop, ast.List, ast.Tuple, ast.Starred, ast.expr_context,
)  # fmt: skip
COPIES = {"list", "tuple", "array", "asarray", "concatenate", "vstack", "stack", "cat", "tolist"}
CHANGES = {"append", "extend", "insert", "clear", "pop", "remove", "sort", "reverse", "shuffle"}
LIBRARIES = {"np": numpy, "numpy": numpy, "torch": torch}


def handed_to_train():
    """The sequences of the call of `train` at the notebook's top level that makes `model`.

    Empty where that cannot be read: its argument has to be an expression that changes nothing, of
    names that nothing binds or changes after the call.
    """
    statements = top_level(list(student.In))
    for place, statement in reversed(list(enumerate(statements))):
        if "model" in bound_by(statement):
            argument = argument_of_train(statement)
            if argument is None or not is_pure(argument):
                return []
            return [] if is_changed(argument, statements[place + 1 :]) else worked_out(argument)
    return []


def top_level(cells):
    """The statements of the cells as they were executed; of a cell with magic lines none."""
    found = []
    for cell in cells:
        try:
            found += ast.parse(cell).body
        except (SyntaxError, ValueError):
            continue
    return found


def bound_by(statement):
    """The names that an assignment, or anything inside another statement, binds."""
    nodes = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
    return {node.id for node in nodes if isinstance(node.ctx, ast.Store)}


def argument_of_train(statement):
    """The first argument of the call that is assigned by the statement."""
    call = getattr(statement, "value", None)
    if not isinstance(call, ast.Call) or not is_train(getattr(call.func, "id", "")):
        return None
    named = [keyword.value for keyword in call.keywords if keyword.arg == "inputs"]
    return (call.args or named or [None])[0]


def is_train(name):
    """Whether a name is that of `train`, or another one for it."""
    return name == "train" or (
        student.has(name, "train") and getattr(student, name) is student.train
    )


def is_pure(argument):
    nodes = list(ast.walk(argument))
    calls = [node.func for node in nodes if isinstance(node, ast.Call)]
    known = COPIES.issuperset(getattr(call, "id", getattr(call, "attr", "")) for call in calls)
    return known and all(isinstance(node, (*PURE, ast.Call)) for node in nodes)


def is_changed(argument, later):
    """Whether something later binds a name that the argument uses, or may change what it holds."""
    used = names_in(argument)
    for node in (node for statement in later for node in ast.walk(statement)):
        stored = isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
        changing = isinstance(node, ast.Call) and getattr(node.func, "attr", "") in CHANGES
        put = isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load)
        if (stored or changing or put) and used & names_in(node):
            return True
        if used & {getattr(node, "asname", None) or getattr(node, "name", None)}:  # def, import
            return True
    return False


def names_in(node):
    return {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}


def worked_out(argument):
    known = {name: getattr(student, name) for name in names_in(argument) if student.has(name)}
    code = compile(ast.Expression(argument), "what train was handed", "eval")
    return [[int(entry) for entry in sequence] for sequence in eval(code, LIBRARIES | known)]
