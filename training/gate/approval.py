"""Promotion by a person: what the approver is shown, and what the answer does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from contracts.errors import ModelError
from contracts.verdicts import Verdicts
from training.gate.decision import Compared, slice_means
from training.gate.small_groups import in_words, shown, too_small

if TYPE_CHECKING:
    from contracts.settings import Settings
    from training.registry.client import Registry

WAITS = "awaiting approval"
"""The decision while nobody has answered."""


def page(line: dict[str, Any], compared: Compared, registry_page: str, smallest_group: int) -> str:
    """The challenger beside the champion and the baselines, as Markdown: metrics, groups, what the gate says, links.

    Args:
        line: the ledger's line of the gate's decision.
        compared: whom the gate has compared, on the same held-out units.
        registry_page: where people open the registry.
        smallest_group: fewest people of a group that is shown.
    """
    model, number, before = line["model"], line["version"], line["previous_champion"]
    versions = f"{registry_page.rstrip('/')}/#/models/{model}/versions"
    champion = f"champion: [version {before}]({versions}/{before})" if before else "there is no champion yet"
    everyone = {f"challenger (version {number})": compared.challenger}
    if compared.champion is not None:
        everyone[f"champion (version {before})"] = compared.champion
    everyone |= compared.baselines
    metrics = [
        [
            f"**{name}**" if name == compared.challenger.metric else name,
            *(_number(one.metrics.get(name)) for one in everyone.values()),
        ]
        for name in compared.challenger.metrics
    ]
    hidden = too_small(compared.slices, compared.people, smallest_group)
    means = shown(slice_means(compared), hidden)
    groups = [
        [f"{kind}: {group}", f"{units:,}", *(_number(value) for value in values)]
        for kind, group, units, *values in means
    ]
    judged = ["challenger", "champion"] if compared.champion is not None else ["challenger"]
    parts = [
        f"challenger: [version {number}]({versions}/{number}), {champion}. Day: {line['ds']}. "
        f"All answered for the same {len(compared.challenger.values):,} held-out {compared.unit}; "
        f"{compared.challenger.metric} decides.",
        "### What the gate says: it may be promoted",
        "\n".join(f"- {reason}" for reason in line["reasons"]),
        "### Metrics",
        _table(["metric", *everyone], metrics),
        f"### {compared.challenger.metric} of each group",
        _table(["group", compared.unit, *judged], groups) if groups else "There are no groups.",
        in_words(hidden, smallest_group),
        "Approve: this version becomes the champion at once. Reject, or no answer in time: the champion stays.",
    ]
    return "\n\n".join(parts) + "\n"


def apply_answer(
    settings: Settings, registry: Registry, *, model: str, ds: str, version: str, by: str | None, approved: bool
) -> dict[str, Any]:
    """Do what a person has answered to the verdict that waits; returns the ledger's line of it.

    The verdict goes on waiting until the caller has written that line and forgets it, so that an answer whose
    processing was cut off can be processed again.

    Args:
        by: name of who answered; None where nobody did.

    Raises:
        ModelError: no such verdict waits, an approval names nobody, or challenger or champion are others by now.
    """
    verdict = Verdicts(settings.home.approvals).of(model)
    line = verdict.line if verdict is not None else {}
    if (line.get("version"), line.get("ds")) != (version, ds):
        raise ModelError(
            expected=f"a verdict on {model} version {version} of {ds} that waits for an answer",
            received=f"one on version {line['version']} of {line['ds']}" if line else "none",
            remedy=f"run `python -m training.promote --model {model} --ds {ds} --mode ask` first: only what has passed "
            "the gate can be approved",
        )
    if not approved:
        reason = f"rejected by {by}" if by else f"nobody answered in {settings.approval_hours} hours"
        return {**line, "decision": "rejected", "by": by, "reasons": [reason, *line["reasons"]]}
    if not by:
        raise ModelError(
            expected="the name of who approved",
            received="none",
            remedy="answer in Airflow's required actions, or name yourself with --by",
        )
    _move_champion(registry, line)
    return {**line, "decision": "promoted", "by": by, "reasons": [f"approved by {by}", *line["reasons"]]}


def _move_champion(registry: Registry, line: dict[str, Any]) -> None:
    """Let the alias `champion` point to the version of a verdict, if everything is as it was when it was judged."""
    from training.registry.client import CHALLENGER, CHAMPION, FORGOTTEN

    model = line["model"]
    challenger, champion = registry.aliased(model, CHALLENGER), registry.aliased(model, CHAMPION)
    found = {"challenger": challenger and challenger.number, "champion": champion and champion.number}
    judged = {"challenger": line["version"], "champion": line["previous_champion"]}
    moved = {**judged, "champion": line["version"]}  # by an attempt that was cut off before it could write so
    if found not in (judged, moved):
        raise ModelError(
            expected=f"{_versions(judged)} of {model}, as when the gate compared them",
            received=_versions(found),
            remedy=f"nothing was moved; run `python -m training.promote --model {model} --ds {line['ds']} --mode ask` "
            "to compare those that there are now",
        )
    if FORGOTTEN in challenger.tags:
        raise ModelError(
            expected="a version that learned from nobody who is to be forgotten",
            received=f"version {challenger.number}, which learned from {challenger.tags[FORGOTTEN]}",
            remedy=f"nothing was moved; run `python -m training.train --model {model} --ds {line['ds']}` again",
        )
    registry.set_alias(challenger, CHAMPION)


def _versions(numbers: dict[str, str | None]) -> str:
    return " and ".join(f"{alias} {f'version {number}' if number else 'none'}" for alias, number in numbers.items())


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    aligned = ["---", *("---:" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, aligned, *rows])
