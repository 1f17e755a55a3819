from __future__ import annotations

import pytest

from symposia.core.errors import UnknownNameError
from symposia.core.languages import LANGUAGES, base_code, language
from symposia.research.tasks.mgsm import LANGUAGES as MGSM


def test_every_language_of_mgsm_has_a_name() -> None:
    assert set(MGSM) <= set(LANGUAGES)
    assert (str(language("de")), str(language("en"))) == ("German (Deutsch)", "English")


def test_names_are_all_different() -> None:
    assert len({each.name for each in LANGUAGES.values()}) == len({each.own for each in LANGUAGES.values()}) == len(LANGUAGES)


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("dee", "did you mean 'de'"),
        ("pt-BR", "did you mean 'pt'"),
        ("EN", "did you mean 'en'"),
        ("German", "known: de"),
        ("deutsch", "known: de"),
        ("Chinees", "known: zh"),
        ("xx", "known: ar, bn"),
    ],
)
def test_an_unknown_code_is_an_error_with_the_nearest(given: str, hint: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        language(given)
    assert str(caught.value).startswith(f"unknown language {given!r} ({hint}")


def test_a_region_is_left_aside() -> None:
    assert [base_code(code) for code in ("pt-BR", "zh_Hans", "EN", "de")] == ["pt", "zh", "en", "de"]
