"""In which languages the paths were written: ``python docs/experiments/languages/written.py STORE`` counts them into written.csv.

By a rule: kana are Japanese, other Han characters Chinese, Cyrillic letters Russian; else the language that most of the commonest
words are of. Texts themselves are not published, for they repeat the questions.
"""

from __future__ import annotations

import asyncio
import csv
import re
import sys
from collections import Counter
from pathlib import Path

from symposia.memory.store import Store

FOLDER = Path(__file__).resolve().parent
EXPERIMENT = "mgsm-large"
ARMS = {"self-consistency": "own", "cross-lingual": "cross-lingual"}
SCRIPTS = {"ja": re.compile("[\u3040-\u30ff]"), "zh": re.compile("[\u4e00-\u9fff]"), "ru": re.compile("[\u0400-\u04ff]")}
WORDS = {
    "en": {"the", "of", "to", "is", "and", "will", "he", "she"},
    "de": {"der", "die", "das", "und", "ist", "hat", "sie", "um"},
    "es": {"el", "la", "de", "los", "las", "que", "por", "es"},
    "fr": {"le", "la", "les", "des", "et", "est", "il", "pour"},
}


def written_in(text: str) -> str:
    """The language of a text; empty where it has no word to go by."""
    for code, script in SCRIPTS.items():
        if script.search(text):
            return code
    words = re.findall(r"[^\W\d_]+", text.lower())
    counts = {code: sum(word in common for word in words) for code, common in WORDS.items()}
    best = max(counts, key=lambda code: counts[code])
    return best if counts[best] else ""


async def count(where: str) -> Counter[tuple[str, str, str, str]]:
    """Paths by arm, language of the question, language asked for, language written."""
    found: Counter[tuple[str, str, str, str]] = Counter()
    store = await Store.open(where)
    try:
        for record in await store.runs(limit=1000, experiment=EXPERIMENT):
            for candidate in record.result.candidates if record.result else ():
                asked = record.spec.problem.language
                found[ARMS[record.spec.strategy], asked, candidate.language, written_in(candidate.text)] += 1
    finally:
        await store.close()
    return found


if __name__ == "__main__":
    with (FOLDER / "written.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["arm", "asked", "told", "written", "paths"])
        writer.writerows([*key, paths] for key, paths in sorted(asyncio.run(count(sys.argv[1])).items()))
