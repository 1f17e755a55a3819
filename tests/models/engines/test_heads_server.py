"""The transformers engine's server without torch: its protocol, its batches, and what it makes of a checkpoint's names."""

from __future__ import annotations

import asyncio
import math
import sys
import threading
import types
from collections import deque
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web

from symposia.models.engines import heads_model, heads_server
from symposia.models.engines.heads_server import BATCH_TEXTS, BATCH_TOKENS, Job, Server, Worker, next_batch

LIMIT = 40


class Rows:
    """The little of a tensor that the server uses."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def isfinite(self) -> Rows:
        return Rows([[math.isfinite(number) for number in row] for row in self.values])

    def all(self) -> bool:
        return all(all(row) for row in self.values)

    def tolist(self) -> Any:
        return self.values

    def __getitem__(self, index: int) -> Rows:
        return Rows(self.values[index])


class Tokenizer:
    """One token a character, by its code point; ``#`` is the step tag."""

    def __len__(self) -> int:
        return 0x110000

    def encode(self, text: str, *, add_special_tokens: bool, verbose: bool) -> list[int]:
        assert verbose is False
        text.encode()  # tokenizers refuse half of a surrogate pair too
        return [*([1] if add_special_tokens else []), *map(ord, text)]

    def apply_chat_template(self, messages: list[dict[str, Any]], *, tokenize: bool, **options: Any) -> str:
        assert tokenize is False
        if options["add_generation_prompt"] and options["continue_final_message"]:
            raise RuntimeError("both cannot be")
        texts = [each["content"] + "".join(call["name"] for call in each.get("tool_calls", ())) for each in messages]
        turns = [f"{each['role'][0]}:{text};" for each, text in zip(messages, texts, strict=True)]
        return "".join(turns) + "a:" * options["add_generation_prompt"]


class FakeHeads:
    """Judges by the position and counts batches."""

    def __init__(self, kind: str = "process", tag: str = "#") -> None:
        self.kind = kind
        self.labels = 2
        self.hidden_size = 1
        self.step_tag = tag
        self.tag_id = ord(tag) if tag else None
        self.tokenizer = Tokenizer()
        self.batches: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.working = threading.Event()
        self.factor = 1.0

    def scores(self, items: Sequence[heads_model.Item]) -> list[Rows]:
        self.working.set()
        self.gate.wait(5)
        self.batches.append(len(items))
        if any(len(item.ids) == 13 for item in items):
            raise MemoryError("unlucky")
        return [Rows([[-float(place), place * self.factor] for place in item.positions]) for item in items]

    def states(self, items: Sequence[heads_model.Item]) -> list[Rows]:
        return [Rows([[100.0 + place] for place in item.positions]) for item in items]

    def activate(self, rows: Rows, *, states: bool) -> Rows:
        return Rows([[-7.0 if states else 7.0] for _ in rows.values])


class Client:
    """Asks one server."""

    def __init__(self, heads: FakeHeads, session: ClientSession, url: str) -> None:
        self.heads = heads
        self._session = session
        self._url = url

    async def post(self, path: str = "/pooling", /, **body: Any) -> tuple[int, Any]:
        async with self._session.post(self._url + path, json=body) as reply:
            return reply.status, await reply.json()

    async def raw(self, data: bytes) -> tuple[int, Any]:
        async with self._session.post(self._url + "/pooling", data=data) as reply:
            return reply.status, await reply.json()

    async def get(self, path: str) -> tuple[int, str]:
        async with self._session.get(self._url + path) as reply:
            return reply.status, await reply.text()


@pytest.fixture
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    heads = FakeHeads(*getattr(request, "param", ()))
    runner = web.AppRunner(Server(heads, "m", LIMIT).app(), handler_cancellation=True, access_log=None)  # type: ignore[arg-type]
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with ClientSession() as session:
        yield Client(heads, session, f"http://127.0.0.1:{runner.addresses[0][1]}")
    heads.gate.set()
    await runner.cleanup()


