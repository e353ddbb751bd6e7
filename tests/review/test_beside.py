"""What stands beside an answer: hints, passages, facts, agreement; and how an answer is shown."""

from pathlib import Path

import numpy as np
import pytest

from assay.course import assignment
from assay.errors import UsageError
from assay.records import Result
from assay.review import agreement, hints, render
from assay.review.questions import read
from tests.review.conftest import Begun

ROOT = Path(__file__).parents[2]
SHARED = (
    "the slope and the intercept are moved by a small step each time so that the line misses "
    "its points by less than it did before"
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the answer is empty"),
        ("*TODO*", "nothing but a placeholder"),
        ("Your answer here.", "nothing but a placeholder"),
        ("[cite_start]A line is moved.[cite: 3]", "text of an assistant: [cite…]"),
        ("As an AI language model, I think so.", "text of an assistant: As an AI"),
        (
            "Explain to your boss, who knows linear regression, what self-learning means. Yes.",
            "12 words are those of the prompt",
        ),
    ],
)
def test_what_a_marker_may_want_to_know_is_said(begun: Begun, text: str, said: str):
    """It stands above the answer, and the mark is the marker's."""
    marking = begun(people=1, texts={(0, "boss"): [text]})

    assert said in marking.marker("tom").look().text.replace("&#39;", "'")


@pytest.mark.parametrize(
    "text", ["A line is moved.", "To do this, the weights change.", "Our AI model learns. [1]"]
)
def test_a_plain_answer_is_left_alone(begun: Begun, text: str):
    """Nothing is said of an ordinary text."""
    assert "Noticed" not in begun(people=1, texts={(0, "boss"): [text]}).marker("tom").look().text


def test_a_passage_of_another_answer_is_shown_beside(begun: Begun):
    """With a link to it; what a fifth of the class writes, or the prompt says, is not."""
    texts = {(n, "boss"): [f"Number {n} says other things in words of its own."] for n in range(12)}
    texts |= {(n, "boss"): [f"I, {n}, say: {SHARED}. So."] for n in (3, 7)}
    marking = begun(people=12, texts=texts)
    tom = marking.marker("tom")
    question = marking.app.state.board.question(1)
    shown = [tom.look(f"/q/1/1/{one.id}").text for one in question.answers if "say: " in one.text]

    words = f"{len(SHARED.split()) + 2} words"

    assert [words in page and SHARED[:40] in page for page in shown] == [True, True]
    everybody = {(n, "boss"): [f"I, {n}, say: {SHARED}. So."] for n in range(12)}
    assert (
        "Also in another answer" not in begun(people=12, texts=everybody).marker("tom").look().text
    )


def test_an_answer_of_several_places_is_put_together(begun: Begun):
    """Both pieces stand in the frame, and the marker is told."""
    tom = begun(people=1, texts={(0, "boss"): ["First piece.", "Second piece."]}).marker("tom")
    at = tom.look()
    frame = tom.client.get(f"/frame/1/{at.answer}").text

    assert "2 places" in at.text
    assert frame.index("First piece.") < frame.index("Second piece.")


def test_the_notebook_opens_at_the_answer(begun: Begun):
    """The second of the notebook's cells that the class's have."""
    tom = begun().marker("tom")
    at = tom.look("/q/2")
    place = tom.client.get(f"/frame/2/{at.answer}/notebook", follow_redirects=False)

    assert place.headers["location"].endswith("/cells#cell-2")
    assert 'id="cell-2"' in tom.client.get(f"/frame/2/{at.answer}/notebook").text


def test_measured_numbers_stand_beside_what_is_claimed(begun: Begun):
    """The median over the runs, and its span."""
    text = begun().marker("tom").look().text

    assert '<td class="n">0.95</td><td class="n">0.81</td><td class="n">0.8 to 0.82</td>' in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("$x^2$", "<msup><mi>x</mi><mn>2</mn></msup>"),
        ("$$\n\\frac{a}{b}\n$$", "<mfrac>"),
        ("| a |\n|---|\n| $x$ |", "<td><math"),
        ("```python\na = 1\nb = 2\n```", '<span class="line">b = 2</span>'),
        ("tokens <start> and <eos>", "&lt;start&gt; and &lt;eos&gt;"),
        ("x < y and y > z", "x &lt; y and y &gt; z"),
        ("[a](https://e.org/b)", '<u>a</u> <span class="address">(https://e.org/b)</span>'),
        ("a<sup>2</sup><br>b", "a<sup>2</sup><br>b"),
        ("```mermaid\ngraph TD; A-->B\n```", "A--&gt;B"),
        ("a 3$\\times$4 matrix", "3<math"),
        ("$" + "{" * 2_500 + "$", "<code>$"),
        ("$\\notacommand{$", "<"),
        ("![a](attachment:p.png)", '<img alt="a" src="data:image/png;base64,cA=="'),
        ('<img src="attachment:p.png" width="90">', '<img alt="picture" src="data:image/png'),
    ],
)
def test_an_answer_is_shown_as_it_was_meant(text: str, shown: str):
    """Formulas, tables, code with its lines, words in angle brackets, pictures."""
    assert shown in render.answer(text, {"p.png": b"p"})


