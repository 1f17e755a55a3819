"""Names that users and stored runs know stay what they are."""

from __future__ import annotations

import pytest

from symposia.agents.verifiers.verifier import VERIFIERS
from symposia.graphs.registry import STRATEGIES
from symposia.testing.conformance_strategy import SELECTORS

FROZEN: dict[str, str] = {
    "strategy": """
        adaptive-consistency answer-stability best-of-n code-consistency contrastive cross-lingual divergence divide-and-conquer
        early-stopping-consistency greedy mixture multi-view program-of-thought react rpc self-consistency sift tail-confidence
        tournament two-route universal-consistency verify weighted-vote write-tool
    """,
    "verifier": """
        ensemble generative judge outcome-reward process-reward program recompute rollout tool-augmented
    """,
    "selector": """
        majority weighted weighted-last weighted-mean weighted-min weighted-product
        best-of best-of-last best-of-mean best-of-min best-of-product
        judge aggregate first agreement remedy sticker forward inverse question
    """,
}
NAMED = {"strategy": set(STRATEGIES.names()), "verifier": set(VERIFIERS.names()), "selector": SELECTORS}
WHY = "stored runs, their replays and users' configurations, scripts and reports name it"


def complaint(kind: str, frozen: set[str], named: set[str]) -> str:
    """What is wrong, as a sentence; empty where nothing is."""
    gone, new = sorted(frozen - named), sorted(named - frozen)
    said = []
    if gone:
        said.append(f"The {kind} {', '.join(gone)} must keep its name: {WHY}.")
    if new:
        said.append(f"The {kind} {', '.join(new)} is new: add it to the names here, where it then stays.")
    return " ".join(said)


@pytest.mark.parametrize("kind", FROZEN)
def test_names_are_kept(kind: str) -> None:
    said = complaint(kind, set(FROZEN[kind].split()), NAMED[kind])
    assert not said, said


def test_a_name_that_is_changed_is_found_with_the_reason() -> None:
    said = complaint("strategy", {"rpc", "greedy"}, {"perplexity", "greedy"})
    assert said.startswith("The strategy rpc must keep its name: stored runs, their replays and users' configurations")
    assert "The strategy perplexity is new" in said
    assert complaint("strategy", {"rpc"}, {"rpc"}) == ""
