# ruff: noqa: RUF001 - characters that look alike are what this is about
"""Answers in the eleven languages of MGSM: the table, and what must hold for every language and every text."""

from __future__ import annotations

import importlib.util
import time
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symposia.core.answers import canonical, extract, group
from symposia.core.answers.cues import CUE, CUES
from symposia.core.answers.han import read_numeral
from symposia.core.answers.measures import ALIASES, NAMES, UNITS, unit_in
from symposia.core.answers.numerals import fold
from symposia.core.answers.scripts import unify
from symposia.core.candidate import Answer, ExtractionRule
from symposia.core.problem import AnswerKind

NUMBER, CHOICE = AnswerKind.NUMBER, AnswerKind.CHOICE
LANGUAGES = ("bn", "de", "en", "es", "fr", "ja", "ru", "sw", "te", "th", "zh")


def _rows() -> tuple[tuple[str, str, str, str | None], ...]:
    spec = importlib.util.spec_from_file_location("answers_by_language", Path(__file__).with_name("answers_by_language.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.ROWS


ROWS = _rows()


async def never(a: Answer, b: Answer) -> bool:
    raise AssertionError(f"asked about {a} and {b}")


def said(text: str, language: str = "en") -> Answer:
    answer = extract(text, NUMBER, language=language)
    assert answer is not None
    return answer


def test_the_table_is_large_enough() -> None:
    assert len(set(ROWS)) == len(ROWS) >= 220
    assert min(Counter(row[0] for row in ROWS)[code] for code in LANGUAGES) >= 20
    assert {row[0] for row in ROWS} == set(LANGUAGES)


@pytest.mark.parametrize(("language", "text", "value", "unit"), ROWS)
def test_an_answer_is_read_in_its_language(language: str, text: str, value: str, unit: str | None) -> None:
    answer = extract(text, NUMBER, language=language)
    assert answer is not None
    assert (answer.value, answer.unit) == (value, unit)


@pytest.mark.parametrize(("language", "text", "value", "unit"), ROWS)
def test_the_value_is_a_fixed_point_in_its_language(language: str, text: str, value: str, unit: str | None) -> None:
    again = canonical(value, NUMBER, language=language)
    assert again == (value, None), (text, unit)


@pytest.mark.parametrize(
    "text",
    [
        "Answer: N/A", "The answer is 5. No, it cannot be known.\nAnswer: unknown", "Ответ: неизвестно", "答案：无法确定",
        "Respuesta: desconocida\n", "We have 3 and 4.\nAntwort: unbekannt",
    ],
)  # fmt: skip
def test_an_answer_that_says_there_is_none_is_none(text: str) -> None:
    assert extract(text, NUMBER) is None


@pytest.mark.parametrize(
    ("text", "language", "value"),
    [
        ("1.234", "de", "1234"), ("1.234", "de-AT", "1234"), ("1.234", "zh-Hans", "617/500"), ("1,234", "ru", "617/500"),
        ("1,500", "ru", "1500"), ("$1,234", "fr", "1234"), ("1,50", "en", "3/2"), ("1,23,456", "en", "123456"),
        ("0,125", "en", "1/8"), ("1 234 567", "ru", "1234567"), ("1\u2009234", "en", "1234"),
        ("1\u202f234,5", "en", "2469/2"), ("1.234,5", "en", "2469/2"), ("1,234.5", "de", "2469/2"),
        ("1{,}234", "en", "1234"), ("1{,}234", "de", "617/500"), ("一百五", "ja", "105"),
    ],
)  # fmt: skip
def test_separators_follow_the_language(text: str, language: str, value: str) -> None:
    found = canonical(text, NUMBER, language=language)
    assert found is not None
    assert found.value == value


@pytest.mark.parametrize(
    ("numeral", "value"),
    [
        ("十", 10), ("十五", 15), ("二十", 20), ("两千零五十", 2050), ("九千九百九十九", 9999), ("一万零三", 10_003),
        ("三万五", 35_000), ("3万亿", 3 * 10**12), ("1億2000万", 120_000_000), ("壹佰贰拾叁", 123), ("二〇二四", 2024),
        ("5千", 5000),
    ],
)  # fmt: skip
def test_a_chinese_numeral_is_read(numeral: str, value: int) -> None:
    assert read_numeral(numeral, "zh") == value


@pytest.mark.parametrize("text", ["万", "三四百", "百千", "三千五千", "一二", "3五", "1.2.3万", "十" * 61])
def test_what_is_no_numeral_is_not_read(text: str) -> None:
    assert read_numeral(text, "zh") is None


@pytest.mark.parametrize("text", ["三角形", "一起", "十分", "万一", "第三百名", "几百人", "三四百", "15割る3", "第二十一"])
def test_words_with_numerals_in_them_are_left_alone(text: str) -> None:
    assert unify(text, "zh") == text


@settings(deadline=None)
@given(value=st.integers(0, 10**12 - 1))
def test_chinese_numerals_are_read_as_they_are_written(value: int) -> None:
    assert read_numeral(_chinese(value), "zh") == value
    assert unify(_chinese(value) + "。", "zh").startswith(str(value))


def _chinese(value: int) -> str:
    """An independent writer: sections of four digits, zeros said once, 一十 in full."""
    if value == 0:
        return "零"
    digits, text, gap = str(value), "", False
    for place, digit in enumerate(digits):
        left = len(digits) - 1 - place
        if digit == "0":
            gap = True
        else:
            text += "零" * (gap and bool(text)) + "零一二三四五六七八九"[int(digit)] + ("", "十", "百", "千")[left % 4]
            gap = False
        if left and left % 4 == 0 and int(digits[max(0, place - 3) : place + 1]):
            text += {4: "万", 8: "亿"}[left]
    return text


SCRIPTS = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) == "Nd" and unicodedata.decimal(chr(c)) == 0]


