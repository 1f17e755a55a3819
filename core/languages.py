"""Names of languages by their ISO 639-1 codes, as models are told them. Adding a language is adding a row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .errors import UnknownNameError, nearest


class Language(NamedTuple):
    """A language by name, and how its speakers call it."""

    name: str
    own: str

    def __str__(self) -> str:
        return self.name if self.name == self.own else f"{self.name} ({self.own})"


LANGUAGES: dict[str, Language] = {
    "ar": Language("Arabic", "العربية"),
    "bn": Language("Bengali", "বাংলা"),
    "cs": Language("Czech", "čeština"),
    "da": Language("Danish", "dansk"),
    "de": Language("German", "Deutsch"),
    "el": Language("Greek", "ελληνικά"),
    "en": Language("English", "English"),
    "es": Language("Spanish", "español"),
    "fa": Language("Persian", "فارسی"),
    "fi": Language("Finnish", "suomi"),
    "fr": Language("French", "français"),
    "he": Language("Hebrew", "עברית"),
    "hi": Language("Hindi", "हिन्दी"),
    "hu": Language("Hungarian", "magyar"),
    "id": Language("Indonesian", "bahasa Indonesia"),
    "it": Language("Italian", "italiano"),
    "ja": Language("Japanese", "日本語"),
    "ko": Language("Korean", "한국어"),
    "nl": Language("Dutch", "Nederlands"),
    "no": Language("Norwegian", "norsk"),
    "pl": Language("Polish", "polski"),
    "pt": Language("Portuguese", "português"),
    "ro": Language("Romanian", "română"),
    "ru": Language("Russian", "русский"),
    "sv": Language("Swedish", "svenska"),
    "sw": Language("Swahili", "Kiswahili"),
    "ta": Language("Tamil", "தமிழ்"),
    "te": Language("Telugu", "తెలుగు"),
    "th": Language("Thai", "ไทย"),
    "tr": Language("Turkish", "Türkçe"),
    "uk": Language("Ukrainian", "українська"),
    "ur": Language("Urdu", "اردو"),
    "vi": Language("Vietnamese", "Tiếng Việt"),
    "zh": Language("Chinese", "中文"),
}
"""The eleven of MGSM, and other common ones."""


def language(code: str) -> Language:
    """The language with this code. Raises :class:`UnknownNameError` with the nearest code, by name where a name was given."""
    if code in LANGUAGES:
        return LANGUAGES[code]
    raise UnknownNameError("language", code, _meant(code) or LANGUAGES)


def base_code(code: str) -> str:
    """The language of a code that may name a region too: ``pt`` of ``pt-BR``."""
    return code.casefold().replace("_", "-").partition("-")[0]


def _meant(given: str) -> Iterable[str]:
    """The code that something else was given for: a region of it, or a name. Of something as short as a code, none."""
    if base_code(given) in LANGUAGES:
        return [base_code(given)]
    codes = {called: code for code, names in LANGUAGES.items() for called in names}
    found = nearest(given, codes) if len(given) > 3 else None
    return [codes[found]] if found else []
