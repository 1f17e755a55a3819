from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from symposia import Budget
from symposia.core.errors import ConfigError, UnknownNameError, UsageError


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("30", Budget(calls=30)),
        (30, Budget(calls=30)),
        (" 7 ", Budget(calls=7)),
        ("0", Budget(calls=0)),
        ("calls=30,tokens=20k,dollars=0.05,seconds=90", Budget(calls=30, tokens=20_000, dollars=0.05, seconds=90)),
        ("tokens=1.5m", Budget(tokens=1_500_000)),
        ("tokens = 20_000 , calls= 1", Budget(tokens=20_000, calls=1)),
        ("prompt-tokens=1k,completion_tokens=2K", Budget(prompt_tokens=1000, completion_tokens=2000)),
        ("dollars=$2.50", Budget(dollars=2.5)),
        ("dollars=.5", Budget(dollars=0.5)),
        ("seconds=2m", Budget(seconds=120)),
        ("seconds=1.5h", Budget(seconds=5400)),
        ("seconds=3min", Budget(seconds=180)),
        ("seconds=30s", Budget(seconds=30)),
    ],
)
def test_budgets_are_read(text: str | int, budget: Budget) -> None:
    assert Budget.parse(text) == budget


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", ConfigError, "has no '='"),
        ("many", ConfigError, "'many' has no '='"),
        ("-3", ConfigError, "calls=-3 is not an amount"),
        ("1.5", ConfigError, "has no '='"),
        ("calls=", ConfigError, "calls= is not an amount"),
        ("calls=1.5", ConfigError, "calls=1.5 is not a whole number"),
        ("calls=ten", ConfigError, "calls=ten is not an amount"),
        ("calls=nan", ConfigError, "is not an amount"),
        ("dollars=inf", ConfigError, "is not an amount"),
        ("dollars=5k", ConfigError, "dollars=5k is not an amount"),
        ("tokens=3h", ConfigError, "tokens=3h is not an amount"),
        ("calls=1,calls=2", ConfigError, "'calls' is given twice"),
        ("calls=1,,tokens=2", ConfigError, "has no '='"),
        ("cals=3", UnknownNameError, "unknown budget 'cals' .*did you mean 'calls'"),
    ],
)
def test_what_is_no_budget_is_a_usage_error(text: str, error: type[UsageError], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        Budget.parse(text)
    assert caught.value.exit_code == 2


_AMOUNT = st.none() | st.integers(min_value=0, max_value=999_999)


@given(st.builds(Budget, calls=_AMOUNT, tokens=_AMOUNT, prompt_tokens=_AMOUNT, completion_tokens=_AMOUNT, seconds=_AMOUNT))
def test_what_a_budget_prints_reads_back(budget: Budget) -> None:
    if budget == Budget():
        assert str(budget) == "no cap"
    else:
        assert Budget.parse(str(budget)) == budget


def test_a_budget_without_room_for_a_call_is_refused() -> None:
    Budget().require_room()
    Budget(calls=1, tokens=5).require_room()
    with pytest.raises(ConfigError, match="tokens=0 allows no model call"):
        Budget(calls=3, tokens=0).require_room()


def test_budgets_never_change_and_refuse_unknown_caps() -> None:
    with pytest.raises(ValidationError):
        Budget.model_validate({"call": 3})
    with pytest.raises(ValidationError):
        Budget(calls=-1)
    with pytest.raises(ValidationError):
        Budget().calls = 3