@settings(deadline=None)
@given(value=st.integers(-(10**9), 10**9), zero=st.sampled_from(SCRIPTS), language=st.sampled_from(LANGUAGES))
def test_digits_of_every_script_are_digits(value: int, zero: str, language: str) -> None:
    other = "".join(c if c == "-" else chr(ord(zero) + int(c)) for c in str(value))
    assert fold(other) == fold(str(value))
    assert canonical(other, NUMBER, language=language) == (str(value), None)
    assert said(f"Answer: {other}", language).value == str(value)


PIECES = [
    "答案：", "উত্তর ", "Jibu ni ", "คำตอบคือ", "ответ — ", "二", "十", "万", "三分之", "3分の", "割", "点五", "半", "元", "角",
    "两个", "5", ",", ".", " ", "\u202f", "৳", "¥", "$", "%", "ล้าน", "เศษ", "ส่วน", "টাকা", "రూ.", "asilimia ", "负",
    "minus ", "月", "日", "2024-03-05", "のうち", "d'", "de ", "Millionen", "{,}", "'", "(", ")", "。", "=", "\u0301", "\n",
]  # fmt: skip
MIXED = st.lists(st.sampled_from(PIECES), max_size=20).map("".join) | st.text(max_size=40)


@settings(deadline=None)
@given(text=MIXED, kind=st.sampled_from(AnswerKind), language=st.sampled_from((*LANGUAGES, "", "xx-YY")))
def test_no_text_of_any_language_raises(text: str, kind: AnswerKind, language: str) -> None:
    answer = extract(text, kind, language=language)
    assert answer is None or answer.value.strip()
    found = canonical(text, kind, language=language)
    assert found is None or found.value.strip()


@settings(deadline=None)
@given(text=MIXED, kind=st.sampled_from([NUMBER, AnswerKind.EXPRESSION]))
def test_values_of_mixed_texts_are_fixed_points(text: str, kind: AnswerKind) -> None:
    first = canonical(text, kind)
    if first is not None:
        again = canonical(first.value, kind)
        assert again is not None
        assert again.value == first.value


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("الإجابة هي ١٨", "ar"), ("सही उत्तर: १८", "hi"), ("Jawabannya adalah 18.", "id"), ("La risposta è 18.", "it"),
        ("정답은 18입니다.", "ko"), ("Het antwoord is 18.", "nl"), ("Odpowiedź: 18", "pl"), ("A resposta é 18.", "pt"),
        ("Cevap: 18", "tr"), ("Đáp án là 18.", "vi"),
    ],
)  # fmt: skip
def test_other_languages_announce_answers_too(text: str, language: str) -> None:
    answer = said(f"{text}\n(3 + 15 gives that, in 2 steps)", language)
    assert (answer.value, answer.rule) == ("18", ExtractionRule.CUE)


