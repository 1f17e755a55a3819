"""What embedding did cost, said on stderr."""

from __future__ import annotations

from ..runtime.library import Library
from .output import note


def tell_cost(library: Library) -> None:
    """Say what embedding outside of runs did cost, where a model was asked."""
    usage = library.usage
    if usage.calls:
        price = "price unknown" if usage.unpriced_calls else f"${usage.dollars:.4f}"
        calls = f"{usage.calls:,} call{'' if usage.calls == 1 else 's'}"
        lost = f" ({usage.lost_calls:,} lost)" if usage.lost_calls else ""
        note(f"embedding took {calls}{lost}, {usage.prompt_tokens + usage.lost_prompt_tokens:,} tokens, {price}")
