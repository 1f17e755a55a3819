"""``brevity``: prefers short solutions. It asks no model but a tool, and says so in each score's evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ConfigDict, Field

from symposia.agents.verifiers.rating import Scores
from symposia.agents.verifiers.verifier import Verifier
from symposia.core.base import Frozen
from symposia.core.budget import CallBounds
from symposia.core.candidate import Candidate, Evidence, Score
from symposia.core.problem import Problem
from symposia.core.protocols import Scope
from symposia.core.result import StopReason
from symposia.tools.tool import TOOLS, ToolResult

TOOL = "count-words"


class BrevityConfig(Frozen):
    """Options of ``brevity``."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    half: int = Field(default=100, gt=0)
    """Words at which a solution scores one half."""


async def _score(
    scope: Scope, problem: Problem, candidates: Sequence[Candidate], config: BrevityConfig, *, node: str, visit: int = 0
) -> Scores:
    del problem
    scores: dict[str, Score] = {}
    for place, candidate in enumerate(candidates):
        arguments = {"text": candidate.text}

        async def count(arguments: dict[str, str] = arguments) -> Any:
            return (await TOOLS.get(TOOL).call(arguments)).model_dump(mode="json")

        # A tool may answer differently a second time: what it said goes through the journal, as a model's reply does.
        said = ToolResult.model_validate(await scope.effect(node, f"{TOOL}.{place}", arguments, count, visit=visit))
        value = None if said.error else config.half / (config.half + said.output)
        evidence = Evidence(tool=TOOL, input=arguments, output=said.output, error=said.error)
        score = Score(verifier="brevity", value=value, raw=value, evidence=(evidence,))
        scope.rate(candidate.id, score, node=node, visit=visit, index=place)
        scores[candidate.id] = score
    return Scores(scores, StopReason.FINISHED)


VERIFIER = Verifier(
    name="brevity",
    summary="Short solutions score higher.",
    paper="an example; nobody claims that short is right",
    config=BrevityConfig,
    score=_score,
    cost=lambda _config, _team, _work: CallBounds(0, 0),
    needs=lambda _config: {},
)