KINDS = {kind: (kind, tag) for kind, tag in [("outcome", ""), ("value", ""), ("states", ""), ("process", "#")]}


async def test_it_says_what_it_serves(client: Client) -> None:
    assert (await client.get("/health"))[0] == 200
    status, text = await client.get("/v1/models")
    assert status == 200
    for part in ('"id": "m"', '"symposia-heads"', f'"max_model_len": {LIMIT}', '"kind": "process"', '"step_tag": "#"'):
        assert part in text


async def test_rows_come_at_the_tags_and_activated_unless_told_otherwise(client: Client) -> None:
    status, reply = await client.post(model="m", input="ab#c#", use_activation=False, add_special_tokens=False)
    assert (status, reply["data"][0]["data"]) == (200, [[-2.0, 2.0], [-4.0, 4.0]])
    assert reply["usage"]["prompt_tokens"] == 5
    assert (await client.post(input="ab#c#"))[1]["data"][0]["data"] == [[7.0], [7.0]]
    assert (await client.post(input="ab#c#", task="token_embed"))[1]["data"][0]["data"] == [[-7.0], [-7.0]]
    states = await client.post(input="ab#c#", task="token_embed", use_activation=False)
    assert states[1]["data"][0]["data"] == [[103.0], [105.0]]  # one further: behind the special token


@pytest.mark.parametrize("client", [KINDS["value"]], indirect=True)
async def test_positions_or_else_every_token(client: Client) -> None:
    one = await client.post(input=[65, 66, 67], positions=[1], use_activation=False)
    assert one[1]["data"][0]["data"] == [[-1.0, 1.0]]
    assert len((await client.post(input=[65, 66, 67]))[1]["data"][0]["data"]) == 3


@pytest.mark.parametrize("client", [KINDS["outcome"]], indirect=True)
async def test_an_outcome_is_one_row_at_the_end(client: Client) -> None:
    messages = [{"role": "user", "content": [{"type": "text", "text": "x"}]}]
    status, reply = await client.post(messages=messages, use_activation=False)
    assert (status, reply["data"][0]["data"]) == (200, [-3.0, 3.0])
    assert (await client.post(input="abc", positions=[1]))[0] == 400


@pytest.mark.parametrize("client", [KINDS["states"]], indirect=True)
async def test_a_model_without_a_head_gives_states_only(client: Client) -> None:
    assert (await client.post(input=[65]))[1]["data"][0]["data"] == [[-7.0]]
    status, reply = await client.post(input=[65], task="token_classify")
    assert (status, reply["error"]["code"]) == (400, 400)


async def test_inputs_come_one_or_several_as_text_or_ids(client: Client) -> None:
    for given, count in [("#", 1), (["#", "a#"], 2), ([35], 1), ([[35], [66, 35]], 2), ([[35], "#"], 2)]:
        status, reply = await client.post(input=given)
        assert (status, [each["index"] for each in reply["data"]]) == (200, list(range(count)))


