"""The command line. A command parses, calls one function of the pipeline and prints."""

from __future__ import annotations

import os
import sys
import traceback
from typing import NoReturn

import typer

from evalkit.cli import batch, commands
from evalkit.cli.terminal import print_error
from evalkit.errors import EvalkitError, Interrupted

BUG = 70
"""Exit code of a fault in evalkit itself (EX_SOFTWARE): never mistaken for a gate's word."""

app = typer.Typer(
    name="evalkit",
    help="Compare base and fine-tuned language models: better? overfitted? forgot? comparable? "
    "ship? Without arguments, `evalkit run` shows it on three small models that ship with it.",
    epilog="Exit codes: 0 fine or PASS, 1 gate FAIL, 2 wrong use, config or data, "
    "3 INCONCLUSIVE, 4 run incomplete (run again to resume), 130 interrupted (resumable).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    commands.run,
    commands.gate,
    commands.compare,
    commands.report,
    commands.score,
    commands.check,
    commands.models,
):
    app.command()(command)
app.add_typer(batch.app, name="batch")


@app.callback(invoke_without_command=True)
def _root(version: bool = typer.Option(False, "--version", help="Print the version.")) -> None:
    if version:
        from evalkit import __version__

        typer.echo(f"evalkit {__version__}")
        raise typer.Exit


def main() -> NoReturn:
    """Run the command line and end the process with evalkit's exit code."""
    debug = "--debug" in sys.argv
    try:
        app()
    except EvalkitError as error:
        if debug:
            traceback.print_exc()
        print_error(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print_error("interrupted; what was answered is kept: run the same command to resume")
        sys.exit(Interrupted.exit_code)
    except BrokenPipeError:  # `evalkit ... | head`: the reader had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 - a fault must not look like the gate's FAIL
        if debug:
            traceback.print_exc()
        print_error(
            f"this is a fault in evalkit, not in your data: {type(error).__name__}: {error}\n"
            "Run again with --debug for the traceback, and please report it."
        )
        sys.exit(BUG)
    sys.exit(0)
