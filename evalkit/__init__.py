"""Compare base and fine-tuned language models: better? overfitted? forgot? comparable? ship?

    import evalkit

    run = evalkit.run(["support.jsonl"], base="openai:llama", tuned=["openai:my-adapter"])
    run.summary      # scores with intervals, a pandas DataFrame
    run              # in a notebook: the report

`scorer` turns a function of a completion and its references into a scorer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evalkit.pipeline import Run, run
    from evalkit.scorers import scorer

__version__ = "0.1.0"
__all__ = ["Run", "__version__", "run", "scorer"]

_HOMES = {"Run": "evalkit.pipeline", "run": "evalkit.pipeline", "scorer": "evalkit.scorers"}


def __getattr__(name: str) -> object:
    """Import on first use, so that `import evalkit` and `evalkit --help` are instant."""
    import importlib

    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'evalkit' has no attribute {name!r}")
