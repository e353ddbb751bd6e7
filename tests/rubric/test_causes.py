"""One mistake is marked once: what fails for a cause that was marked is set aside."""

from types import SimpleNamespace

import pytest

from assay.rubric import (
    KnownMistake,
    Wrong,
    after_marks_for,
    after_marks_for_any,
    answered,
    causes,
    explains,
    fault_of,
    first_cause,
    follows_from,
    holds,
)


class Evidence(dict):
    """The answers of a run; as those of the fixture, it is itself and no other."""

    __hash__ = object.__hash__


GIVEN = Evidence()


@explains("gradients")
def check_gradient(evidence, given) -> None:
    if evidence["gradient"] != 1:
        raise KnownMistake("the gradient is wrong", f"{evidence['gradient']}\nmore of it")


def check_start(evidence, given) -> None:
    if evidence["start"] != 1:
        raise Wrong("it starts at zero")


CAUSES = {"start": [check_start], "gradients": [check_gradient]}
RIGHT = {"start": 1, "gradient": 1}


def judged(evidence: Evidence, *criteria: str) -> BaseException:
    """What a test raises that fails after these criteria had their marks."""
    try:
        with after_marks_for(CAUSES, evidence, GIVEN, *criteria):
            raise Wrong("it has not converged")
    except (Wrong, pytest.skip.Exception) as raised:
        return raised


@pytest.mark.parametrize(
    "evidence",
    [Evidence(RIGHT), Evidence(), Evidence(RIGHT, start=0)],
    ids=["no cause", "nothing answered", "a cause that is not named"],
)
def test_a_failure_without_such_a_cause_is_its_own(evidence: Evidence):
    """What has no answer explains nothing: leaving out is no excuse."""
    assert type(judged(evidence, "gradients")) is Wrong


def test_what_holds_in_spite_of_the_mistake_counts():
    with after_marks_for(CAUSES, Evidence(start=0, gradient=0), GIVEN, "start", "gradients"):
        pass


def test_an_answer_that_is_missing_follows_too():
    """Any exception, not only a failed comparison."""
    with (
        pytest.raises(pytest.skip.Exception, match="follows from start"),
        after_marks_for(CAUSES, Evidence(start=0), GIVEN, "start"),
    ):
        raise KeyError("weights")


def test_a_test_of_all_runs_follows_from_any_of_them():
    runs = [
        SimpleNamespace(evidence=Evidence(RIGHT, start=start), given=GIVEN) for start in (1, 1, 0)
    ]

    with (
        pytest.raises(pytest.skip.Exception, match="it starts at zero"),
        after_marks_for_any(CAUSES, runs, "start"),
    ):
        raise Wrong("it has not converged")
    with pytest.raises(Wrong), after_marks_for_any(CAUSES, runs[:2], "start"):
        raise Wrong("it has not converged")


def test_a_criterion_that_is_no_cause_is_a_fault_of_the_course():
    with pytest.raises(KeyError, match="strat"):
        first_cause(CAUSES, Evidence(RIGHT), GIVEN, "strat")


def test_what_a_check_raises_says_which_criterion_explains():
    """All that mark it, one round the other; a check that holds raises nothing."""
    with pytest.raises(KnownMistake) as wrong:
        explains("update")(check_gradient)(Evidence(gradient=0), GIVEN)
    explains("update")(check_gradient)(Evidence(RIGHT), GIVEN)

    assert wrong.value.explains == {"gradients", "update"}
    assert check_gradient.__name__ == "check_gradient"


def test_the_fault_of_a_check_is_found_once_for_each_run():
    asked = []

    def check(evidence, given) -> None:
        asked.append(evidence)
        assert not evidence, "there is something"

    one, other = Evidence(a=1), Evidence()

    assert [fault_of(check, one, GIVEN) for _ in range(3)] == ["there is something"] * 3
    assert fault_of(check, other, GIVEN) is None
    assert len(asked) == 2
    causes.forget()
    assert fault_of(check, one, GIVEN) == "there is something"
    assert len(asked) == 3


def test_a_plain_dict_that_changes_is_looked_at_again():
    """In a test of a rubric's own, outside of a judgement."""
    plain = {"start": 0}

    first = fault_of(check_start, plain, {})
    plain["start"] = 1

    assert (first, fault_of(check_start, plain, {})) == ("it starts at zero", None)


def test_work_is_there_where_a_check_holds_or_names_its_mistake():
    found = {
        name: holds(check, evidence, GIVEN)
        for name, check, evidence in [
            ("right", check_start, Evidence(RIGHT)),
            ("named", check_gradient, Evidence(gradient=0)),
            ("wrong", check_start, Evidence(start=0)),
            ("nothing", check_start, Evidence()),
        ]
    }

    assert found == {"right": True, "named": True, "wrong": False, "nothing": False}


def test_an_answer_with_numbers_that_are_none_is_no_answer():
    evidence = Evidence(sound=SimpleNamespace(unsound={}), odd=SimpleNamespace(unsound={"out": 1}))

    assert [answered(evidence, question) for question in ("sound", "odd", "none")] == [
        True,
        False,
        False,
    ]


def test_a_test_that_is_set_aside_says_why():
    with pytest.raises(pytest.skip.Exception) as aside:
        follows_from("start", "it starts at zero")

    assert (aside.value.cause, str(aside.value)) == (
        "start",
        "follows from start: it starts at zero",
    )
