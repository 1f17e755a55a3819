"""The translator agent: says, or explains, in another language what the user asks last.

A translation is used only where every number, every LaTeX command and every piece of code of the original stands in it as often
as before, and none besides: what lost a number is another problem, and what gained one was often solved instead of translated.
Number words are not looked at. One that cannot be used is asked for once more, with the reason.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from fractions import Fraction
from typing import Any, NamedTuple

from ..core.answers.numerals import read_digits
from ..core.calls import CallResult, ChatRequest, FinishReason, ModelCall
from ..core.languages import language
from ..core.marks import unmarked
from ..core.problem import ImagePart, Message, Problem, TextPart
from ..core.protocols import Scope
from ..core.random import sample_seed
from .quoted import as_data, asking, conversation, fill

ROLE = "translator"
PROMPTS = ("translator.translate", "translator.again", "translator.explain")
"""Names of its prompt files."""

_SHORTEST, _LONGEST = 256, 8_192
"""Bounds of ``max_tokens``. In between, four a character: some scripts take several tokens for one."""
_NUMBER = re.compile(r"[0-9]+(?:[.,'][0-9]+)*")
_GROUPING_SPACE = re.compile(r"(?<=\d)[\u00a0\u2007\u2009\u202f](?=\d{3}(?!\d))")
_VERBATIM = re.compile(r"```.*?```|`[^`\n]+`|\\[A-Za-z]+", re.DOTALL)
_NAMED = 5
"""Lost or added pieces that a sentence names."""


class Translation(NamedTuple):
    """What came of asking for a translation."""

    said: str
    """The reply, without marks of chat templates; empty where the call failed."""
    error: str = ""
    """Why it cannot be used, as part of a sentence; empty where it can be."""
    failed: bool = False
    """Whether there is no reply at all."""


def translate_call(
    scope: Scope, node: str, problem: Problem, code: str, *, visit: int = 0, before: Translation | None = None
) -> ModelCall:
    """The call that asks for the last message of the user in the language ``code``; after an unusable ``before`` once more."""
    target, prompts = str(language(code)), scope.prompts
    shown = conversation(problem.messages)
    asked = asking(fill(prompts["translator.translate"], language=target, conversation=shown), problem.messages)
    messages: tuple[Message, ...] = (asked,)
    if before is not None:
        again = fill(prompts["translator.again"], language=target, error=as_data(before.error))
        said = Message(role="assistant", content=before.said or "(nothing)")
        messages = (asked, said, Message(role="user", content=again))
    request = ChatRequest(
        messages=messages,
        max_tokens=min(_LONGEST, max(_SHORTEST, 4 * len(problem.question))),
        seed=sample_seed(scope.seed, f"{scope.path}/{node}.{code}", visit),
    )
    return ModelCall(role=ROLE, request=request)


def read_translation(result: CallResult, problem: Problem, code: str) -> Translation:
    """The translation in a reply, and what is wrong with it."""
    if result.reply is None or not result.reply.choices:
        return Translation("", result.failure.message if result.failure is not None else "the reply is empty", failed=True)
    choice = result.reply.choices[0]
    said = unmarked(choice.text.strip())
    if choice.finish_reason is FinishReason.LENGTH:
        return Translation(said, "the translation was cut off")
    return Translation(said, what_is_lost(problem.question, said, source=problem.language, target=code))


def explain_call(scope: Scope, node: str, problem: Problem, code: str, *, index: int, **sampling: Any) -> ModelCall:
    """The call that asks what the last message of the user says and wants, explained in the language ``code``.

    ``sampling`` are further fields of the request.
    """
    shown = conversation(problem.messages)
    asked = fill(scope.prompts["translator.explain"], language=str(language(code)), conversation=shown)
    seed = sample_seed(scope.seed, f"{scope.path}/{node}.{code}", 0, index)
    return ModelCall(role=ROLE, request=ChatRequest(messages=(asking(asked, problem.messages),), seed=seed, **sampling))


def what_is_lost(original: str, told: str, *, source: str, target: str, called: str = "translation") -> str:
    """Why ``told`` cannot stand for ``original``, as part of a sentence that calls it so; empty where it can. Pure.

    A number is read by the separators of either language: translations write 1.5 as 1,5, or leave it as it was.
    """
    if not told.strip():
        return f"the {called} is empty"
    if told.split() == original.split():
        return f"the {called} is the text as it was"
    left = Counter(_value(number, source) for number in _numbers(original))
    added = []
    for number in _numbers(told):
        value = next((value for value in (_value(number, source), _value(number, target)) if left[value]), None)
        if value is None:
            added.append(number)
        else:
            left[value] -= 1
    if lost := [str(value) for value in left.elements()]:
        return f"the {called} lacks the numbers {_list(lost)}"
    if added:
        return f"the {called} has numbers that the original has not: {_list(added)}"
    kept, found = Counter(_VERBATIM.findall(original)), Counter(_VERBATIM.findall(told))
    if changed := [*(kept - found), *(found - kept)]:
        return f"formulas or code were changed: {_list(changed)}"
    return ""


def retold(problem: Problem, text: str) -> Problem:
    """``problem`` with ``text`` in the place of what the user asks last. Images stay."""
    last = max(place for place, message in enumerate(problem.messages) if message.role == "user")
    message = problem.messages[last]
    parts = message.content if isinstance(message.content, tuple) else ()
    images = tuple(part for part in parts if isinstance(part, ImagePart))
    content = (TextPart(text=text), *images) if images else text
    messages = list(problem.messages)
    messages[last] = message.model_copy(update={"content": content})
    return problem.model_copy(update={"messages": tuple(messages)})


def _numbers(text: str) -> list[str]:
    """Numbers in the digits of any script, as ASCII ones; number words of no script."""
    plain = unicodedata.normalize("NFKC", _GROUPING_SPACE.sub("'", text))
    return _NUMBER.findall("".join(str(unicodedata.decimal(sign, sign)) for sign in plain))


def _value(number: str, code: str) -> Fraction | str:
    """Its value; itself where its separators fit no convention, as in the number of a version."""
    value = read_digits(number, code)
    return number if value is None else value


def _list(pieces: list[str]) -> str:
    more = f" and {len(pieces) - _NAMED} more" if len(pieces) > _NAMED else ""
    return ", ".join(piece[:40] for piece in pieces[:_NAMED]) + more
