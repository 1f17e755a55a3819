"""Conformance suites: what a strategy, verifier, tool or engine must keep to, as checks that any test runner can call.

Use them from pytest like this; each check is one test::

    @pytest.mark.parametrize("check", strategy_conformance(STRATEGY), ids=str)
    def test_conformance(check):
        check()

A subject need not be installed: a check makes it known by its name while it runs. Models are scripted, so that nothing waits,
nothing is spent, and whoever runs a suite twice sees the same twice.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from pydantic import BaseModel


class Broken(AssertionError):  # noqa: N818 - a verdict, as test runners show it
    """A subject breaks a rule. The sentence names the subject, the check and what was seen."""


@dataclass(frozen=True)
class Check:
    """One rule, to be called from a test outside any event loop. Raises :class:`Broken`."""

    subject: str
    name: str
    rule: str
    """The rule in one sentence."""
    run: Callable[[], Awaitable[None]]

    def __call__(self) -> None:
        """Hold the subject against the rule."""
        try:
            asyncio.run(self._run())
        except Exception as error:
            raise Broken(f"{self.subject} breaks {self.name} ({self.rule}): {error or type(error).__name__}") from error

    async def _run(self) -> None:
        await self.run()

    def __str__(self) -> str:
        return self.name


def checks(subject: str, methods: Iterable[Callable[[], Awaitable[None]]]) -> list[Check]:
    """A check for each method: its name with hyphens, its rule the first line of its docstring."""
    return [
        Check(subject, method.__name__.replace("_", "-"), (inspect.getdoc(method) or "").split("\n")[0].rstrip("."), method)
        for method in methods
    ]


def expect(holds: object, said: str) -> None:
    """Raise :class:`Broken` with ``said`` unless ``holds``."""
    if not holds:
        raise Broken(said)


def expect_options(config: type[BaseModel]) -> None:
    """Raise :class:`Broken` unless a config is frozen, refuses unknown keys, explains every option and survives JSON."""
    expect(config.model_config.get("frozen"), f"{config.__name__} is not frozen")
    expect(config.model_config.get("extra") == "forbid", f"{config.__name__} takes unknown options in silence")
    bare = [name for name, field in config.model_json_schema().get("properties", {}).items() if not field.get("description")]
    expect(not bare, f"options without a description: {', '.join(bare)}")
    default = config()
    expect(config.model_validate(default.model_dump(mode="json")) == default, "the defaults do not survive being stored as JSON")


def expect_sentence(text: str, what: str) -> None:
    """Raise :class:`Broken` unless ``text`` is one line that begins and ends as a sentence does."""
    expect(text and "\n" not in text and text[0].isupper() and text.endswith("."), f"the {what} is not one sentence: {text!r}")
