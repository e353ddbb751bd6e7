"""What `train` was handed in the notebook: the call is found, and its argument worked out again."""

import ast
import copy

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
    """The sequences of the call of `train` that makes `model`, wherever the notebook has it.

    Empty where that cannot be read: its argument has to be an expression that changes nothing, of
    names that nothing binds or changes after the call.
    """
    statements = top_level(list(student.In))
    functions = {one.name: one for one in statements if isinstance(one, ast.FunctionDef)}
    for place, statement in reversed(list(enumerate(statements))):
        if "model" in bound_by(statement):
            argument = argument_of_train(getattr(statement, "value", None), functions)
            if argument is None or not is_pure(argument):
                return []
            return [] if is_changed(argument, statements[place + 1 :]) else worked_out(argument)
    return []


def top_level(cells):
    """The statements of the cells as they were executed; of a cell with magic lines none."""
    found = []
    for cell in cells:
        try:
            found += flat(ast.parse(cell).body)
        except (SyntaxError, ValueError):
            continue
    return found


def flat(statements):
    """The same, with what is inside `with` and `try` in its place: it is executed once."""
    for statement in statements:
        if isinstance(statement, ast.With | ast.Try):
            yield from flat(statement.body)
            yield from flat(
                [*getattr(statement, "orelse", []), *getattr(statement, "finalbody", [])]
            )
        else:
            yield statement


def bound_by(statement):
    """The names that an assignment, or anything inside another statement, binds."""
    nodes = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
    return {node.id for node in nodes if isinstance(node.ctx, ast.Store)}


def argument_of_train(call, functions, deep=3):
    """The first argument of the call, or of the one by which a function of theirs returns."""
    name = getattr(call.func, "id", "") if isinstance(call, ast.Call) else ""
    if is_train(name):
        named = [keyword.value for keyword in call.keywords if keyword.arg == "inputs"]
        return (call.args or named or [None])[0]
    if name not in functions or not deep:
        return None
    return argument_of_train(returned(functions[name], call), functions, deep - 1)


def returned(function, call):
    """What a function of plain assignments returns, in names of the notebook's; else None.

    A local name stands for what it was bound to; for nothing that can be read, where anything
    else binds or changes it.
    """
    local = bound_to_parameters(function, call)
    for place, statement in enumerate(function.body):
        match statement:
            case ast.Return(value=value):
                return Inlined(local).visit(copy.deepcopy(value)) if value else None
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                is_final = not is_changed(ast.Name(name, ast.Load()), function.body[place + 1 :])
                value = Inlined(local).visit(copy.deepcopy(value))
                local[name] = value if is_final else UNKNOWN
            case _:
                local |= dict.fromkeys(bound_by(statement), UNKNOWN)
                if any(isinstance(node, ast.Return) for node in ast.walk(statement)):
                    return None
    return None


def bound_to_parameters(function, call):
    """The expression that each parameter stands for in a call; UNKNOWN where it has none."""
    names = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
    every = names + [one.arg for one in function.args.kwonlyargs]
    given = dict(zip(names, call.args, strict=False))
    given |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    return {
        name: UNKNOWN
        if is_changed(ast.Name(name, ast.Load()), function.body)
        else given.get(name, UNKNOWN)
        for name in every
    }


UNKNOWN = ast.Await(ast.Constant(None))
"""Stands for what cannot be read: no expression that is worked out again."""


class Inlined(ast.NodeTransformer):
    """Puts what local names stand for in their place."""

    def __init__(self, local):
        self.local = local

    def visit_Name(self, node):
        return self.local.get(node.id, node)


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
