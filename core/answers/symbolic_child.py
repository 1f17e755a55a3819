"""The process behind :class:`.symbolic.SymbolicWorker`. Run as a script with the seconds that a question may take.

Reads one question ``[a, b]`` a line from standard input and writes true, false or null a line to standard output; the first
line it writes is "ready". Ends with its standard input. Should the parent vanish in mid-question, the kernel's alarm ends it:
its default action needs no cooperation from a computation that is stuck in one long arithmetic operation.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import resource
import signal
import sys

MEMORY_LIMIT = 2 * 1024**3
GRACE = 1.0
"""Seconds that the parent has to kill before the alarm does."""


def same(a: str, b: str) -> bool | None:
    """Whether two expressions are equal; None where one cannot be read or compared.

    ``verify`` is not symmetric: it cuts an equation down to its right side, so that x^2 + y^2 = 4 would equal 4, unless the
    equation is given first. Then it does so for assignments (x = 4) only.
    """
    from latex2sympy2_extended import NormalizationConfig  # noqa: PLC0415 - only after main has set the process up
    from math_verify import ExprExtractionConfig, LatexExtractionConfig, parse, verify  # noqa: PLC0415

    # Without its own removal of units, which reads 5m, 5t and 5s as 5: our units are apart from the value already.
    spelling = NormalizationConfig(basic_latex=True, units=False, malformed_operators=True, nits=True, boxed="none")
    config = [LatexExtractionConfig(normalization_config=spelling), ExprExtractionConfig()]
    try:
        left, right = (
            parse(f"${text}$", config, fallback_mode="no_fallback", parsing_timeout=0, raise_on_error=True) for text in (a, b)
        )
        if not left or not right:
            return None
        pairs = [(left, right)] * ("=" in a or "=" not in b) + [(right, left)] * ("=" in b or "=" not in a)
        return any(verify(*pair, timeout_seconds=None, raise_on_error=True) for pair in pairs)
    except Exception:  # noqa: BLE001 - whatever sympy trips over, the answer to the question is unknown
        return None


def main() -> None:
    """Answer questions until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limit = float(sys.argv[1])
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever a library prints must not look like an answer
    logging.disable(logging.CRITICAL)
    same("x^2", "1")  # imports sympy and builds the parser's tables before the clock starts
    with contextlib.suppress(ValueError, OSError):  # macOS has no limit of this kind
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    print('"ready"', file=answers)
    for line in sys.stdin:
        signal.setitimer(signal.ITIMER_REAL, limit + GRACE)
        verdict = same(*json.loads(line))
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(json.dumps(verdict), file=answers)


if __name__ == "__main__":
    main()
