"""``langgraph.json`` names graphs that LangGraph's development server can load, one for each of our strategies."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from langgraph.graph.state import CompiledStateGraph

from symposia.core.errors import UnknownNameError
from symposia.graphs.registry import STRATEGIES

ROOT = Path(__file__).resolve().parents[2]
SETTINGS: dict[str, Any] = json.loads((ROOT / "langgraph.json").read_text(encoding="utf-8"))


def factory(name: str) -> Any:
    """As the server finds it: ``./FILE:NAME``."""
    path, _, attribute = SETTINGS["graphs"][name].partition(":")
    assert path.startswith("./")
    spec = importlib.util.spec_from_file_location("studio_under_test", ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, attribute)


def test_it_has_the_keys_that_the_server_wants_and_folders_that_exist() -> None:
    assert set(SETTINGS) == {"dependencies", "graphs"}
    assert all((ROOT / folder).is_dir() for folder in SETTINGS["dependencies"])


def test_every_strategy_that_a_question_is_enough_for_has_a_graph() -> None:
    assert set(SETTINGS["graphs"]) == {name for name, strategy in STRATEGIES.all().items() if not strategy.judges}


@pytest.mark.parametrize("name", SETTINGS["graphs"])
def test_each_graph_can_be_made_drawn_and_described(name: str) -> None:
    graph = factory(name)({})
    assert isinstance(graph, CompiledStateGraph)
    assert graph.name == name
    assert set(graph.get_input_jsonschema()["properties"]) == {"question", "messages"}
    assert set(graph.get_graph().nodes) == {"__start__", "solve", "__end__"}


def test_an_assistants_configuration_says_how_it_is_run() -> None:
    graph = factory("self-consistency")
    assert graph({"configurable": {"thread_id": "t"}}) is graph({})
    assert graph({"configurable": {"options": {"n": 3}, "budget": "calls=4"}}) is not graph({})
    with pytest.raises(UnknownNameError, match="option 'm'"):
        graph({"configurable": {"options": {"m": 3}}})
