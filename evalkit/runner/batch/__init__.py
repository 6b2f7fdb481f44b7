"""Asking by file: batches are handed in, waited for, and collected into the cache.

Everything that is handed in is written down before, and every answer is in the cache before its
batch is forgotten. So a run that is killed, at whatever moment, is resumed by the next: nothing is
handed in twice that a server has, and nothing is lost that it answered.
"""

from evalkit.runner.batch.beside import require_none_handed_in
from evalkit.runner.batch.joining import Joined, Reader
from evalkit.runner.batch.ledger import forget_batch
from evalkit.runner.batch.means import BatchPace
from evalkit.runner.batch.run import ask_by_batch

__all__ = [
    "BatchPace",
    "Joined",
    "Reader",
    "ask_by_batch",
    "forget_batch",
    "require_none_handed_in",
]
