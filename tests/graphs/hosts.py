"""Host applications for the tests of embedding."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, TypedDict

from langgraph.graph import START, StateGraph

import symposia
from symposia.runtime.session import Session

Opener = Callable[..., AbstractAsyncContextManager[Session]]
VOTE = {"n": 3, "batched": False}


class Ask(TypedDict, total=False):
    question: str
    answer: str
    seen: str


@dataclass(frozen=True)
class Tenant:
    """A host's context that has nothing in common with ours."""

    name: str


def host(node: Any, state: Any = Ask, **more: Any) -> StateGraph:
    graph = StateGraph(state, **more)
    graph.add_node("ask", node)
    graph.add_edge(START, "ask")
    return graph


def greedy(session: Any, **more: Any) -> Any:
    return symposia.strategy("greedy").as_node(session, team="fake", **more)


def vote(session: Any, **more: Any) -> Any:
    return symposia.strategy("self-consistency").as_node(session, **({"team": "fake", "options": VOTE} | more))


def thread(name: str = "t") -> dict[str, Any]:
    return {"configurable": {"thread_id": name}}


async def runs(session: symposia.Session) -> list[Any]:
    return await session.store.runs()
