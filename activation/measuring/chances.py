"""What chances were worth once their window is over: do they come true as often as they say, and order people?

`click_chance` and `purchase_chance` of a day are about the week that begins after it, so that a night measures those of
seven days before; `leave_chance` is about 14 days, so that it measures those of 14 days before. What came true is what
the model learns from, `training_responses` of the night: people who agree to training, and the campaigns that are
learned from. Late acts are in it as far as they have arrived by the night; nothing is measured a second time.
"""

from __future__ import annotations

import datetime
from typing import Any

import duckdb

from activation.measuring.tables import rows_of
from contracts.lake import Lake
from contracts.settings import duckdb_config
from contracts.tables.marts import TRAINING_RESPONSES
from contracts.tables.served import PREDICTIONS, RESPONSES

WEEK_DAYS, LEAVING_DAYS = 7, 14
BINS = 15
"""Of equal width, open below and closed above (Guo et al., 2017, arXiv:1706.04599, section 3)."""

_OF_RESPONSES = """
    select responses.model_version as version, responses.person_id, {chance} as chance, {label} as came_true
    from responses
    join labels using (person_id, campaign)
    where labels.sent_on = $sent_on and {label} is not null
"""
_OF_PREDICTIONS = """
    with left_shop as (
        select person_id, bool_or(churned) as came_true
        from labels
        where sent_on = $sent_on and churned is not null
        group by person_id
    ),
    versions as (select person_id, min(model_version) as version from responses group by person_id)
    select version, person_id, leave_chance as chance, came_true
    from predictions
    join versions using (person_id)
    join left_shop using (person_id)
    where leave_chance is not null
"""
_FIGURES = f"""
    with measured as (select version, person_id, chance, came_true::int as came_true from chances),
    sums as (
        select version, count(distinct person_id) as people, count(*) as n, sum(came_true) as positives,
               avg(chance) as predicted, avg(came_true) as seen, avg(power(chance - came_true, 2)) as brier
        from measured
        group by version
    ),
    bins as (
        select version, count(*) as n, abs(avg(chance) - avg(came_true)) as distance
        from measured
        group by version, least(greatest(ceil(chance * {BINS})::int - 1, 0), {BINS - 1})
    ),
    errors as (select version, sum(n * distance) / sum(n) as calibration_error from bins group by version),
    by_chance as (
        select version, chance, sum(came_true) as positives, sum(1 - came_true) as negatives
        from measured
        group by version, chance
    ),
    ordered as (
        select version, positives,
               coalesce(sum(negatives) over (
                   partition by version order by chance rows between unbounded preceding and 1 preceding
               ), 0) as negatives_below
        from by_chance
    ),
    areas as (select version, sum(positives * negatives_below) as pairs from ordered group by version)
    select sums.version, people, predicted, seen, brier, calibration_error,
           case when positives between 1 and n - 1 then pairs / (positives * (n - positives)) end as auc
    from sums join errors using (version) join areas using (version)
    order by sums.version
"""


def measure_chances(lake: Lake, ds: str) -> list[dict[str, Any]]:
    """Rows of `realised` of every chance whose window ends with a night; none of a day that was not scored."""
    rows = []
    with duckdb.connect(config=duckdb_config()) as connection:
        if ds not in lake.days(TRAINING_RESPONSES.name):
            return []
        connection.register("labels", rows_of(lake, TRAINING_RESPONSES, [ds]))
        for name, days, query in (
            ("click", WEEK_DAYS, _OF_RESPONSES.format(chance="click_chance", label="clicked")),
            ("purchase", WEEK_DAYS, _OF_RESPONSES.format(chance="purchase_chance", label="purchased")),
            ("leave", LEAVING_DAYS, _OF_PREDICTIONS),
        ):
            scored_on = datetime.date.fromisoformat(ds) - datetime.timedelta(days=days)
            if not all(scored_on.isoformat() in lake.days(table.name) for table in (RESPONSES, PREDICTIONS)):
                continue
            connection.register("responses", rows_of(lake, RESPONSES, [scored_on.isoformat()]))
            connection.register("predictions", rows_of(lake, PREDICTIONS, [scored_on.isoformat()]))
            first = scored_on + datetime.timedelta(days=1)
            connection.execute(f"create or replace temp table chances as {query}", {"sent_on": first})
            for found in connection.sql(_FIGURES).to_arrow_table().to_pylist():
                version, people = found.pop("version"), found.pop("people")
                rows += [
                    {
                        "people_of": version,
                        "model_version": version,
                        "metric": f"{name}_{metric}",
                        "value": value,
                        "people": people,
                        "scored_on": scored_on,
                        "first_day": first,
                        "last_day": datetime.date.fromisoformat(ds),
                    }
                    for metric, value in found.items()
                    if value is not None
                ]
    return rows
