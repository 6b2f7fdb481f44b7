"""Time and memory of a whole process, as the operating system counts them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """What one process took.

    Attributes:
        seconds: wall time.
        processor: seconds of processor time, which other processes don't lengthen much.
        megabytes: largest resident memory.
        code: exit code.
    """

    seconds: float
    processor: float
    megabytes: float
    code: int


def cost_of(command: Sequence[str | Path], cwd: Path) -> Cost:
    """Run a command to its end; its output is shown only if it fails.

    Python may keep what it compiles, as it does where evalkit is installed: without that, every
    process would compile all of it again.
    """
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    with (cwd / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            [str(word) for word in command], cwd=cwd, env=env, stdout=output, stderr=output
        )
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        print((cwd / "output.txt").read_text())
    processor = usage.ru_utime + usage.ru_stime
    return Cost(seconds, processor, usage.ru_maxrss / 1024, process.returncode)


EVALKIT = (sys.executable, "-m", "evalkit")
