"""Who the people are: identities, profiles in groups, and what people agreed to."""

from __future__ import annotations

from typing import Any

from contracts.small_groups import Folded, fold_small, in_words
from contracts.tables.marts import CONSENT, PROFILE
from monitoring.page import words
from monitoring.page.charts import Line, over_nights
from monitoring.page.night import Night, figure

_MOST_GROUPS = 10


def people(night: Night) -> dict[str, Any]:
    """What the section needs; groups of fewer people than the setting says are folded into one."""
    reports = night.reports
    sizes = [
        Line(label, [figure(report, key) for report in reports.values()])
        for label, key in (("people", "persons"), ("profiles", "profiles"))
    ]
    return {
        "identity": _identity(night),
        "chart": over_nights("People and profiles", list(reports), sizes, written="{:,.0f}".format),
        "groups": _groups(night),
        "consents": _consents(night),
    }


def _identity(night: Night) -> list[tuple[str, str]]:
    found = night.report.get("identity", {})
    named = {
        "identifiers": "identifiers (accounts, addresses, cookies, devices)",
        "of_nobody": "identifiers that belong to nobody",
        "shared_cookies": "cookies that several people share, and that join nobody",
        "cut_components": "chains of links that were cut, as they would have joined too many",
    }
    lines = [(label, f"{found[key]:,}") for key, label in named.items() if isinstance(found.get(key), int)]
    changed = found.get("changed")
    if isinstance(changed, dict):
        lines += [
            (f"identifiers {words.plain(kind)} since the night before", in_words(count, night.smallest))
            for kind, count in changed.items()
        ]
    return lines


def _groups(night: Night) -> list[dict[str, Any]]:
    if not night.has(PROFILE.name):
        return []
    columns = {name: name for name in words.PROFILE if name != "main_interest"}
    columns["main_interest"] = "coalesce(interests[1].category, 'none known')"
    counted = " union all ".join(
        f"select '{name}' as kind, coalesce({column}, 'unknown') as name, count(*) as people from profiles group by all"
        for name, column in columns.items()
    )
    found: dict[str, dict[str, int]] = {}
    for row in night.rows(counted, profiles=PROFILE.name):
        found.setdefault(row["kind"], {})[row["name"]] = row["people"]
    return [
        {"title": title, **_bars(fold_small(found[kind], night.smallest), night.smallest)}
        for kind, title in words.PROFILE.items()
        if kind in found
    ]


def _bars(folded: Folded, smallest: int) -> dict[str, Any]:
    """Groups as bars; of many the largest, the rest together."""
    shown = list(folded.shown.items())
    total = sum(folded.shown.values()) + folded.others
    tail = shown[_MOST_GROUPS:]
    others = folded.others + sum(people for _, people in tail)
    bars = [(words.plain(name), f"{people:,}", 100 * people / total) for name, people in shown[:_MOST_GROUPS]]
    if others:
        count = folded.hidden + len(tail)
        bars.append((f"{count} smaller groups together", in_words(others, smallest), 100 * others / total))
    return {"bars": bars}


def _consents(night: Night) -> list[tuple[str, str, float]]:
    if not night.has(CONSENT.name):
        return []
    counted = ", ".join(f"count(*) filter (where consent_{purpose}) as {purpose}" for purpose in words.PURPOSES)
    [row] = night.rows(f"select count(*) as everybody, {counted} from consents", consents=CONSENT.name)
    everybody = row["everybody"]
    return [
        (title, in_words(row[purpose], night.smallest), 100 * row[purpose] / everybody if everybody else 0.0)
        for purpose, title in words.PURPOSES.items()
    ]
