"""``symposia corpus``, in this process: documents from files to answers."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from symposia.core.errors import StoreFullError
from symposia.memory.writer import Writer
from symposia.testing import LoopbackServer

ROWS = [
    {"id": "proof", "title": "Proof", "text": "A proof by induction", "metadata": {"year": 2024}},
    {"id": "eggs", "text": "Whip the egg whites"},
]


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return environment | {"SYMPOSIA_STORE": "docs.db"}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A file of rows, and a folder of texts."""
    put(tmp_path, ROWS)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "bread.md").write_text("# Bread\n\nA tray holds 12 rolls.\n")
    (tmp_path / "notes" / "picture.png").write_text("x")
    return tmp_path


def put(folder: Path, rows: list[dict[str, Any]]) -> None:
    (folder / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def reply(prompt: str, sample: int) -> str:
    if "Observation: {" in prompt:
        return "Thought: I know.\nFinal Answer: 12"
    return 'Thought: I must look.\nAction: offline-search\nAction Input: {"query": "rolls on a tray"}'


def test_from_files_to_hits_to_nothing(symposia, files: Path) -> None:
    assert symposia("corpus", "list").err == "no corpora yet; `symposia corpus add documents PATH` makes one\n"
    added = symposia("corpus", "add", "documents", "rows.jsonl", "notes")
    assert (added.code, added.out) == (0, "")
    assert added.err.startswith("3 documents of 0.2 kB in ")
    assert "documents has 3 documents, vectors: none\nfiles of other kinds that were left out: 1\n" in added.err
    assert symposia("corpus", "list").out.splitlines()[1].split()[:3] == ["documents", "3", "none"]
    assert [line.split()[0] for line in symposia("corpus", "show", "documents").out.splitlines()[2:]] == [
        "proof",
        "eggs",
        "bread.md",
    ]
    assert symposia("corpus", "show", "documents", "proof").out == "proof\nProof\nyear: 2024\n\nA proof by induction\n"
    assert symposia("corpus", "show", "documents", "eggs", "--json").json["text"] == "Whip the egg whites"
    found = symposia("corpus", "search", "documents", "rolls on a tray", "-k", "1")
    assert found.out.splitlines()[1].split()[:4] == ["bread.md", "0.0164", "1", "-"]
    (hit,) = symposia("corpus", "search", "documents", "a", "--where", "year=2024", "--json").json
    assert (hit["document"], hit["text_rank"]) == (ROWS[0], 1)
    assert symposia("corpus", "search", "documents", "xyzzy").err == "nothing found\n"
    assert symposia("corpus", "remove", "documents", "eggs", "nope", "--json").json == {"corpus": "documents", "removed": 1}
    refused = symposia("corpus", "remove", "documents")
    assert (refused.code, "say --yes" in refused.err) == (2, True)
    assert symposia("corpus", "remove", "documents", "--yes").err == "2 documents removed\n"
    assert symposia("corpus", "list", "--json").json == []


def test_the_same_files_again_double_nothing(symposia, files: Path) -> None:
    note = files / "notes" / "bread.md"
    note.write_text("# Bread\n\n" + "\n\n".join(f"{number} trays. " * 20 for number in range(9)))
    first = symposia("corpus", "add", "documents", "notes", "--chars", "300", "--json").json
    assert (first["added"], first["corpus"]["documents"], first["parts_removed"]) == (9, 9, 0)
    again = symposia("corpus", "add", "documents", "notes", "--chars", "300", "--json").json
    assert (again["added"], again["corpus"]["documents"], again["parts_removed"]) == (9, 9, 0)
    note.write_text("# Bread\n\nA tray holds 12 rolls.\n")
    shorter = symposia("corpus", "add", "documents", "notes", "--json").json
    assert (shorter["added"], shorter["corpus"]["documents"], shorter["parts_removed"]) == (1, 1, 8)


def test_what_goes_wrong_is_a_sentence(symposia, files: Path) -> None:
    symposia("corpus", "add", "documents", "rows.jsonl")
    (files / "empty.txt").write_text("\n")
    (files / "bad.jsonl").write_text('{"id": "a", "text": "x"}\n{"id": "b", "txt": "x"}\n')
    for arguments, said in (
        (["search", "documets", "x"], "unknown corpus 'documets' (did you mean 'documents'?)"),
        (["show", "documets"], "did you mean 'documents'?"),
        (["remove", "documets", "--yes"], "did you mean 'documents'?"),
        (["embed", "documets", "--embedder", "wordllama"], "did you mean 'documents'?"),
        (["show", "documents", "prof"], "there is no document 'prof' in the corpus 'documents' (did you mean 'proof'?)"),
        (["add", "new", "gone.txt"], "there is no file gone.txt"),
        (["add", "new", "bad.jsonl"], "unknown key 'txt' in bad.jsonl:2 (did you mean 'text'?)"),
        (["add", "new", "empty.txt"], "there is no document in these files"),
        (["add", "a name", "rows.jsonl"], "'a name' cannot be the name of a corpus"),
        (["add", "new", "rows.jsonl", "--embedder", "wordlama"], "unknown embedder 'wordlama' (did you mean 'wordllama'?)"),
        (["embed", "documents"], "no embedder is configured"),
        (["add", "documents", "rows.jsonl", "--embedder", "wordllama"], "`symposia corpus embed documents`"),
        (["lst"], "unknown command 'lst' (did you mean 'list'?)"),
    ):
        ran = symposia("corpus", *arguments)
        assert (ran.code, ran.out) == (2, ""), arguments
        assert said in ran.err, arguments
    assert [corpus["name"] for corpus in symposia("corpus", "list", "--json").json] == ["documents"]


def test_a_full_disk_loses_nothing(symposia, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(files, [{"id": f"d{number}", "text": f"word{number}"} for number in range(500)])
    written, run = [0], Writer.run

    async def fills(self: Writer, work: Any) -> Any:
        written[0] += 1
        if written[0] == 3:
            raise StoreFullError("no space left for docs.db")
        return await run(self, work)

    with monkeypatch.context() as patch:
        patch.setattr(Writer, "run", fills)
        ran = symposia("corpus", "add", "documents", "rows.jsonl")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("400 documents were added before this; the same command goes on\nsymposia: no space left")
    assert symposia("corpus", "list", "--json").json[0]["documents"] == 400
    assert symposia("corpus", "add", "documents", "rows.jsonl", "--json").json["corpus"]["documents"] == 500


def test_a_file_that_may_not_be_read(symposia, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: Path, *_: Any) -> Any:
        raise PermissionError(13, "Permission denied", str(self))

    place = files / "rows.jsonl"
    place.chmod(stat.S_IWUSR)
    monkeypatch.setattr(Path, "open", refused)  # whoever runs the tests may be root
    ran = symposia("corpus", "add", "documents", "rows.jsonl")
    assert (ran.code, "rows.jsonl cannot be read: Permission denied" in ran.err) == (2, True)


def test_a_run_answers_out_of_a_corpus(symposia, files: Path) -> None:
    symposia("corpus", "add", "documents", "notes", "rows.jsonl")
    with LoopbackServer(reply).running() as server:
        asked = ["solve", "How many rolls?", "--strategy", "react", "--set", "tools=offline-search", "--answer-kind", "number"]
        ran = symposia(*asked, "--model", f"{server.url}#fake", "--json")
        assert (ran.code, ran.json["answer"]) == (0, "12")
        assert "A tray holds 12 rolls." in ran.json["candidate"]["text"]
        refused = symposia(*asked, "--model", f"{server.url}#fake", env={"SYMPOSIA_TOOLS__OFFLINE_SEARCH__CORPUS": "document"})
        assert (refused.code, "set tools.offline-search.corpus to 'documents'?" in refused.err) == (2, True)
        assert len(server.requests) == 2
    assert "A tray holds 12 rolls." in symposia("tools", "run", "offline-search", "query=tray").out


def test_a_model_of_the_catalogue_embeds(symposia, files: Path, environment: dict[str, str]) -> None:
    with LoopbackServer().running() as server:
        catalogue = Path(environment["XDG_CONFIG_HOME"]) / "symposia" / "models.toml"
        catalogue.parent.mkdir(parents=True)
        price = "price = { input = 1_000.0, output = 0 }"
        catalogue.write_text(f'[models.vectors]\nendpoint = "{server.url}"\nabilities = ["embed"]\n{price}\n')
        (files / "symposia.toml").write_text('embedder = "vectors"\n')
        added = symposia("corpus", "add", "documents", "rows.jsonl", "notes")
        assert "embedding took 2 calls, 18 tokens, $0.0180\n" in added.err
        assert "documents has 3 documents, vectors: vectors\n" in added.err
        again = symposia("corpus", "add", "documents", "rows.jsonl", "notes", "--json")
        assert (again.json["usage"]["calls"], "embedding took" in again.err) == (0, False)
        found = symposia("corpus", "search", "documents", "egg")
        assert found.out.splitlines()[1].split()[:4] == ["eggs", "0.0328", "1", "1"]
        assert "embedding took 1 call, 1 tokens" in found.err
        named = symposia("corpus", "embed", "documents", "--embedder", "wordllama", "--json").json
        assert (named["made"], named["corpus"]["embedder"], named["usage"]["calls"]) == (3, "wordllama-l2-supercat", 0)
        assert symposia("corpus", "embed", "documents", "--json").json["corpus"]["embedder"] == "vectors"
    without = symposia("corpus", "search", "documents", "egg", env={"SYMPOSIA_MAX_ATTEMPTS": "1"})
    assert (without.code, "nobody answers for vectors" in without.err) == (5, True)
    assert symposia("corpus", "embed", "documents", "--embedder", "none").err.endswith(
        "documents has 3 documents, vectors: none\n"
    )
    assert symposia("corpus", "search", "documents", "egg").out.splitlines()[1].split()[0] == "eggs"
