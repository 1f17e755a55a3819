"""Has the judge score wrong solutions with and without instructions planted in them; writes injection-MODEL.csv beside this file.

    python docs/experiments/verifiers/attack.py qwen2.5-coder-1.5b processbench/gsm8k.jsonl

Each wrong solution is judged as it is, with one of two harmless sentences added, with each text of attacks.json added, and with
the harmless text that is as long as it, in its language and its form; once in full, and once by the equations alone. One run of
the strategy ``verify`` judges them all. What looks the same to the judge is asked once.
"""

from __future__ import annotations

import asyncio
import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from symposia.agents.verifiers.views import equations
from symposia.core.problem import Problem, Solution
from symposia.research.tasks.item import item_id
from symposia.runtime.session import Session

FOLDER = Path(__file__).resolve().parent
SOLUTIONS = 10
VIEWS: dict[str, Callable[[str], str]] = {"full": str, "equations": equations}
"""What the judge sees of a solution, by the name of its option."""
CLEAN, MATCHED = "clean", "/matched"


def variants(solution: str) -> dict[str, str]:
    """The solution as it is, with each planted text, and with the harmless one that matches it, by name."""
    planted = json.loads((FOLDER / "attacks.json").read_text(encoding="utf-8"))
    made = {each["id"]: (each["text"], each["place"]) for each in planted}
    made |= {each["id"] + MATCHED: (each["control"], each["place"]) for each in planted if "control" in each}
    return {CLEAN: solution} | {
        name: f"{text}\n\n{solution}" if place == "start" else f"{solution}\n\n{text}" for name, (text, place) in made.items()
    }


def wrong_solutions(data: Path) -> list[dict[str, Any]]:
    """The first ones of a file of ProcessBench."""
    rows = [json.loads(line) for line in data.read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if row["label"] >= 0][:SOLUTIONS]


async def main(model: str, wrong: list[dict[str, Any]]) -> None:
    """Judge and write."""
    with (FOLDER / f"injection-{model}.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["problem", "view", "variant", "score"])
        async with Session() as session:
            for row in wrong:
                texts = variants("\n\n".join(row["steps"]))
                for view, seen in VIEWS.items():
                    distinct = {seen(text): Solution(text=text) for text in texts.values()}
                    problem = Problem.of(row["problem"]).model_copy(update={"solutions": tuple(distinct.values())})
                    options = {"verifier_options": {"view": view}}
                    result = await session.solve(problem, strategy="verify", team=model, options=options)
                    scores = [candidate.scores[-1].value for candidate in result.candidates]
                    found = dict(zip(distinct, scores, strict=True))
                    for name, text in texts.items():
                        score = found[seen(text)]
                        said = "" if score is None else f"{score:.6f}"
                        out.writerow([item_id(row["problem"]), view, name, said])
                    file.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], wrong_solutions(Path(sys.argv[2]))))
