"""Asking models: concurrently, in turns, from a cache on disk, without losing an answer."""

from evalkit.runner.ask import CONCURRENCY, TIMEOUT, Ask, ask
from evalkit.runner.batch import (
    BatchPace,
    Joined,
    Reader,
    ask_by_batch,
    forget_batch,
    require_none_handed_in,
)
from evalkit.runner.cache import Cache, cache_key, model_key
from evalkit.runner.deadline import deadline_in, seconds_until
from evalkit.runner.gathering import recalled
from evalkit.runner.identity import Pair, require_two_models
from evalkit.runner.job import AskStats, Job, together
from evalkit.runner.observer import Observer, Say, silent
from evalkit.runner.probe import BRIEF, REQUEST_SECONDS, last_probe, list_models, probe_served
from evalkit.runner.progress import LineProgress, TerminalProgress, progress_observer, say
from evalkit.runner.purse import Purse, most_cost
from evalkit.runner.retry import Retry

__all__ = [
    "BRIEF",
    "CONCURRENCY",
    "REQUEST_SECONDS",
    "TIMEOUT",
    "Ask",
    "AskStats",
    "BatchPace",
    "Cache",
    "Job",
    "Joined",
    "LineProgress",
    "Observer",
    "Pair",
    "Purse",
    "Reader",
    "Retry",
    "Say",
    "TerminalProgress",
    "ask",
    "ask_by_batch",
    "cache_key",
    "deadline_in",
    "forget_batch",
    "last_probe",
    "list_models",
    "model_key",
    "most_cost",
    "probe_served",
    "progress_observer",
    "recalled",
    "require_none_handed_in",
    "require_two_models",
    "say",
    "seconds_until",
    "silent",
    "together",
]