def test_alpha_is_that_of_the_books():
    """Agreement in all is 1; no better than chance is near 0; a constant has none."""
    same = np.array([[1.0, 1], [2, 2], [3, 3], [4, 4]])
    # Krippendorff's own formula by hand: pairs (1,2), (3,3): D_o = 1/2, D_e = 2 · 0.91667
    rng = np.random.default_rng(0)

    assert agreement.alpha(same) == 1
    assert agreement.alpha(np.array([[1.0, 2], [3, 3]])) == pytest.approx(1 - 0.5 / (2 * 11 / 12))
    assert abs(agreement.alpha(rng.integers(0, 6, (4_000, 2)).astype(float)) or 1) < 0.05
    assert agreement.alpha(np.ones((4, 2))) is None


def test_agreement_has_an_interval_that_holds_its_value():
    """With n, kappa by scikit-learn, and an interval from ten answers on."""
    rng = np.random.default_rng(1)
    first = rng.integers(0, 6, 60)
    second = np.clip(first + rng.integers(-1, 2, 60), 0, 5)
    pairs = list(zip(first.astype(float), second.astype(float), strict=True))
    found, few = agreement.of(pairs), agreement.of(pairs[:9])

    assert found.n == 60
    assert found.alpha is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.alpha < found.high
    assert found.kappa == pytest.approx(0.9, abs=0.06)
    assert (few.low, few.n) == (None, 9)
    assert agreement.of([]).alpha is None
    assert agreement.of([(1.0, 1.0)] * 12).kappa is None


def test_the_prompt_alone_is_counted():
    """Words of the student's own are not."""
    prompt = "say what is learned and how it is learned by a machine"

    assert hints.prompt_left_in(f"{prompt} and more of it", prompt) == 12
    assert hints.prompt_left_in("what is learned is a line", prompt) == 0


def test_the_review_of_this_repository_s_assignment_fits_it():
    """Each criterion for review has items that add up to its points, and measured facts."""
    course = assignment.read(ROOT / "assignment.toml")
    points = {
        f"{part.name}/{one.name}": one.points for part in course.part for one in part.criterion
    }
    result = Result.model_validate_json((ROOT / "reports/example/results.json").read_bytes())
    measured = {(one.part, one.name) for one in result.measurements}
    found = read(ROOT / "review.toml")

    assert set(found) == {f"{one.part}/{one.criterion}" for one in result.written}
    for name, question in found.items():
        part = name.partition("/")[0]
        assert sum(item.points for item in question.item if item.points > 0) == points[name]
        named = {fact.measured for fact in question.facts}
        named |= {fact.claimed for fact in question.facts if fact.claimed}
        assert {(part, one) for one in named} <= measured
        assert "<code>$" not in render.answer(question.model)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[question", "not written"),
        ("[[question]]\nname = 1", "criterion"),
        ("[[question]]\ncriterion = 'p/a'\n[[question]]\ncriterion = 'p/a'", "more than one"),
        ("x = 1", "not a key"),
        ("[[question]]\ncriterion = 'p/a'\n[[question.item]]\ntext = ''\npoints = 1", "text"),
        ("[[question]]\ncriterion = 'p/a'\n[[question.item]]\ntext = 'x'\npoints = nan", "points"),
    ],
)
def test_a_review_file_that_is_wrong_is_refused(tmp_path, text: str, said: str):
    """With what is wrong in it, and a hint."""
    path = tmp_path / "review.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as refused:
        read(path)

    assert said in f"{refused.value.what} {refused.value.found}"
    assert refused.value.hint
