"""The commands, thin: what they do lives in `evalkit.pipeline`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evalkit.cli import options
from evalkit.cli.terminal import append_text, print_json, print_line, print_note
from evalkit.errors import EvalkitError, UsageError

if TYPE_CHECKING:
    from evalkit.pipeline import Run
    from evalkit.schema import Estimate, GateVerdict

UNDECIDED, INCOMPLETE = 3, 4


def run(
    suites: options.Suites = None,
    base: options.Base = None,
    tuned: options.Tuned = None,
    checkpoints: options.Checkpoints = None,
    train: options.Train = None,
    scorers: options.Scorers = None,
    extract: options.Extract = None,
    judge: options.Judge = None,
    out: options.Out = None,
    force: options.Replace = False,
    limit: options.Limit = None,
    seed: options.Seed = None,
    concurrency: options.Concurrency = None,
    timeout: options.Timeout = None,
    max_seconds: options.MaxSeconds = None,
    max_cost: options.MaxCost = None,
    no_probe: options.NoProbe = False,
    config: options.Config = None,
    retry_missing: options.RetryMissing = None,
    dry_run: options.DryRun = False,
    cache: options.Cache = None,
    allow_identical: options.AllowIdentical = False,
    repeats: options.Repeats = None,
    noise_floor: options.NoiseFloor = False,
    stop_early: options.StopEarly = False,
    curve: options.Curve = None,
    perturb: options.Perturb = None,
    no_perturb: options.NoPerturb = False,
    logprobs: options.Logprobs = None,
    batch: options.Batch = False,
    gate: Annotated[bool, typer.Option("--gate", help="End with the gate's exit code.")] = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Ask base and tuned models, score, check for overfitting, and write the report.

    Without arguments: the embedded quickstart, which needs no server and no key.
    """
    from evalkit import pipeline

    given: pipeline.RunOptions = {
        "base": base,
        "tuned": tuned or (),
        "checkpoints": checkpoints or (),
        "train": train,
        "scorers": scorers or (),
        "extract": extract or (),
        "judge": judge,
        "limit": limit,
        "seed": seed,
        "concurrency": concurrency,
        "timeout": timeout,
        "max_seconds": max_seconds,
        "max_cost": max_cost,
        "probe": not no_probe,
        "config": config,
        "cache": cache,
        "allow_identical": allow_identical,
        "repeats": repeats,
        "noise_floor": noise_floor,
        "stop_early": stop_early,
        "curve": curve or (),
        "perturb": 0 if no_perturb else perturb,
        "logprobs": logprobs,
        "batch": batch,
    }
    if dry_run:
        found = pipeline.estimate(suites or (), retry_missing=retry_missing, **given)
        _show_estimates(found, as_json=as_json)
        return
    done = pipeline.run(
        suites or (),
        out=out,
        retry_missing=retry_missing,
        force=force,
        progress=not quiet,
        **given,
    )
    verdict = done.gate() if gate else None
    _show(done, verdict, as_json=as_json, quiet=quiet)
    if not done.asked:
        print_note(f"{done.folder} lacks nothing: nothing was asked; spent now: $0")
    if done.missing:
        from evalkit.verdict.wording import plural

        print_note(
            f"{plural(done.missing, 'answer')} could not be had: {done.failures}. What is missing "
            f"is not wrong; {done.remedy}."
        )
    if verdict is not None:
        if not as_json:
            _tell(verdict, quiet=quiet)
        raise typer.Exit(verdict.exit_code)
    if done.missing:
        raise typer.Exit(INCOMPLETE)


