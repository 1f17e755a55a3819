# ruff: noqa: RUF001 - digits and commas of other scripts are what this is about
from __future__ import annotations

import pytest

from symposia.agents.translator import Translation, read_translation, retold, what_is_lost
from symposia.core.calls import CallFailure, CallResult, Choice, FinishReason, Reply
from symposia.core.problem import ImagePart, ImageUrl, Message, Problem, TextPart

PENS = "A box has 12 pens and costs $3.50. How much are 1,200 pens?"


@pytest.mark.parametrize(
    ("target", "translation"),
    [
        ("de", "Eine Schachtel hat 12 Stifte und kostet 3,50 $. Wie viel kosten 1.200 Stifte?"),
        ("de", "Eine Schachtel hat 12 Stifte und kostet $3.50. Wie viel kosten 1,200 Stifte?"),
        ("fr", "Combien coûtent 1\u202f200 stylos, si une boîte de 12 coûte 3,5 $ ?"),
        ("zh", "一盒有１２支笔，价格３.５０美元。１２００支笔多少钱？"),
        ("bn", "একটি বাক্সে ১২টি কলম, দাম ৩.৫০। ১২০০টি কলমের দাম কত?"),
    ],
)
def test_numbers_may_be_written_as_either_language_does(target: str, translation: str) -> None:
    assert what_is_lost(PENS, translation, source="en", target=target) == ""


@pytest.mark.parametrize(
    ("translation", "said"),
    [
        ("", "the translation is empty"),
        (f" {PENS}\n", "the translation is the text as it was"),
        ("Wie viel kosten 12 Stifte für 3,50?", "the translation lacks the numbers 1200"),
        ("Was kosten 1.200 Stifte, 12 für 3,50? Antwort: 350", "the translation has numbers that the original has not: 350"),
        ("12 Stifte kosten 12 und 3,50, was kosten 1.200?", "the translation has numbers that the original has not: 12"),
        ("Das Ergebnis ist sieben.", "the translation lacks the numbers 12, 7/2, 1200"),
        ("Was kosten `1.200` Stifte, 12 für 3,50?", "formulas or code were changed: `1.200`"),
    ],
)
def test_what_lost_or_gained_something_cannot_be_used(translation: str, said: str) -> None:
    assert what_is_lost(PENS, translation, source="en", target="de") == said


def test_formulas_and_code_stay_as_they_are() -> None:
    original = "Let $x = \\frac{1}{2}$. What does\n```python\nprint(2 * x)\n```\nprint?"
    kept = "Sei $x = \\frac{1}{2}$. Was gibt\n```python\nprint(2 * x)\n```\naus?"
    assert what_is_lost(original, kept, source="en", target="de") == ""
    for changed in (kept.replace("\\frac", "\\dfrac"), kept.replace("print", "drucke"), kept.replace("\\frac{1}{2}", "1/2")):
        assert what_is_lost(original, changed, source="en", target="de").startswith("formulas or code were changed: ")


def test_many_missing_numbers_are_not_all_named() -> None:
    said = what_is_lost(" ".join(map(str, range(1, 10))), "nichts", source="en", target="de")
    assert said == "the translation lacks the numbers 1, 2, 3, 4, 5 and 4 more"


def replied(text: str, finish: FinishReason = FinishReason.STOP) -> CallResult:
    reply = Reply(model="m", choices=(Choice(text=text, finish_reason=finish),))
    return CallResult(index=0, key="k", reply=reply)


def test_a_reply_is_read_without_marks_of_chat_templates() -> None:
    found = read_translation(replied(" Was sind 3 Äpfel?<|im_end|> "), Problem.of("What are 3 apples?"), "de")
    assert found == Translation("Was sind 3 Äpfel?< |im_end|>")


def test_a_translation_that_was_cut_off_or_failed_says_so() -> None:
    problem = Problem.of("What are 3 apples?")
    assert read_translation(replied("Was sind 3", FinishReason.LENGTH), problem, "de").error == "the translation was cut off"
    failure = CallFailure(code="server", message="out of order")
    failed = read_translation(CallResult(index=0, key="k", failure=failure), problem, "de")
    assert failed == Translation("", "out of order", failed=True)
    empty = CallResult(index=0, key="k", reply=Reply(model="m", choices=()))
    assert read_translation(empty, problem, "de").failed


def test_only_the_last_message_of_the_user_is_retold() -> None:
    image = ImagePart(image_url=ImageUrl(url="data:,"))
    problem = Problem(
        messages=(
            Message(role="user", content="Hello"),
            Message(role="assistant", content="Hello!"),
            Message(role="user", content=(TextPart(text="What is"), image, TextPart(text="this?"))),
            Message(role="assistant", content="Let me see."),
        )
    )
    told = retold(problem, "Was ist das?")
    assert [message.text for message in told.messages] == ["Hello", "Hello!", "Was ist das?", "Let me see."]
    assert told.messages[2].content == (TextPart(text="Was ist das?"), image)
    assert told.question == "Was ist das?"
