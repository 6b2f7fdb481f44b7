"""What all rooms' tests share."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.servers.openai_server import Server

# A loaded machine is slow, not wrong: how long an example takes says nothing about the code.
settings.register_profile("evalkit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("evalkit")


@pytest.fixture
def server() -> Iterator[Server]:
    """An OpenAI-compatible server over a real socket; set its attributes to make it misbehave."""
    with Server() as running:
        yield running


# A shell starts background jobs with Ctrl-C ignored, and what is ignored is inherited by the
# commands that the tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
