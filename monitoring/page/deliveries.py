"""What destinations have confirmed, by the newest receipts up to the night."""

from __future__ import annotations

from typing import Any

from contracts.small_groups import fold_small, in_words
from contracts.tables.activation import DELIVERIES
from monitoring.page import words
from monitoring.page.night import Night


def deliveries(night: Night) -> dict[str, Any]:
    """What the section needs: of each destination and campaign, how many messages came to what end."""
    days = night.days(DELIVERIES.name)
    stopped = [
        {"name": name, "error": entry.get("error", "")}
        for name, entry in night.report.get("deliveries", {}).items()
        if entry.get("status") == "stopped"
    ]
    if not days:
        return {"day": "", "lines": [], "stopped": stopped}
    rows = night.rows(
        "select destination, campaign, action, status, coalesce(reason, '') as reason, count(*) as people "
        "from deliveries group by all order by all",
        days[-1:],
        deliveries=DELIVERIES.name,
    )
    groups: dict[tuple[str, str, str], dict[str, int]] = {}
    for row in rows:
        label = words.STATUSES[row["status"]] + (f": {words.plain(row['reason'])}" if row["reason"] else "")
        own = groups.setdefault((row["destination"], row["campaign"], row["action"]), {})
        own[label] = own.get(label, 0) + row["people"]
    lines = []
    for (destination, campaign, action), counts in groups.items():
        folded = fold_small(counts, night.smallest, keep=(words.STATUSES["delivered"],))
        ends = [f"{label} {people:,}" for label, people in folded.shown.items()]
        if folded.others:
            ends.append(f"ends of few people, together {in_words(folded.others, night.smallest)}")
        lines.append(
            {
                "destination": destination,
                "campaign": campaign,
                "what": "messages" if action == "add" else "removals",
                "people": in_words(sum(counts.values()), night.smallest),
                "ends": "; ".join(ends),
            }
        )
    return {"day": words.day_in_words(days[-1]), "lines": lines, "stopped": stopped}
