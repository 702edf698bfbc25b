"""The gate between challenger and champion: a pure function of numbers measured on the same held-out units."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from training.config import CONFIGS, read_config
from training.learner import Measured
from training.parts import SplitDays

if TYPE_CHECKING:
    from training.off_policy.estimate import WouldHaveEarned


@dataclass(frozen=True)
class GateConfig:
    """What a challenger has to show."""

    tolerance: float = 0.02
    """What the challenger may lose of the deciding metric against the champion, at the lower end of the interval of the
    difference; a challenger whose whole interval is below 0 is refused however small its loss, so that losses cannot
    add up."""
    slice_tolerance: float = 0.05
    """The same for each group of people: a group is worse when the upper end of its interval is below minus this."""
    slice_units: int = 50
    """Fewest held-out units of a group that the gate looks at: what is measured on fewer is chance."""
    confidence: float = 0.95
    """Confidence of the intervals."""
    resamples: int = 2000
    """Bootstrap samples of the held-out units."""
    evaluated_people: int = 20_000
    """Most held-out people on whom the models that rank all items are measured: a sample by a hash of their ids, the
    same for challenger, champion and baselines; 0 measures on all of them."""
    validation_days: int = 3
    """Days before the test on which epochs are chosen; what was before them is learned from."""
    test_days: int = 4
    """Last days of a night, on which versions are measured; who did nothing then is not measured. Of a short history
    both parts are shorter (`training/parts.py`)."""
    tested_people: int = 50
    """Where fewer people did something in the days of the test, more days are held out, at most half of all."""
    score_tolerance: float = 1e-5
    """Largest difference that a score of the loaded artefact may have from that of the model just trained."""
    beat: tuple[str, ...] = ()
    """Baselines that the challenger must be better than: the whole interval of the difference is above 0."""
    match: tuple[str, ...] = ()
    """Baselines that the challenger must not be below by more than the tolerance."""
    floors: Mapping[str, float] = field(default_factory=dict)
    """Metric -> its least value: diversity, calibration."""
    ceilings: Mapping[str, float] = field(default_factory=dict)
    """Metric -> its greatest value."""
    forgotten_tolerance: float = 0.1
    """What a challenger may lose against a champion that learned from people who are to be forgotten, on all units and
    on each group. Such a challenger is promoted even where it is surely worse, as long as it loses less than this."""
    private_ceilings: Mapping[str, float] = field(default_factory=dict)
    """Metric of a membership attack -> its greatest value, for a challenger that was trained with differential privacy.
    A plain challenger is not refused for what it remembers of people: that is measured and shown on its card."""
    refit: bool = True
    """Whether weights that passed are trained again on everything, for as many epochs, and these are served."""
    refit_minutes: float = 60.0
    """Where the epochs that were found took longer, the weights that passed are served; 0 sets no limit."""
    refit_tolerance: float = 0.02
    """What weights that learned from everything may lose of the validation metric that training watches."""
    seed: int = 7

    def days(self, ds: str) -> SplitDays:
        """What is held out on a night."""
        return SplitDays(self.validation_days, self.test_days, self.tested_people, np.datetime64(ds))


@dataclass(frozen=True)
class Decision:
    """Whether the challenger may become champion, with the reasons and the numbers behind them."""

    promoted: bool
    reasons: list[str]
    numbers: dict[str, float] = field(default_factory=dict)
    promised: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Metric -> between what it was or had to be: the interval of the challenger's deciding metric, and the bounds of
    each metric that has a floor and a ceiling. What scores are worth later is compared with it."""


@dataclass(frozen=True)
class Compared:
    """What the gate compares, measured on the same held-out units."""

    unit: str
    """What is held out, plural: people, pictures, rows."""
    challenger: Measured
    """Measured with its registered artefact."""
    champion: Measured | None
    """None where the model has no champion yet."""
    baselines: Mapping[str, Measured]
    """A baseline that could not be measured is missing."""
    slices: pd.DataFrame
    """Group of each unit, one column a kind of group (units, kinds)."""
    score_difference: float
    """Largest difference of a score between the model just trained and its loaded artefact."""
    forgotten: str = ""
    """Number of people who are to be forgotten and whom the champion has seen, and since when; empty for none."""
    people: np.ndarray | None = None
    """Person of each unit, to count people (units,); None where units belong to no person."""
    attack_figures: Mapping[str, float] = field(default_factory=dict)
    """`membership_auc` that the training of a differentially private challenger measured; empty for a plain one."""
    would_have_earned: WouldHaveEarned | None = None
    """What the challenger's lists would have earned on earlier nights: shown, and no part of the decision."""
    champion_note: str = ""
    """Which weights stand for the champion, where its own have seen the days of the test."""


