"""``count-words``: a tool is a name, a description, arguments with a schema, and something done with them."""

from __future__ import annotations

from pydantic import Field

from symposia.core.base import Frozen
from symposia.core.tooling import ToolContext
from symposia.tools.tool import Tool, ToolError


class CountWords(Frozen):
    """What a model is told of the arguments, and what is checked before the tool works."""

    text: str = Field(description="The text whose words are counted.")


async def _count(arguments: CountWords, _context: ToolContext) -> int:
    if not arguments.text.strip():
        raise ToolError("there is no word in an empty text")  # a sentence for the model that asked
    return len(arguments.text.split())


TOOL = Tool(name="count-words", description="Counts the words of a text.", arguments=CountWords, work=_count)
