"""Models: what the gate decided and why, challenger and champion over the nights."""

from __future__ import annotations

import json
from typing import Any

from contracts.verdicts import last_champions
from monitoring.page import words
from monitoring.page.charts import Line, over_nights
from monitoring.page.night import NIGHTS, Night
from monitoring.page.realised import realised
from monitoring.page.verdicts import in_plain_words, summary

_FIRST = ("failed", "awaiting approval", "rejected", "refused", "put back", "in shadow", "promoted")
"""Decisions that people ask about come first."""


def models(night: Night) -> dict[str, Any]:
    """What the section needs: a card a model, those of tonight first."""
    ledger = _ledger(night)
    champions = last_champions(night.settings.home.ledger)
    tonight = night.report.get("models", {})
    names = [*tonight, *sorted({line["model"] for line in ledger} - set(tonight))]
    cards = [
        _card(name, tonight.get(name), champions.get(name), [line for line in ledger if line["model"] == name])
        for name in names
    ]
    cards.sort(key=lambda card: _FIRST.index(card["decision"]) if card["decision"] in _FIRST else len(_FIRST))
    return {"cards": cards, "realised": realised(night)}


def _card(name: str, entry: dict[str, Any] | None, champion: str | None, lines: list[dict[str, Any]]) -> dict[str, Any]:
    entry = entry or {}
    latest = lines[-1] if lines else {}
    decided = entry if "decision" in entry or not latest else latest
    reasons = [str(reason) for reason in decided.get("reasons", [])]
    plain = [in_plain_words(reason) for reason in reasons]
    metric = entry.get("metric", "")
    return {
        "name": name,
        "about": words.MODELS.get(name, ""),
        "champion": champion,
        "decision": decided.get("decision", ""),
        "summary": summary(decided, champion) if decided else "It was not trained tonight.",
        "when": "" if entry or not latest else words.day_in_words(latest["ds"]),
        "error": entry.get("error", ""),
        "reasons": plain,
        "exact": reasons if plain != reasons else [],
        "metric": metric,
        "metric_means": words.METRICS.get(metric, ""),
        "values": _values(name, entry, metric),
        "made_up": _made_up(entry.get("synthetic_rows")),
        "off_policy": (entry.get("off_policy") or {}).get("words", ""),
        "chart": _chart(name, metric, lines),
    }


def _values(name: str, entry: dict[str, Any], metric: str) -> list[tuple[str, str]]:
    """The deciding metric of the version and of what it was measured against."""
    own = entry.get("metrics", {}).get(metric)
    if own is None:
        return []
    others = {other: found.get(metric) for other, found in entry.get("baselines", {}).items()}
    return [
        (f"{words.plain(name)}, version {entry.get('version')}", words.number(own)),
        *((words.plain(other), words.number(value)) for other, value in others.items() if value is not None),
    ]


def _made_up(found: dict[str, Any] | None) -> dict[str, Any] | None:
    """Whether the rows that the generator makes up enter training, and why or why not."""
    if not isinstance(found, dict):
        return None
    verb = "enter" if found.get("admission") == "admitted" else "do not enter"
    reasons = [in_plain_words(str(reason)) for reason in found.get("reasons", [])]
    return {"summary": f"Its made-up rows {verb} the training of others", "reasons": reasons}


def _chart(name: str, metric: str, lines: list[dict[str, Any]]) -> Any:
    """The gate's figures of challenger and champion, on the same held-out units, by night."""
    by_day = {line["ds"]: line.get("numbers") or {} for line in lines if (line.get("numbers") or {}).get("challenger")}
    days = sorted(by_day)[-NIGHTS:]
    if not days:
        return None
    figures = [
        Line(label, [by_day[day].get(key) for day in days], colour=colour)
        for label, key, colour in (("challenger", "challenger", 1), ("champion of before", "champion", 2))
    ]
    return over_nights(f"{words.plain(name)}: {metric or 'deciding metric'}", days, figures)


def _ledger(night: Night) -> list[dict[str, Any]]:
    """Decisions of the gate up to the night, oldest first; a line that was cut off is left out."""
    file = night.settings.home.ledger
    lines = []
    for text in file.read_text().splitlines() if file.is_file() else []:
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if line.get("ds", "") <= night.ds and not line.get("dry_run"):
            lines.append(line)
    return lines