@dataclass
class _Findings:
    passed: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    numbers: dict[str, float] = field(default_factory=dict)

    def add(self, holds: bool, passed: str, refused: str) -> None:
        (self.passed if holds else self.refused).append(passed if holds else refused)


def gate_of(model: str) -> GateConfig:
    """What `gate.yml` demands of a model.

    Raises:
        ModelError: the file has an unknown key or a value of another type.
    """
    return read_config(CONFIGS / "gate.yml", GateConfig, sections=("every", model))


def decide(gate: GateConfig, compared: Compared) -> Decision:
    """Decide by all rules; a refusal states both numbers of every rule that the challenger breaks.

    Against a champion that learned from people who are to be forgotten the tolerance is `forgotten_tolerance`.
    """
    challenger, champion, unit = compared.challenger, compared.champion, compared.unit
    score_difference = compared.score_difference
    findings = _Findings(numbers={"challenger": challenger.value, "score_difference": score_difference})
    own = f"{challenger.metric} {challenger.value:.4f}"
    on = f"on {len(challenger.values):,} {unit}"

    for name in (*gate.beat, *gate.match):
        if name not in compared.baselines:
            findings.passed.append(f"{name} could not be measured on this data")
            continue
        baseline = compared.baselines[name]
        low, high = bootstrap_interval(challenger.values - baseline.values, gate)
        findings.numbers |= {name: baseline.value, f"over_{name}_low": low, f"over_{name}_high": high}
        difference = f"{own} against {baseline.value:.4f} of {name} {on}: the difference is {low:+.4f} to {high:+.4f}"
        floor, words = (0.0, "above 0") if name in gate.beat else (-gate.tolerance, f"above {-gate.tolerance:+.4f}")
        findings.add(low > floor, f"{difference}, {words}", f"{difference}, and must be {words}")

    if champion is None:
        findings.passed.append("there is no champion yet")
    else:
        if compared.forgotten:
            gate = _lenient(gate)
            findings.passed.append(f"the champion learned from {compared.forgotten} who are to be forgotten")
        _against_champion(gate, findings, challenger, champion, own=own, on=on, lenient=bool(compared.forgotten))
        _each_slice(gate, findings, challenger, champion, compared.slices, unit=unit)

    for name, floor in _those_measured(gate.floors, challenger, findings).items():
        value = challenger.metrics[name]
        findings.add(value >= floor, f"{name} {value:.4f}, at least {floor:g}", f"{name} {value:.4f}, below {floor:g}")
    ceilings = _those_measured(gate.ceilings, challenger, findings)
    limited = [(name, challenger.metrics[name], most) for name, most in ceilings.items()]
    limited += [(name, value, gate.private_ceilings.get(name, 1.0)) for name, value in compared.attack_figures.items()]
    for name, value, most in limited:
        findings.add(value <= most, f"{name} {value:.4f}, at most {most:g}", f"{name} {value:.4f}, above {most:g}")

    findings.add(
        score_difference <= gate.score_tolerance,
        f"the loaded artefact scores the same: {score_difference:.1e} within {gate.score_tolerance:.1e}",
        f"the loaded artefact scores differently from the trained model: by {score_difference:.1e}, "
        f"and at most {gate.score_tolerance:.1e} is allowed",
    )
    numbers = {name: round(value, 8) for name, value in findings.numbers.items()}
    low, high = bootstrap_interval(challenger.values, gate)
    promised = {challenger.metric: (round(low, 8), round(high, 8))}
    promised |= {name: (gate.floors[name], gate.ceilings[name]) for name in gate.floors if name in gate.ceilings}
    reasons = findings.refused or findings.passed
    if compared.champion_note:
        reasons = [*reasons, compared.champion_note]
    return Decision(not findings.refused, reasons, numbers, promised)


