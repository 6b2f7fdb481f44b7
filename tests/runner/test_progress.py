from __future__ import annotations

import io
import time
from pathlib import Path

import pytest
from rich.console import Console

from evalkit.runner import LineProgress, Retry, TerminalProgress, progress_observer
from evalkit.runner.progress import duration
from evalkit.schema import Answer, Failure
from tests.runner.asking import make_jobs, run
from tests.servers.openai_server import Asked, Server


def fault(request: Asked) -> str | None:
    if "question 4" in str(request.messages):
        return "400"
    return "500" if request.number == 3 else None


def test_lines_tell_of_retries(capsys: pytest.CaptureFixture[str]) -> None:
    with Server(fault=fault) as server:
        run(server.url, make_jobs(4), observer=LineProgress(every=0.0))
    assert "1 retry (1 server)" in capsys.readouterr().err


def test_lines_where_there_is_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Server(fault=fault) as server:
        run(server.url, make_jobs(4), tmp_path)
        run(server.url, make_jobs(8), tmp_path, observer=LineProgress(every=0.0))
    written = capsys.readouterr()
    assert written.out == ""
    lines = written.err.splitlines()
    assert lines[0].startswith(("9 of 16 answered, ", "8 of 16 answered, "))
    assert "8 cached" in lines[0]
    assert "left" in lines[0]
    assert lines[-1].startswith("14 of 16 answered, ")
    assert "tokens/s" in lines[-1]
    assert lines[-1].endswith("8 cached, 2 missing")


def test_lines_come_seldom(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    run(server.url, make_jobs(20), observer=progress_observer())
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_an_outage_is_told_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evalkit.runner.endpoint.LONG", 0.2)
    gone: list[float] = []

    def away(request: Asked) -> str | None:
        if request.number > 10:
            gone.append(time.monotonic())
        return "502" if gone and gone[-1] - gone[0] < 1.0 else None

    stream = io.StringIO()
    bars = TerminalProgress(Console(file=stream, force_terminal=True, width=400))
    retry = Retry(outage=100.0, first=0.01, longest=0.1)
    for observer in (LineProgress(), bars):
        gone.clear()
        with Server(fault=away) as server:
            run(server.url, make_jobs(20), retry=retry, concurrency=4, observer=observer)
    for shown in (capsys.readouterr().err, stream.getvalue()):
        assert shown.count("nobody answers any more: the server answered 502: ") == 1
        assert "; waiting for the server, 2 min more at most." in shown


def test_bars_on_a_terminal() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100)
    with Server(fault=fault) as server:
        run(server.url, make_jobs(6), observer=TerminalProgress(console))
    shown = stream.getvalue()
    assert "base" in shown
    assert "tuned" in shown
    assert "5 of 6" in shown
    assert "1 missing" in shown
    assert "1 retry" in shown


def test_a_name_is_no_markup() -> None:
    stream = io.StringIO()
    bars = TerminalProgress(Console(file=stream, force_terminal=True, width=100))
    bars.started({"[red]x[/red]": 1}, {}, {})
    bars.answered("[red]x[/red]", Answer("y"))
    bars.failed("[red]x[/red]", Failure("server", "z"))
    bars.finished()
    bars.answered("[red]x[/red]", Answer("after the end"))
    assert "[red]x[/red]" in stream.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (89, "89 s"), (90, "2 min"), (5400, "1.5 h")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
