"""Graphs for LangGraph's own development server, as ``langgraph.json`` at the root of the repository names them.

    langgraph dev --allow-blocking

The server forbids blocking calls in any event loop of its process; those of the default session are in a thread of its own,
where they hold up nobody, which is what the flag is for.

Each function makes the graph of one strategy. An assistant's configuration may say how it is run, with the keyword arguments of
``as_graph``: ``{"configurable": {"team": "qwen2.5-coder-1.5b", "options": {"n": 5}, "budget": "calls=10"}}``. Runs are made by
the process's default session, so that the model is the configured one where none is named.
"""

from __future__ import annotations

from typing import Any

from langchain_core.runnables import RunnableConfig

import symposia

KEYS = {"team", "budget", "seed", "options", "answer_kind", "language"}
NAMES = (
    "greedy",
    "self-consistency",
    "adaptive-consistency",
    "early-stopping-consistency",
    "divergence",
    "answer-stability",
    "code-consistency",
    "weighted-vote",
    "rpc",
    "tail-confidence",
    "cross-lingual",
    "multi-view",
    "sift",
    "two-route",
    "divide-and-conquer",
    "universal-consistency",
    "tournament",
    "mixture",
    "contrastive",
    "best-of-n",
    "program-of-thought",
    "react",
    "write-tool",
)
# Loaded here, since the server forbids to load code while it serves.
STRATEGIES = {name: symposia.strategy(name) for name in NAMES}
GRAPHS = {name: strategy.as_graph(symposia, on_failure="write") for name, strategy in STRATEGIES.items()}


def _graph(name: str, config: RunnableConfig) -> Any:
    given = config.get("configurable", {})
    wanted: dict[str, Any] = {key: given[key] for key in KEYS & set(given)}
    return STRATEGIES[name].as_graph(symposia, on_failure="write", **wanted) if wanted else GRAPHS[name]


def greedy(config: RunnableConfig) -> Any:
    """One answer at temperature 0."""
    return _graph("greedy", config)


def self_consistency(config: RunnableConfig) -> Any:
    """A vote of several samples."""
    return _graph("self-consistency", config)


def best_of_n(config: RunnableConfig) -> Any:
    """The sample that a verifier likes best."""
    return _graph("best-of-n", config)


def program_of_thought(config: RunnableConfig) -> Any:
    """The value of a program that the model writes."""
    return _graph("program-of-thought", config)


def react(config: RunnableConfig) -> Any:
    """Thoughts, calls of tools, and an answer."""
    return _graph("react", config)


def write_tool(config: RunnableConfig) -> Any:
    """A tool with its tests, tried in the sandbox."""
    return _graph("write-tool", config)


def adaptive_consistency(config: RunnableConfig) -> Any:
    """Samples until their answers agree."""
    return _graph("adaptive-consistency", config)


def early_stopping_consistency(config: RunnableConfig) -> Any:
    """Samples in windows, until all of one agree."""
    return _graph("early-stopping-consistency", config)


def divergence(config: RunnableConfig) -> Any:
    """A cold and a hot sample, and a vote where they differ."""
    return _graph("divergence", config)


def answer_stability(config: RunnableConfig) -> Any:
    """One chain, until the answer that it would give stays the same."""
    return _graph("answer-stability", config)


def code_consistency(config: RunnableConfig) -> Any:
    """The program that most others do the same as."""
    return _graph("code-consistency", config)


def weighted_vote(config: RunnableConfig) -> Any:
    """A vote that weighs what each sample is worth."""
    return _graph("weighted-vote", config)


def rpc(config: RunnableConfig) -> Any:
    """A vote that weighs how likely each sample was to be written."""
    return _graph("rpc", config)


def tail_confidence(config: RunnableConfig) -> Any:
    """A vote that weighs how sure the end of each sample is."""
    return _graph("tail-confidence", config)


def cross_lingual(config: RunnableConfig) -> Any:
    """A vote of samples in several languages."""
    return _graph("cross-lingual", config)


def multi_view(config: RunnableConfig) -> Any:
    """A vote of samples that each see the question in one of several ways."""
    return _graph("multi-view", config)


def sift(config: RunnableConfig) -> Any:
    """The answer to which both the question and a note of what it says lead."""
    return _graph("sift", config)


def two_route(config: RunnableConfig) -> Any:
    """The answer that is given both directly and from knowledge written before."""
    return _graph("two-route", config)


def divide_and_conquer(config: RunnableConfig) -> Any:
    """A vote, and a second one with help where it was not clear."""
    return _graph("divide-and-conquer", config)


def universal_consistency(config: RunnableConfig) -> Any:
    """The sample that a model finds the most consistent with the others."""
    return _graph("universal-consistency", config)


def tournament(config: RunnableConfig) -> Any:
    """The sample that is left when a model has compared them in pairs."""
    return _graph("tournament", config)


def mixture(config: RunnableConfig) -> Any:
    """A solution made of several, each written in view of others."""
    return _graph("mixture", config)


def contrastive(config: RunnableConfig) -> Any:
    """The best sample, or a better one written in view of it and of the commonest mistake."""
    return _graph("contrastive", config)
