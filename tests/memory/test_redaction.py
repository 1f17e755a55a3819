from __future__ import annotations

import json
import time
from importlib.util import find_spec
from pathlib import Path

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


SAMPLES = [
    "sk-proj-abcDEF123456",
    "gsk_abcdefghij0123456789",
    "AIzaSyA0123456789abcdefghijklmnopqrstuvw",
    "hf_abcdefghijklmnopqrstuvwxyz012345",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "github_pat_11ABCDEFG0abcdefghij_KLMNOP",
    "xoxb-123456789012-abcdefghijkl",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
]
NAMED = [
    ("postgresql://user:", "hunter2", "@db.example.org/runs"),
    ("redis://:", "p-w", "@host:6379"),
    ("x-api-key: ", "0123456789abcdef", ""),
    ('{"X-Api-Key": "', "0123456789abcdef", '"}'),
    ("api_key=", "abcdefgh1234", " "),
    ("Authorization: Basic ", "dXNlcjpwYXNz", ""),
    ("authorization: Bearer ", "wordsonlytoken", ""),
    ('aws_secret_access_key = "', "wJalrXUtnFEMI/K7MDENG/bPxRfi", '"'),
    ("password=", "abcd1234", "&x=1"),
]


@pytest.mark.parametrize("secret", SAMPLES)
@pytest.mark.parametrize("around", ["{}", "see {}.", '"{}"', "\n{}\n", "\\n{}", "key={},"])
def test_what_says_itself_that_it_is_a_key(secret, around):
    text = around.format(secret)
    redactor = Redactor({})
    assert secret not in redactor.text(text)
    assert json.loads(redactor.json(json.dumps({"deep": [text]})))["deep"][0] == redactor.text(text), "the quick look missed it"


@pytest.mark.parametrize(("before", "secret", "after"), NAMED)
def test_what_stands_beside_a_name_goes_and_the_name_stays(before, secret, after):
    redactor = Redactor({})
    assert redactor.text(before + secret + after) == before + REDACTED + after
    assert json.loads(redactor.json(json.dumps([before + secret + after]))) == [before + REDACTED + after]


@pytest.mark.parametrize(
    "name", ["api_key", "x-api-key", "Authorization", "db_password", "aws_secret_access_key", "access_token"]
)
def test_values_of_json_under_such_a_name_go(name):
    assert json.loads(Redactor({}).json(json.dumps({"a": {name: "words"}}))) == {"a": {name: REDACTED}}


@pytest.mark.parametrize("name", ["key_env", "max_tokens", "token", "passwords", "secretary", "api"])
def test_values_of_json_under_other_names_stay(name):
    text = json.dumps({"a": {name: "words"}})
    assert json.loads(Redactor({}).json(text)) == json.loads(text)


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "API_KEY", "TOKEN", "my_token", "PGPASSWORD", "SOME_PASSWORD"])
def test_variables_named_like_keys(name):
    assert Redactor({name: "a-planted-value"}).text("so a-planted-value") == f"so {REDACTED}"


MATHS = [
    r"Let $sk-n-m-k-l-1 = 0$ and \(\text{hf}_{12} = \frac{ghp_1}{xox-b}\).",
    r"\begin{align} a_{1234567890} &= \sqrt[3]{x^{12}} \cdot e^{-i\pi} \\ \therefore b &\in \mathbb{Q}(\sqrt{2}) \end{align}",
    "The password has 4 digits; password: 4821. The secret: multiplication. His password = swordfish",
    "The bearer certificates are worth 12345678 each; the bearer of 1234567890123456 coins pays.",
    "In Asia, 1,000,000 people; ratio 3://4; map f: A -> B, g(x): x@y; AKIA has 4 letters.",
    "api_key = os.environ['API_KEY']; token = tokens[i]; def authorization(user): return user.key",
    "0x1f4a 9f86d081884c7d659a2feaa0c55ad015 a3bf4f1b2b0b822cd15d6c15b0f00a08 3.14159265358979323846264338327950288",
    "https://example.org/a:b/c?d=e@f and git@example.org:a/b.git, 12:30:45, risk-adjusted, task-oriented-approaches",
    "eyJ is no token. eyJhbGci... neither.",
]


@pytest.mark.parametrize("text", MATHS)
def test_ordinary_text_stays_as_it_is(text):
    assert Redactor({}).text(text) == text
    assert json.loads(Redactor({}).json(json.dumps([text]))) == [text]


def test_nothing_in_a_library_of_mathematics_is_taken_for_a_secret():
    """Some two megabytes of formulas, numbers, names and prose."""
    redactor = Redactor({})
    folder = Path(find_spec("sympy").origin).parent
    files = [file for part in ("ntheory", "series", "integrals", "concrete") for file in (folder / part).rglob("*.py")]
    assert sum(file.stat().st_size for file in files) > 2**20
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert redactor.text(text) == text, file


def test_a_recorded_run_of_a_real_model_holds_no_secret():
    lines = (Path(__file__).parent.parent / "data" / "baker.jsonl").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if Redactor({}).json(line) is not line] == []
