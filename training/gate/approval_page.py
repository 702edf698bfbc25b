"""The page that an approver reads before a challenger is promoted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from training.gate.decision import Compared, slice_means
from training.gate.small_groups import suppression_note, too_small, without_hidden


def approval_page(line: dict[str, Any], compared: Compared, registry_page: str, smallest_group: int) -> str:
    """The challenger beside the champion and the baselines, as Markdown: metrics, groups, reasons of the gate, links.

    Args:
        line: the ledger's line of the gate's decision.
        compared: what the gate has compared.
        registry_page: where people open the registry.
        smallest_group: fewest people of a group that is shown.
    """
    model, number, before = line["model"], line["version"], line["previous_champion"]
    address = f"{registry_page.rstrip('/')}/#/models/{model}/versions"
    champion = f"champion: [version {before}]({address}/{before})" if before else "there is no champion yet"
    measured = {f"challenger (version {number})": compared.challenger}
    if compared.champion is not None:
        measured[f"champion (version {before})"] = compared.champion
    measured |= compared.baselines
    metrics = [
        [
            f"**{name}**" if name == compared.challenger.metric else name,
            *(_number(one.metrics.get(name)) for one in measured.values()),
        ]
        for name in compared.challenger.metrics
    ]
    hidden = too_small(compared.slices, compared.people, smallest_group)
    means = without_hidden(slice_means(compared), hidden)
    groups = [
        [f"{kind}: {group}", f"{units:,}", *(_number(value) for value in values)]
        for kind, group, units, *values in means
    ]
    versions = ["challenger", "champion"] if compared.champion is not None else ["challenger"]
    parts = [
        f"challenger: [version {number}]({address}/{number}), {champion}. Day: {line['ds']}. "
        f"All were measured on the same {len(compared.challenger.values):,} held-out {compared.unit}; "
        f"{compared.challenger.metric} decides.",
        "### Why the gate lets it pass",
        "\n".join(f"- {reason}" for reason in line["reasons"]),
        *_lists(compared),
        "### Metrics",
        _table(["metric", *measured], metrics),
        f"### {compared.challenger.metric} of each group",
        _table(["group", compared.unit, *versions], groups) if groups else "There are no groups.",
        suppression_note(hidden, smallest_group),
        "Approve: this version becomes the champion at once. Reject, or no answer in time: the champion stays.",
    ]
    return "\n\n".join(parts) + "\n"


def _lists(compared: Compared) -> list[str]:
    """What the challenger's lists would have earned, for models that rank."""
    found = compared.would_have_earned
    return (
        []
        if found is None
        else ["### What its lists would have earned", f"{found.words}. It informs, and decides nothing."]
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    aligned = ["---", *("---:" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, aligned, *rows])
