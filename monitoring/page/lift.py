"""What campaigns changed, with the intervals around it."""

from __future__ import annotations

from typing import Any

from contracts.small_groups import in_words
from contracts.tables.activation import LIFT
from monitoring.page import words
from monitoring.page.charts import Line, over_nights
from monitoring.page.night import Night

_MOST = 60


def lift(night: Night) -> list[dict[str, Any]]:
    """A card a campaign and arm; empty where no lot was drawn before this night."""
    if not night.has(LIFT.name):
        return []
    rows = night.rows("select * from lift order by campaign, arm, metric", lift=LIFT.name)
    days = night.days(LIFT.name)
    past = night.rows("select ds, campaign, salt, arm, metric, difference, low, high from lift", days, lift=LIFT.name)
    cards = []
    for campaign, arm in list(dict.fromkeys((row["campaign"], row["arm"]) for row in rows))[:_MOST]:
        own = {row["metric"]: row for row in rows if (row["campaign"], row["arm"]) == (campaign, arm)}
        first = next(iter(own.values()))
        key = campaign, first["salt"], arm
        before = [row for row in past if (row["campaign"], row["salt"], row["arm"]) == key]
        cards.append(
            {
                "campaign": campaign,
                "arm": arm,
                "treated": in_words(first["people_treated"] or 0, night.smallest),
                "held_out": in_words(first["people_held_out"], night.smallest),
                "first_day": words.day_in_words(first["first_day"].isoformat()),
                "last_day": words.day_in_words(first["last_day"].isoformat()),
                "trusted": all(row["sample_ratio_ok"] for row in own.values()),
                "lines": [_line(metric, own[metric]) for metric in words.LIFT_METRICS if metric in own],
                "charts": [_chart(metric, days, before) for metric in ("visit", "euros") if metric in own],
            }
        )
    return cards


def _line(metric: str, row: dict[str, Any]) -> dict[str, str]:
    """A metric in words: of a hundred people, or euros a person."""
    things, of_whom = words.LIFT_METRICS[metric]
    scale, unit = (1.0, "euros a person") if metric == "euros" else (100.0, f"{things} of 100 people")
    difference, low, high = (None if row[key] is None else scale * row[key] for key in ("difference", "low", "high"))
    interval = "" if low is None or high is None else f"{low:+.2f} to {high:+.2f}"
    says = {
        "higher": f"Sending brings more {things}.",
        "lower": f"Sending brings fewer {things}." if metric != "euros" else "Sending brings fewer euros.",
        "none_shown": "No difference is shown yet; the truth lies in the interval.",
        "too_early": "Too early to say: too few people, or too few who did anything.",
    }[row["verdict"]]
    if metric == "unsubscribe" and row["verdict"] == "higher":
        says = "Sending makes people leave."
    return {
        "metric": of_whom,
        "difference": "-" if difference is None else f"{difference:+.2f} {unit}",
        "interval": interval,
        "says": says,
        "verdict": row["verdict"],
    }


def _chart(metric: str, days: list[str], rows: list[dict[str, Any]]) -> Any:
    found = {row["ds"]: row for row in rows if row["metric"] == metric}
    scale, unit = (1.0, "euros a person") if metric == "euros" else (100.0, "more of 100 people")
    values = {
        key: [None if day not in found or found[day][key] is None else scale * found[day][key] for day in days]
        for key in ("difference", "low", "high")
    }
    line = Line("difference", values["difference"], values["low"], values["high"], colour=3)
    return over_nights(f"{words.LIFT_METRICS[metric][1].capitalize()}: {unit}", days, [line])
