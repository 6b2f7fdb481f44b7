"""`evalkit batch`: questions out as files, results in."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from evalkit.cli import options
from evalkit.cli.terminal import print_json, print_line, print_note

INCOMPLETE = 4

app = typer.Typer(
    help="Ask by file: for `vllm run-batch`, or a Batch API that you submit to by hand. "
    "`evalkit run --batch` does it all by itself.",
    no_args_is_help=True,
)


@app.command()
def export(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to write; a new folder.")],
    suites: options.Suites = None,
    base: options.Base = None,
    tuned: options.Tuned = None,
    train: options.Train = None,
    scorers: options.Scorers = None,
    extract: options.Extract = None,
    judge: options.Judge = None,
    limit: options.Limit = None,
    seed: options.Seed = None,
    config: options.Config = None,
    cache: options.Cache = None,
    allow_identical: options.AllowIdentical = False,
    repeats: options.Repeats = None,
    noise_floor: options.NoiseFloor = False,
    perturb: options.Perturb = None,
    no_perturb: options.NoPerturb = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Write what `evalkit run` with the same options would ask, a file a model; ask nothing."""
    from evalkit import pipeline

    done = pipeline.export_batches(
        suites or (),
        out=out,
        base=base,
        tuned=tuned or (),
        train=train,
        scorers=scorers or (),
        extract=extract or (),
        judge=judge,
        limit=limit,
        seed=seed,
        config=config,
        cache=cache,
        allow_identical=allow_identical,
        repeats=repeats,
        noise_floor=noise_floor,
        perturb=0 if no_perturb else perturb,
    )
    if as_json:
        files = [
            {"file": str(done.folder / f.file), "model": f.spec.name, "requests": f.requests}
            for f in done.files
        ]
        told = {"cached": done.cached, "left_out": done.left_out, "waiting": done.waiting}
        print_json({"files": files, **told})
        return
    if not quiet:
        for file in done.files:
            print_note(f"{file.spec.name}: {file.requests:,} requests in {done.folder / file.file}")
        if done.cached:
            print_note(f"{done.cached:,} answers are in the cache already and left out")
        for name in done.left_out:
            print_note(f"{name} is not asked by file; `evalkit run` will ask it")
        for name in done.waiting:
            print_note(f"{name} is asked about the answers: once they are imported, export again")
        if done.files:
            print_note(f"Put the results beside them, then: evalkit batch import {done.folder}")
    print_line(str(done.folder))


@app.command("import")
def import_(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the export.")],
    cache: options.Cache = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Put results into the cache, so that `evalkit run` need not ask for them."""
    from evalkit import pipeline

    found = pipeline.import_batches(folder, cache=cache)
    missing = sum(one.requests - one.answers for one in found.models)
    if as_json:
        print_json(dataclasses.asdict(found))
    elif not quiet:
        for one in found.models:
            print_note(f"{one.model}: {one.summary}")
            for told in (one.reason, *one.notes):
                if told:
                    print_note(f"    {told}")
        if found.oddities:
            print_note(f"In the files of results: {found.oddities}")
        if missing:
            noun = "request has" if missing == 1 else "requests have"
            print_note(
                f"{missing:,} {noun} no answer: export again to a new folder, which will hold only "
                "what is left, or let `evalkit run` ask for that"
            )
        for name in found.waiting:
            print_note(
                f"{name} is not yet asked about these answers: export again to a new folder, which "
                "will hold that, or let `evalkit run` ask"
            )
    if missing:
        raise typer.Exit(INCOMPLETE)


@app.command()
def forget(
    name: Annotated[str, typer.Argument(metavar="BATCH", help="Its id, as the error names it.")],
    cache: options.Cache = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Give a batch of `evalkit run --batch` up whose results are gone for good."""
    from evalkit import pipeline
    from evalkit.verdict.wording import plural

    prompts = pipeline.forget_batch(name, cache=cache)
    if as_json:
        print_json({"batch": name, "prompts": prompts})
    elif not quiet:
        print_note(
            f"{name} is forgotten: its {plural(prompts, 'prompt')} will be handed in, and paid "
            "for, anew"
        )
