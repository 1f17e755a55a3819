"""A problem: a conversation to be answered, and what kind of answer is wanted."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Literal

from pydantic import Field, field_validator, model_validator

from .base import Frozen
from .errors import ProblemError

MAX_QUESTION_CHARS = 200_000
"""A question beyond this is refused before anything is spent (about 50k tokens; no small model reads more)."""


class AnswerKind(StrEnum):
    """What counts as an answer, and so how answers are read, compared and voted on."""

    NUMBER = "number"
    """One number, perhaps with a unit."""
    EXPRESSION = "expression"
    """A number, a formula or a short phrase; compared symbolically. The default."""
    CHOICE = "choice"
    """One letter of a list of options."""
    CODE = "code"
    """A program, compared by what it does."""
    JSON = "json"
    """A JSON value, compared by value."""
    TOOL_CALL = "tool_call"
    """A call of a tool of the caller's."""
    TEXT = "text"
    """Free text; cannot be voted on exactly."""


class TextPart(Frozen):
    """A piece of text inside a message."""

    type: Literal["text"] = "text"
    text: str


class ImageUrl(Frozen):
    """Address of an image: a data URL or a web address."""

    url: str
    detail: Literal["auto", "low", "high"] = "auto"


class ImagePart(Frozen):
    """An image inside a message."""

    type: Literal["image_url"] = "image_url"
    image_url: ImageUrl


class ToolFunction(Frozen):
    """Name and JSON text of the arguments of a tool call."""

    name: str
    arguments: str


class ToolCall(Frozen):
    """A call of a tool, as the chat protocol spells it."""

    id: str
    type: Literal["function"] = "function"
    function: ToolFunction


class Message(Frozen):
    """One turn of a conversation, field for field as in the chat-completions protocol."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str | tuple[TextPart | ImagePart, ...] | None = None
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None

    @property
    def text(self) -> str:
        """The textual content, parts joined by line breaks."""
        if isinstance(self.content, tuple):
            return "\n".join(part.text for part in self.content if isinstance(part, TextPart))
        return self.content or ""

    def wire(self) -> dict[str, object]:
        """The message as a JSON object of the protocol: unset fields left out, ``content`` always there."""
        full: dict[str, object] = self.model_dump(mode="json", exclude_none=True)
        if not full["tool_calls"]:
            del full["tool_calls"]
        return {"content": None} | full

    @property
    def asks(self) -> bool:
        """Whether it is a user's turn with something in it."""
        shown = isinstance(self.content, tuple) and any(isinstance(part, ImagePart) for part in self.content)
        return self.role == "user" and (bool(self.text.strip()) or shown)


class Solution(Frozen):
    """An answer that is there already, from wherever: to be judged or mended."""

    text: str = Field(min_length=1)
    steps: tuple[str, ...] = ()
    """Its steps, where its author says where they end; they concatenate to the text."""

    @classmethod
    def of_steps(cls, steps: Iterable[str]) -> Solution:
        """The solution of these paragraphs, a blank line between them."""
        *first, last = steps
        whole = (*(f"{step}\n\n" for step in first), last)
        return cls(text="".join(whole), steps=whole)

    @model_validator(mode="after")
    def _whole(self) -> Solution:
        if self.steps and "".join(self.steps) != self.text:
            raise ValueError("the steps of a solution must make up its text")
        return self


class Problem(Frozen):
    """A conversation to answer. A string is one user message. The gold answer is never part of it: only graders see gold."""

    messages: tuple[Message, ...]
    answer_kind: AnswerKind = AnswerKind.EXPRESSION
    language: str = "en"
    solutions: tuple[Solution, ...] = ()
    """Answers that are there already, for strategies that judge or mend them; others do not look at them."""
    translations: dict[str, str] = Field(default_factory=dict)
    """What the user asks last in other languages, by code, for strategies that vote across languages. Made by people they are
    privileged information: say so beside every result."""

    @field_validator("messages")
    @classmethod
    def _asks_something(cls, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        if not any(message.asks for message in messages):
            raise ProblemError("the question is empty", hint="pass the text of the question, '-' or '@FILE'")
        size = sum(len(message.text) for message in messages)
        if size > MAX_QUESTION_CHARS:
            raise ProblemError(
                f"the question has {size:,} characters, more than the {MAX_QUESTION_CHARS:,} allowed",
                hint="shorten it or ask about one part at a time",
            )
        return messages

    @classmethod
    def of(
        cls,
        question: str | Problem | tuple[Message, ...] | list[Message],
        *,
        answer_kind: AnswerKind | str | None = None,
        language: str | None = None,
    ) -> Problem:
        """Build a problem from a string, messages or another problem; ``answer_kind`` and ``language`` override."""
        changes: dict[str, object] = {}
        if answer_kind is not None:
            changes["answer_kind"] = AnswerKind(answer_kind)
        if language is not None:
            changes["language"] = language
        if isinstance(question, Problem):
            return question.model_copy(update=changes)
        messages = (Message(role="user", content=question),) if isinstance(question, str) else tuple(question)
        return cls.model_validate({"messages": messages, **changes})

    @property
    def question(self) -> str:
        """The last user message's text."""
        return next(message.text for message in reversed(self.messages) if message.role == "user")
