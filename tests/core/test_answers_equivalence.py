"""Equality of answers and the partition that votes are counted on."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symposia.core.answers import canonical, group, plain_same
from symposia.core.candidate import Answer, ExtractionRule
from symposia.core.problem import AnswerKind


def answer(raw: str, kind: AnswerKind = AnswerKind.EXPRESSION) -> Answer:
    found = canonical(raw, kind)
    assert found is not None
    return Answer(value=found.value, unit=found.unit, kind=kind, raw=raw, rule=ExtractionRule.BOXED)


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        ("3.5", "7/2", True),
        ("1,000", "1000", True),
        ("0.333", "1/3", False),
        ("5", "$5", True),
        ("5 apples", "5", True),
        ("$5", "5 %", False),
        ("50%", "0.5", False),
        ("50%", "50", True),
        ("5 dollars", "5 cents", False),
        ("5 dollars", "$5.00", True),
        ("Yes", "yes", True),
        ("even", "odd", False),
        ("even", "5", False),
        ("11_2", "11_3", False),
        (r"\frac{x}{2}", r"\dfrac{x}{2}", True),
        (r"\sqrt{12}", r"2\sqrt{3}", None),
        ("10^3", "1000", None),
        (r"\text{True}", "correct", False),
    ],
)
def test_plain_comparison(a: str, b: str, verdict: bool | None) -> None:
    assert plain_same(answer(a), answer(b)) is verdict
    assert plain_same(answer(b), answer(a)) is verdict


@pytest.mark.parametrize(
    ("kind", "a", "b"), [(AnswerKind.CHOICE, "A", "AC"), (AnswerKind.CODE, "x = 1", "x=1"), (AnswerKind.JSON, "1", "2")]
)
def test_other_kinds_are_never_symbolic(kind: AnswerKind, a: str, b: str) -> None:
    assert plain_same(answer(a, kind), answer(b, kind)) is False
    assert plain_same(answer(a, kind), answer(a, kind)) is True


async def never(a: Answer, b: Answer) -> bool:
    raise AssertionError(f"asked about {a} and {b}")


async def test_groups_are_numbered_by_first_appearance() -> None:
    answers = [answer("7"), None, answer("5"), answer("7.0"), answer("10/2"), None, answer("9")]
    assert await group(answers, never) == (0, -1, 1, 0, 1, -1, 2)
    assert await group([], never) == ()
    assert await group([None, None], never) == (-1, -1)


async def test_a_bare_number_joins_the_unit_with_most_members() -> None:
    assert await group([answer("5"), answer("$5"), answer("5%"), answer("5 percent")], never) == (0, 1, 0, 0)


async def test_among_equals_a_bare_number_joins_the_earliest_unit() -> None:
    assert await group([answer("5%"), answer("$5"), answer("5")], never) == (0, 1, 0)
    assert await group([answer("5"), answer("$5"), answer("5%")], never) == (0, 0, 1)


async def test_symbols_decide_where_plain_comparison_cannot() -> None:
    asked: list[tuple[str, str]] = []

    async def same(a: Answer, b: Answer) -> bool:
        asked.append((a.value, b.value))
        return True

    answers = [answer(r"\sqrt{12}"), answer("7"), answer(r"2\sqrt{3}"), answer(r"\sqrt{12}")]
    assert await group(answers, same) == (0, 0, 0, 0)
    assert asked == [(r"\sqrt{12}", "7"), (r"\sqrt{12}", r"2\sqrt{3}")]


async def test_unequal_bare_answers_never_meet_in_one_unit() -> None:
    """A verdict that is not transitive must not put a and b together when they were found to differ."""

    async def same(a: Answer, b: Answer) -> bool:
        return "c" in {a.value, b.value}

    cm = answer("c").model_copy(update={"unit": "cm"})
    groups = await group([answer("a+1"), answer("b+1"), cm], same)
    assert groups == (0, 1, 0)


ANSWERS = st.lists(
    st.none() | st.sampled_from(["5", "5.0", "$5", "5%", "5 cm", "6", "$6", "x", "2x", "Yes", "yes"]).map(answer), max_size=12
)


@settings(deadline=None)
@given(answers=ANSWERS)
async def test_a_group_is_a_class_of_a_partition(answers: list[Answer | None]) -> None:
    async def same(a: Answer, b: Answer) -> bool:
        return a.value == b.value

    groups = await group(answers, same)
    assert [number == -1 for number in groups] == [item is None for item in answers]
    firsts = list(dict.fromkeys(number for number in groups if number != -1))
    assert firsts == list(range(len(firsts)))
    for a, i in zip(answers, groups, strict=True):
        for b, j in zip(answers, groups, strict=True):
            if a is not None and b is not None:
                if i == j:
                    assert plain_same(a, b)
                if a.key == b.key:
                    assert i == j


@settings(deadline=None)
@given(answers=ANSWERS, data=st.data())
async def test_the_partition_into_units_does_not_depend_on_the_order(answers: list[Answer | None], data: st.DataObject) -> None:
    """Only the tie between units of equal size may depend on it, so sizes of whole groups are what is compared."""

    async def same(a: Answer, b: Answer) -> bool:
        return False

    order = data.draw(st.permutations(range(len(answers))))
    groups = await group(answers, same)
    shuffled = await group([answers[i] for i in order], same)
    sizes = sorted(groups.count(number) for number in set(groups))
    assert sorted(shuffled.count(number) for number in set(shuffled)) == sizes
