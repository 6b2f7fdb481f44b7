"""The options that commands share, with one meaning each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from evalkit.schema import GateMode

SPEC = "[NAME=]PROVIDER:MODEL[@BASE_URL]"
MODELS, QUESTIONS, ASKING = "Models", "What is asked and scored", "How it is asked"
"""Groups of options in a help text."""

Suites = Annotated[
    Optional[list[str]],  # noqa: UP045 - typer reads this at run time
    typer.Argument(metavar="[SUITE]...", help="Suite folders or data files; or shipped suites."),
]
Base = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(rich_help_panel=MODELS, metavar=SPEC, help="The model before fine-tuning."),
]
Tuned = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(rich_help_panel=MODELS, metavar=SPEC, help="A fine-tuned model; repeat for more."),
]
Checkpoints = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        "--checkpoint",
        rich_help_panel=MODELS,
        metavar=SPEC,
        help="One of several checkpoints of a training job; repeat. The best one on validation "
        "rows is compared with the base.",
    ),
]
Train = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        rich_help_panel=MODELS, metavar="FILE", help="What the tuned models were trained on."
    ),
]
Scorers = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        "--scorer",
        rich_help_panel=QUESTIONS,
        metavar="NAME",
        help="Score with this instead of the suites' own, the first is the primary one; repeat for "
        "more; `file.py:name` is your own, `default` stands for the suites' own.",
    ),
]
Judge = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        rich_help_panel=QUESTIONS,
        metavar=SPEC,
        help="Whom graders ask, instead of the models that they name.",
    ),
]
Extract = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        rich_help_panel=QUESTIONS,
        metavar="STEP",
        help="Score only the part of a completion that this step leaves or finds, instead of what "
        "the suites say: answer, number, option, label, line, json=PATH, after=MARKER, "
        "regex=PATTERN ...; repeat for steps in a row; `whole` scores all of it.",
    ),
]
Out = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(metavar="DIR", help="The run folder; default reports/NAME-UTCTIME."),
]
Limit = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        rich_help_panel=QUESTIONS, metavar="N", help="At most N test rows a suite, drawn by seed."
    ),
]
Seed = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(rich_help_panel=QUESTIONS, metavar="N", help="Seed of every sample and resample."),
]
Concurrency = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        rich_help_panel=ASKING, metavar="N", help="Requests in flight for one endpoint (32)."
    ),
]
Timeout = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option(
        rich_help_panel=ASKING, metavar="SECONDS", help="How long one request may take (120)."
    ),
]
MaxSeconds = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option(
        rich_help_panel=ASKING,
        metavar="SECONDS",
        help="How long all the asking may take; the rest is missing.",
    ),
]
MaxCost = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option(
        rich_help_panel=ASKING,
        metavar="DOLLARS",
        help="Stop asking before it costs more; the rest is missing.",
    ),
]
RetryMissing = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        rich_help_panel=ASKING,
        metavar="RUN",
        help="Ask only for what RUN lacks; its set-up is taken from it.",
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        rich_help_panel=ASKING,
        help="Say what would be asked and about what it costs; ask nothing.",
    ),
]
Specs = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Argument(
        metavar="[SPEC]...", help=f"Models ({SPEC}), names of the project file's, or base URLs."
    ),
]
NoProbe = Annotated[
    bool,
    typer.Option(
        "--no-probe",
        rich_help_panel=ASKING,
        help="Don't look at served models by small requests beforehand.",
    ),
]
Config = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(metavar="FILE", help="Project file; default evalkit.yaml, if it exists."),
]
Cache = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(rich_help_panel=ASKING, metavar="DIR", help="Where answers are kept (.evalkit)."),
]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]
Against = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(metavar="RUN", help="An earlier run to compare with, besides the accepted ones."),
]
Mode = Annotated[
    Optional[GateMode],  # noqa: UP045
    typer.Option(help="Decide by this rule instead of the suites' own."),
]
Margin = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option(metavar="X", min=0, max=1, help="The largest acceptable loss (0.05: 5 points)."),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Every suite by itself must rule a larger loss out.")
]
Accept = Annotated[
    bool,
    typer.Option("--accept", help="Make this run the reference of later ones, if it passes."),
]
Force = Annotated[
    bool,
    typer.Option(
        "--force",
        help="With --accept: accept the run whatever the verdict; the exit code still reports it.",
    ),
]
Replace = Annotated[
    bool,
    typer.Option("--force", help="Replace a run even if it was accepted as a reference."),
]
Markdown = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        metavar="FILE",
        help="Append verdict, answers and reasons as Markdown, as for $GITHUB_STEP_SUMMARY.",
    ),
]
RuleFile = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--config", metavar="FILE", help="Judge by the `gate:` of this project file."),
]
AllowIdentical = Annotated[
    bool,
    typer.Option(
        "--allow-identical",
        rich_help_panel=MODELS,
        help="Compare two arms that are one and the same.",
    ),
]
Curve = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        rich_help_panel=MODELS,
        metavar="[NAME=]FILE",
        help="The losses that the training job of a tuned model reported: an OpenAI result file, "
        "trainer_state.json, or a table or JSON lines with a step and losses.",
    ),
]
Perturb = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        rich_help_panel=QUESTIONS,
        metavar="N",
        help="Also ask N test prompts a suite in other words, to see whether a tuned model depends "
        "on the wording (100).",
    ),
]
NoPerturb = Annotated[
    bool,
    typer.Option("--no-perturb", rich_help_panel=QUESTIONS, help="Ask nothing in other words."),
]
Repeats = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        rich_help_panel=QUESTIONS,
        metavar="K",
        help="Ask every test prompt K times and compare the means (1).",
    ),
]
StopEarly = Annotated[
    bool,
    typer.Option(
        "--stop-early",
        rich_help_panel=ASKING,
        help="Ask in five looks; stop when every suite is decided.",
    ),
]
NoiseFloor = Annotated[
    bool,
    typer.Option(
        "--noise-floor",
        rich_help_panel=QUESTIONS,
        help="Ask the base twice: how much does it differ from itself?",
    ),
]
Batch = Annotated[
    bool,
    typer.Option(
        "--batch",
        rich_help_panel=ASKING,
        help="Ask by the servers' Batch API: cheaper, within a day.",
    ),
]
Logprobs = Annotated[
    Optional[bool],  # noqa: UP045
    typer.Option(
        "--logprobs/--no-logprobs",
        rich_help_panel=QUESTIONS,
        help="Ask how probable models find training and test references, to see whether tuned ones "
        "know their training rows; by itself of local models only.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, of an error too.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress, no summary.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]
