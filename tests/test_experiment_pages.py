"""docs/experiments: every number of a page is computed again from the evidence beside it."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from symposia.research.experiments.files import is_evidence, load
from symposia.research.experiments.findings import study
from symposia.research.reports import write_report

ROOT = Path(__file__).resolve().parent.parent / "docs" / "experiments"
PAGES = sorted(path.parent for path in ROOT.glob("*/README.md.in"))
EVIDENCE = sorted(path for page in PAGES for path in page.iterdir() if is_evidence(path))
BORROWING = {ROOT / "stopping"}
"""Pages on the samples of another one."""


def test_there_are_pages_with_evidence() -> None:
    own = {path.parent for path in EVIDENCE}
    assert own | BORROWING == set(PAGES) == {path.parent for path in ROOT.glob("*/README.md")}
    assert own


@pytest.mark.parametrize("folder", PAGES, ids=lambda path: path.name)
def test_the_page_is_what_the_evidence_says(folder: Path) -> None:
    spec = importlib.util.spec_from_file_location(f"facts_of_{folder.name}", folder / "facts.py")
    assert spec is not None
    assert spec.loader is not None
    facts = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(facts)
    assert (folder / "README.md").read_text(encoding="utf-8") == facts.page()


@pytest.mark.parametrize("folder", PAGES, ids=lambda path: path.name)
def test_the_text_has_no_number_of_its_own(folder: Path) -> None:
    text = (folder / "README.md.in").read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```|`[^`]*`|\{\w+\}", "", text, flags=re.DOTALL).replace("GSM8K", "")
    assert re.findall(r".*\d.*", prose) == []


@pytest.mark.parametrize("folder", EVIDENCE, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_the_report_is_what_the_evidence_says(folder: Path, tmp_path: Path) -> None:
    write_report(study(load(folder)), tmp_path)
    for name in ("report.md", "results.csv"):
        assert (tmp_path / name).read_text(encoding="utf-8") == (folder / name).read_text(encoding="utf-8")
