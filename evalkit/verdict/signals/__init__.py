"""Overfitting signals: each is one function `Evidence -> Signal`, in a file of its own.

A new signal is a file here with a function under `@signal`, imported below; third parties name
theirs in the entry point group `evalkit.signals`.
"""

from evalkit.verdict.signals import copying, curve, gap, leakage, membership, perturbation
from evalkit.verdict.signals.registry import Check, level_of, signal, signals, unavailable

__all__ = [
    "Check",
    "copying",
    "curve",
    "gap",
    "leakage",
    "level_of",
    "membership",
    "perturbation",
    "signal",
    "signals",
    "unavailable",
]