def gate(
    folder: options.RunFolder,
    against: options.Against = None,
    mode: options.Mode = None,
    margin: options.Margin = None,
    strict: options.Strict = False,
    config: options.RuleFile = None,
    accept: options.Accept = False,
    force: options.Force = False,
    markdown: options.Markdown = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Say PASS, FAIL or INCONCLUSIVE of a run, from its folder; the exit code says it too.

    A run is compared with its base, and with the accepted runs of its suites if there are any.
    """
    from evalkit import pipeline

    if force and not accept:
        raise UsageError("--force goes with --accept: it accepts a run that does not pass")
    given = {"mode": mode, "margin": margin, "strict": strict or None}
    with _explained(markdown, folder):
        done = pipeline.load(folder)
        verdict = done.gate(
            None if config is None else pipeline.project_rule(config),
            against=against,
            changes={name: value for name, value in given.items() if value is not None},
        )
    if markdown is not None:
        append_text(markdown, done.markdown(verdict))
    if as_json:
        print_json(dataclasses.asdict(verdict))
    else:
        _tell(verdict, quiet=quiet)
    if accept and not force and verdict.verdict != "PASS":
        print_note(
            f"not accepted: the verdict is {verdict.verdict}. The references stay as they are; "
            "to accept the run nevertheless, say --accept --force"
        )
        # Who lets INCONCLUSIVE pass must still hear that nothing was accepted.
        raise typer.Exit(verdict.exit_code or UNDECIDED)
    if accept:
        print_note(
            f"{folder} is now the reference of its suites: {done.accept(verdict, force=force)}"
        )
    raise typer.Exit(verdict.exit_code)


def compare(
    earlier: Annotated[Path, typer.Argument(metavar="RUN_A", help="The earlier run folder.")],
    later: Annotated[Path, typer.Argument(metavar="RUN_B", help="The later run folder.")],
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Put two runs side by side: changes from A to B, flips, and what changed in the set-up."""
    from evalkit import pipeline

    found = pipeline.compare(earlier, later)
    if as_json:
        print_json(dataclasses.asdict(found))
    elif not quiet:
        from evalkit.report.side_by_side import print_comparison

        print_comparison(found)


def report(
    folder: options.RunFolder,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Write the report of a run again, from its folder."""
    from evalkit import pipeline

    _show(pipeline.report(folder), None, as_json=as_json, quiet=quiet)


def score(
    folder: options.RunFolder,
    scorers: options.Scorers = None,
    extract: options.Extract = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where to write; default: RUN is replaced.")
    ] = None,
    force: options.Replace = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Score the stored completions of a run again: other scorers, other extraction, no model.

    RUN is replaced by what comes out, unless --out names another folder.
    """
    from evalkit import pipeline

    done = pipeline.score(
        folder, scorers=scorers or (), extract=extract or (), out=out, force=force
    )
    _show(done, None, as_json=as_json, quiet=quiet)


def check(
    suites: options.Suites = None,
    train: options.Train = None,
    config: options.Config = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Look a suite over before it is used: broken rows, duplicates, leakage, balance, lengths."""
    from evalkit import pipeline

    healths = pipeline.check(suites or (), train=train, config=config)
    if as_json:
        print_json([dataclasses.asdict(health) for health in healths])
    elif not quiet:
        from evalkit.report.terminal import print_health

        print_health(healths)


def models(
    specs: options.Specs = None,
    config: options.Config = None,
    cache: options.Cache = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Look at models by a few small requests: what is served, what they do, whether two are one.

    Without arguments: the models of the project file.
    """
    from evalkit import pipeline

    looked = pipeline.models(
        specs or (), config=config, cache=cache, progress=not (quiet or as_json)
    )
    if as_json:
        print_json(dataclasses.asdict(looked))
    elif not quiet:
        from evalkit.report.before import print_models

        print_models(looked)
    if looked.problems or any(found.problem for found in looked.models):
        raise typer.Exit(UsageError.exit_code)


def _show_estimates(estimates: Sequence[Estimate], *, as_json: bool) -> None:
    """What a run would ask: for people on stderr, or for machines on stdout."""
    if as_json:
        print_json([dataclasses.asdict(one) for one in estimates])
        return
    if not estimates:
        print_note("nothing is missing: nothing would be asked")
        return
    from evalkit.report.before import print_estimates

    print_estimates(estimates)


def _show(done: Run, verdict: GateVerdict | None, *, as_json: bool, quiet: bool) -> None:
    """The summary for people on stderr, and the report's path, last, on stdout."""
    if as_json:
        print_json(done.as_json(verdict))
        return
    if not quiet:
        from evalkit.report.terminal import print_summary

        print_summary(done.record, now=done.asked)
    print_line(str(done.report))


@contextmanager
def _explained(markdown: Path | None, folder: Path) -> Iterator[None]:
    """Write into a file for people, too, why a run could not be judged."""
    try:
        yield
    except EvalkitError as error:
        if markdown is not None:
            from evalkit.report import render_undecided

            append_text(markdown, render_undecided(folder.resolve().name, str(error)))
        raise


def _tell(verdict: GateVerdict, *, quiet: bool) -> None:
    """The gate's reasons on stderr, and its verdict on stdout."""
    from evalkit.verdict import cautions, placed

    for result in () if quiet else verdict.results:
        where = f"{result.suite} / {result.tuned} against {result.base}"
        print_note(f"{result.verdict:13} {where}: {result.reason}")
    for difference in () if quiet else cautions(verdict.differences):
        print_note(f"{'with care':13} {placed(difference)}")
    print_line(f"{verdict.verdict}: {verdict.reason}")