async def test_texts_are_cut_as_vllm_does(client: Client) -> None:
    assert (await client.post("/tokenize", prompt="ab"))[1] == {"count": 3, "max_model_len": LIMIT, "tokens": [1, 97, 98]}
    assert (await client.post("/tokenize", prompt="a", add_special_tokens=False))[1]["tokens"] == [97]
    messages = [{"role": "user", "content": "x"}]
    told = await client.post("/tokenize", messages=messages, add_generation_prompt=True)
    assert told[1]["tokens"] == list(map(ord, "u:x;a:"))
    assert (await client.post("/tokenize", text="a"))[0] == 400


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "either messages or input"),
        ({"input": "#", "messages": []}, "either messages or input"),
        ({"input": ""}, "no step tag"),
        ({"input": "", "add_special_tokens": False}, "the input is empty"),
        ({"input": []}, "the input is empty"),
        ({"input": [[]]}, "the input is empty"),
        ({"input": "x" * 40}, "has 41 tokens, the model's maximum context length is 40"),
        ({"input": "abc"}, "no step tag ('#')"),
        ({"input": [1.5]}, "text or ids"),
        ({"input": [True]}, "text or ids"),
        ({"input": {"a": 1}}, "text or ids"),
        ({"input": [-1]}, "text or ids"),
        ({"input": [0x110000]}, "text or ids"),
        ({"input": "\ud800#"}, "cannot be cut into tokens"),
        ({"input": "#", "positions": [2]}, "positions must count"),
        ({"input": "#", "positions": [-1]}, "positions must count"),
        ({"input": "#", "positions": 1}, "positions must count"),
        ({"input": "#", "positions": []}, "positions is empty"),
        ({"input": "#", "task": "embed"}, "the task 'embed' is not supported, only 'token_classify' and 'token_embed'"),
        ({"input": "#", "truncate_prompt_tokens": 3}, "unknown field 'truncate_prompt_tokens'"),
        ({"input": "#", "encoding_format": "base64"}, "can only be 'float'"),
        ({"messages": [{"role": "user", "content": 1}]}, "a message must be text"),
        ({"messages": "hello"}, "cannot be put through the chat template"),
        ({"messages": [], "add_generation_prompt": True, "continue_final_message": True}, "both cannot be"),
    ],
)
async def test_refusals_are_sentences(client: Client, body: dict[str, Any], why: str) -> None:
    status, reply = await client.post(**body)
    assert status == 400
    assert why in reply["error"]["message"]


async def test_what_else_a_message_has_reaches_the_template(client: Client) -> None:
    calls = [{"role": "user", "content": "#"}, {"role": "assistant", "content": None, "tool_calls": [{"name": "add"}]}]
    told = await client.post("/tokenize", messages=calls)
    assert "".join(map(chr, told[1]["tokens"])) == "u:#;a:add;"


async def test_other_refusals(client: Client) -> None:
    status, reply = await client.post(model="n", input="#")
    assert (status, reply["error"]["message"]) == (404, "the model 'n' does not exist, this is 'm'")
    for data in (b"{", b"\xff", b"[1]"):
        status, reply = await client.raw(data)
        assert (status, reply["error"]["type"]) == (400, "BadRequestError")
    client.heads.factor = math.nan
    status, reply = await client.post(input="#", use_activation=False)
    assert (status, reply["error"]["message"]) == (500, "the model gave a number that is not finite")


async def test_a_failing_batch_does_not_end_the_server(client: Client) -> None:
    status, reply = await client.post(input="x" * 11 + "#")
    assert (status, reply["error"]["message"]) == (500, "the model failed: MemoryError: unlucky")
    assert (await client.post(input="#"))[0] == 200


async def test_what_comes_in_while_the_model_works_makes_up_the_next_batch() -> None:
    heads = FakeHeads()
    heads.gate.clear()
    worker = Worker(heads)  # type: ignore[arg-type]
    running = asyncio.create_task(worker.run())
    item = heads_model.Item((1, 2), (1,))
    first = asyncio.create_task(worker.rows(item, states=False))
    await asyncio.to_thread(heads.working.wait, 5)
    later = [asyncio.create_task(worker.rows(item, states=False)) for _ in range(5)]
    await asyncio.sleep(0)  # they are in the queue now
    later[2].cancel()
    heads.gate.set()
    done = await asyncio.gather(first, *later, return_exceptions=True)
    assert [type(each) for each in done] == [Rows, Rows, Rows, asyncio.CancelledError, Rows, Rows]
    assert heads.batches == [1, 4]
    running.cancel()


# --- batches ----------------------------------------------------------------------------------------------------------------


def job(tokens: int, *, states: bool = False) -> Job:
    return Job(heads_model.Item((1,) * tokens, (0,)), states, asyncio.get_running_loop().create_future())


