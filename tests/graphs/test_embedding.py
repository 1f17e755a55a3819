"""Strategies as nodes of a host's LangGraph application: what crosses the border, and what must not."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, RetryPolicy, Send, interrupt

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
from symposia.core.result import Result, Status
from symposia.models.gateway import ModelGateway
from symposia.models.gateway import RetryPolicy as CallRetry
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings
from symposia.testing import ScriptedModel, fake_spec

Opener = Callable[..., AbstractAsyncContextManager[Session]]
VOTE = {"n": 3, "batched": False}


@pytest.fixture
def opened(tmp_path: Path) -> Opener:
    @asynccontextmanager
    async def opener(model: ScriptedModel, **spec: Any) -> AsyncIterator[Session]:
        settings = load_settings(environ={}, cwd=tmp_path, user_file=tmp_path / "none.toml")
        gateway = ModelGateway(transports={"direct": model}, retry=CallRetry(max_attempts=1))
        models = {"fake": fake_spec(**spec)}
        async with Session(settings=settings, store=tmp_path / "runs.db", gateway=gateway, models=models) as session:
            yield session

    return opener


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


# Which run a visit belongs to


async def runs(session: Session) -> list[Any]:
    return await session.store.runs()


async def test_every_invocation_and_every_visit_is_a_new_run(opened) -> None:
    class Loop(TypedDict, total=False):
        question: str
        answer: str
        visits: Annotated[int, operator.add]

    model = ScriptedModel([r"\boxed{4}"])
    async with opened(model) as session:

        def counted(result: Result, state: Any) -> dict[str, Any]:
            return {"answer": result.answer, "visits": 1}

        graph = host(greedy(session, write=counted), Loop)
        graph.add_conditional_edges("ask", lambda state: "ask" if state["visits"] % 3 else END, ["ask", END])
        compiled = graph.compile(checkpointer=InMemorySaver())
        await compiled.ainvoke({"question": "2 + 2?"}, thread())
        assert len(model.calls) == len(await runs(session)) == 3
        await compiled.ainvoke({"question": "2 + 2?"}, thread())
        assert len(model.calls) == len(await runs(session)) == 6, "the same question on the same thread is asked again"
        bare = graph.compile()
        await bare.ainvoke({"question": "2 + 2?"})
        await bare.ainvoke({"question": "2 + 2?"})
        assert len(model.calls) == len(await runs(session)) == 12


async def test_parallel_sends_with_equal_inputs_are_runs_of_their_own(opened) -> None:
    class Many(TypedDict, total=False):
        question: str
        answers: Annotated[list[str], operator.add]

    answers = iter("1234")
    async with opened(ScriptedModel(lambda prompt, sample: rf"\boxed{{{next(answers)}}}")) as session:
        node = greedy(session, write=lambda result, state: {"answers": [result.answer]})
        graph = StateGraph(Many)
        graph.add_node("ask", node)
        graph.add_conditional_edges(START, lambda state: [Send("ask", {"question": "?"}) for _ in range(4)], ["ask"])
        end = await graph.compile(checkpointer=InMemorySaver()).ainvoke({"question": "?"}, thread())
        assert len(await runs(session)) == 4
    assert sorted(end["answers"]) == ["1", "2", "3", "4"]


@asynccontextmanager
async def saver(kind: str, folder: Path) -> AsyncIterator[Any]:
    if kind == "memory":
        yield InMemorySaver()
        return
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    async with AsyncSqliteSaver.from_conn_string(str(folder / "host.db")) as sqlite:
        yield sqlite


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("embed", ["node", "graph"])
async def test_a_resumed_thread_goes_on_with_its_run(opened, tmp_path: Path, kind: str, embed: str) -> None:
    """Two replies are here when the host is cancelled: resumed, only the third call is made."""
    answered = asyncio.Event()
    gates = {0: 0.0, 1: 0.0, 2: 3600.0}
    model = ScriptedModel([r"\boxed{4}"], latency=lambda rng: gates[len(model.calls) - 1])
    async with opened(model) as session, saver(kind, tmp_path) as checkpoints:
        if embed == "node":
            node: Any = vote(session)
        else:
            node = symposia.strategy("self-consistency").as_graph(session, team="fake", options=VOTE)
        graph = host(node).compile(checkpointer=checkpoints)

        async def first() -> None:
            async for piece in graph.astream({"question": "2 + 2?"}, thread(), stream_mode="custom", subgraphs=True):
                if piece[-1]["symposia"]["type"] == "call_finished" and piece[-1]["symposia"]["index"] == 1:
                    answered.set()

        task, enough = asyncio.create_task(first()), asyncio.create_task(answered.wait())
        await asyncio.wait({task, enough}, return_when=asyncio.FIRST_COMPLETED)
        assert answered.is_set(), task
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [call.cancelled for call in model.calls] == [False, False, True], "what was in flight is cancelled"
        (broken,) = await runs(session)
        assert broken.state == "interrupted"
        gates[3] = 0.0
        end = await graph.ainvoke(None, thread())
        (run,) = await runs(session)
    assert end["answer"] == "4"
    assert len(model.calls) == 4
    assert run.id == broken.id
    assert run.state == "finished"
    assert run.result.total_usage.lost_calls == 1, "and stays charged"


async def test_a_finished_run_is_not_made_again_where_the_host_breaks_after_it(opened) -> None:
    model = ScriptedModel([r"\boxed{4}"])
    broken = iter([True, False])

    def write(result: Result, state: Any) -> dict[str, Any]:
        if next(broken):
            raise RuntimeError("the host breaks")
        return {"answer": result.answer}

    async with opened(model) as session:
        graph = host(vote(session, write=write)).compile(checkpointer=InMemorySaver())
        with pytest.raises(RuntimeError, match="the host breaks"):
            await graph.ainvoke({"question": "2 + 2?"}, thread())
        end = await graph.ainvoke(None, thread())
    assert end["answer"] == "4"
    assert len(model.calls) == 3


async def test_a_node_changed_since_the_crash_begins_anew(opened) -> None:
    model = ScriptedModel([r"\boxed{4}"])
    checkpoints = InMemorySaver()
    async with opened(model) as session:
        broken = host(vote(session, write=lambda result, state: {}["nothing"])).compile(checkpointer=checkpoints)
        with pytest.raises(KeyError):
            await broken.ainvoke({"question": "2 + 2?"}, thread())
        mended = host(vote(session, options=VOTE | {"n": 5})).compile(checkpointer=checkpoints)
        await mended.ainvoke(None, thread())
        assert sorted(len(run.result.candidates) for run in await runs(session)) == [3, 5]


async def test_a_retried_node_goes_on_with_its_run(opened) -> None:
    """LangGraph's own retries: the calls that succeeded are kept, the one that failed for now is made again."""
    failures = iter([None, ServerError("down"), None])
    model = ScriptedModel([r"\boxed{4}"], fail=lambda call: next(failures, None))
    raised = iter([True])

    def write(result: Result, state: Any) -> dict[str, Any]:
        if next(raised, False):
            raise ConnectionError
        return {"answer": result.answer}

    async with opened(model) as session:
        graph = StateGraph(Ask)
        graph.add_node(
            "ask", vote(session, write=write), retry_policy=RetryPolicy(initial_interval=0.001, retry_on=ConnectionError)
        )
        graph.add_edge(START, "ask")
        end = await graph.compile().ainvoke({"question": "2 + 2?"})
        assert len(await runs(session)) == 1
    assert end["answer"] == "4"
    assert len(model.calls) == 3, "two succeeded: the run is finished, and the retry finds its result"


