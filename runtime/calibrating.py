"""Which calibration a run is told of: one that was fitted on its strategy, options, models and prompts, and no other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.calibration import AppliedCalibration, Calibration, StoredCalibration, calibration_key, prompt_digests
from ..core.errors import ConfigError
from ..memory.calibrations import Calibrations


class Wanted:
    """What a run is, as far as a calibration can hold for it or not.

    Args:
        strategy: its name.
        config: its configuration, complete.
        models: name of the model by role, of the roles that the strategy has.
        prompts: text of each prompt that the run uses, by name.
    """

    def __init__(self, strategy: str, config: Mapping[str, Any], models: Mapping[str, str], prompts: Mapping[str, str]) -> None:
        self._strategy = strategy
        self._config = config
        self._models = models
        self._prompts = prompt_digests(prompts)

    async def find(self, stored: Calibrations, named: str | None) -> AppliedCalibration | None:
        """The newest calibration that holds; None where there is none.

        ``named`` is the only one that will do, as ``NAME`` or ``NAME@VERSION``. Raises :class:`UnknownNameError` where there is
        none of this name, :class:`ConfigError` saying why where it does not hold, :class:`StoreCorruptError` where what is stored
        is not what was fitted.
        """
        if named is None:
            key = calibration_key(self._strategy, self._config, self._models)
            for one in await stored.that_hold_for(key):
                if self.mismatch(one.calibration) is None:
                    return one.applied
            return None
        found: StoredCalibration = await stored.find(named)
        if (why := self.mismatch(found.calibration)) is not None:
            raise ConfigError(
                f"the calibration {found.title} does not hold for this run: {why}",
                hint="ask as the experiment did, or calibrate again on an experiment that asks like this",
            )
        return found.applied

    def mismatch(self, calibration: Calibration) -> str | None:
        """Why a calibration does not hold, for people; None where it does.

        A run may use fewer prompts than the experiment did, whose problems were of several kinds; never another.
        """
        if calibration.strategy != self._strategy:
            return f"it was fitted on the strategy {calibration.strategy}, not on {self._strategy}"
        if told := _difference(calibration.config, self._config):
            return f"it was fitted on other options: {told}"
        if told := _difference(calibration.models, self._models):
            return f"it was fitted on other models: {told}"
        foreign = [name for name, digest in self._prompts.items() if calibration.prompts.get(name) != digest]
        return f"it was fitted on other prompts: {', '.join(foreign)}" if foreign else None


def _difference(fitted: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """What differs between two tables, for people."""
    keys = [key for key in {**fitted, **asked} if fitted.get(key) != asked.get(key)]
    return ", ".join(f"{key} was {fitted.get(key)} and is {asked.get(key)}" for key in keys)
