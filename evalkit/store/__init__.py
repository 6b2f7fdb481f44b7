"""Run folder <-> records. A folder that was written is read back equal; any other is refused.

| file | holds |
|---|---|
| `run.json` | how the run was made and what it concluded, with the hash of every other file |
| `completions.jsonl` | one example a line: asked, accepted, answered by each model |
| `examples.csv` | example x model: prompt, references, completion, every score |
| `summary.csv` | suite x split x slice x model x scorer: score, interval, n, missing |
| `comparison.csv` | tuned minus base: delta, interval, p-values, wins, ties, losses |
| `overfit.csv` | the signals and the verdicts they join to |
| `confusion.csv`, `leakage.csv` | classification tables; test rows that occur in training |
| `noise.csv` | how much models differ from themselves, where they were asked more than once |

Beside the run folders, `accepted.json` says which runs were accepted.
"""

from evalkit.store.accepted import (
    FILE as ACCEPTED,
)
from evalkit.store.accepted import (
    Accepted,
    Pinned,
    accept,
    check_unaccepted,
    pinned_folder,
    read_accepted,
    run_digest,
)
from evalkit.store.folder import FORMAT, free_folder, read, replace_file, write
from evalkit.store.target import check_target

__all__ = [
    "ACCEPTED",
    "FORMAT",
    "Accepted",
    "Pinned",
    "accept",
    "check_target",
    "check_unaccepted",
    "free_folder",
    "pinned_folder",
    "read",
    "read_accepted",
    "replace_file",
    "run_digest",
    "write",
]