async def test_a_batch_is_of_one_task_and_keeps_its_order() -> None:
    jobs = [job(1), job(2, states=True), job(3), job(4, states=True)]
    waiting = deque(jobs)
    assert next_batch(waiting) == [jobs[0], jobs[2]]
    assert next_batch(waiting) == [jobs[1], jobs[3]]
    assert next_batch(waiting) == []


async def test_a_batch_keeps_within_its_limits_padding_counted() -> None:
    waiting = deque(job(1) for _ in range(BATCH_TEXTS + 1))
    assert [len(next_batch(waiting)) for _ in range(2)] == [BATCH_TEXTS, 1]
    large, small = BATCH_TOKENS // 2, 1
    waiting = deque([job(small), job(large), job(small), job(2 * BATCH_TOKENS), job(small)])
    sizes = []
    while batch := next_batch(waiting):
        sizes.append([len(each.item.ids) for each in batch])
    assert sizes == [[small, large], [small, small], [2 * BATCH_TOKENS]]


async def test_what_nobody_waits_for_is_dropped() -> None:
    gone, kept = job(1), job(1)
    gone.done.cancel()
    assert next_batch(deque([gone, kept])) == [kept]


# --- checkpoints ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("architecture", "heads", "labels", "kind"),
    [
        ("Qwen2ForSequenceClassification", ["score"], [], "outcome"),
        ("Qwen2ForRewardModel", ["score"], [], "outcome"),
        ("Qwen2ForProcessRewardModel", ["score"], [], "process"),
        ("Qwen2ForTokenClassification", ["score"], [], "process"),
        ("MistralForCausalLM", [], ["+", "-"], "labels"),
        ("LlamaForCausalLM", ["v_head"], [], "value"),
        ("LlamaForCausalLM", ["value_head"], [], "value"),
        ("LlamaForCausalLM", [], [], "states"),
        (None, [], [], "states"),
    ],
)
def test_what_a_checkpoint_is(architecture: str | None, heads: list[str], labels: list[str], kind: str) -> None:
    config = {} if architecture is None else {"architectures": [architecture]}
    assert heads_model.detect(config, heads, labels) == kind
    assert kind in heads_model.KINDS


def test_a_folder_is_itself(tmp_path: Path) -> None:
    assert heads_model.local_folder(str(tmp_path)) == tmp_path


@pytest.mark.parametrize(("gives", "why"), [(OSError("offline"), "offline"), ("cache", "")])
def test_another_name_is_had_from_the_hub(monkeypatch: pytest.MonkeyPatch, gives: Any, why: str) -> None:
    def download(name: str, *, allow_patterns: list[str]) -> str:
        assert (name, "*.safetensors" in allow_patterns) == ("org/model", True)
        if why:
            raise gives
        return str(gives)

    monkeypatch.setitem(sys.modules, "huggingface_hub", types.SimpleNamespace(snapshot_download=download))
    if not why:
        assert heads_model.local_folder("org/model") == Path("cache")
        return
    with pytest.raises(heads_model.UnusableError, match="org/model is no folder here and cannot be had from the hub: offline"):
        heads_model.local_folder("org/model")


def test_a_folder_without_a_configuration(tmp_path: Path) -> None:
    with pytest.raises(heads_model.UnusableError, match=r"config\.json cannot be read"):
        heads_model._config(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(heads_model.UnusableError, match=r"config\.json is no object"):
        heads_model._config(tmp_path)


def test_layers_count_in_their_own_order() -> None:
    assert sorted([".10", ".2", ".0", ".summary"], key=heads_model._natural) == [".summary", ".0", ".2", ".10"]


def test_the_command_line() -> None:
    words = ["--model=M", "--name=N", "--label=+", "--label=-", "--step-tag=ки", "--kind=labels", "--max-length=9"]
    arguments = heads_server._arguments(words)
    assert (arguments.label, arguments.step_tag, arguments.kind, arguments.max_length) == (["+", "-"], "ки", "labels", 9)
    with pytest.raises(SystemExit):
        heads_server._arguments(["--model=M", "--name=N", "--kind=poem"])
