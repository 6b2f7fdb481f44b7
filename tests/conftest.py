"""What all rooms' tests share."""

from __future__ import annotations

import signal
from collections.abc import Generator, Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.servers.openai_server import Server

# A loaded machine is slow, not wrong: how long an example takes says nothing about the code.
settings.register_profile("evalkit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("evalkit")


MOST_PROCESSES = 8
"""Each builds the shared fixtures for itself: from here on, more processes save little time."""


@pytest.hookimpl(wrapper=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> Generator[None, int, int]:
    """One process a core for folders of tests; 0, which is this process, for a few files.

    So it is where figures are taken (`-m benchmark`) or output is to be seen (`-s`), too.
    """
    cores = yield
    few = all(".py" in argument for argument in config.args)
    measures = "not benchmark" not in config.option.markexpr
    if few or measures or config.option.capture == "no":
        return 0
    return min(cores, MOST_PROCESSES)


@pytest.fixture
def server() -> Iterator[Server]:
    """An OpenAI-compatible server over a real socket; set its attributes to make it misbehave."""
    with Server() as running:
        yield running


# A shell starts background jobs with Ctrl-C ignored, and what is ignored is inherited by the
# commands that the tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
