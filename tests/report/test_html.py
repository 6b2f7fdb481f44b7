from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evalkit.errors import RunFolderError
from evalkit.report import render_report, write_report
from evalkit.report.sections import all_sections
from evalkit.report.sections.classes import classes
from evalkit.report.sections.examples import BUDGET, PER_SUITE, TEXT_LIMIT, script_json
from evalkit.report.sections.registry import section
from evalkit.report.text import MINUS, visible
from evalkit.schema import Answer, RunRecord, Signal, SplitResult
from tests.report.factory import make_record, with_info
from tests.report.hostile import EVIL, spoil
from tests.report.pages import element, parse

CLOCK = re.compile(r"<p data-clock>.*?</p>", re.DOTALL)
STANDALONE = {"meta", "style", "script", "path", "use", "rect", "line", "input", "br"}


@pytest.fixture(scope="module")
def record() -> RunRecord:
    return make_record()


@pytest.fixture(scope="module")
def page(record: RunRecord) -> str:
    return render_report(record)


@pytest.fixture(scope="module")
def hostile() -> str:
    return render_report(spoil(make_record(n=6)))


def data_of(page: str) -> dict[str, list[dict[str, object]]]:
    found: dict[str, list[dict[str, object]]] = json.loads(
        element(page, "script", ' type="application/json" id="data"')
    )
    return found


def answered(record: RunRecord, texts: dict[str, str]) -> RunRecord:
    """The same record, but the first answer of each named model is another text."""
    first, *others = record.splits
    answers = {
        model: (Answer(texts[model]), *given[1:]) if model in texts else given
        for model, given in first.answers.items()
    }
    return replace(record, splits=(replace(first, answers=answers), *others))


# One page


def test_sections_stand_in_their_order_and_the_verdict_is_first(page: str) -> None:
    shown = re.findall(r'<section id="(\w+)"', page)
    keys = [s.key for s in all_sections()]
    assert shown == [key for key in keys if key in shown]
    # This run has no loss file, no checkpoints, and asked nothing twice.
    assert set(keys) - set(shown) <= {"losses", "checkpoints", "noise"}
    assert shown[0] == "verdict"
    assert re.findall(r'<li><a href="#(\w+)"', page) == shown


def test_equal_runs_are_equal_bytes_but_for_the_clock(record: RunRecord, page: str) -> None:
    later = with_info(
        record,
        clocks={
            "started": "2030-01-01T00:00:00Z",
            "seconds": 0.25,
            "models": {"base": {"sent": 3, "median_seconds": 0.0123}, "tuned": {}},
        },
    )
    other = render_report(later)
    assert render_report(make_record()) == page
    assert other != page
    assert CLOCK.sub("", other) == CLOCK.sub("", page)
    assert "Started 2030-01-01 00:00:00Z · took 0.2 s · median answer: base 0.0123 s" in other


