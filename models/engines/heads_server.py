"""The server of the transformers engine: ``python heads_server.py --model FOLDER --name NAME …``, run by :mod:`.heads`.

Speaks the part of vLLM's protocol that scores need, so that one client talks to both: ``POST /pooling`` and ``POST /tokenize``,
``GET /health`` and ``GET /v1/models``. Prints its address as its first line. Runs in a Python that has torch, transformers and
aiohttp and need not have symposia, so it imports nothing of ours but the file beside it.

Where it differs from vLLM: ``positions`` in a request asks for these tokens only (vLLM sends every token's row), a text with no
step tag, one that is too long and an unknown field are refused, and one server answers ``token_classify`` and ``token_embed``.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import json
import os
import signal
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from aiohttp import web

if TYPE_CHECKING:
    from . import heads_model
else:
    _here = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != _here]  # vllm.py and others would hide packages
    _spec = importlib.util.spec_from_file_location("heads_model", _here / "heads_model.py")
    heads_model = importlib.util.module_from_spec(_spec)
    sys.modules["heads_model"] = heads_model
    _spec.loader.exec_module(heads_model)

BATCH_TEXTS = 16
BATCH_TOKENS = 16384
"""A batch may have this many texts, and tokens with its padding."""

_KNOWN = frozenset({"model", "input", "messages", "task", "use_activation", "positions", "add_special_tokens"})
_KNOWN |= {"add_generation_prompt", "continue_final_message", "chat_template_kwargs", "encoding_format", "user", "request_id"}
_TEMPLATE = ("add_generation_prompt", "continue_final_message")


class Refused(Exception):  # noqa: N818 - not an error of ours
    """A request that cannot be answered, in one sentence. ``status`` is the HTTP status."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Job(NamedTuple):
    """One text that waits for its rows."""

    item: heads_model.Item
    states: bool
    done: asyncio.Future[Any]


def next_batch(waiting: deque[Job]) -> list[Job]:
    """Take the next texts to be run together: the first, and those of its task that the limits let in beside it.

    Texts keep their order; one larger than the limits runs alone. Texts that nobody waits for any more are dropped.
    """
    batch: list[Job] = []
    rest: list[Job] = []
    longest = 0
    while waiting:
        job = waiting.popleft()
        if job.done.cancelled():
            continue
        width = max(longest, len(job.item.ids))
        fits = len(batch) < BATCH_TEXTS and width * (len(batch) + 1) <= BATCH_TOKENS
        if not batch or (job.states == batch[0].states and fits):
            batch.append(job)
            longest = width
        else:
            rest.append(job)
    waiting.extend(rest)
    return batch


