"""Marks of chat templates in text that is data: servers read them as the ends of turns, even inside a message."""

from __future__ import annotations

import re

_MARK = re.compile(r"<(?=[|\uff5c][^\s|\uff5c]{2,}[|\uff5c]>|/?(?:s|bos|eos|pad|unk|start_of_turn|end_of_turn)>)")
"""Where a mark begins: ``<|…|>`` of most, ``<s>`` of Llama 2 and Mistral, ``<end_of_turn>`` of Gemma."""


def unmarked(text: str) -> str:
    """``text`` with its marks broken up: what holds ``<|im_end|>`` is read as ``< |im_end|>``, and ends no turn."""
    return _MARK.sub("< ", text)
