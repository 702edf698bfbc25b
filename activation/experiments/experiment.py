"""An experiment as a campaign's file states it: who is held out, and which variants the others get.

experiment:
  holdout: 0.1                      # share of people who get nothing, above 0 and below 1
  variants: {short: 0.5, long: 0.4} # shares of everybody; with the holdout they add up to 1; by default one, `treated`
  salt: autumn 2026                 # by default the campaign's name; another salt is another experiment, drawn anew
  days: 28                          # after the first night, whose acts count; intervals are narrowest by then
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from contracts.checked_yaml import YamlValue
from contracts.errors import NightshiftError
from contracts.tables.activation import CHALLENGER

HOLDOUT = "holdout"
"""The arm of those who get nothing."""

TREATED = "treated"
"""The arm of everybody else where there are no variants."""

GLOBAL = "global"
"""The experiment of those who get no message of any campaign; no campaign has this name."""

PLANNED_DAYS = 28
PLANNED_DAYS_OF_ALL = 90
"""Of the global holdout: what all campaigns together change shows in a quarter rather than in a month."""

MOST_DAYS = 400
MOST_VARIANTS = 20

_KEYS = ("holdout", "variants", "salt", "days")
_KEYS_OF_ALL = ("share", "salt", "days")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_SHARES_ADD_UP_TO = 1e-6


@dataclass(frozen=True)
class Experiment:
    """One experiment, checked."""

    name: str
    salt: str
    holdout: float
    """Share of people who are held out."""
    variants: Mapping[str, float]
    """Variant -> share of everybody, in the order of the file; with the holdout they add up to 1."""
    days: int = PLANNED_DAYS
    """So many days after the lot was drawn first, what people do counts."""
    salt_written: YamlValue | None = field(default=None, compare=False, repr=False)
    """Where the file states the salt, or the experiment that has none of its own."""

    @property
    def shares(self) -> dict[str, float]:
        """Arm -> share of everybody, the holdout first."""
        return {HOLDOUT: self.holdout, **self.variants}


def read_experiment(written: YamlValue, name: str) -> Experiment:
    """The experiment of a campaign.

    Args:
        written: what stands under `experiment`.
        name: the campaign's.

    Raises:
        SettingsError: or what else `written` raises: a key, share, name or salt that does not fit, with its line.
    """
    fields = written.mapping(_KEYS, required=("holdout",))
    holdout = _share(fields["holdout"], "0 holds out nobody, so that nothing can be measured, and 1 everybody")
    variants = _variants(fields["variants"], holdout) if "variants" in fields else {TREATED: 1.0 - holdout}
    return Experiment(
        name=name,
        salt=_salt(fields, name),
        holdout=holdout,
        variants=variants,
        days=fields["days"].whole_number(1, MOST_DAYS) if "days" in fields else PLANNED_DAYS,
        salt_written=fields.get("salt", written),
    )


def read_global_holdout(written: YamlValue) -> Experiment:
    """The experiment of those who get no message of any campaign, as the policy states it: share, salt and days.

    Raises:
        SettingsError: or what else `written` raises: a key, share or salt that does not fit, with its line.
    """
    fields = written.mapping(_KEYS_OF_ALL, required=("share",))
    share = _share(fields["share"], "0 holds back nobody: leave `global_holdout` out for that; 1 is everybody")
    return _of_all(written, fields, GLOBAL, holdout=share, variant=TREATED, days=PLANNED_DAYS_OF_ALL)


def read_challenger(written: YamlValue) -> Experiment:
    """The experiment of those whose lists are the ones of the version in shadow, as the policy states it.

    All others, whose lists are the champion's, are its holdout: what the challenger changes is the lift.

    Raises:
        SettingsError: or what else `written` raises: a key, share or salt that does not fit, with its line.
    """
    fields = written.mapping(_KEYS_OF_ALL, required=("share",))
    share = _share(fields["share"], "0 shows its lists to nobody: leave `challenger` out for that; 1 is everybody")
    return _of_all(written, fields, CHALLENGER, holdout=1.0 - share, variant=CHALLENGER, days=PLANNED_DAYS)


def _of_all(
    written: YamlValue, fields: Mapping[str, YamlValue], name: str, *, holdout: float, variant: str, days: int
) -> Experiment:
    return Experiment(
        name=name,
        salt=_salt(fields, name),
        holdout=holdout,
        variants={variant: 1.0 - holdout},
        days=fields["days"].whole_number(1, MOST_DAYS) if "days" in fields else days,
        salt_written=fields.get("salt", written),
    )


def _salt(fields: Mapping[str, YamlValue], name: str) -> str:
    salt = fields["salt"].text().strip() if "salt" in fields else name
    if not salt:
        raise fields["salt"].misfit("a text for salt", "write a name that no other experiment has, or leave it out")
    return salt


def shared_salts(experiments: Iterable[Experiment]) -> dict[str, NightshiftError]:
    """Experiment -> its error, for each whose salt another has too: their arms would be one draw, not two."""
    of_salt: dict[str, list[Experiment]] = {}
    for experiment in experiments:
        of_salt.setdefault(experiment.salt, []).append(experiment)
    errors = {}
    for salt, together in of_salt.items():
        for experiment in together if len(together) > 1 else ():
            others = ", ".join(other.name for other in together if other is not experiment)
            errors[experiment.name] = experiment.salt_written.error(
                "a salt that no other experiment has",
                f"{salt!r}, which {others} has too",
                "give one of them another salt: a person would be held out from both or from none",
            )
    return errors


def _variants(written: YamlValue, holdout: float) -> dict[str, float]:
    variants = {}
    for name, share in written.mapping().items():
        if name == HOLDOUT or not _NAME.fullmatch(name):
            raise share.error(
                "a variant's name of small letters, digits and _", repr(name), f"rename it; {HOLDOUT!r} is taken"
            )
        variants[name] = _share(share, "leave out a variant that nobody gets")
    if not 1 <= len(variants) <= MOST_VARIANTS:
        raise written.error(f"1 to {MOST_VARIANTS} variants", str(len(variants)), "leave `variants` out for one")
    total = holdout + sum(variants.values())
    if abs(total - 1.0) > _SHARES_ADD_UP_TO:
        sum_of = " + ".join(f"{share:g}" for share in (holdout, *variants.values()))
        raise written.error(
            "shares that add up to 1 together with `holdout`",
            f"{sum_of} = {total:.6g}",
            "a share is one of everybody, those held out among them: correct them",
        )
    return variants


def _share(written: YamlValue, remedy: str) -> float:
    share = written.number()
    if not 0.0 < share < 1.0:
        raise written.misfit("a share above 0 and below 1", remedy)
    return share
