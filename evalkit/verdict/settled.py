"""Whether more prompts are needed at all."""

from __future__ import annotations

from evalkit.schema import RunRecord
from evalkit.stats.decisions import three_way
from evalkit.verdict.claims import gather_claims


def settled(record: RunRecord) -> bool:
    """Whether every suite of every tuned model is decided, whatever the missing answers say.

    Decided means: a loss is certain, or a loss beyond the margin is ruled out, whichever rule will
    judge. Slices are not waited for.

    Args:
        record: a run, finished or at one of its looks.
    """
    claims = [claim for claim in gather_claims(record) if not claim.slice]
    return bool(claims) and all(
        claim.seen is not None
        and claim.filled is not None
        and three_way(claim.seen.p, claim.rule.alpha)
        == three_way(claim.filled.p, claim.rule.alpha)
        != "INCONCLUSIVE"
        for claim in claims
    )