class Worker:
    """Runs what waits, one batch after the other. What comes in meanwhile makes up the next batch."""

    def __init__(self, heads: heads_model.Heads) -> None:
        self._heads = heads
        self._waiting: deque[Job] = deque()
        self._arrived = asyncio.Event()

    async def rows(self, item: heads_model.Item, *, states: bool) -> Any:
        """The rows of one text. Cancel it, and it is not run."""
        job = Job(item, states, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        self._arrived.set()
        return await job.done

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while batch := next_batch(self._waiting):
                compute = self._heads.states if batch[0].states else self._heads.scores
                try:
                    results = await asyncio.to_thread(compute, [job.item for job in batch])
                except Exception as error:  # noqa: BLE001 - such as no memory: these texts failed, the server goes on
                    results = [Refused(f"the model failed: {type(error).__name__}: {error}", 500)] * len(batch)
                for job, result in zip(batch, results, strict=True):
                    if job.done.cancelled():
                        continue
                    if isinstance(result, Refused):
                        job.done.set_exception(result)
                    else:
                        job.done.set_result(result)


class Server:
    """Requests of one model, answered. ``name`` is what they have to call it."""

    def __init__(self, heads: heads_model.Heads, name: str, limit: int) -> None:
        self._heads = heads
        self._name = name
        self._limit = limit
        self._worker = Worker(heads)
        self._score_task = "" if heads.kind == "states" else "classify" if heads.kind == "outcome" else "token_classify"

    def app(self) -> web.Application:
        """The application, with its worker."""
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_get("/health", self._health)
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/pooling", _answering(self._pooling))
        app.router.add_post("/tokenize", _answering(self._tokenize))
        app.cleanup_ctx.append(self._working)
        return app

    async def _working(self, _: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(self._worker.run())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response()

    async def _models(self, _: web.Request) -> web.Response:
        heads = self._heads
        meta = {"kind": heads.kind, "labels": heads.labels, "step_tag": heads.step_tag, "hidden_size": heads.hidden_size}
        model = {"id": self._name, "object": "model", "owned_by": "symposia-heads", "max_model_len": self._limit, "meta": meta}
        return web.json_response({"object": "list", "data": [model]})

    async def _tokenize(self, body: dict[str, Any]) -> dict[str, Any]:
        """As vLLM does: ``prompt``, or ``messages`` through the template; special tokens unless told otherwise."""
        if "messages" in body:
            ids = self._encode(self._render(body), special=bool(body.get("add_special_tokens", False)))
        elif isinstance(body.get("prompt"), str):
            ids = self._encode(body["prompt"], special=bool(body.get("add_special_tokens", True)))
        else:
            raise Refused("give messages or prompt")
        return {"count": len(ids), "max_model_len": self._limit, "tokens": ids}

    async def _pooling(self, body: dict[str, Any]) -> dict[str, Any]:
        if unknown := sorted(set(body) - _KNOWN):
            raise Refused(f"unknown field {unknown[0]!r}")
        if body.get("model") not in {None, self._name}:
            raise Refused(f"the model {body['model']!r} does not exist, this is {self._name!r}", 404)
        if body.get("encoding_format", "float") != "float":
            raise Refused("encoding_format can only be 'float'")
        task = body.get("task") or self._score_task or "token_embed"
        if task not in {self._score_task, "token_embed"} - {""}:
            raise Refused(f"the task {task!r} is not supported, only {self._score_task or 'token_embed'!r} and 'token_embed'")
        states = task == "token_embed"
        items = [self._item(ids, body.get("positions"), whole=task == "classify") for ids in self._inputs(body)]
        results = await asyncio.gather(*(self._worker.rows(item, states=states) for item in items))
        if body.get("use_activation") is not False:
            results = [self._heads.activate(rows, states=states) for rows in results]
        if not all(bool(rows.isfinite().all()) for rows in results):
            raise Refused("the model gave a number that is not finite", 500)
        data = [rows[0].tolist() if task == "classify" else rows.tolist() for rows in results]
        tokens = sum(len(item.ids) for item in items)
        return {
            "object": "list",
            "created": int(time.time()),
            "model": self._name,
            "data": [{"index": index, "object": "pooling", "data": each} for index, each in enumerate(data)],
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens, "completion_tokens": 0},
        }

    def _inputs(self, body: dict[str, Any]) -> list[list[int]]:
        """The texts of a request as token ids: ``messages`` is one; ``input`` a text, token ids, or a list of either."""
        if ("messages" in body) == ("input" in body):
            raise Refused("give either messages or input")
        if "messages" in body:
            return [self._encode(self._render(body), special=bool(body.get("add_special_tokens", False)))]
        given = body["input"]
        several = given if isinstance(given, list) and not all(_is_index(each) for each in given) else [given]
        special = bool(body.get("add_special_tokens", True))
        return [self._encode(each, special=special) if isinstance(each, str) else self._checked(each) for each in several]

    def _render(self, body: dict[str, Any]) -> str:
        options = {name: bool(body.get(name, False)) for name in _TEMPLATE}
        try:
            messages = [{**each, "content": _text(each["content"])} for each in body["messages"]]
            text = self._heads.tokenizer.apply_chat_template(
                messages, tokenize=False, **options, **(body.get("chat_template_kwargs") or {})
            )
        except Refused:
            raise
        except Exception as error:  # templates are programs, and raise what they like
            raise Refused(f"the messages cannot be put through the chat template: {type(error).__name__}: {error}") from error
        return str(text)

    def _encode(self, text: str, *, special: bool) -> list[int]:
        try:
            return [int(token) for token in self._heads.tokenizer.encode(text, add_special_tokens=special, verbose=False)]
        except (TypeError, ValueError) as error:  # such as half of a surrogate pair
            raise Refused(f"the text cannot be cut into tokens: {error}") from error

    def _checked(self, ids: Any) -> list[int]:
        size = len(self._heads.tokenizer)
        if not isinstance(ids, list) or not all(_is_index(each) and each < size for each in ids):
            raise Refused("input must be text or ids of tokens that the model has, or a list of either")
        return ids

    def _item(self, ids: list[int], positions: Any, *, whole: bool) -> heads_model.Item:
        """The text and where to judge it: as asked, at its end, at every step tag, or at every token."""
        if not ids:
            raise Refused("the input is empty")
        if len(ids) > self._limit:
            raise Refused(f"the input has {len(ids)} tokens, the model's maximum context length is {self._limit}")
        if positions is not None:
            if whole or not isinstance(positions, list) or not all(_is_index(each) and each < len(ids) for each in positions):
                raise Refused("positions must count tokens of the input, and the task must judge tokens")
            chosen = positions
        elif whole:
            chosen = [len(ids) - 1]
        elif self._heads.tag_id is not None:
            chosen = [position for position, token in enumerate(ids) if token == self._heads.tag_id]
        else:
            chosen = list(range(len(ids)))
        if not chosen:
            raise Refused(f"the input has no step tag ({self._heads.step_tag!r})" if positions is None else "positions is empty")
        return heads_model.Item(tuple(ids), tuple(chosen))


def _is_index(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _text(content: Any) -> str:
    """The text of a message, whose content may come in parts, or be null beside tool calls."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in content):
        return "".join(part["text"] for part in content)
    raise Refused("a message must be text")


def _object(data: bytes) -> dict[str, Any]:
    try:
        body = json.loads(data)
    except ValueError as error:
        raise Refused(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise Refused("the body must be a JSON object")
    return body


def _answering(
    answer: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler that answers JSON with JSON, and what is refused in the form that OpenAI's servers use."""

    async def handle(request: web.Request) -> web.Response:
        try:
            return web.json_response(await answer(_object(await request.read())))
        except Refused as error:
            kind = "BadRequestError" if error.status < 500 else "InternalServerError"
            return web.json_response({"error": {"message": str(error), "type": kind, "code": error.status}}, status=error.status)

    return handle


def main() -> int:
    """Serve until told to end. Returns 1, with one sentence on standard error, where the model cannot be served."""
    arguments = _arguments()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Libraries may print to standard output, which belongs to the announcement alone.
    announce = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        heads = heads_model.Heads(
            heads_model.local_folder(arguments.model),
            kind=arguments.kind,
            step_tag=arguments.step_tag,
            labels=arguments.label,
            dtype=arguments.dtype,
        )
    except (heads_model.UnusableError, ImportError) as error:
        sys.stderr.write(f"{' '.join(str(error).split())[:400]}\n")  # some libraries' errors are pages
        return 1
    limit = min(arguments.max_length or heads.max_length, heads.max_length)
    asyncio.run(_serve(Server(heads, arguments.name, limit), arguments.port, announce))
    return 0


async def _serve(server: Server, port: int, announce: Any) -> None:
    runner = web.AppRunner(server.app(), handler_cancellation=True, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    announce.write(f"http://127.0.0.1:{runner.addresses[0][1]}\n")
    announce.flush()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await runner.cleanup()


def _arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="heads_server")
    parser.add_argument("--model", required=True, help="a folder, or the id of a model on the hub")
    parser.add_argument("--name", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--kind", choices=heads_model.KINDS, help="by default what config.json and the weights' names say")
    parser.add_argument("--step-tag", help="the token that ends a step")
    parser.add_argument("--label", action="append", default=[], help="a token that a language model compares at the step tag")
    parser.add_argument("--dtype", default="auto", help="of the body; the head computes with 32 bits")
    parser.add_argument("--max-length", type=int, help="tokens of a text; longer ones are refused")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
