"""Strategies as nodes of a host's LangGraph application: what crosses the border, and what must not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send

import symposia
from symposia.core.errors import (
    ConfigError,
    MissingAbilityError,
    ProblemError,
    RejectedError,
    RunFailedError,
    ServerError,
    UnknownNameError,
)
from symposia.core.result import Status
from symposia.testing import ScriptedModel

from .hosts import VOTE, Ask, Tenant, greedy, host, runs, thread, vote

# What crosses the border


@pytest.mark.parametrize("context", [Tenant("a"), {"name": "a"}, None])
async def test_a_hosts_own_context_stays_the_hosts(opened, context: Any) -> None:
    async def look(state: Ask, runtime: Runtime[Any]) -> Ask:
        return {"seen": repr(runtime.context)}

    async with opened(ScriptedModel([r"\boxed{4}"])) as session:
        graph = host(greedy(session), context_schema=type(context) if context is not None else None)
        graph.add_node("look", look)
        graph.add_edge("ask", "look")
        end = await graph.compile().ainvoke({"question": "2 + 2?"}, context=context)
    assert end == {"question": "2 + 2?", "answer": "4", "seen": repr(context)}


async def test_messages_get_one_more_which_says_where_it_comes_from(opened) -> None:
    model = ScriptedModel([r"\boxed{4}"])
    async with opened(model) as session:
        graph = host(greedy(session), MessagesState).compile()
        end = await graph.ainvoke({"messages": [("system", "Be kind."), ("user", "1 + 1?"), ("ai", "2"), ("user", "2 + 2?")]})
        run = await session.store.run(end["messages"][-1].response_metadata["symposia_result"]["run_id"])
    assert [message.content for message in end["messages"]] == ["Be kind.", "1 + 1?", "2", "2 + 2?", "4"]
    assert isinstance(end["messages"][-1], AIMessage)
    assert run.spec.problem.question == "2 + 2?"
    assert len(run.spec.problem.messages) == 1, "only the last turn is asked"


async def test_a_whole_conversation_can_be_read(opened) -> None:
    model = ScriptedModel([r"\boxed{4}"])
    async with opened(model) as session:
        node = greedy(session, read=lambda state: state["messages"], write=lambda result, state: {"messages": ("ai", "done")})
        graph = host(node, MessagesState).compile()
        image = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
        calls = [{"name": "add", "args": {"a": 1}, "id": "c1"}]
        talk = [
            ("system", "Be kind."),
            HumanMessage([{"type": "text", "text": "What is this?"}, image]),
            AIMessage("", tool_calls=calls),
            {"role": "tool", "content": "2", "tool_call_id": "c1"},
            ("user", "and twice that?"),
        ]
        end = await graph.ainvoke({"messages": talk})
    messages = model.calls[0].request.messages
    assert [message.role for message in messages] == ["system", "user", "assistant", "tool", "user"]
    assert messages[1].asks
    assert messages[2].tool_calls[0].function.name == "add"
    assert end["messages"][-1].content == "done"


@pytest.mark.parametrize("kind", ["dataclass", "pydantic"])
async def test_states_of_other_kinds(opened, kind: str) -> None:
    from pydantic import BaseModel

    @dataclass
    class Plain:
        question: str
        answer: str = ""

    class Checked(BaseModel):
        question: str
        answer: str = ""

    async with opened(ScriptedModel([r"\boxed{4}"])) as session:
        graph = host(greedy(session), Plain if kind == "dataclass" else Checked).compile()
        assert (await graph.ainvoke({"question": "2 + 2?"}))["answer"] == "4"


async def test_a_hosts_checkpoints_and_streams_hold_nothing_of_ours(opened) -> None:
    saver = InMemorySaver()
    async with opened(ScriptedModel([r"\boxed{4}"])) as session:

        async def by_hand(state: Ask) -> Ask:
            """As somebody writes it who does not know of ``as_node``."""
            result = await session.solve(state["question"], team="fake", strategy="self-consistency", options=VOTE)
            return {"answer": result.answer or ""}

        for name, node in {"as_node": vote(session), "by_hand": by_hand}.items():
            graph = host(node).compile(checkpointer=saver)
            stream = graph.astream({"question": "2 + 2?"}, thread(name), stream_mode=["updates", "tasks"], subgraphs=True)
            namespaces = {namespace async for namespace, _, _ in stream}
            assert namespaces == {()}
            assert set(saver.storage[name]) == {""}


async def test_events_reach_the_hosts_custom_stream(opened) -> None:
    async with opened(ScriptedModel(["The answer is 4."])) as session:
        graph = host(greedy(session)).compile()
        plain = [piece async for piece in graph.astream({"question": "2 + 2?"}, stream_mode="custom")]
        graph = host(greedy(session, stream_text=True)).compile()
        spoken = [piece async for piece in graph.astream({"question": "2 + 2?"}, stream_mode="custom")]
    kinds = [piece["symposia"]["type"] for piece in plain]
    assert kinds[0] == "run_started"
    assert kinds[-1] == "run_finished"
    assert {"wave_started", "call_finished", "candidate_added", "strategy_finished"} <= set(kinds)
    assert len({piece["symposia"]["run_id"] for piece in plain}) == 1
    text = [piece["symposia"] for piece in spoken if piece["symposia"]["type"] == "text"]
    assert "".join(piece["text"] for piece in text) == "The answer is 4."
    assert {piece["candidate"] for piece in text} == {"greedy/propose.0.0#0"}
    assert "text" not in kinds


async def test_two_graphs_at_once_do_not_mix(opened) -> None:
    model = ScriptedModel(lambda prompt, sample: r"\boxed{1}" if "one" in prompt else r"\boxed{2}", latency=(0.0, 0.01))
    async with opened(model) as session:
        one = host(vote(session)).compile()
        two = host(greedy(session), MessagesState).compile(checkpointer=InMemorySaver())
        runs = [one.ainvoke({"question": "one?"}) for _ in range(5)]
        talks = [two.ainvoke({"messages": "two?"}, thread(str(index))) for index in range(5)]
        ends = await asyncio.gather(*runs, *talks)
    assert [end.get("answer") or end["messages"][-1].content for end in ends] == ["1"] * 5 + ["2"] * 5


# Failures


async def test_a_run_without_an_answer_is_an_error_or_a_result_as_asked(opened) -> None:
    model = ScriptedModel([r"\boxed{4}"], fail=lambda call: RejectedError("no such model here"))
    async with opened(model) as session:
        with pytest.raises(RunFailedError, match="no such model here") as caught:
            await host(greedy(session)).compile().ainvoke({"question": "2 + 2?"})
        assert caught.value.result.status is Status.FAILED
        assert caught.value.result.run_id in str(caught.value)
        node = greedy(session, on_failure="write", write=lambda result, state: {"answer": result.status.value})
        assert (await host(node).compile().ainvoke({"question": "2 + 2?"}))["answer"] == "failed"
        silent = host(greedy(session, on_failure="write"), MessagesState).compile()
        message = (await silent.ainvoke({"messages": "2 + 2?"}))["messages"][-1]
        assert message.content == ""
        assert message.response_metadata["symposia_result"]["error"] == "no such model here"


async def test_a_failed_run_is_tried_again_when_the_thread_is_resumed(opened) -> None:
    model = ScriptedModel([r"\boxed{4}"])
    model.fail_next(ServerError("down"))
    async with opened(model) as session:
        graph = host(greedy(session)).compile(checkpointer=InMemorySaver())
        with pytest.raises(RunFailedError, match="down"):
            await graph.ainvoke({"question": "2 + 2?"}, thread())
        assert (await graph.ainvoke(None, thread()))["answer"] == "4"
        assert len(await runs(session)) == 1


async def test_an_unreadable_answer_is_no_answer(opened) -> None:
    async with opened(ScriptedModel(["I do not know."])) as session:
        with pytest.raises(RunFailedError, match="no_answer"):
            await host(greedy(session, answer_kind="number")).compile().ainvoke({"question": "2 + 2?"})


async def test_a_wrong_request_is_always_raised(opened) -> None:
    async with opened(ScriptedModel()) as session:
        with pytest.raises(ConfigError, match="neither a user's turn"):
            await host(greedy(session, on_failure="write")).compile().ainvoke({"seen": "x"})
        with pytest.raises(UnknownNameError, match="unknown model 'fke'"):
            await host(vote(session, on_failure="write", team="fke")).compile().ainvoke({"question": "?"})
        with pytest.raises(ProblemError, match="cannot be read"):
            await host(greedy(session, read=lambda state: [object()])).compile().ainvoke({"question": "?"})
        with pytest.raises(UnknownNameError, match="did you mean 'n'"):
            symposia.strategy("self-consistency").as_node(session, options={"nn": 3})
        with pytest.raises(UnknownNameError, match="did you mean 'options'"):
            symposia.strategy("greedy").as_node(session, option={})  # type: ignore[call-arg]
        with pytest.raises(ConfigError, match="neither 'raise' nor 'write'"):
            symposia.strategy("greedy").as_node(session, on_failure="ignore")  # type: ignore[arg-type]
    async with opened(ScriptedModel(), abilities=()) as session:
        with pytest.raises(MissingAbilityError):
            await host(greedy(session)).compile().ainvoke({"question": "?"})


async def test_a_strategy_that_is_not_the_registered_one_is_refused(opened) -> None:
    from dataclasses import replace

    async with opened(ScriptedModel()) as session:
        with pytest.raises(ConfigError, match="another strategy is registered as greedy"):
            replace(symposia.strategy("greedy")).as_node(session)


async def test_a_session_of_another_event_loop_is_refused(opened) -> None:
    async with opened(ScriptedModel()) as session:
        graph = host(greedy(session)).compile()
        with pytest.raises(ConfigError, match="another event loop"):
            await asyncio.to_thread(lambda: asyncio.run(graph.ainvoke({"question": "2 + 2?"})))


# As a graph


async def test_a_graph_stands_alone(opened) -> None:
    async with opened(ScriptedModel([r"\boxed{4}"])) as session:
        graph = symposia.strategy("self-consistency").as_graph(session, team="fake", options=VOTE)
        asked = await graph.ainvoke({"question": "2 + 2?"})
        told = await graph.ainvoke({"messages": [{"role": "user", "content": "2 + 2?"}]})
        run = await session.store.run(asked["symposia_result"]["run_id"])
    assert asked["answer"] == told["messages"][-1].content == "4"
    assert run.result is not None
    small = {"answer": "4", "status": "answered", "confidence": 1.0, "cost_tokens": run.result.total_usage.cost_tokens}
    assert small.items() <= asked["symposia_result"].items()
    assert "question" not in asked
    assert set(graph.get_output_jsonschema()["properties"]) == {"messages", "answer", "symposia_result"}
    assert graph.name == "self-consistency"


async def test_a_graph_inside_a_host_leaves_only_what_the_host_has_keys_for(opened) -> None:
    async with opened(ScriptedModel([r"\boxed{4}"])) as session:
        graph = host(symposia.strategy("greedy").as_graph(session, team="fake"), MessagesState)
        end = await graph.compile(checkpointer=InMemorySaver()).ainvoke({"messages": "2 + 2?"}, thread())
    assert set(end) == {"messages"}
    assert [message.content for message in end["messages"]] == ["2 + 2?", "4"]


async def test_parallel_subgraphs_do_not_mix(opened) -> None:
    class Many(TypedDict, total=False):
        question: str
        answer: Annotated[str, lambda old, new: f"{old or ''}{new}"]

    async with opened(ScriptedModel(lambda prompt, sample: r"\boxed{1}" if "one" in prompt else r"\boxed{2}")) as session:
        graph = StateGraph(Many)
        graph.add_node("ask", symposia.strategy("greedy").as_graph(session, team="fake"))
        graph.add_conditional_edges(START, lambda state: [Send("ask", {"question": q}) for q in ("one?", "two?")], ["ask"])
        end = await graph.compile(checkpointer=InMemorySaver()).ainvoke({"question": "?"}, thread())
    assert sorted(end["answer"].replace("None", "")) == ["1", "2"]
