from __future__ import annotations

import random
import time

import pytest

from evalkit.errors import ScorerError
from evalkit.schema import Example, SuiteConfig
from evalkit.scorers import Scorer, info, make_scorers
from evalkit.scorers.style import echo, length, length_fit, loop, refusal, repetition


def test_length_counts_words_and_unspaced_characters() -> None:
    assert length("two words", [""]) == 2
    assert length("  ", [""]) == 0
    assert length("北京 yes", [""]) == 3
    assert (info(length).unit, info(length).better) == ("words", 0)


@pytest.mark.parametrize(
    ("prediction", "references", "options", "fits"),
    [
        ("a b c d", ["x x x x"], {}, True),
        ("a b c", ["x x x x"], {}, True),
        ("a b", ["x x x x"], {}, False),
        ("a b c d e", ["x x x x"], {}, True),
        ("a b c d e f", ["x x x x"], {}, False),
        ("a b c d e f", ["x x x x", "x x x x x x"], {}, True),
        ("a b c", ["x x x x"], {"slack": 0}, False),
        ("abcd", ["xxxxx"], {"unit": "characters"}, True),
        ("abc", ["xxxxx"], {"unit": "characters"}, False),
        ("", [""], {}, True),
        ("a", [""], {}, False),
        ("北京大学", ["x x x x"], {}, True),
    ],
)
def test_length_within_the_band_of_the_references(
    prediction: str,
    references: list[str],
    options: dict[str, object],
    fits: bool,  # noqa: FBT001
) -> None:
    assert length_fit(prediction, references, **options) == fits


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("", 0.0),
        ("one two three", 0.0),
        ("one two three four five", 0.0),
        ("a b c d a b c d", 1 / 5),
        ("go " * 10, 6 / 7),
        ("Go go GO go go", 1 / 2),
    ],
)
def test_repetition(text: str, share: float) -> None:
    assert repetition(text, [""]) == pytest.approx(share)
    assert info(repetition).better == -1


@pytest.mark.parametrize(
    ("text", "loops"),
    [
        ("", False),
        ("ha ha ha ha ha", False),
        ("The answer is 4. " * 3, True),
        ("The answer is 4. " * 2, False),
        ("First this. " + "Then I go on and on\n" * 4 + "Then I go", True),
        ("!" * 100, True),
        ("no " * 13 + "no", True),
        ("The answer is 4. " * 3 + "Now something else ends it well.", False),
        ("| a | b |\n|---|---|\n| 1 | 2 |", False),
        ("是的。" * 20, True),
    ],
)
def test_loops_at_the_end(text: str, loops: bool) -> None:  # noqa: FBT001
    assert loop(text, [""]) == loops
    assert info(loop).better == -1


def test_a_loop_is_found_at_every_period_and_in_no_random_text() -> None:
    random_ = random.Random(5)
    letters = "abcdefgh ij"
    for period in (1, 7, 60, 500):
        phrase = "".join(random_.choices(letters, k=period))
        assert loop("start " + (phrase * 60)[: max(40, 3 * period)], [""])
        assert not loop("".join(random_.choices(letters, k=4 * period + 40)), [""])
    started = time.process_time()
    loop("ab" * 50_000 + "c", [""])
    assert time.process_time() - started < 0.5


def ask(prompt: str, *references: str) -> Example:
    return Example("1", prompt, (), references or ("x",))


LONG = "Write a short note to my neighbour about the noise on Sunday"


@pytest.mark.parametrize(
    ("said", "example", "echoes"),
    [
        ("What is the capital of Peru?\nLima", ask("What is the capital of Peru?"), True),
        ("The capital of Peru is Lima", ask("What is the capital of Peru?"), False),
        ("Q: What  is the\ncapital of Peru? A: Lima", ask("What is the capital of Peru?"), True),
        ("Write a short note to my neighbour about cheese", ask(LONG), True),
        ("I will write a short note to my neighbour about it", ask(LONG), False),
        ("red", ask("red"), False),
        ("He go home now. He went.", ask("He go home now."), True),
        ("He is at home.", ask("He is at home.", "He is at home."), False),
    ],
)
def test_echoes_of_the_prompt(said: str, example: Example, echoes: bool) -> None:  # noqa: FBT001
    assert echo.needs_example
    assert echo.example_stats(said, example) == (float(echoes), 1.0)


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I\u2019m sorry, I cannot answer this question.",
        "As an AI language model, I have no opinion.",
        "I cannot provide medical advice.",
        "Unfortunately, I am unable to assist with this request.",
        "I'm not able to help with that.",
        "I must respectfully decline.",
        "I won't write that.",
    ],
)
def test_refusals(text: str) -> None:
    assert refusal(text, [""])


@pytest.mark.parametrize(
    "text",
    ["", "Lima", "I'm sorry for your loss; the parcel is on its way.", "You cannot help it.",
     "I can help with that.", "He said he can't provide it.", "Sorry, wrong number.",
     "x " * 200 + "I cannot help with that."],
)  # fmt: skip
def test_what_is_no_refusal(text: str) -> None:
    assert not refusal(text, [""])
    assert info(refusal).better == 0


def made(spec: str, *references: str, language: str | None = None) -> Scorer:
    config = SuiteConfig(name="demo", task="qa", language=language)
    return make_scorers([spec], config, [[reference] for reference in references])[0]


def test_the_script_of_the_references() -> None:
    ours = made("script", "Это столица России и большой город на реке", "Москва")
    assert ours.stats("Москва 2024!", ["x"]) == (1.0, 1.0)
    assert ours.stats("Moscow", ["x"]) == (0.0, 1.0)
    assert ours.stats("Oslo Осло", ["x"]) == (0.5, 1.0)
    assert ours.stats("42", ["x"]) == (1.0, 1.0)
    assert ours.signature == "script|scripts:cyrillic|v1"
    assert made("script", "42").stats("anything", ["x"]) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("en", "The parcel has not arrived yet, please wait a little."),
        ("de", "Das Paket ist noch nicht angekommen, bitte warten Sie."),
        ("es", "El paquete todavía no ha llegado, espere un poco."),
        ("fr", "Le colis n'est pas encore arrivé, veuillez patienter."),
        ("ru", "Посылка ещё не пришла, пожалуйста, подождите."),
        ("ja", "荷物はまだ届いていません。もう少しお待ちくださいませんか。"),
    ],
)
def test_the_language_of_an_answer(code: str, text: str) -> None:
    assert made(f"language(code={code!r})", "x").stats(text, ["x"]) == (1.0, 1.0)
    other = "de" if code == "en" else "en"
    assert made("language", "x", language=f"{other}-XX").stats(text, ["x"]) == (0.0, 1.0)


def test_a_short_answer_is_of_any_language() -> None:
    assert made("language(code='de')", "x").stats("The dog", ["x"]) == (1.0, 1.0)


def test_a_language_has_to_be_named_and_known() -> None:
    with pytest.raises(ScorerError, match=r"found no language, expected `language:` in the suite"):
        made("language", "x")
    with pytest.raises(ScorerError, match=r"found 'qq', expected .*(did you mean|known are)"):
        made("language(code='qq')", "x")
