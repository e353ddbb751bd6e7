"""What is alike is what two share and few others have; each measure can be wrong, and is shown."""

import ast
import sys
from collections.abc import Callable

import pytest

from assay.judge import similarity
from assay.judge.similarity import Feature
from assay.records import Result, Verdict, Written
from tests.report.test_class_report import result
from tests.toys.toy import submission

FIT = '''
def fit(X, y, rate=0.1, steps=100):
    """Train."""
    # the weights
    weights = [0.0 for _ in X[0]]
    for step in range(steps):
        for row, label in zip(X, y):
            guess = sum(w * x for w, x in zip(weights, row))
            error = guess - label
            weights = [w - rate * error * x for w, x in zip(weights, row)]
    return weights
'''
DISGUISED = """
def learn(data, labels, eta: float = 0.1, n: int = 100) -> list:
    w = [0.0 for _ in data[0]]
    for i in range(n):
        for r, t in zip(data, labels):
            p = sum(a * b for a, b in zip(w, r))
            e = p - t  # how far off
            w = [a - eta * e * b for a, b in zip(w, r)]
    return w
"""
OTHER = FIT.replace("guess - label", "label - guess").replace("w - rate", "w + rate")


def digest(code: str) -> str:
    function = ast.parse(code).body[0]
    assert isinstance(function, ast.FunctionDef)
    return similarity.normalised(function)[0]


def test_names_comments_and_layout_do_not_tell_code_apart():
    """A function whose parameters and variables are called otherwise is the same function."""
    assert digest(FIT) == digest(DISGUISED)


@pytest.mark.parametrize(
    ("old", "new"),
    [("0.1", "0.2"), ("guess - label", "label - guess"), ("zip", "map"), ("X[0]", "y[0]")],
)
def test_what_the_code_does_tells_it_apart(old: str, new: str):
    """Constants, the order of operands, what is called, and which variable is meant."""
    assert digest(FIT) != digest(FIT.replace(old, new, 1))


def test_short_functions_are_nobody_s():
    """What fits into a line or two is written alike by people who never met."""
    assert similarity.functions("def sigmoid(z):\n    return 1 / (1 + np.exp(-z))") == ()
    assert [feature.shown.split("(")[0] for feature in similarity.functions(FIT)] == ["def fit"]


@pytest.mark.parametrize(
    "code",
    [
        "def f(:",
        "def f():\n" + "    x = " + "-" * 50_000 + "1",
        "def f():\n    return " + "(" * 150 + ")" * 150,
        f"def f(x):\n    return [{'x, ' * 100}0x{'f' * 20_000}]",
        "def f(x):\n    return '\\ud800' " + "+ x" * 100,
        "x = 1\n" * 100_000,
    ],
    ids=["not Python", "deep", "brackets", "a long number", "half a pair", "long"],
)
def test_any_source_is_read(code: str):
    """A student may hand in anything: it is compared, or it is not."""
    assert len(similarity.functions(code)) <= 1


def test_reading_many_functions_takes_what_comparing_them_takes():
    """A file full of functions does not hold up a class: its text is split once, not for each."""
    text = "".join(FIT.replace("fit", f"fit{n}").replace("0.1", f"0.{n}1") for n in range(400))
    tree = ast.parse(text)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]

    assert len(similarity.functions.__wrapped__(text)) == 400
    comparing = work(lambda: [similarity.normalised(function) for function in functions])
    assert work(lambda: similarity.functions.__wrapped__(text)) < 2 * comparing


def test_a_text_that_is_split_for_each_function_is_much_work():
    """The measure of the test above counts a loop in Python, and a pass of one method's as well."""
    text = "x = 1\n" * 1000
    node = ast.parse(text).body[0]

    assert work(text.splitlines) >= len(text)
    assert work(lambda: ast.get_source_segment(text, node)) >= len(text)
    assert work(lambda: ast.parse(text)) < 100


