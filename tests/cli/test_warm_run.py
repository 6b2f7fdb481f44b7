"""A run whose every answer is in the cache: it sends nothing, and loads nothing to send it with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.command_line import clean_environment, evalkit, write_jsonl
from tests.servers.openai_server import Server

HEAVY = ("aiohttp", "genai_prices", "nltk", "openai", "pandas", "scipy.stats", "sklearn", "torch")
"""What takes a tenth of a second and more to load, and serves other runs."""

LOADED = f"""
import sys
import evalkit.cli

try:
    evalkit.cli.main()
finally:
    print(*[name for name in {HEAVY} if name in sys.modules])
"""


def test_a_warm_run_loads_no_more_than_it_uses(tmp_path: Path) -> None:
    rows = ({"id": str(i), "prompt": f"question {i}", "completion": "x"} for i in range(40))
    write_jsonl(tmp_path / "data.jsonl", rows)
    with Server() as server:
        models = [f"--{name}=openai:{name}@{server.url}" for name in ("base", "tuned")]
        words = ["run", "data.jsonl", *models, "--out=out"]
        assert evalkit(*words, cwd=tmp_path).code == 0
        sent = len(server.asked)
        warm = subprocess.run(
            [sys.executable, "-c", LOADED, *words],
            cwd=tmp_path,
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        assert len(server.asked) == sent
    report, loaded = warm.stdout.splitlines()
    assert report == str(Path("out", "report.html"))
    assert loaded == ""
