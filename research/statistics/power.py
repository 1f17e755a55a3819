"""What a comparison of so many problems can find at all."""

from __future__ import annotations

import math

from .quantiles import normal_quantile


def minimum_detectable_effect(
    n: int, *, sd: float | None = None, discordance: float = 0.25, power: float = 0.8, alpha: float = 0.05
) -> float:
    """The smallest true difference of two arms that a paired comparison of ``n`` problems finds with probability ``power``.

    ``(z(1 - alpha/2) + z(power)) * sd / sqrt(n)``, in the unit of the credits: 0.22 are 22 points. ``sd`` is the standard
    deviation of the problems' differences. Where it is not known it is taken to be ``sqrt(discordance)``, where ``discordance``
    is the share of problems that only one of the arms solves: with 0/1 credits that is the largest that it can be.

    Raises:
        ValueError: ``n`` below 1, ``sd`` negative, or a share outside (0, 1].
    """
    if n < 1:
        raise ValueError(f"there is no comparison of {n} problems")
    return _reach(sd, discordance, power, alpha) / math.sqrt(n)


def problems_needed(
    effect: float, *, sd: float | None = None, discordance: float = 0.25, power: float = 0.8, alpha: float = 0.05
) -> int:
    """The least number of problems whose :func:`minimum_detectable_effect` is at most ``effect``.

    Raises:
        ValueError: ``effect`` not above 0, and as there.
    """
    if effect <= 0:
        raise ValueError(f"no number of problems is enough to find a difference of {effect}")
    return max(1, math.ceil((_reach(sd, discordance, power, alpha) / effect) ** 2))


def _reach(sd: float | None, discordance: float, power: float, alpha: float) -> float:
    """The detectable effect of one problem."""
    if not 0 < discordance <= 1 or not 0 < alpha < 1 or not 0 < power < 1:
        raise ValueError(f"not shares: discordance {discordance}, alpha {alpha}, power {power}")
    if sd is not None and not 0 <= sd < math.inf:
        raise ValueError(f"a standard deviation cannot be {sd}")
    spread = math.sqrt(discordance) if sd is None else sd
    return (normal_quantile(1 - alpha / 2) + normal_quantile(power)) * spread