def work(of: Callable[[], object]) -> int:
    """Calls that are made, those of a string's own methods as many times as it is long."""
    total = 0

    def count(frame: object, event: str, called: object) -> None:
        nonlocal total
        owner = getattr(called, "__self__", None) if event == "c_call" else None
        total += len(owner) if isinstance(owner, str) else event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        of()
    finally:
        sys.setprofile(before)
    return total


def test_code_is_shown_from_its_first_line_to_its_last():
    """A form feed or another separator in a string begins no line of Python's."""
    text = "x = '\x0c\x1c\u2028'\r\ny = 2\r" + FIT

    assert [feature.shown for feature in similarity.functions(text)] == [FIT.lstrip()]


def with_words(*texts: str) -> Result:
    answers = [Written(part="sums", criterion="why", heading="Why", text=text) for text in texts]
    return result().model_copy(update={"written": answers})


def words(text: str) -> list[str]:
    return [
        feature.key
        for feature in similarity.features(with_words(text), submission("1"))
        if feature.kind == "words"
    ]


def test_long_sentences_are_compared_without_capitals_and_marks():
    """A sentence of nine words is; a short one says too little."""
    assert words("It works. The network learns, by *itself*, what\nno formula says to it.") == []
    assert words("So: THE network learns, by itself, what no *formula* says to it!") == words(
        "the network learns by itself what no formula says to it"
    )


def found_of(verdict: Verdict, reason: str = "odd") -> list[Feature]:
    one = result("ada", 0.0, verdict=verdict, text=reason)
    return [t for t in similarity.features(one, submission("1")) if t.kind == "finding"]


def test_what_follows_from_a_mistake_is_no_finding_of_its_own():
    """Lost criteria count, those set aside do not."""
    assert [feature.shown for feature in found_of(Verdict.FAILED)] == ["Adding: odd"]
    assert found_of(Verdict.SET_ASIDE) == found_of(Verdict.PASSED) == []


def feature(kind: str, key: str) -> Feature:
    return Feature(kind, key, key)


def shared(of: dict[str, list[Feature]], others: int = 8) -> list[tuple[str, str, list[str]]]:
    """The pairs of a class in which so many others have nothing in common with anybody."""
    rest = {f"other {i}": [feature("code", f"other {i}")] for i in range(others)}
    return [(p.first, p.second, [t.key for t in p.shared]) for p in similarity.pairs(of | rest)]


def test_one_rare_function_is_enough_and_one_finding_is_not():
    """Two who make the same slip are no pair; two slips, or a function, are worth a look."""
    slip, other, code = (
        feature("finding", "slip"),
        feature("finding", "other"),
        feature("code", "fit"),
    )

    assert shared({"ada": [slip], "ben": [slip]}) == []
    assert shared({"ada": [slip, other], "ben": [slip, other]}) == [
        ("ada", "ben", ["slip", "other"])
    ]
    assert shared({"ada": [code], "ben": [code]}) == [("ada", "ben", ["fit"])]


def test_what_many_have_was_handed_out():
    """Code that a third of the class has is nobody's; the same files are always said."""
    code, same = feature("code", "given"), feature("files", "same")
    names = ["ada", "ben", "cleo", "dora"]

    assert shared({name: [code] for name in names}) == []
    assert len(shared({name: [same] for name in names})) == 6


def test_the_rarest_pair_comes_first():
    """A function that two have says more than one that three have."""
    pair, three = feature("code", "of two"), feature("code", "of three")
    found = shared({"a": [three], "b": [three], "c": [three], "y": [pair], "z": [pair]})

    assert [keys for *_, keys in found] == [["of two"], *[["of three"]] * 3]


def test_two_who_share_their_code_are_found_among_others():
    """From what was handed in, and with other names: the function is the evidence."""
    of = {
        name: similarity.features(result(name), submission(code, name=name))
        for name, code in {"ada": FIT, "ben": DISGUISED, "cleo": OTHER, "dora": "1"}.items()
    }
    (pair,) = similarity.pairs(of)

    assert (pair.first, pair.second) == ("ada", "ben")
    assert pair.shared[0].shown.startswith("def fit(X, y")
