"""Servers that others wrote: what they need to be installed, and starting and killing them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

ROOT = Path(__file__).parents[2]
START_SECONDS = 180.0


@dataclass(frozen=True)
class Kind:
    """A server that is installed in an environment of its own.

    Attributes:
        name: what the docs and the record call it.
        variable: names the environment variable with the path of its interpreter.
        install: what makes that environment.
        start: what serves a model, after the interpreter's folder.
        packages: whose versions are recorded.
        tests: the file of its tests.
        several: what serves several models, if that is another command.
    """

    name: str
    variable: str
    install: str
    start: str
    packages: tuple[str, ...]
    tests: str
    several: str = ""

    def interpreter(self) -> Path:
        """Its Python; skips the test if nobody says where it is."""
        named = os.environ.get(self.variable)
        if not named:
            pytest.skip(f"{self.variable} names no interpreter; make one with: {self.install}")
        path = Path(named)
        assert path.is_file(), f"{self.variable}={named}: no such file; expected a Python"
        return path.absolute()

    def versions(self) -> dict[str, str]:
        """Of its Python and its packages, as they are installed."""
        code = "import json, platform, sys; from importlib.metadata import version; "
        code += "print(json.dumps({name: version(name) for name in sys.argv[1:]} "
        code += "| {'Python': platform.python_version()}))"
        told: dict[str, str] = json.loads(run([self.interpreter(), "-c", code, *self.packages]))
        return told


LLAMA = Kind(
    name="llama-cpp-python",
    variable="EVALKIT_LLAMA_PYTHON",
    install="python3 -m venv llama && "
    "llama/bin/pip install 'llama-cpp-python[server]==0.3.36' gguf",
    start="python -m llama_cpp.server --host 127.0.0.1 --port PORT --model FILE.gguf "
    "--model_alias NAME",
    packages=("llama-cpp-python", "gguf"),
    tests="test_llama_cpp.py",
    several="python -m llama_cpp.server --config_file both.json",
)
TRANSFORMERS = Kind(
    name="transformers serve",
    variable="EVALKIT_TRANSFORMERS_PYTHON",
    install="python3 -m venv serve && "
    "serve/bin/pip install 'transformers[serving]==5.23.0' torch==2.13.0",
    start="transformers serve --continuous-batching --cb-num-blocks 128 "
    "--cb-max-batch-tokens 1024 --device cpu --host 127.0.0.1 --port PORT",
    packages=("transformers", "torch"),
    tests="test_transformers_serve.py",
    several="transformers serve --device cpu --host 127.0.0.1 --port PORT",
)
KINDS = (LLAMA, TRANSFORMERS)


class Serving:
    """A server in a process of its own on a free port; a context manager.

    Attributes:
        url: the base URL, as a client wants it.
    """

    def __init__(self, kind: Kind, folder: Path, *, start: str = "", **told: str) -> None:
        """Get ready to start.

        Args:
            kind: which server.
            folder: where it runs and writes its log.
            start: its command, if that is not the one of its kind.
            told: what stands in the place of the capitals in its command, in small letters.
        """
        self._folder = folder
        self._port = free_port()
        first, *words = (start or kind.start).split()
        known = {"PORT": str(self._port)} | {name.upper(): value for name, value in told.items()}
        filled = [known.get(word.removesuffix(".gguf"), word) for word in words]
        self._words = [str(kind.interpreter().with_name(first)), *filled]
        self.url = f"http://127.0.0.1:{self._port}/v1"

    def __enter__(self) -> Self:
        hub = self._folder / "hub"
        hub.mkdir(exist_ok=True)  # a scan of its cache fails where there is none
        alone = {
            "HF_HUB_OFFLINE": "1",
            "HF_HOME": str(self._folder),
            "OMP_NUM_THREADS": "1",
            "PORT": str(self._port),  # of llama-cpp-python, where a file has its settings
        }
        with (self._folder / f"{self._port}.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._words, cwd=self._folder, env=os.environ | alone, stdout=log, stderr=log
            )
        end = time.monotonic() + START_SECONDS
        while not self._listens():
            assert self._process.poll() is None, f"{self._words} ended: {self.log()[-30:]}"
            assert time.monotonic() < end, f"{self._words} does not listen: {self.log()[-30:]}"
            time.sleep(0.2)
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """End it at once, whatever it is doing; `with` starts it again."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def log(self, containing: str = "") -> list[str]:
        """The lines of what it said that hold this text."""
        lines = (self._folder / f"{self._port}.log").read_text(errors="replace").splitlines()
        return [line for line in lines if containing in line]

    def _listens(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/models", timeout=5):  # noqa: S310 - our own
                return True
        except OSError:
            return False


def run(words: Sequence[str | Path]) -> str:
    """What a command says, which must succeed; in the root of the repository."""
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}:\n{done.stderr}"
    return done.stdout


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port
