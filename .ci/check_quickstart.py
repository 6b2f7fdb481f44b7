"""The quickstart's verdicts must be what its three models are known to be."""

from __future__ import annotations

import sys

import evalkit
from evalkit.pipeline import load


def main(folder: str) -> None:
    """Raise unless `tuned` beats `base`, is not called overfitted, and `overfit` is."""
    run = load(folder)
    info = run.record.info
    general = {suite.name for suite in info.suites if suite.general}
    primary = {suite.name: suite.scorers[0] for suite in info.suites}
    for row in run.record.comparisons:
        if (row.tuned, row.split, row.slice) != ("tuned", "test", ""):
            continue
        if row.suite not in general and row.scorer == primary[row.suite]:
            print(f"{row.suite}: {row.delta:+.3f} [{row.low:+.3f}, {row.high:+.3f}]")
            assert row.low is not None
            assert row.low > 0, f"tuned does not beat base on {row.suite}"
    levels = dict(info.overfit_levels)
    print("overfitting:", levels)
    assert levels["tuned"] in {"none", "inconclusive"}, levels
    assert levels["overfit"] == "strong", levels
    assert run.missing == 0
    assert run.report.read_text(encoding="utf-8").rstrip().endswith("</html>")
    print(f"evalkit {evalkit.__version__}: the quickstart's verdicts hold")


if __name__ == "__main__":
    main(sys.argv[1])
