"""Which embedder a corpus is searched with, what that costs, and what happens where it cannot be had."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from symposia.core.calls import EmbedRequest
from symposia.core.errors import ConfigError, ModelError, UnknownNameError, UnreachableError
from symposia.core.model_spec import Ability, ModelSpec, Price, RewardForm
from symposia.core.records import EntryStatus, JournalEntry
from symposia.core.result import Result, StopReason
from symposia.core.retrieval import Document, Embedder
from symposia.core.usage import Usage
from symposia.memory.retrieval import wordllama
from symposia.models.gateway import ModelGateway, RetryPolicy
from symposia.runtime.embedders import ModelEmbedder
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings
from symposia.testing import Canned, HashEmbedder, LoopbackServer, ReplyServer, ScriptedModel, ScriptedSandbox, fake_spec

TEXTS = {"rolls": "a tray holds 12 rolls", "trains": "trains leave at nine"}
DOCUMENTS = [Document(id=name, text=text) for name, text in TEXTS.items()]
HASH = HashEmbedder(16)
WANTS = 'Thought: I must look.\nAction: offline-search\nAction Input: {"query": "rolls a tray", "limit": 1}'


def reply(prompt: str, sample: int) -> str:
    return "Thought: I know.\nFinal Answer: 12" if "Observation: {" in prompt else WANTS


@asynccontextmanager
async def opened(
    folder: Path, *models: ModelSpec, embedders: Sequence[Embedder] = (HASH,), store: str | Path = ":memory:", **flags: Any
) -> AsyncIterator[Session]:
    settings = load_settings(flags=flags, environ={}, cwd=folder, user_file=folder / "none.toml")
    gateway = ModelGateway(transports={"direct": ScriptedModel(reply)}, retry=RetryPolicy(max_attempts=1))
    known = {spec.name: spec for spec in (fake_spec(), *models)}
    async with Session(
        settings=settings, store=store, gateway=gateway, models=known, embedders=embedders, sandbox=ScriptedSandbox()
    ) as session:
        yield session


def embedding(server: LoopbackServer | ReplyServer, **changes: Any) -> ModelSpec:
    url = server.url.removesuffix("/v1")
    fields: dict[str, Any] = {"endpoint": f"{url}/v1", "price": Price(input=1e6, output=0.0)}
    return ModelSpec(name="vectors", abilities=frozenset({Ability.EMBED}), **(fields | changes))


async def near(session: Session, query: str) -> list[tuple[str, int | None]]:
    return [(hit.document.id, hit.vector_rank) for hit in await session.library.search(query, corpus="documents")]


# --- which one --------------------------------------------------------------------------------------------------------------


async def test_nothing_is_embedded_unless_somebody_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path) as session:
        await (await session.library.to_add("documents")).add("documents", DOCUMENTS)
        assert (await session.store.corpora().corpus("documents")).embedder is None
        assert await near(session, "rolls") == [("rolls", None)]


async def test_the_configured_one_embeds_new_corpora_and_others_keep_theirs(tmp_path: Path) -> None:
    async with opened(tmp_path, store=tmp_path / "s.db", embedder="hash") as session:
        await (await session.library.to_add("documents")).add("documents", DOCUMENTS)
        assert (await session.store.corpora().corpus("documents")).embedder == "hash"
    async with opened(tmp_path, store=tmp_path / "s.db") as session:  # by now it is none
        assert await near(session, "rolls") == [("rolls", 1)]
        assert await (await session.library.to_add("documents")).add("documents", [Document(id="x", text="rolls")]) == 1
        assert (await session.store.corpora().corpus("documents")).vectors == 3
    async with opened(tmp_path, embedders=(), store=tmp_path / "s.db") as session:
        for work in (session.library.to_add("documents"), near(session, "rolls")):
            with pytest.raises(
                ConfigError, match=r"'documents' has vectors of 'hash', which is no embedder here .*corpus embed documents"
            ):
                await work
        await (await session.library.by("none")).forget_vectors("documents")
        assert await near(session, "trains") == [("trains", None)]


async def test_wordllama_that_is_missing_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path, embedder="wordllama") as session:
        await (await session.library.to_add("documents")).add("documents", DOCUMENTS)
        assert (await near(session, "when does the railway depart"))[0][1] is not None
    monkeypatch.setattr(wordllama, "find_spec", lambda _: None)
    async with opened(tmp_path, embedder="wordllama") as session:
        with pytest.raises(ConfigError, match=r"wordllama is not installed .pip install .symposia\[embed\]"):
            await session.library.to_add("documents")


async def test_names_that_stand_for_no_embedder(tmp_path: Path) -> None:
    form = RewardForm(kind="states")
    judge = ModelSpec(name="judge", endpoint="http://127.0.0.1:9/v1", abilities=frozenset({Ability.EMBED}), reward=form)
    vectors = ModelSpec(name="vectors", endpoint="http://127.0.0.1:9/v1", abilities=frozenset({Ability.EMBED}))
    async with opened(tmp_path, judge, vectors) as session:
        for name, error, says in (
            ("wordlama", UnknownNameError, "unknown embedder 'wordlama' .did you mean 'wordllama'"),
            ("vektors", UnknownNameError, "did you mean 'vectors'"),
            ("fake", ConfigError, "fake is no embedder: it does not declare the ability 'embed'"),
            ("judge", ConfigError, "judge judges solutions"),
            ("vectors", UnreachableError, "nobody answers for vectors"),
        ):
            with pytest.raises(error, match=says):
                await session.library.by(name)
        with pytest.raises(UnknownNameError, match="unknown corpus 'documents'"):
            await session.library.of("documents")


# --- models -----------------------------------------------------------------------------------------------------------------


async def test_a_model_embeds_and_is_paid(tmp_path: Path) -> None:
    async with LoopbackServer() as server, opened(tmp_path, embedding(server), embedder="vectors") as session:
        await (await session.library.to_add("documents")).add("documents", DOCUMENTS)
        assert server.embedded == [["word"], list(TEXTS.values())]
        assert session.library.usage == Usage(calls=2, prompt_tokens=10, dollars=10.0)
        assert (await session.store.corpora().corpus("documents")).dimension == 64
        assert await near(session, "a tray") == [("rolls", 1)]
        assert server.embedded[2:] == [["a tray"]]  # the store knows the dimension


async def test_texts_go_some_at_a_time_and_none_is_empty() -> None:
    asked: list[tuple[str, ...]] = []

    async def ask(spec: ModelSpec, request: EmbedRequest) -> Any:
        asked.append(request.texts)
        return type("Reply", (), {"vectors": tuple((1.0, 2.0) for _ in request.texts)})

    embedder = ModelEmbedder(fake_spec(), ask, 2)
    texts = ["", *["x"] * 300, "y" * 50_000, "z" * 50_000]
    assert (await embedder.embed(texts)).shape == (303, 2)
    assert [len(texts) for texts in asked] == [128, 128, 46, 1]
    assert asked[0][0] == " "
    assert (await embedder.embed([])).shape == (0, 2)
    with pytest.raises(ConfigError, match="makes vectors of 2 numbers now, not of 3"):
        await ModelEmbedder(fake_spec(), ask, 3).embed(["x"])


async def test_calls_that_may_have_been_charged_are_counted_as_lost(tmp_path: Path) -> None:
    async with ReplyServer(Canned(fault="drop")) as server, opened(tmp_path, embedding(server)) as session:
        with pytest.raises(ModelError, match="broke off"):
            await session.library.by("vectors")
        usage = session.library.usage
    assert (usage.calls, usage.lost_calls, usage.prompt_tokens) == (1, 1, 0)
    assert usage.dollars > 0


# --- in a run ---------------------------------------------------------------------------------------------------------------


async def embedded(session: Session) -> None:
    await (await session.library.to_add("documents")).add("documents", DOCUMENTS)


async def react(session: Session, **changes: Any) -> Result:
    options = {"tools": ["offline-search"]}
    return await session.solve("How many?", strategy="react", team="fake", answer_kind="number", options=options, **changes)


async def calls(session: Session, run_id: str) -> list[JournalEntry]:
    return [entry for entry in await session.store.journal(run_id) if entry.role == "embedder"]


async def test_a_run_finds_a_document_and_pays_for_its_query(tmp_path: Path) -> None:
    async with LoopbackServer() as server, opened(tmp_path, embedding(server), embedder="vectors") as session:
        await embedded(session)
        before = session.library.usage
        result = await react(session)
        assert (result.answer, result.usage["embedder"]) == ("12", Usage(calls=1, prompt_tokens=3, dollars=3.0))
        assert result.candidate is not None
        assert TEXTS["rolls"] in result.candidate.text
        assert session.library.usage == before
        (done,) = await calls(session, result.run_id)
        assert (done.key, done.status, done.model) == ("react/act.0.0/embed.0.0", EntryStatus.DONE, "vectors")
        asked = len(server.embedded)
        replayed = await session.replay(result.run_id)
        assert (replayed.usage, replayed.candidates, len(server.embedded)) == (result.usage, result.candidates, asked)


async def test_a_search_that_does_not_fit_the_budget_is_told_to_the_model(tmp_path: Path) -> None:
    async with LoopbackServer() as server, opened(tmp_path, embedding(server), embedder="vectors") as session:
        await embedded(session)
        asked = len(server.embedded)
        result = await react(session, budget="calls=1")
        assert (result.stop_reason, len(server.embedded)) == (StopReason.BUDGET, asked)
        assert await calls(session, result.run_id) == []


async def test_a_model_without_a_price_is_not_asked_under_a_budget_in_dollars(tmp_path: Path) -> None:
    priced = fake_spec("fake", price=Price(input=0.0, output=0.0))
    async with (
        LoopbackServer() as server,
        opened(tmp_path, embedding(server, price=Price()), priced, embedder="vectors") as session,
    ):
        await embedded(session)
        result = await react(session, budget="dollars=1")
        assert result.candidate is not None
        assert "vectors, whose price is unknown, and the budget is in dollars" in result.candidate.text
        assert "embedder" not in result.usage


@pytest.mark.parametrize(("canned", "lost"), [(Canned(status=503), 0), (Canned(fault="drop"), 1)])
async def test_a_model_that_fails_is_told_to_the_model_that_asked(tmp_path: Path, canned: Canned, lost: int) -> None:
    async with (
        LoopbackServer() as good,
        opened(tmp_path, embedding(good), store=tmp_path / "s.db", embedder="vectors") as session,
    ):
        await embedded(session)
    async with ReplyServer(canned) as bad, opened(tmp_path, embedding(bad), store=tmp_path / "s.db") as session:
        result = await react(session)
        assert (result.answer, len(bad.requests)) == ("12", 1)
        assert result.candidate is not None
        assert '"error": ' in result.candidate.text
        assert result.usage["embedder"].lost_calls == lost
        assert (await calls(session, result.run_id))[-1].status is EntryStatus.FAILED
        assert (await session.replay(result.run_id)).usage == result.usage


async def test_a_call_that_the_end_of_the_run_breaks_off_stays_charged_as_lost(tmp_path: Path) -> None:
    async with (
        LoopbackServer() as good,
        opened(tmp_path, embedding(good), store=tmp_path / "s.db", embedder="vectors") as session,
    ):
        await embedded(session)
    stalled = ReplyServer(Canned(fault="stall"))
    async with stalled, opened(tmp_path, embedding(stalled), store=tmp_path / "s.db") as session:
        result = await react(session, budget="seconds=0.5")
        assert (result.stop_reason, len(stalled.requests)) == (StopReason.DEADLINE, 1)
        (sent,) = await calls(session, result.run_id)
        assert (sent.status, result.usage["embedder"]) == (EntryStatus.SENT, sent.charge.as_lost())


async def test_a_run_whose_corpus_cannot_be_searched_is_refused_before_anything_is_spent(tmp_path: Path) -> None:
    async with opened(tmp_path, tools={"offline-search": {"corpus": "papers"}}) as session:
        with pytest.raises(
            ConfigError, match=r"searches the corpus 'papers', which is not there .`symposia corpus add papers PATH`"
        ):
            await react(session)
        await session.store.corpora().add("paper", DOCUMENTS)
        with pytest.raises(ConfigError, match=r"set tools\.offline-search\.corpus to 'paper'"):
            await react(session)
        await session.store.corpora(HashEmbedder(8, name="gone")).add("papers", DOCUMENTS)
        with pytest.raises(ConfigError, match="vectors of 'gone', which is no embedder here"):
            await react(session)
        assert await session.store.runs() == []
