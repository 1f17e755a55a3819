"""Tools by hand, and written ones from admission to removal: what runs are granted, and what stays of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from symposia.core.errors import (
    ConfigError,
    MissingKeyError,
    NameTakenError,
    RunNotFoundError,
    SandboxError,
    ToolRefusedError,
    UnknownNameError,
)
from symposia.core.problem import Problem
from symposia.core.result import Status
from symposia.core.sandbox import Ending, Execution
from symposia.core.tooling import Approval, Grant
from symposia.core.written import ToolDraft
from symposia.models.gateway import ModelGateway, RetryPolicy
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings
from symposia.runtime.toolshed import parse_title
from symposia.testing import ScriptedModel, ScriptedSandbox, fake_spec
from symposia.tools.tool import TOOLS

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
TESTS = [{"arguments": {"n": 1}, "expected": 2}, {"arguments": {"n": 3}, "expected": 6}]
CALL = 'Thought: I must\nAction: twice\nAction Input: {"n": 21}'


def draft(source: str = "def run(n): return 2 * n", **changes: Any) -> ToolDraft:
    given = {"name": "twice", "description": "Twice a number.", "parameters": SCHEMA, "source": source, "tests": TESTS}
    return ToolDraft.model_validate(given | changes)


def computed(code: str) -> Execution:
    """What a program of the tools of this file gives, without running it."""
    number = int(code.rpartition("'n': ")[2].rstrip("})"))
    return Execution(ending=Ending.OK, value=number * (3 if "3 * n" in code else 2))


@asynccontextmanager
async def opened(
    folder: Path, reply: Any = "FAKE", *, run: Callable[[str], Execution] = computed, store: str | Path = ":memory:", **flags: Any
) -> AsyncIterator[Session]:
    settings = load_settings(flags=flags, environ={}, cwd=folder, user_file=folder / "none.toml")
    model = ScriptedModel(reply)
    gateway = ModelGateway(transports={"direct": model}, retry=RetryPolicy(max_attempts=1))
    async with Session(
        settings=settings, store=store, gateway=gateway, models={"fake": fake_spec()}, sandbox=ScriptedSandbox(run)
    ) as session:
        yield session


def uses_it(prompt: str, sample: int) -> str:
    return "Final Answer: 42" if "Observation: {" in prompt else CALL


async def react(session: Session, **changes: Any) -> Any:
    return await session.solve("?", strategy="react", team="fake", options={"tools": "twice"}, answer_kind="number", **changes)


async def test_a_tool_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SERPER_API_KEY", raising=False)
    async with opened(tmp_path, tools={"web-search": {"provider": "serper"}}) as session:
        assert (await session.tools.call("calculator", {"expression": "6 * 7"})).output["value"] == "42"
        assert "divides by zero" in ((await session.tools.call("calculator", {"expression": "1 / 0"})).error or "")
        assert (await session.tools.call("python", {"code": "run(**{'n': 4})"})).output["value"] == 8
        with pytest.raises(UnknownNameError, match="did you mean 'calculator'"):
            await session.tools.call("calculater", {})
        with pytest.raises(MissingKeyError, match="web-search needs a key in SERPER_API_KEY"):
            await session.tools.call("web-search", {"query": "x"})


async def test_a_model_that_a_tool_asks_is_a_run(tmp_path: Path) -> None:
    async with opened(tmp_path, "Guten Tag", model="fake") as session:
        result = await session.tools.call("translate", {"text": "Hello", "target": "de"})
        assert result.error is None
        assert "Guten Tag" in json.dumps(result.output)
        (run,) = await session.store.runs()
        assert run.spec.strategy == "greedy"


async def test_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BRAVE_API_KEY", raising=False)
    async with opened(
        tmp_path, tools={"web-search": {"provider": "brave"}}, mcp={"gone": {"command": "no-such-program"}}
    ) as session:
        await session.tools.add(draft(), admitted_by="me")
        listing = await session.tools.every()
        found = {listed.tool.name: listed for listed in listing.tools}
        assert list(found) == sorted({*TOOLS.names(), "twice"})
        assert (found["wiki"].origin, found["twice"].origin) == ("symposia", "written")
        assert found["web-search"].missing_keys == "BRAVE_API_KEY"
        assert listing.left_out == []
        (why,) = (await session.tools.every(ask_servers=True)).left_out
        assert "gone" in why


async def test_admission_versions_and_provenance(tmp_path: Path) -> None:
    async with opened(tmp_path) as session:
        first = await session.tools.add(draft(), admitted_by="ann")
        assert (first.title, first.provenance.admitted_by, first.provenance.sandbox) == ("twice@1", "ann", "scripted")
        assert (first.provenance.run_id, first.provenance.model) == (None, None)
        second = await session.tools.add(draft("def run(n): return n + n"), admitted_by="bob")
        assert second.title == "twice@2"
        assert (await session.tools.find("twice")).written == second
        assert (await session.tools.find("twice@1")).written == first
        assert (await session.tools.call("twice@1", {"n": 5})).output == 10
        assert await session.tools.remove("twice@2") == ["twice@2"]
        assert (await session.tools.find("twice")).written == first
        with pytest.raises(ToolRefusedError, match="should give 2 and gave 3"):
            await session.tools.add(draft("def run(n): return 3 * n"), admitted_by="me")
        assert [each.version for each in await session.store.written_tools().every()] == [1]


@pytest.mark.parametrize("ending", [Ending.TIME, Ending.DENIED, Ending.CRASHED])
async def test_what_is_ended_is_tried_no_further(tmp_path: Path, ending: Ending) -> None:
    programs = []

    def run(code: str) -> Execution:
        programs.append(code)
        return Execution(ending=ending)

    async with opened(tmp_path, run=run) as session:
        with pytest.raises(ToolRefusedError, match=f"was ended .{ending}"):
            await session.tools.add(draft(), admitted_by="me")
    assert len(programs) == 1


async def test_it_takes_no_other_tools_name(tmp_path: Path) -> None:
    async with opened(tmp_path) as session:
        with pytest.raises(NameTakenError, match="there is a tool 'calculator' already"):
            await session.tools.add(draft(name="calculator"), admitted_by="me")
        await session.tools.add(draft(), admitted_by="me")
        with TOOLS.having("twice", TOOLS.get("calculator")):  # a package that is installed later
            assert (await session.tools.find("twice")).written is None
            listing = await session.tools.every()
            assert listing.left_out == ["twice@1, which was written, has the name of a tool that is installed"]
        assert (await session.tools.find("twice")).written is not None


async def test_a_sandbox_that_breaks_leaves_nothing(tmp_path: Path) -> None:
    """Between the sandbox and the store, too: what is stored is stored whole, by one statement, after the last test."""

    def run(code: str) -> Execution:
        if "'n': 3" in code:
            raise SandboxError("it is gone")
        return computed(code)

    async with opened(tmp_path, run=run) as session:
        with pytest.raises(SandboxError):
            await session.tools.add(draft(), admitted_by="me")
        assert await session.store.written_tools().every() == []


async def test_a_person_is_asked_unless_the_settings_say_otherwise(tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    said: list[tuple[dict[str, Any], Approval]] = [({}, Approval.ASK), ({"approve": {"twice": "always"}}, Approval.ALWAYS)]
    for flags, approval in said:
        async with opened(tmp_path, store=store, **flags) as session:
            added = await session.tools.add(draft(), admitted_by="me")
            spec = (await _prepared(session)).tools["twice"]
        assert spec == Grant(spec=spec.spec, approval=approval, digest=added.draft.digest)
    async with opened(tmp_path, store=store, approve={"twice": "never"}) as session:
        with pytest.raises(ConfigError, match="twice may never be called"):
            await _prepared(session)


async def _prepared(session: Session) -> Any:
    return await session.prepare(Problem.of("?", answer_kind="number"), strategy="react", team="fake", options={"tools": "twice"})


ALWAYS: dict[str, Any] = {"approve": {"twice": "always"}}


async def test_a_run_calls_it_and_is_replayed_after_it_is_gone(tmp_path: Path) -> None:
    async with opened(tmp_path, uses_it, store=tmp_path / "runs.db", **ALWAYS) as session:
        with pytest.raises(UnknownNameError, match="unknown tool 'twice' in approve"):
            await react(session)
    async with opened(tmp_path, uses_it, store=tmp_path / "runs.db") as session:
        await session.tools.add(draft(), admitted_by="me")
    async with opened(tmp_path, uses_it, store=tmp_path / "runs.db", **ALWAYS) as session:
        result = await react(session)
        assert (result.status, result.answer, result.candidate.tool_counts.calls) == (Status.ANSWERED, "42", 1)
        returned = [stored.event for stored in await session.store.events(result.run_id) if stored.event.type == "tool_returned"]
        assert [event.output for event in returned] == [42]
    async with opened(tmp_path, uses_it, store=tmp_path / "runs.db") as session:
        await session.tools.remove("twice")
        again = await session.replay(result.run_id)
        assert (again.answer, again.candidates) == (result.answer, result.candidates)


async def test_a_run_keeps_the_version_that_it_was_granted(tmp_path: Path) -> None:
    """The newer one has the same schema and description: only its source differs."""
    async with opened(tmp_path, uses_it, store=tmp_path / "runs.db") as session:
        await session.tools.add(draft(), admitted_by="me")
    async with opened(tmp_path, uses_it, store=tmp_path / "runs.db", **ALWAYS) as session:
        problem = Problem.of("?", answer_kind="number")
        options = {"tools": "twice"}
        record = await session.create(problem, strategy="react", team="fake", options=options)
        thrice = [{"arguments": {"n": 1}, "expected": 3}, {"arguments": {"n": 3}, "expected": 9}]
        await session.tools.add(draft("def run(n): return 3 * n", tests=thrice), admitted_by="me")
        old = await (await session.execution(record)).execute()
        new = await session.solve(problem, strategy="react", team="fake", options=options)
        assert [await _given(session, result.run_id) for result in (old, new)] == [[42], [63]]
        fork = await session.fork(old.run_id)
        assert fork.spec.tools["twice"] == record.spec.tools["twice"]
        gone = await session.create(problem, strategy="react", team="fake", options=options)
        await session.tools.remove("twice@2")
        with pytest.raises(UnknownNameError, match="written tool 'twice of sha256"):
            await (await session.execution(gone)).execute()


async def _given(session: Session, run_id: str) -> list[Any]:
    return [stored.event.output for stored in await session.store.events(run_id) if stored.event.type == "tool_returned"]


async def test_what_a_run_wrote_is_admitted_once_more(tmp_path: Path) -> None:
    body = draft().model_dump(mode="json")
    source = body.pop("source")
    reply = f"```python\n{source}\n```\n```json\n{json.dumps(body)}\n```"
    async with opened(tmp_path, reply) as session:
        result = await session.solve("Twice.", strategy="write-tool", team="fake", answer_kind="json")
        assert result.candidate is not None
        assert await session.store.written_tools().every() == []
        written = await session.tools.add_from_run(result.run_id, admitted_by="ann")
        assert (written.title, written.draft) == ("twice@1", draft())
        assert (written.provenance.run_id, written.provenance.model) == (result.run_id, result.candidate.model)
        assert await session.tools.add_from_run(result.run_id, admitted_by="ann") == written
        other = await session.solve("?", strategy="greedy", team="fake", answer_kind="text")
        with pytest.raises(ToolRefusedError, match=f"run {other.run_id} wrote no tool"):
            await session.tools.add_from_run(other.run_id, admitted_by="ann")
        with pytest.raises(RunNotFoundError):
            await session.tools.add_from_run("nobody", admitted_by="ann")


def test_names_with_versions() -> None:
    assert (parse_title("a"), parse_title("a@12")) == (("a", None), ("a", 12))
    for text in ("a@", "a@x", "a@-1", "a@1@2"):
        with pytest.raises(ConfigError, match="is no version"):
            parse_title(text)