async def test_answers_of_several_languages_meet_in_one_vote() -> None:
    texts = [
        ("5 apples", "en"),
        ("5 Äpfel", "de"),
        ("5个苹果", "zh"),
        ("5", "fr"),
        ("5 hours", "en"),
        ("5 Stunden", "de"),
        ("5時間", "ja"),
    ]
    answers = [said(text, language) for text, language in texts]
    assert await group(answers, never) == (0,) * len(texts)
    money = [
        said("$18 per day"),
        said("18 Dollar", "de"),
        said("18 долларов в день", "ru"),
        said("18美元", "zh"),
        said("18 €", "fr"),
    ]
    assert await group(money, never) == (0, 0, 0, 0, 1)


async def test_a_percentage_never_meets_a_fraction() -> None:
    answers = [
        said("50%"),
        said("0.5"),
        said("百分之五十", "zh"),
        said("50 Prozent", "de"),
        said("1/2"),
        said("asilimia 50", "sw"),
    ]
    assert await group(answers, never) == (0, 1, 0, 0, 1, 0)
    assert await group([said("50"), *answers], never) == (0, 0, 1, 0, 0, 1, 0)


@pytest.mark.parametrize(
    ("text", "language", "letter"),
    [
        ("答案是选项B。", "zh", "B"), ("正确答案是（B）。", "zh", "B"), ("答案：Ｂ", "zh", "B"), ("答えはAです。", "ja", "A"),
        ("Antwort: B", "de", "B"), ("La respuesta es la opción C.", "es", "C"), ("La réponse est C.", "fr", "C"),
        ("Ответ: вариант D", "ru", "D"), ("คำตอบคือข้อ C", "th", "C"), ("Jibu ni B.", "sw", "B"),
    ],
)  # fmt: skip
def test_a_choice_is_found_in_every_language(text: str, language: str, letter: str) -> None:
    answer = extract(text, CHOICE, language=language)
    assert answer is not None
    assert answer.value == letter


def test_every_language_has_a_cue_in_every_form_of_unicode() -> None:
    assert set(LANGUAGES) <= set(CUES)
    for cue in CUES.values():
        for noun in (*cue.nouns, *cue.before_colon):
            for form in ("NFC", "NFD", "NFKC"):
                assert CUE.search(unicodedata.normalize(form, noun) + ": 5"), noun


def test_no_word_stands_for_two_units() -> None:
    owners: dict[str, set[str]] = {}
    for unit, aliases in NAMES.items():
        for alias in aliases.split():
            owners.setdefault(unicodedata.normalize("NFKC", alias).casefold(), set()).add(unit)
    assert {alias: units for alias, units in owners.items() if len(units) > 1} == {}
    assert set(ALIASES.values()) == UNITS
    assert unit_in("時間です") == "hour"
    assert unit_in("Stunden") == "hour"
    assert unit_in("Stundenplan") is None


REPEATED = [
    "答案：", "উত্তর ", "二", "十百", "三分之", "3分の", "3割", "1万", "1 234 ", "12個のうち", "负", "ล้าน", "5ล้าน", "เศษ 1 ส่วน ",
    "d'", "৳", "asilimia ", "2024-03-", "3月5日", "（", "Answer (", "उत्तर", "।", "1又", "\u0e33",
]  # fmt: skip


@pytest.mark.parametrize("piece", REPEATED)
def test_two_hundred_thousand_characters_take_no_time(piece: str) -> None:
    many = piece * (200_000 // len(piece))
    text = f"{many}\n{many[:900]}"
    for language in ("zh", "fr"):
        start = time.process_time()
        extract(text, NUMBER, language=language)
        canonical(text, NUMBER, language=language)
        assert time.process_time() - start < 3, "not linear"
