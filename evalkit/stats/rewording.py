"""What rewording costs one model more than another, in points and in share of what each can do.

Difference of differences over prompts: (new original - new reworded) - (ref original - ref
reworded). In points alone it accuses whoever has more to lose: a model that is right on 80 of 100
prompts loses more of them to typing errors than one that is right on 5. So there is a second
scale, the share of a model's skill that is lost; skill is what its answers score beyond what they
would score by chance, on other prompts' references. A reference model without skill has nothing to
lose and convicts nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.stats.intervals import constant_p_below
from evalkit.stats.paired import difference_interval, sign_flip
from evalkit.stats.quantiles import t_cdf
from evalkit.stats.samples import DECISION, Clusters, FloatArray, mean

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What one model scores on n prompts; higher is better.

    Attributes:
        original: on each prompt as it is, in [0, 1].
        reworded: on its rewordings, averaged prompt by prompt.
        chance: what its answer to the original scores by chance.
    """

    original: FloatArray
    reworded: FloatArray
    chance: FloatArray

    @property
    def cost(self) -> FloatArray:
        """What rewording costs, prompt by prompt."""
        return self.original - self.reworded

    @property
    def skill(self) -> FloatArray:
        """What it scores beyond chance, prompt by prompt."""
        return self.original - self.chance


@dataclass(frozen=True, slots=True)
class Excess:
    """How much more rewording costs one model than another.

    Attributes:
        value: difference of the mean costs, in score points.
        low: lower bound of its interval.
        high: upper bound.
        p_points: one-sided p-value of "it does not cost more points".
        p_share: one-sided p-value of "it does not cost a larger share of its skill".
    """

    value: float
    low: float
    high: float
    p_points: float
    p_share: float

    @property
    def p(self) -> float:
        """Evidence must stand on both scales."""
        return max(self.p_points, self.p_share)


def excess_cost(
    new: Asked,
    ref: Asked,
    generator: np.random.Generator,
    clusters: Clusters = None,
    level: float = DECISION,
) -> Excess:
    """Difference of differences with its interval (t) and one-sided p-values.

    In points by flipping signs of prompts; in shares by the delta method on cost(new) skill(ref) -
    cost(ref) skill(new), whose sign is that of the difference of the shares, and which grows unsure
    instead of wild as the skill of the reference model goes to 0.

    Args:
        new: the model that may be brittle, on prompts of two units or more.
        ref: the model it is held against, on the same prompts.
        generator: of the sign flips.
        clusters: code of each prompt's cluster.
        level: confidence level of the two-sided interval.
    """
    d = new.cost - ref.cost
    bounds = difference_interval(d, clusters, level)
    return Excess(
        value=float(d.mean()),
        low=bounds.low,
        high=bounds.high,
        p_points=sign_flip(d, generator, clusters, alternative="greater"),
        p_share=_p_share(new, ref, clusters),
    )


def _p_share(new: Asked, ref: Asked, clusters: Clusters) -> float:
    cost, skill = new.cost.mean(), new.skill.mean()
    ref_cost, ref_skill = ref.cost.mean(), ref.skill.mean()
    contrast = float(cost * ref_skill - ref_cost * skill)
    influence = (
        (new.cost - cost) * ref_skill
        + cost * (ref.skill - ref_skill)
        - (ref.cost - ref_cost) * skill
        - ref_cost * (new.skill - skill)
    )
    spread = mean(influence, clusters)
    if not spread.se > 0:
        return constant_p_below(-contrast, spread.units)
    return t_cdf(-contrast / spread.se, spread.units - 1)
