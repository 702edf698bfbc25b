"""What send logs say of campaigns without a file: mail of another system, or a campaign that was renamed."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow.compute as pc

from contracts.lake import Lake
from contracts.tables.marts import SENDS_OF_PEOPLE
from lake_tables.arrow import read_table


def messages_of_no_campaign(lake: Lake, ds: str, campaigns: Collection[str]) -> dict[str, int]:
    """Campaign that is not among those of the night -> messages of it in `fct_sends` of the day, by name."""
    if ds not in lake.days(SENDS_OF_PEOPLE.name):
        return {}
    sent = read_table(lake.partition(SENDS_OF_PEOPLE.name, ds), ["campaign"])["campaign"]
    counted = {one["values"]: one["counts"] for one in pc.value_counts(sent).to_pylist()}
    return {name: counted[name] for name in sorted(counted) if name not in campaigns}
