"""The command line. A command parses, calls one function of the pipeline and prints."""

from __future__ import annotations

import atexit
import gc
import logging
import signal
import sys
import traceback
from types import FrameType
from typing import NoReturn

import typer
from typer.exceptions import TyperException

from evalkit.cli import batch, commands
from evalkit.cli.streams import lost, outlive
from evalkit.cli.terminal import print_error, print_json
from evalkit.cli.usage import misread
from evalkit.errors import EvalkitError, Interrupted, UsageError

BUG = 70
"""Exit code of a fault in evalkit itself (EX_SOFTWARE): never mistaken for a gate's word."""

YOUNG = 100_000
"""New objects after which Python looks for cycles among them; its own default is 700."""

app = typer.Typer(
    name="evalkit",
    help="Compare base and fine-tuned language models: better? overfitted? forgot? comparable? "
    "ship? Without arguments, `evalkit run` shows it on three small models that ship with it.",
    epilog="Exit codes: 0 fine or PASS, 1 gate FAIL, 2 wrong use, config or data, "
    "3 INCONCLUSIVE, 4 run incomplete (run again to resume), 70 a fault in evalkit, "
    "130 interrupted (resumable).",
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
    output = outlive()
    _spare_the_collector()
    _end_as_by_ctrl_c()
    if "--debug" not in sys.argv:  # what libraries log is no word of ours, say of a lost connection
        logging.lastResort = logging.NullHandler()
    try:
        code: int | None = app(prog_name="evalkit", standalone_mode=False)
    except TyperException as error:
        _fail(misread(error), UsageError.exit_code)
    except EvalkitError as error:
        _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        code = Interrupted.exit_code
    except Exception as error:  # noqa: BLE001 - a fault must not look like the gate's FAIL
        _fail(
            f"this is a fault in evalkit, not in your data: {type(error).__name__}: {error}\n"
            "Run again with --debug for the traceback, and please report it.",
            BUG,
        )
    if code == Interrupted.exit_code:  # typer's for Ctrl-C: wherever it came, somebody says so
        _fail("interrupted; what was answered is kept: run the same command to resume", code)
    if not code and (said := lost(output)):
        _fail(said, UsageError.exit_code)
    sys.exit(code or 0)


def _end_as_by_ctrl_c() -> None:
    """Take the signals by which systems and closed terminals end a command for Ctrl-C.

    One that was to be ignored, as by `nohup`, stays ignored.
    """

    def interrupt(_: int, frame: FrameType | None) -> None:
        taken = signal.getsignal(signal.SIGINT)  # while requests are in flight it is asyncio's
        if not callable(taken):
            raise KeyboardInterrupt
        taken(signal.SIGINT, frame)

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, interrupt)


def _spare_the_collector() -> None:
    """Look for cycles rarely, and not at the end: a quarter of a short command's time.

    What a command makes it keeps until it ends, and then the system takes all of it back at once.
    """
    gc.set_threshold(YOUNG)
    atexit.register(gc.freeze)


def _fail(message: str, code: int) -> NoReturn:
    """Say what went wrong, to people on stderr and with --json to machines on stdout, and end."""
    if "--debug" in sys.argv:
        traceback.print_exc()
    if message:
        print_error(message)
    if "--json" in sys.argv:
        print_json({"error": message, "exit_code": code})
    sys.exit(code)
