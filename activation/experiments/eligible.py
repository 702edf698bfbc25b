"""Whom a campaign could have written to on their first night in its experiment: the table `eligible`.

It is decided on the night of the lot, by what was known before any message and by the same rules for all arms: so it
does not depend on the arm, and arms may be compared among these people alone. Later nights change nothing of it. Who
becomes eligible later is not in it: by then the message may have had a part in that.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from activation.experiments.experiment import Experiment
from activation.measuring.tables import rows_of
from contracts.lake import Lake
from contracts.settings import duckdb_config
from contracts.tables.activation import ASSIGNMENTS, ELIGIBLE
from lake_tables.arrow import ROWS_A_GROUP, arrow_schema

_ELIGIBLE = """
    with mine as (select person_id, salt, since from assignments where experiment = $name and salt = $salt),
    known as (select person_id from earlier where experiment = $name and salt = $salt)
    select person_id, $name as experiment, salt, since
    from mine
    where case when since = $ds::date then person_id in (from selected) else person_id in (from known) end
    order by person_id
"""


def publish_eligible(lake: Lake, ds: str, selected: Sequence[tuple[Experiment, pa.Array]]) -> None:
    """Publish those of a night whose `assignments` are published; without any experiment the night has none.

    Args:
        selected: experiments, and ids of the people whom their campaigns select tonight, held out or not.
    """
    if not selected:
        if ds in lake.days(ELIGIBLE.name):
            lake.publish(ELIGIBLE.name, ds, {})
        return
    before = [day for day in lake.days(ELIGIBLE.name) if day < ds][-1:]
    staging, files = lake.staging("eligible"), {}
    with duckdb.connect(config=duckdb_config()) as connection:
        connection.register("assignments", rows_of(lake, ASSIGNMENTS, [ds]))
        connection.register("earlier", rows_of(lake, ELIGIBLE, before))
        for experiment, people in selected:
            connection.register("selected", pa.table({"person_id": people}))
            options = {"name": experiment.name, "salt": experiment.salt, "ds": ds}
            rows = connection.sql(_ELIGIBLE, params=options).to_arrow_table().cast(arrow_schema(ELIGIBLE))
            file = staging / f"{experiment.name}.parquet"
            pq.write_table(rows, file, row_group_size=ROWS_A_GROUP)
            files[file.name] = file
    lake.publish(ELIGIBLE.name, ds, files)
