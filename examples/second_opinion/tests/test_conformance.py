"""Everything this package adds keeps to symposia's contracts: a test for each point, and nothing else to write."""

from __future__ import annotations

from pathlib import Path

import pytest
from second_opinion.engine import CannedEngine
from second_opinion.strategy import STRATEGY
from second_opinion.tool import TOOL
from second_opinion.verifier import VERIFIER

from symposia.core.model_spec import ModelSpec
from symposia.testing.conformance import Check
from symposia.testing.conformance_engine import engine_conformance
from symposia.testing.conformance_strategy import strategy_conformance
from symposia.testing.conformance_tool import tool_conformance
from symposia.testing.conformance_verifier import verifier_conformance


@pytest.mark.parametrize("check", strategy_conformance(STRATEGY), ids=str)
def test_strategy(check: Check) -> None:
    check()


@pytest.mark.parametrize("check", verifier_conformance(VERIFIER), ids=str)
def test_verifier(check: Check) -> None:
    check()


@pytest.mark.parametrize("check", tool_conformance(TOOL, [{"text": "To be or not to be"}]), ids=str)
def test_tool(check: Check) -> None:
    check()


@pytest.mark.parametrize("check", engine_conformance(CannedEngine, ModelSpec(name="canned"), Path(__file__)), ids=str)
def test_engine(check: Check) -> None:
    check()
