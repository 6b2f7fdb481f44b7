"""Scorers: completions and references in, numbers out. No I/O, no models, no randomness.

Every score of a suite is a vectorised function of summed per-example statistics: `stats` turns one
example into a short row of numbers, `corpus` turns sums of such rows into a score. From this follow,
for every scorer at once, intervals, paired tests, slices and sharding.
"""

from __future__ import annotations
