"""``translate``: by a model of the team, or by a provider: DeepL or LibreTranslate.

Shapes as documented: DeepL ``POST /v2/translate`` (keys that end in ``:fx`` are those of the free plan, which has a host of
its own), LibreTranslate ``POST /translate``. A server of your own (``base_url``) is asked without a key.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from enum import StrEnum
from importlib.resources import files
from typing import Any

from pydantic import Field

from ..core.base import Frozen
from ..core.tooling import Permission, ToolContext, WebRequest
from .providers import Provider, Shape, ask
from .tool import Tool, ToolError

_DEEPL_KEY = "DEEPL_API_KEY"
_LIBRE_KEY = "LIBRETRANSLATE_API_KEY"
_LIBRE = "https://libretranslate.com"
_LANGUAGE = r"^[a-zA-Z]{2,3}(-[a-zA-Z]{2,4})?$"


class Translation(Frozen):
    """Arguments of ``translate``."""

    text: str = Field(min_length=1, max_length=10_000, description="The text to be translated.")
    target: str = Field(
        pattern=_LANGUAGE,
        description="Code of the language to translate into: two or three letters, and a region where it matters.",
    )
    source: str | None = Field(default=None, pattern=_LANGUAGE, description="Code of the text's own language, if known.")


Work = Callable[[Translation, ToolContext], Awaitable[dict[str, Any]]]
"""Translates, and says who did."""


class Translator(StrEnum):
    """Who translates."""

    MODEL = "model"
    DEEPL = "deepl"
    LIBRETRANSLATE = "libretranslate"


class TranslateSettings(Frozen):
    """``[tools.translate]``."""

    provider: Translator = Translator.MODEL
    base_url: str | None = None
    """Address of a server of your own, or of a proxy."""
    dollars: float | None = Field(default=None, ge=0)
    """What a call of a provider costs by your plan; None where you do not know. A model's calls are counted by themselves."""


class _DeepLText(Shape):
    text: str
    detected_source_language: str = ""


class _DeepLReply(Shape):
    translations: list[_DeepLText] = Field(min_length=1)


class _LibreReply(Shape):
    translatedText: str  # noqa: N815 - the provider's spelling


async def _by_model(given: Translation, context: ToolContext) -> dict[str, Any]:
    source = f"the language {given.source}" if given.source else "its language"
    text = json.dumps(given.text, ensure_ascii=False)  # a text cannot end the string that it stands in
    template = (files(__package__ or "") / "prompts" / "translate.md").read_text(encoding="utf-8").strip()
    prompt = template.format(source=source, target=f"the language {given.target}", text=text)
    translation = (await context.complete(prompt, max_tokens=min(4_096, 64 + 2 * len(given.text)))).strip()
    if not translation:
        raise ToolError("the model gave no translation")
    return {"text": translation, "by": "model"}


def _by_deepl(settings: TranslateSettings) -> Work:
    async def translate(given: Translation, context: ToolContext) -> dict[str, Any]:
        key = context.secret(_DEEPL_KEY)
        base = settings.base_url or f"https://api{'-free' if key.endswith(':fx') else ''}.deepl.com"
        body = {"text": [given.text], "target_lang": given.target.upper()}
        request = WebRequest(
            url=f"{base.rstrip('/')}/v2/translate",
            method="POST",
            headers={"Authorization": f"DeepL-Auth-Key {key}"},
            json_body=body | ({"source_lang": given.source.upper()} if given.source else {}),
            configured=settings.base_url is not None,
        )
        reply = await ask(context, request, Provider("DeepL", _DEEPL_KEY, key), _DeepLReply)
        return {"text": reply.translations[0].text, "by": "DeepL"}

    return translate


def _by_libretranslate(settings: TranslateSettings) -> Work:
    async def translate(given: Translation, context: ToolContext) -> dict[str, Any]:
        key = "" if settings.base_url else context.secret(_LIBRE_KEY)
        body = {"q": given.text, "source": given.source or "auto", "target": given.target, "format": "text"}
        request = WebRequest(
            url=f"{(settings.base_url or _LIBRE).rstrip('/')}/translate",
            method="POST",
            json_body=body | ({"api_key": key} if key else {}),
            configured=settings.base_url is not None,
        )
        reply = await ask(context, request, Provider("LibreTranslate", _LIBRE_KEY if key else "", key), _LibreReply)
        return {"text": reply.translatedText, "by": "LibreTranslate"}

    return translate


def make(settings: TranslateSettings) -> Tool[Translation]:
    """The tool with these settings."""
    by_model = settings.provider is Translator.MODEL
    work: Work = _by_model
    keys: tuple[str, ...] = ()
    if settings.provider is Translator.DEEPL:
        work, keys = _by_deepl(settings), (_DEEPL_KEY,)
    elif settings.provider is Translator.LIBRETRANSLATE:
        work, keys = _by_libretranslate(settings), () if settings.base_url else (_LIBRE_KEY,)
    return Tool(
        name="translate",
        description="Translates a text into another language.",
        arguments=Translation,
        work=work,
        permissions=frozenset({Permission.MODEL if by_model else Permission.NETWORK}),
        keys=keys,
        timeout=120.0,
        dollars=0.0 if by_model else settings.dollars,
        settings=settings,
        rebuild=make,
    )


TOOL = make(TranslateSettings())
