"""How much private trainings and reports have given away of each table, of what they may ever give away."""

from __future__ import annotations

from typing import Any

from contracts.privacy_ledger import REPORT, LedgerFile
from monitoring.page.night import Night


def privacy_budget(night: Night) -> dict[str, Any]:
    """What the section needs, from the privacy ledger up to the night."""
    budget = night.settings.privacy_budget
    lines = [line for line in LedgerFile(night.settings.home.privacy_ledger).lines() if line.get("ds", "") <= night.ds]
    spent = {line["table"]: line["table_epsilon"] for line in lines if line["what"] == "begun"}
    return {
        "budget": f"{budget:g}",
        "tables": [
            {"name": table, "spent": f"{epsilon:.2f}", "share": min(100.0, 100 * epsilon / budget)}
            for table, epsilon in sorted(spent.items())
        ],
        "reports": [
            {"name": str(line.get("report", "")), "table": line["table"], "epsilon": f"{line['epsilon']:g}"}
            for line in lines
            if line["what"] == REPORT
        ],
    }
