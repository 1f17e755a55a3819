from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.core import errors
from symposia.core.errors import ConfigError, ModelTimeoutError, RateLimitError, UnknownNameError, nearest


def test_the_hint_stands_in_the_sentence_and_apart() -> None:
    error = ConfigError("the file is broken", hint="mend it")
    assert (str(error), error.message, error.hint) == ("the file is broken (mend it)", "the file is broken", "mend it")
    assert str(ConfigError("the file is broken")) == "the file is broken"


def test_an_unknown_name_comes_with_the_nearest_one_or_all() -> None:
    known = {"greedy": 1, "self-consistency": 2}
    assert str(UnknownNameError("strategy", "gredy", known)) == "unknown strategy 'gredy' (did you mean 'greedy'?)"
    assert str(UnknownNameError("strategy", "xyz", known)) == "unknown strategy 'xyz' (known: greedy, self-consistency)"
    assert str(UnknownNameError("team", "x", [], where="a.toml:3")) == "unknown team 'x' in a.toml:3 (none is known)"


@pytest.mark.parametrize(
    ("name", "found"),
    [("Greedy", "greedy"), ("SELF-CONSISTANCY", "self-consistency"), ("beam", None), ("", None)],
)
def test_nearest(name: str, found: str | None) -> None:
    assert nearest(name, ["greedy", "self-consistency"]) == found


def test_nearest_gives_the_name_as_it_is_spelt() -> None:
    assert nearest("QWEN", ["Qwen3"]) == "Qwen3"
    assert nearest("x", []) is None


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=8), st.data())
def test_a_known_name_is_nearest_to_itself(known: list[str], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(known))
    found = nearest(name, known)
    assert found is not None
    assert found.casefold() == name.casefold()


def test_model_errors_carry_what_a_retry_needs() -> None:
    assert RateLimitError("slow down", retry_after=3).retry_after == 3
    assert ModelTimeoutError("late").billed
    assert not RateLimitError("slow down").billed


@pytest.mark.parametrize(
    ("name", "exit_code"),
    [
        ("UsageError", 2),
        ("MissingKeyError", 2),
        ("RunNotFoundError", 2),
        ("LeaseHeldError", 2),
        ("BudgetExhaustedError", 4),
        ("DeadlineError", 4),
        ("UnreachableError", 5),
        ("DownloadError", 5),
        ("StoppedError", 130),
        ("AuthError", 1),
        ("StoreFullError", 1),
        ("EngineError", 1),
    ],
)
def test_exit_codes_are_a_contract(name: str, exit_code: int) -> None:
    assert getattr(errors, name).exit_code == exit_code
