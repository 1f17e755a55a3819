"""A strategy inside somebody else's LangGraph application: as a node of their graph, or as a graph of its own.

What holds:

* Only question and answer cross the border. The strategy's graph runs with its own context, out of reach of the host's
  checkpointer and streams (see :meth:`Strategy.run`); what a run has done stands in symposia's own store.
* A run's id is made of the host's thread, its task and the request. LangGraph gives a task the same id when a thread is
  resumed and another one in every new invocation, visit of a loop and ``Send``: so a resumed thread goes on with its run and
  makes no finished call again, and nothing else ever meets an old result.
* Cancelling the host cancels the run at the server and leaves it resumable.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

from langchain_core.messages import AIMessage, HumanMessage, convert_to_messages, convert_to_openai_messages
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.runtime import ExecutionInfo, Runtime
from pydantic import ValidationError
from typing_extensions import TypedDict  # the one that pydantic makes JSON schemas of before Python 3.12

from ..core.budget import Budget
from ..core.errors import ConfigError, ProblemError, RunFailedError, UnknownNameError
from ..core.events import Event
from ..core.problem import AnswerKind, Message, Problem
from ..core.result import Result, Status
from .registry import STRATEGIES

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

    from .strategy import Strategy

Question = str | Problem | Sequence[Any]
"""A text, messages (ours, LangChain's or dictionaries of the chat protocol), or a whole problem."""
Read = Callable[[Any], Question]
"""From the host's state to the question."""
Write = Callable[[Result, Any], Mapping[str, Any]]
"""From the result and the host's state to an update of the state."""


class Node(Protocol):
    """A node of a LangGraph graph, whatever its state and context."""

    def __call__(self, state: Any, *, runtime: Runtime[Any]) -> Awaitable[Mapping[str, Any]]:
        """Called by LangGraph."""
        ...


class Host(Protocol):
    """Where embedded runs are made: an open ``symposia.Session``, or the module ``symposia`` itself.

    The module stands for the process's default session, which opens on first use and serves every event loop.
    """

    async def solve(
        self,
        question: Problem,
        *,
        strategy: str = ...,
        team: Any = ...,
        budget: Budget | str | int = ...,
        seed: int = ...,
        options: Mapping[str, Any] = ...,
        run_id: str = ...,
        listener: Callable[[Event], None] = ...,
        watch: Callable[[str, str], None] = ...,
    ) -> Result:
        """As :func:`symposia.solve`."""
        ...


class Embedding(TypedDict, total=False):
    """How a strategy is embedded."""

    team: Any
    """Here and below as for :func:`symposia.solve`."""
    budget: Budget | str | int
    seed: int
    options: Mapping[str, Any]
    answer_kind: AnswerKind | str
    language: str
    on_failure: Literal["raise", "write"]
    """``raise`` (the default) a :class:`RunFailedError` where a run ends without an answer, or ``write`` its result."""
    stream_text: bool
    """Stream the models' replies too, as pieces of type ``text``."""


class Embedded:
    """An embedded strategy; made by :meth:`Strategy.as_node` and :meth:`Strategy.as_graph`, which say what it does.

    Raises :class:`UsageError` right away for a strategy that is not registered and for options that it does not have.
    """

    def __init__(
        self, strategy: Strategy[Any], host: Host, embedding: Embedding, *, read: Read | None = None, write: Write | None = None
    ) -> None:
        if STRATEGIES.get(strategy.name) is not strategy:
            raise ConfigError(f"another strategy is registered as {strategy.name}", hint="give this one a name of its own")
        for key in embedding:
            if key not in Embedding.__annotations__:
                raise UnknownNameError("argument", key, Embedding.__annotations__, where=f"the embedding of {strategy.name}")
        strategy.configure(embedding.get("options", {}))
        self._strategy = strategy.name
        self._host = host
        self._read = read or read_question
        self._write = write or write_answer
        self._changes = {"answer_kind": embedding.get("answer_kind"), "language": embedding.get("language")}
        on_failure = embedding.get("on_failure", "raise")
        if on_failure not in {"raise", "write"}:
            raise ConfigError(f"on_failure={on_failure!r} is neither 'raise' nor 'write'")
        self._raises = on_failure == "raise"
        self._stream_text = embedding.get("stream_text", False)
        self._request: dict[str, Any] = {
            key: value for key, value in embedding.items() if key in {"team", "budget", "seed", "options"}
        }

    def node(self) -> Node:
        """An async node for a host's graph."""

        async def node(state: Any, runtime: Runtime[Any]) -> Mapping[str, Any]:
            return self._write(await self._run(state, runtime), state)

        node.__name__ = node.__qualname__ = self._strategy
        return node

    def graph(self) -> CompiledStateGraph[Any, Any, Any, Any]:
        """A compiled graph of one node."""

        async def solve(state: _State, runtime: Runtime[Any]) -> Mapping[str, Any]:
            result = await self._run(state, runtime)
            return {"answer": result.answer, **self._write(result, state), "symposia_result": summary(result)}

        graph = StateGraph(_State, input_schema=_Input, output_schema=_Output)
        graph.add_node("solve", solve)
        graph.add_edge(START, "solve")
        graph.add_edge("solve", END)
        return graph.compile(name=self._strategy)

    async def _run(self, state: Any, runtime: Runtime[Any]) -> Result:
        problem = as_problem(self._read(state), **self._changes)
        if runtime.execution_info is None:
            raise ConfigError(f"{self._strategy} was called outside a LangGraph graph", hint="call symposia.solve there")
        run_id = self._run_id(runtime.execution_info, problem)
        stream = _Stream(run_id, runtime.stream_writer)
        watching: dict[str, Any] = {"watch": stream.text} if self._stream_text else {}
        result = await self._host.solve(
            problem, strategy=self._strategy, run_id=run_id, listener=stream.event, **watching, **self._request
        )
        if result.status is not Status.ANSWERED and self._raises:
            raise RunFailedError(result)
        return result

    def _run_id(self, info: ExecutionInfo, problem: Problem) -> str:
        """96 bits, as hexadecimal. The request is part of it: a node changed since the crash begins anew."""
        asked = [self._strategy, problem.model_dump(mode="json"), self._request]
        identity = json.dumps([info.thread_id, info.task_id, asked], sort_keys=True, default=str)
        return hashlib.sha256(identity.encode()).hexdigest()[:24]


class _Input(TypedDict, total=False):
    question: str
    messages: Annotated[list[Any], add_messages]


class _Output(TypedDict, total=False):
    messages: Annotated[list[Any], add_messages]
    answer: str | None
    symposia_result: dict[str, Any]


class _State(_Input, _Output, total=False):
    pass


class _Stream:
    """Passes a run's events on to the host's stream, from whichever thread the run is executed in."""

    def __init__(self, run_id: str, write: Callable[[Any], None]) -> None:
        self._run_id = run_id
        self._write = write
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()

    def event(self, event: Event) -> None:
        self._send(event.model_dump(mode="json"))

    def text(self, candidate: str, piece: str) -> None:
        self._send({"type": "text", "candidate": candidate, "text": piece})

    def _send(self, piece: dict[str, Any]) -> None:
        entry = {"symposia": {"run_id": self._run_id, **piece}}
        if threading.get_ident() == self._thread:
            self._write(entry)
        else:
            self._loop.call_soon_threadsafe(self._write, entry)


def read_question(state: Any) -> Question:
    """The last user message of ``messages``, or ``question``. Raises :class:`ConfigError` where the state has neither."""
    for message in reversed(_part(state, "messages") or ()):
        if (
            (message.role == "user")
            if isinstance(message, Message)
            else isinstance(convert_to_messages([message])[0], HumanMessage)
        ):
            return [message]
    question = _part(state, "question")
    if question is None:
        raise ConfigError("the state holds no question: neither a user's turn in `messages` nor `question`", hint="pass read=…")
    return str(question)


def write_answer(result: Result, state: Any) -> Mapping[str, Any]:
    """A new assistant message where the state has ``messages``, else ``answer``."""
    if not _part(state, "messages"):
        return {"answer": result.answer}
    # The id makes a second writing of one run's answer an update instead of a second message.
    message = AIMessage(
        result.answer or "", id=f"symposia-{result.run_id}", response_metadata={"symposia_result": summary(result)}
    )
    return {"messages": [message]}


def summary(result: Result) -> dict[str, Any]:
    """A small record of a result; ``run_id`` leads to the rest."""
    keys = {"run_id", "strategy", "status", "stop_reason", "answer", "confidence", "votes", "error"}
    return result.model_dump(mode="json", include=keys) | {"cost_tokens": result.total_usage.cost_tokens}


def as_problem(question: Question, *, answer_kind: AnswerKind | str | None, language: str | None) -> Problem:
    """What ``read`` gave, as a problem. Raises :class:`ProblemError`."""
    if not isinstance(question, str | Problem):
        question = [as_message(message) for message in question]
    return Problem.of(question, answer_kind=answer_kind, language=language)


def as_message(message: Any) -> Message:
    """A message of LangChain's, or a dictionary of the chat protocol, as ours. Raises :class:`ProblemError`."""
    if isinstance(message, Message):
        return message
    try:
        return Message.model_validate(convert_to_openai_messages(message))
    except (ValidationError, ValueError, TypeError) as error:
        kind = type(message).__name__
        raise ProblemError(f"a message of the host ({kind}) cannot be read: {str(error).splitlines()[0]}") from None


def _part(state: Any, name: str) -> Any:
    """A part of a state of any of LangGraph's kinds: dictionary, dataclass or pydantic model."""
    return state.get(name) if isinstance(state, Mapping) else getattr(state, name, None)
