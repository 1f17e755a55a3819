from __future__ import annotations

import json
import time

import pytest

from symposia.core.events import EVENT
from symposia.core.records import ControlKind
from symposia.memory.redact import REDACTED, Redactor, _vocabulary
from symposia.memory.store import Store, this_process

KEY = 'topsecretvalue-"1\\2'
SECRETS = (KEY, "wordsonlysecret", "sk-proj-abcDEF123456", "Bearer abcdef.12345678", "12345678")


@pytest.fixture
def environment(monkeypatch):
    for name, value in (("OPENAI_API_KEY", KEY), ("my_token", "wordsonlysecret"), ("SOME_SECRET", "12345678")):
        monkeypatch.setenv(name, value)


async def test_no_secret_reaches_the_file(environment, path, make):
    leak = "|".join(SECRETS)
    async with await Store.open(path) as store:
        run = await store.create_run(make.spec(f"Is {leak} safe?", prompts={"p": leak}, config={leak: [leak]}))
        assert REDACTED in run.spec.problem.question, "what goes on from here is what a replay will read"
        assert await store.run(run.id) == run
        lease = await store.acquire(run.id, owner=this_process())
        kept = await store.record(lease, [make.entry(text=leak), make.entry(1)])
        assert kept == await store.journal(run.id)
        assert kept[0].response["choices"][0]["text"] == "|".join([REDACTED] * 3 + [f"Bearer {REDACTED}", REDACTED])
        assert kept[1] == make.entry(1)
        store.append(lease, [make.added(text=leak), make.warned(message=leak)])
        store.put_delta(run.id, "key", leak)
        await store.add_control(run.id, ControlKind.STOP, leak)
        await store.flush(lease)
        lines = [line async for line in store.export_run(run.id)]
        await store.finish(lease, "finished", make.result(run.id, leak), 1.0)
        content = b"".join(file.read_bytes() for file in path.parent.iterdir())
        dirty = [line.replace('"4"', json.dumps(leak)) for line in lines]
        assert dirty != lines
        await store.import_run(dirty)
    content += b"".join(file.read_bytes() for file in path.parent.iterdir())
    for secret in (*SECRETS, json.dumps(KEY)[1:-1], "abcDEF123456", "abcdef.12345678"):
        assert secret.encode() not in content


def test_json_stays_json_whatever_the_secret_is():
    redactor = Redactor({"A_KEY": "12345678", "B_KEY": '"text":"', "C_KEY": "\\ud83d\\", "D_TOKEN": "}}}}}}}}"})
    text = '{"number": 12345678, "float": 0.123456789, "text":"a 12345678 b", "deep": {"a": {"b": [["}}}}}}}}"]]}}, "ü": "ü"}'
    cleaned = json.loads(redactor.json(text))
    assert cleaned == {
        "number": 12345678,
        "float": 0.123456789,
        "text": f"a {REDACTED} b",
        "deep": {"a": {"b": [[REDACTED]]}},
        "ü": "ü",
    }


@pytest.mark.parametrize("word", ["assistant", "finished", "candidate_added", "messages", "thinking", "response"])
def test_our_own_words_are_no_secrets(word, make):
    redactor = Redactor({"SORT_KEY": word})
    text = EVENT.dump_json(make.added()).decode()
    assert redactor.json(text) == text
    assert redactor.text(f"an {word}") == f"an {word}"
    assert any(word in known for known in _vocabulary())


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a task-oriented-approach to risk-adjusted returns", True),
        ("the bearer of bad news, Bearer of news", True),
        ("sk-short", True),
        ("sk-ant-api03-abcdefgh", False),
        ("authorization: bearer abcdefgh12", False),
        ("", True),
    ],
)
def test_patterns_take_keys_and_leave_prose(text, kept):
    redactor = Redactor({})
    assert (redactor.text(text) == text) is kept
    assert (json.loads(redactor.json(json.dumps(text))) == text) is kept


def test_the_longest_secret_goes_as_a_whole():
    assert Redactor({"A_KEY": "abcdefgh", "B_KEY": "abcdefghij1"}).text("abcdefghij1 abcdefgh") == f"{REDACTED} {REDACTED}"


@pytest.mark.parametrize("environment", [{"A_KEY": "short"}, {"A_KEY": "        "}, {"PATH": "/usr/bin:/bin"}, {}])
def test_what_is_no_secret(environment):
    assert Redactor(environment).text("short /usr/bin:/bin         ") == "short /usr/bin:/bin         "


def test_a_text_without_secrets_costs_little():
    redactor = Redactor({f"N{index}_API_KEY": f"secret-{index:08}" for index in range(10)})
    text = json.dumps({"text": "some words of a model " * 200})
    began = time.perf_counter()
    for _ in range(100):
        assert redactor.json(text) is text
    assert (time.perf_counter() - began) / 100 < 0.002  # 13 µs here; the margin is for busy machines