# Interrupts of the host


@pytest.mark.parametrize("where", ["before", "beside", "after", "within"])
async def test_a_hosts_interrupt_costs_no_call_twice(opened, where: str) -> None:
    class Review(TypedDict, total=False):
        question: str
        answer: str
        verdict: str

    async def review(state: Review) -> Review:
        return {"verdict": interrupt("fine?")}

    def read(state: Any) -> str:
        return f"{state['question']} {interrupt('really?')}" if where == "within" else state["question"]

    model = ScriptedModel([r"\boxed{4}"])
    async with opened(model) as session:
        graph = StateGraph(Review)
        graph.add_node("ask", vote(session, read=read))
        graph.add_node("review", review)
        edges = {
            "before": [(START, "review"), ("review", "ask")],
            "beside": [(START, "review"), (START, "ask")],
            "after": [(START, "ask"), ("ask", "review")],
            "within": [(START, "ask")],
        }
        for edge in edges[where]:
            graph.add_edge(*edge)
        compiled = graph.compile(checkpointer=InMemorySaver())
        halted = await compiled.ainvoke({"question": "2 + 2?"}, thread())
        assert "__interrupt__" in halted
        assert len(model.calls) == (3 if where in {"beside", "after"} else 0)
        end = await compiled.ainvoke(Command(resume="yes"), thread())
        assert len(await runs(session)) == 1
    assert end["answer"] == "4"
    assert where == "within" or end["verdict"] == "yes"
    assert len(model.calls) == 3


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
