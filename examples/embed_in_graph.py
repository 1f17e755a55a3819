"""A LangGraph application of your own that asks symposia, and survives a crash in the middle of it.

The application is a chat with two nodes: one answers by a vote of five samples, the other one says how sure the vote was. Let it
crash when two of the five samples are here, then go on: only the missing ones are asked for.

    python examples/embed_in_graph.py --crash-after 2 "How much is 12 * 12?"
    python examples/embed_in_graph.py

With ``--model`` it asks a real model, otherwise a scripted one, whose answers say FAKE. Needs ``langgraph-checkpoint-sqlite``.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from typing import Any

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, MessagesState, StateGraph

import symposia
from symposia.models.gateway import ModelGateway
from symposia.testing import ScriptedModel, fake_spec


async def comment(state: MessagesState) -> dict[str, Any]:
    """The answer's message says which run it comes from, and a few things about it."""
    run = state["messages"][-1].response_metadata["symposia_result"]
    said = f"{run['confidence']:.0%} of the votes; see `symposia run show {run['run_id']}`"
    return {"messages": [("assistant", said)]}


def chat(session: symposia.Session, model: str) -> StateGraph[Any]:
    """The host: one line of it is about symposia."""
    vote = {"n": 5, "batched": False}
    builder = StateGraph(MessagesState)
    builder.add_node("answer", symposia.strategy("self-consistency").as_node(session, team=model, options=vote))
    builder.add_node("comment", comment)
    builder.add_edge(START, "answer")
    builder.add_edge("answer", "comment")
    builder.add_edge("comment", END)
    return builder


def open_session(model: str | None) -> symposia.Session:
    """A session on real models, or one that knows only a scripted model. Tests of your own graphs can do the same."""
    if model is not None:
        return symposia.Session()
    script = ScriptedModel(["FAKE: it is \\boxed{144}."], latency=(0.1, 1.0))
    return symposia.Session(gateway=ModelGateway(transports={"direct": script}), models={"fake": fake_spec()})


async def main(question: str | None, model: str | None, thread: str, crash_after: int | None) -> None:
    """Ask, or without a question go on with what the thread had begun."""
    async with open_session(model) as session, AsyncSqliteSaver.from_conn_string("chat.db") as saver:
        graph = chat(session, model or "fake").compile(checkpointer=saver)
        config: Any = {"configurable": {"thread_id": thread}}
        begin = {"messages": [("user", question)]} if question else None  # None is LangGraph's word for: go on
        answered = 0
        # sync: what a crash must not lose is on disk before a node begins.
        async for event in graph.astream(begin, config, stream_mode="custom", durability="sync"):
            if event["symposia"]["type"] == "call_finished":
                answered += 1
                print(f"sample {event['symposia']['index']} is here", flush=True)
                if answered == crash_after:
                    os._exit(1)  # no clean-up, no goodbye
        for message in (await graph.aget_state(config)).values["messages"]:
            print(f"{message.type}: {message.content}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("question", nargs="?", help="leave it out to go on with the thread")
    parser.add_argument("--model", help="a catalogue name, or an address such as http://127.0.0.1:8000/v1#NAME")
    parser.add_argument("--thread", default="example", help="the conversation")
    parser.add_argument("--crash-after", type=int, metavar="K", help="crash when K samples are here")
    given = parser.parse_args()
    asyncio.run(main(given.question, given.model, given.thread, given.crash_after))
