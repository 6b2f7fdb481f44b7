"""The commands, thin: what they do lives in `evalkit.pipeline`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evalkit.cli import options
from evalkit.cli.terminal import print_json, print_line, print_note

if TYPE_CHECKING:
    from evalkit.pipeline import Run

GATE_CODES = {"PASS": 0, "FAIL": 1, "INCONCLUSIVE": 3}
INCOMPLETE = 4


def run(
    suites: options.Suites = None,
    base: options.Base = None,
    tuned: options.Tuned = None,
    train: options.Train = None,
    scorers: options.Scorers = None,
    out: options.Out = None,
    limit: options.Limit = None,
    seed: options.Seed = None,
    concurrency: options.Concurrency = None,
    config: options.Config = None,
    cache: options.Cache = None,
    allow_identical: options.AllowIdentical = False,
    gate: Annotated[bool, typer.Option("--gate", help="End with the gate's exit code.")] = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Ask base and tuned models, score, check for overfitting, and write the report.

    Without arguments: the embedded quickstart, which needs no server and no key.
    """
    from evalkit import pipeline

    done = pipeline.run(
        suites or (),
        base=base,
        tuned=tuned or (),
        train=train,
        scorers=scorers or (),
        out=out,
        limit=limit,
        seed=seed,
        concurrency=concurrency,
        config=config,
        cache=cache,
        allow_identical=allow_identical,
        progress=not quiet,
    )
    _show(done, as_json=as_json, quiet=quiet)
    if gate:
        _end_with_gate(done, as_json=as_json, quiet=quiet)
    if done.missing:
        print_note(
            f"{done.missing} answers could not be had: {done.failures}. They are missing, not "
            "wrong; run the same command to ask only for them."
        )
        raise typer.Exit(INCOMPLETE)


def gate(
    folder: options.RunFolder,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Say PASS, FAIL or INCONCLUSIVE of a run, from its folder; the exit code says it too."""
    from evalkit import pipeline

    _end_with_gate(pipeline.load(folder), as_json=as_json, quiet=quiet)


def report(
    folder: options.RunFolder,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Write the report of a run again, from its folder."""
    from evalkit import pipeline

    _show(pipeline.report(folder), as_json=as_json, quiet=quiet)


def score(
    folder: options.RunFolder,
    scorers: options.Scorers = None,
    extract: Annotated[
        str | None, typer.Option(metavar="REGEX", help="Score only what this finds (first group).")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where to write; default: RUN itself.")
    ] = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Score the stored completions of a run again: other scorers, other extraction, no model."""
    from evalkit import pipeline

    done = pipeline.score(folder, scorers=scorers or (), extract=extract, out=out)
    _show(done, as_json=as_json, quiet=quiet)


def check(
    suites: options.Suites = None,
    train: options.Train = None,
    config: options.Config = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Look a suite over before it is used: broken rows, duplicates, leakage, balance, lengths."""
    import dataclasses

    from evalkit import pipeline

    healths = pipeline.check(suites or (), train=train, config=config)
    if as_json:
        print_json([dataclasses.asdict(health) for health in healths])
    elif not quiet:
        from evalkit.report.terminal import print_health

        print_health(healths)


def _show(done: Run, *, as_json: bool, quiet: bool) -> None:
    """The summary for people on stderr, and the report's path, last, on stdout."""
    if as_json:
        print_json(done.as_json())
        return
    if not quiet:
        from evalkit.report.terminal import print_summary

        print_summary(done.record)
    print_line(str(done.report))


def _end_with_gate(done: Run, *, as_json: bool, quiet: bool) -> None:
    verdict = done.gate()
    if as_json:
        import dataclasses

        print_json(dataclasses.asdict(verdict))
    else:
        if not quiet:
            for result in verdict.results:
                print_note(f"{result.verdict:13} {result.suite} / {result.tuned}: {result.reason}")
        print_line(f"{verdict.verdict}: {verdict.reason}")
    raise typer.Exit(GATE_CODES[verdict.verdict])
