"""Other people's text inside a prompt of ours, as delimited data that cannot end its own quotation.

Judges, critics and translators read conversations and solutions between tags. What stands there is data, whatever it says:
every tag of ours inside it is defused, so that no text can close its quotation and go on in our voice. What tools and programs
give is shown as JSON on one line, which has no inside that could end it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from ..core.marks import unmarked
from ..core.problem import ImagePart, Message, TextPart

_OURS = re.compile(r"<(?=\s*/?\s*(?:conversation|message|notes|rubric|solution|step)\b)", re.IGNORECASE)
_MARKER = re.compile(r"<(?=[^\s\d=])|\[(?=/?[A-Z][A-Z_]+\])|[\x7f-\x9f\u2028\u2029\ufeff]")
"""Where a marker of a chat template may begin (``<|im_end|>``, ``</s>``, ``[INST]``), and what may be shown as a line's end."""
_PLACE = re.compile(r"\{(\w+)\}")


def defused(text: str) -> str:
    """``text`` in which no tag of ours begins any more (its ``<`` is written ``&lt;``) and no mark of a chat template."""
    return _OURS.sub("&lt;", unmarked(text))


def as_data(value: Any) -> str:
    """``value`` as one line of JSON in which no marker of a chat template begins: servers read those even inside a message."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return _MARKER.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def conversation(messages: Sequence[Message]) -> str:
    """The turns of a conversation, each between tags that name its role. Calls of tools are written out; images are not text."""
    return "\n".join(f'<message role="{message.role}">\n{defused(_said(message))}\n</message>' for message in messages)


def fill(template: str, **parts: str) -> str:
    """``template`` with each ``{name}`` of ``parts`` filled in, in one pass: a part that holds such a place stays as it is."""
    return _PLACE.sub(lambda place: parts.get(place[1], place[0]), template)


def asking(text: str, about: Sequence[Message]) -> Message:
    """A user's turn that says ``text`` and shows the images of the conversation it is about."""
    shown = [part for message in about if isinstance(message.content, tuple) for part in message.content]
    images = tuple(part for part in shown if isinstance(part, ImagePart))
    return Message(role="user", content=(TextPart(text=text), *images) if images else text)


def _said(message: Message) -> str:
    calls = (f"{call.function.name}({call.function.arguments})" for call in message.tool_calls)
    return "\n".join(filter(None, [message.text, *calls]))