def limits_broken(gate: GateConfig, metrics: Mapping[str, float]) -> list[str]:
    """The floors and ceilings that a version does not keep, each with both numbers; of metrics that it has."""
    broken = [
        f"{name} {metrics[name]:.4f}, below {least:g}"
        for name, least in gate.floors.items()
        if name in metrics and metrics[name] < least
    ]
    return broken + [
        f"{name} {metrics[name]:.4f}, above {most:g}"
        for name, most in gate.ceilings.items()
        if name in metrics and metrics[name] > most
    ]


def _those_measured(limits: Mapping[str, float], challenger: Measured, findings: _Findings) -> Mapping[str, float]:
    """The limits of metrics that the challenger has; a metric of too few units is missing, and said to be."""
    missing = [name for name in limits if name not in challenger.metrics]
    findings.passed.extend(f"{name} could not be measured on this data" for name in missing)
    return {name: limit for name, limit in limits.items() if name not in missing}


def _lenient(gate: GateConfig) -> GateConfig:
    """The gate against a champion that learned from people who are to be forgotten."""
    return dataclasses.replace(
        gate,
        tolerance=max(gate.tolerance, gate.forgotten_tolerance),
        slice_tolerance=max(gate.slice_tolerance, gate.forgotten_tolerance),
    )


def _against_champion(
    gate: GateConfig,
    findings: _Findings,
    challenger: Measured,
    champion: Measured,
    *,
    own: str,
    on: str,
    lenient: bool,
) -> None:
    low, high = bootstrap_interval(challenger.values - champion.values, gate)
    findings.numbers |= {"champion": champion.value, "over_champion_low": low, "over_champion_high": high}
    difference = f"{own} against {champion.value:.4f} of the champion {on}: the difference is {low:+.4f} to {high:+.4f}"
    if high < 0 and not lenient:
        findings.refused.append(f"{difference}, all of it below 0")
    elif low < -gate.tolerance:
        findings.refused.append(f"{difference}, and must not be below {-gate.tolerance:+.4f}")
    else:
        findings.passed.append(f"{difference}, not below {-gate.tolerance:+.4f}")


def _each_slice(
    gate: GateConfig,
    findings: _Findings,
    challenger: Measured,
    champion: Measured,
    slices: pd.DataFrame,
    *,
    unit: str,
) -> None:
    groups = 0
    for name, kinds in slices.items():
        for group, places in kinds.groupby(kinds).indices.items():
            if len(places) < gate.slice_units:
                continue
            groups += 1
            differences = (challenger.values - champion.values)[places]
            low, high = bootstrap_interval(differences, gate)
            if high < -gate.slice_tolerance:
                findings.refused.append(
                    f"{name} {group}: {challenger.values[places].mean():.4f} against "
                    f"{champion.values[places].mean():.4f} of the champion on {len(places):,} {unit}: the difference "
                    f"is {low:+.4f} to {high:+.4f}, and must not be wholly below {-gate.slice_tolerance:+.4f}"
                )
    findings.passed.append(f"none of {groups} groups of {gate.slice_units} or more {unit} falls")


def bootstrap_interval(values: np.ndarray, gate: GateConfig) -> tuple[float, float]:
    """Percentile interval of the mean of values or of paired differences (units,), resampling units (Efron, 1979)."""
    random = np.random.default_rng(gate.seed)
    units = len(values)
    means = [values[random.integers(0, units, units)].mean() for _ in range(gate.resamples)]
    tail = (1 - gate.confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)


def slice_table(measured: Measured, slices: pd.DataFrame, gate: GateConfig) -> pd.DataFrame:
    """The deciding metric of every group with its interval: kind, group, units, value, low, high; by kind and group."""
    rows = []
    for kind, groups in slices.items():
        for group, places in groups.groupby(groups).indices.items():
            values = measured.values[places]
            low, high = bootstrap_interval(values, gate)
            rows.append((kind, str(group), len(places), values.mean(), low, high))
    return pd.DataFrame(rows, columns=["kind", "group", "units", "value", "low", "high"])


def slice_means(compared: Compared) -> list[tuple]:
    """The deciding metric of every group: kind, group, units, challenger's mean, and champion's if there is one."""
    versions = [one for one in (compared.challenger, compared.champion) if one is not None]
    return [
        (kind, str(group), len(places), *(float(one.values[places].mean()) for one in versions))
        for kind, groups in compared.slices.items()
        for group, places in groups.groupby(groups).indices.items()
    ]
