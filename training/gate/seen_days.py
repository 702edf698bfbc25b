"""Which versions may be measured on a night: those that have not seen the days on which they would be.

Each version says until which day it learned (tag `learned_until`), read off the data of its training, and whether its
weights are those that the gate looks at or those that learned from everything (tag `weights`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.errors import ModelError

if TYPE_CHECKING:
    from training.registry.client import Registry, Version


def leak(challenger: Version, tested_from: str | None) -> str:
    """Why a challenger cannot be measured; empty where it can.

    Args:
        tested_from: first day of the test, YYYY-MM-DD; None where the test is no days.
    """
    from training.registry.client import LEARNED_UNTIL, REFIT, WEIGHTS

    if challenger.tags.get(WEIGHTS) == REFIT:
        return "it learned from everything, the test among it: only weights that have not seen the test are measured"
    if tested_from is None:
        return ""
    until = challenger.tags.get(LEARNED_UNTIL)
    if until is None:
        return f"it does not say until which day it learned, and the test begins on {tested_from}: train again"
    if until >= tested_from:
        return f"it learned from days until {until}, and the test begins on {tested_from}: it has seen what it is asked"
    return ""


def fair_champion(registry: Registry, champion: Version, tested_from: str | None) -> tuple[Version, str]:
    """The version that stands for a champion in a comparison, and a sentence where it is another or is flattered.

    What is served is measured itself where the test begins after all that it learned from. Else the weights that the
    gate once passed, before they were trained on everything, stand for it. Where these have seen the test too, or are
    gone, the champion is measured as it is: what flatters it can let no worse challenger pass.
    """
    from training.registry.client import DAY, JUDGED_VERSION, LEARNED_UNTIL, REFIT, WEIGHTS

    def unseen(version: Version) -> bool:
        if tested_from is None:
            return version.tags.get(WEIGHTS) != REFIT
        return version.tags.get(LEARNED_UNTIL, version.tags.get(DAY, "9999")) < tested_from

    if unseen(champion):
        return champion, ""
    number = champion.tags.get(JUDGED_VERSION)
    if number is not None:
        try:
            judged = registry.version(champion.model, number)
            registry.require_trained(judged)
        except ModelError:
            judged = None
        if judged is not None and unseen(judged):
            return judged, f"version {number} stands for the champion, which learned from everything"
    until = champion.tags.get(LEARNED_UNTIL, champion.tags.get(DAY))
    return (
        champion,
        f"the champion learned from days until {until}, which flatters it: the test begins on {tested_from}",
    )
