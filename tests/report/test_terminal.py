from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from evalkit.data.health import Lengths, Planning, SplitHealth, SuiteHealth
from evalkit.report import print_health, print_summary, summary_text
from evalkit.report.terminal import health_text
from evalkit.schema import Checkpoint
from tests.report.factory import make_record, with_info
from tests.report.hostile import spoil

HEALTH = SuiteHealth(
    "capitals",
    "classification",
    (
        SplitHealth(
            "test", 1200, (("a", "b"),), (), 0, Lengths(1, 42, 80, 120), Lengths(1, 2, 3, 4),
            {f"label-{i}": 100 - i for i in range(12)}, {"language": {"de": 700, "": 500}},
        ),
    ),
    (),
    ("3 test prompts occur in [red]train[/red]",),
    Planning(1200, 0.02857, 391, 310, 446),
)  # fmt: skip


def shown(part: object, width: int = 100) -> str:
    """What a terminal of that width would show, colours and all."""
    file = io.StringIO()
    Console(file=file, width=width, force_terminal=True, color_system="truecolor").print(part)
    return file.getvalue()


def plain(part: object, width: int = 100) -> str:
    file = io.StringIO()
    Console(file=file, width=width).print(part)
    return file.getvalue()


def test_the_answers_come_first_then_the_suites_then_the_warnings() -> None:
    record = make_record()
    text = plain(summary_text(record))
    order = ["tuned against base", "Better?", "Ship?", "capitals", "overfit against base",
             "warning: capitals"]  # fmt: skip
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    line = next(line for line in text.splitlines() if line.startswith("capitals"))
    base, tuned = (
        next(s.score for s in record.scores if (s.suite, s.model) == ("capitals", model))
        for model in ("base", "tuned")
    )
    assert f"{base:.3f}" in line
    assert f"{tuned:.3f}" in line
    assert line.rstrip().endswith("no")


@pytest.mark.parametrize("width", [40, 80, 200])
def test_it_fits_any_terminal(width: int) -> None:
    assert max(map(len, plain(summary_text(make_record()), width).splitlines())) <= width


def test_texts_of_the_run_reach_the_terminal_inert() -> None:
    text = plain(summary_text(spoil(make_record(n=4))))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\x00" not in text
    bold = with_info(make_record(n=4), warnings=("[bold red]not markup[/]",))
    assert "[bold red]not markup[/]" in shown(summary_text(bold))


def test_a_run_without_a_tuned_model_shows_its_scores() -> None:
    record = make_record(tuned=(), n=4, suites=1)
    text = plain(summary_text(record))
    assert "score [95 % interval]" in text
    assert "exact_match" in text


def test_what_was_not_compared_or_checked_says_so() -> None:
    record = make_record(n=4, suites=1)
    bare = replace(with_info(record, overfit=(), overfit_levels={}), comparisons=())
    text = plain(summary_text(bare))
    assert "not compared" in text
    assert "not checked" in text
    unscored = with_info(record, scorers={}, noise=())
    assert "\ncapitals" not in plain(summary_text(unscored))


def test_health_names_counts_and_problems() -> None:
    text = plain(health_text(HEALTH), 200)
    assert "1,200" in text
    assert "median 42, up to 120" in text
    assert "label-0 100" in text
    assert "and 4 more" in text
    assert "(none) 500" in text
    assert "problem: 3 test prompts occur in [red]train[/red]" in text
    assert (
        "1,200 prompts show a difference of 2.9 points or more between two models that are assumed "
        "to differ on 12.5 % of them; 5 points need 391, the gate about 310, an overfitting "
        "verdict 446 test and as many training prompts"
    ) in " ".join(text.split())
    small = replace(HEALTH, planning=Planning(5, None, 391, None, 446))
    told = " ".join(plain(health_text(small), 200).split())
    assert "5 prompts cannot show a difference between" in told
    assert "the gate about" not in told
    assert "no problem found" in plain(health_text(replace(HEALTH, problems=())))


def test_both_are_printed_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    print_summary(make_record(n=4, suites=1))
    print_health([HEALTH])
    out, err = capsys.readouterr()
    assert not out
    assert "Better?" in err
    assert "label-0" in err
    assert "\x1b" not in err


def test_what_it_cost_is_one_line_and_nothing_where_nothing_costs() -> None:
    clocks = {"models": {"base": {"spent": 0.25}, "tuned": {"spent": 0.0}, "overfit": {}}}
    record = make_record(clocks=clocks)
    base = next(used.cost for used in record.info.usage if used.model == "base")
    assert base is not None
    line = next(t for t in plain(summary_text(record), 300).splitlines() if t.startswith("cost:"))
    assert f"base ${base:.4f}" in line
    assert line.endswith("; spent now: $0.25")
    free = tuple(replace(used, price=None, cost=None) for used in record.info.usage)
    assert "cost:" not in plain(summary_text(with_info(record, usage=free)))


def test_chosen_checkpoints_and_what_rewordings_cost_are_said() -> None:
    record = make_record(n=4, suites=1)
    assert "checkpoint:" not in plain(summary_text(record))
    row = Checkpoint("job", "tuned", 300, "capitals", "f1", 0.75, 0.6, 0.9, 9, 0, chosen=True)
    other = replace(row, model="late", step=400, score=0.5, chosen=False)
    (test, *others) = record.splits
    reworded = replace(test, split="perturbed")
    text = plain(
        summary_text(replace(record, checkpoints=(row, other), splits=(test, *others, reworded))),
        300,
    )
    assert "checkpoint: tuned, the best of 2 on validation rows (capitals 0.750)" in text
    assert "rewordings" not in text  # nobody pays for local models
    served = tuple(replace(model, provider="openai") for model in record.info.models)
    paid = replace(with_info(record, models=served), splits=(test, *others, reworded))
    told = ", ".join(f"4 of {model.name}" for model in sorted(served, key=lambda m: m.name))
    assert f"rewordings asked besides: {told}; --no-perturb leaves them out" in plain(
        summary_text(paid), 300
    )
