"""The ledger: every decision on a challenger, one JSON object a line of `<home>/ledger.jsonl`, oldest first."""

from __future__ import annotations

import datetime
import json
from typing import Any

from contracts.home import Home
from contracts.verdicts import PROMOTED as PROMOTED
from contracts.verdicts import PUT_BACK as PUT_BACK
from contracts.verdicts import REFIT as REFIT

REFUSED = "refused"
KEPT = "kept"
"""There is no challenger that is not champion already."""
SKIPPED = "skipped"
"""There was too little data to compare on."""
IN_SHADOW = "in shadow"
"""It passed, and scores from now on without being shown: `--mode shadow`."""
AWAITING_APPROVAL = "awaiting approval"
REJECTED = "rejected"
"""By a person, or because no answer came in time."""


def new_line(model: str, ds: str, *, dry_run: bool) -> dict[str, Any]:
    """The line of a model that is skipped; a decision fills in the rest.

    `forgotten` counts the people who are to be forgotten and from whom the champion before the decision learned;
    `promised` is what realised metrics are compared with later;
    `off_policy` is what the version's lists would have earned, where a campaign explores.
    """
    return {
        "when": now(),
        "ds": ds,
        "model": model,
        "version": None,
        "previous_champion": None,
        "forgotten": None,
        "decision": SKIPPED,
        "dry_run": dry_run,
        "by": None,
        "reasons": [],
        "numbers": {},
        "promised": {},
        "off_policy": None,
    }


def append(home: Home, line: dict[str, Any]) -> None:
    """Write one decision down."""
    with home.ledger.open("a") as stream:
        stream.write(json.dumps(line, ensure_ascii=False) + "\n")


def now() -> str:
    """This moment, UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