def test_nothing_is_fetched_and_only_our_style_and_script_take_effect(page: str) -> None:
    parsed = parse(page)
    assert not set(parsed.tags) & {"link", "img", "iframe", "object", "embed", "base"}
    assert not parsed.values("src")
    assert all(href.startswith("#") for href in parsed.values("href") + parsed.values("xlink:href"))
    assert not parsed.values("style")
    assert not [name for _, name, _ in parsed.attributes if name.startswith("on")]
    policy = next(v for v in parsed.values("content") if "default-src" in v)
    assert "default-src 'none'" in policy
    for tag in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(element(page, tag).encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_ids_are_unique_and_every_link_leads_somewhere(page: str) -> None:
    parsed = parse(page)
    ids = parsed.values("id")
    assert len(ids) == len(set(ids))
    links = {href[1:] for href in parsed.values("href") + parsed.values("xlink:href")}
    links |= set(re.findall(r"url\(#([^)]+)\)", page))
    links |= set(parsed.values("aria-labelledby"))
    assert links <= set(ids)


def test_every_tag_is_closed(page: str) -> None:
    markup = re.sub(r"<script.*?</script>|<style.*?</style>", "", page, flags=re.DOTALL)
    opened: list[str] = []
    for slash, tag, attributes in re.findall(r"<(/?)([a-z][\w]*)([^>]*)>", markup):
        if slash:
            assert opened.pop() == tag
        elif tag not in STANDALONE - {"rect", "line"} and not attributes.endswith("/"):
            opened.append(tag)
    assert not opened


def test_tables_and_figures_speak_to_those_who_cannot_see_them(page: str) -> None:
    assert page.count("<table") <= page.count('role="region" aria-label="')
    assert all("aria-label" in svg for svg in re.findall(r"<svg[^>]*>", page))
    assert '<html lang="en">' in page
    assert 'class="skip"' in page


# Numbers


def test_every_score_and_change_stands_in_the_page_unrounded(record: RunRecord, page: str) -> None:
    shown = set(re.findall(r'data-value="([^"]+)"', page))
    first = {suite: scorers[0].name for suite, scorers in record.info.scorers.items()}
    scores = [
        s
        for s in record.scores
        if not s.slice or (s.split == "test" and s.scorer == first[s.suite])
    ]
    changes = [c for c in record.comparisons if not c.slice or c.split == "test"]
    numbers = [x for s in scores for x in (s.score, s.low, s.high) if x is not None]
    numbers += [x for c in changes for x in (c.delta, c.low, c.high) if x is not None]
    assert len(numbers) > 200
    assert {repr(float(x)) for x in numbers} <= shown


def test_a_number_is_shown_rounded_with_a_true_minus(page: str, record: RunRecord) -> None:
    delta = next(c.delta for c in record.comparisons if c.delta is not None and c.delta < 0)
    assert f'data-value="{delta!r}" title="{delta!r}">{MINUS}{-delta:.3f}</span>' in page


def test_an_area_under_a_curve_has_no_sign(record: RunRecord) -> None:
    area = Signal("membership", "none", 0.53, 0.48, 0.58, 0.9, 1.0, 0.70, "an area of 0.53")
    verdicts = [replace(v, signals=(*v.signals, area)) for v in record.info.overfit]
    page = render_report(with_info(record, overfit=tuple(verdicts)))
    row = re.sub("<[^>]+>", " ", page[page.index(">membership</th>") :].partition("</tr>")[0])
    assert re.search(
        r"membership none 0\.530 \[ 0\.480 , 0\.580 \]", " ".join(row.split()).lstrip(">")
    )


def test_the_gain_is_split_in_a_sentence(page: str, record: RunRecord) -> None:
    gain = record.info.gains[0]
    text = re.sub(r"<[^>]+>", "", page)
    assert (
        f"of +{gain.total:.3f} exact match, +{gain.skill:.3f} is skill, +{gain.form:.3f} is form"
        in text
    )


def test_classes_agree_with_their_counts(record: RunRecord) -> None:
    context = classes(record)
    assert context
    suites = context["suites"]
    assert isinstance(suites, list)
    for matrix in suites[0].matrices:
        counts = {
            (c.reference, c.predicted): c.count
            for c in record.confusions
            if c.model == matrix.arm.name and c.split == "test"
        }
        for line in matrix.lines:
            told = sum(n for (_, p), n in counts.items() if p == line.label)
            right = counts[line.label, line.label]
            assert math.isclose(line.recall, right / line.n)
            assert math.isclose(line.precision, right / told)
            assert math.isclose(
                line.f1, 2 * line.precision * line.recall / (line.precision + line.recall)
            )
        assert sum(cell.count for _, cells in matrix.rows for cell in cells) == sum(counts.values())


# Hostile texts


def test_hostile_texts_add_no_element_and_no_attribute(hostile: str) -> None:
    parsed = parse(hostile)
    calm = parse(render_report(make_record(n=6)))
    assert set(parsed.tags) == set(calm.tags)
    assert {(tag, name) for tag, name, _ in parsed.attributes} == {
        (tag, name) for tag, name, _ in calm.attributes
    }
    assert len(re.findall(r"<script", hostile)) == len(re.findall(r"</script", hostile)) == 2
    assert not [v for v in parsed.values("href") if v.startswith("javascript")]


def test_hostile_texts_are_there_to_be_read(hostile: str) -> None:
    texts = parse(hostile).texts
    assert any(visible(EVIL) in text for text in texts["pre"])
    assert any(visible(EVIL) in text for text in texts["bdi"])
    assert "{{7*7}}" in texts["title"][0]


def test_no_control_or_reordering_character_reaches_the_page(hostile: str) -> None:
    hostile.encode("utf-8")
    assert visible(hostile) == hostile


def test_script_data_cannot_end_its_element() -> None:
    data = {"text": "</script><!--\u2028&\u2029", "other": ["<script>"]}
    text = script_json(data)
    assert not re.search("[<>&\u2028\u2029]", text)
    assert json.loads(text) == data


def test_long_texts_are_cut_with_a_note_and_the_page_stays_small(record: RunRecord) -> None:
    long = answered(record, {"base": "x" * 100_000, "tuned": "word " * 20_000})
    page = render_report(long)
    assert "the first 2,000 of 100,000 characters" in page
    assert "x" * (TEXT_LIMIT + 1) not in page
    assert len(page) < len(render_report(record)) + 20_000


def huge(split: SplitResult) -> SplitResult:
    """The same split with 100 kB behind every answer."""
    answers = {
        model: tuple(
            replace(a, text=a.text + "y" * 100_000) if isinstance(a, Answer) else a for a in given
        )
        for model, given in split.answers.items()
    }
    return replace(split, answers=answers)


def test_a_page_of_many_huge_answers_keeps_to_its_budget() -> None:
    record = make_record(n=200)
    page = render_report(replace(record, splits=tuple(map(huge, record.splits))))
    assert len(page) < 3_000_000
    data = data_of(page)
    assert len(json.dumps(data, ensure_ascii=False)) < BUDGET * 1.05
    assert all(0 < s["shown"] < s["total"] == 400 for s in data["suites"])  # type: ignore[operator]


# Examples


def test_examples_are_limited_and_flips_come_first() -> None:
    record = make_record(n=900, suites=1)
    data = data_of(render_report(record))
    assert data["suites"][0]["shown"] == PER_SUITE == len(data["examples"])
    assert data["suites"][0]["total"] == 1800

    def flips(row: dict[str, object]) -> bool:
        scores = [answer["scores"][0] for answer in row["answers"]]  # type: ignore[attr-defined]
        return None not in scores and len({score >= 0.5 for score in scores}) > 1

    kinds = [flips(row) for row in data["examples"]]
    assert kinds == sorted(kinds, reverse=True)
    assert {row["split"] for row in data["examples"]} == {"test", "train"}


def test_the_first_examples_can_be_read_without_a_script(page: str, record: RunRecord) -> None:
    assert page.count('<article class="example">') == 20
    assert "<noscript>" in page
    shown = element(page, "article", ' class="example"')
    first = data_of(page)["examples"][0]
    assert str(first["id"]) in shown
    assert shown.count("<h4>") >= 2 + len(record.info.models)


def test_unanswered_and_empty_answers_say_so(record: RunRecord) -> None:
    page = render_report(answered(record, {"base": ""}))
    assert "no answer (timeout): no answer within 60 s" in page
    assert "empty answer" in page


def test_many_references_are_counted(record: RunRecord) -> None:
    first, *others = record.splits
    many = replace(first.examples[0], references=tuple(f"reference {i}" for i in range(30)))
    split = replace(first, examples=(many, *first.examples[1:]))
    page = render_report(replace(record, splits=(split, *others)))
    assert "… and 25 other references" in page
    assert "reference 12" not in page


# Incomplete runs


def bare() -> Iterator[tuple[str, RunRecord]]:
    """Runs with something missing."""
    whole = make_record(n=3, suites=2)
    yield "no models tuned", make_record(n=3, suites=2, tuned=())
    yield "no suites", replace(
        with_info(whole, suites=(), scorers={}, hashes={}, overfit=(), gains=()),
        splits=(), scores=(), comparisons=(), confusions=(), leaks=(),
    )  # fmt: skip
    yield "training data unknown", with_info(whole, overfit=(), overfit_levels={})
    yield "nothing scored", replace(
        whole,
        scores=tuple(replace(s, score=None, low=None, high=None, n=0) for s in whole.scores),
        comparisons=tuple(replace(c, delta=None, low=None, high=None, p=None, p_adjusted=None,
                                  p_regression=None) for c in whole.comparisons),
    )  # fmt: skip
    yield (
        "not a number",
        replace(whole, scores=tuple(replace(s, score=math.nan) for s in whole.scores)),
    )
    yield "no values", replace(whole, splits=tuple(replace(s, values={}) for s in whole.splits))
    yield "no usage, no scorers", with_info(whole, usage=(), scorers={})
    yield (
        "gap unavailable",
        with_info(
            whole,
            overfit=tuple(replace(v, train_base=None, signals=()) for v in whole.info.overfit),
        ),
    )
    yield (
        "one model on train",
        replace(
            whole,
            splits=tuple(
                replace(s, answers={k: v for k, v in s.answers.items() if k == "tuned"})
                if s.split == "train"
                else s
                for s in whole.splits
            ),
        ),
    )


@pytest.mark.parametrize(("what", "record"), list(bare()), ids=[what for what, _ in bare()])
def test_an_incomplete_run_still_has_a_report(what: str, record: RunRecord) -> None:
    page = render_report(record)
    assert page.count("<section") >= 3, what
    assert "None" not in re.sub(
        r"<script.*?</script>|None (on \d|of this)", "", page, flags=re.DOTALL
    )
    assert ">nan<" not in page


def test_many_models_repeat_colours_instead_of_failing() -> None:
    page = render_report(make_record(n=3, suites=1, tuned=[f"tuned-{i}" for i in range(9)]))
    assert "hue-6" in page
    assert "hue-7" not in page


def test_corpus_scale_values_do_not_break_the_order() -> None:
    record = make_record(n=30, suites=1)
    split = record.splits[0]
    values = {key: np.full(30, np.nan) for key in split.values}
    page = render_report(replace(record, splits=(replace(split, values=values),)))
    assert data_of(page)["suites"][0]["shown"] == 30


# Sections and files


def test_a_section_needs_a_name_of_its_own() -> None:
    def verdict(record: RunRecord) -> None:
        raise AssertionError(record)

    with pytest.raises(ValueError, match="two report sections are called 'verdict'"):
        section(5, "Again")(verdict)


def test_a_report_replaces_the_one_before(record: RunRecord, page: str, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    write_report(record, path)
    assert path.read_bytes() == page.encode()
    assert list(tmp_path.iterdir()) == [path]


def test_a_report_that_cannot_be_written_is_a_clear_error(
    record: RunRecord, tmp_path: Path
) -> None:
    with pytest.raises(RunFolderError, match=r"missing.*report\.html: .*cannot be written"):
        write_report(record, tmp_path / "missing" / "report.html")


def test_usage_says_what_was_spent_and_what_is_saved() -> None:
    told = {"sent": 1200, "spent": 0.0421, "median_seconds": 0.2, "p95_seconds": 0.5,
            "max_seconds": 2.0, "tokens_per_second": 1534.2}  # fmt: skip
    page = render_report(make_record(clocks={"models": {"base": told, "tuned": {"sent": 0}}}))
    text = " ".join(re.sub(r"<[^>]+>", "", page).split())
    assert "1,200 requests sent, $0.042 spent, an answer took 0.200 s at the median" in text
    assert "1,534 tokens a second" in text
    assert "25.0 prompt and 12.0 completion tokens, where base takes 60.0 and 80.0" in text
    assert "$0.011 instead of $0.057 for 1,000 answers" in text
    assert "prices from evalkit.yaml" in text
    assert "1 answer not counted" in text
    clock = " ".join(CLOCK.findall(page))
    assert "1,200 requests sent" in clock
