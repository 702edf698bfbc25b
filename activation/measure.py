"""Measure what sending changed and what scores were worth, by what people have done until a night.

lift      each experiment of a campaign, and the global holdout of the policy: what the treated do more or less than
          those held out (visit, purchase, euros, unsubscribe), with an interval that may be looked at every night.
          Arms are those of the latest night before; people count whether a message reached them or not
realised  the lists of the latest scored day before: NDCG@10 and hit rate of people who then acted on a new item, beside
          popularity; and the chances whose window ends with the night: of seven days before to click and to buy, of 14
          days before to leave

Runs after score and before plan. A night before which no lot was drawn publishes no `lift`, one before which nothing
was scored no `realised`; a line says so. Charts over all nights so far lie beside the report of the night.

    python -m activation.measure --ds 2026-11-20
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from activation.audiences.night import read_campaigns, understood
from activation.measuring.chances import measure_chances
from activation.measuring.charts import draw_charts
from activation.measuring.lifts import Measured, lift_report, lift_sentences, measure_lift
from activation.measuring.lists import measure_lists
from activation.measuring.realised import realised_report, realised_sentences
from contracts.arguments import day_parser
from contracts.entry_point import exit_with_sentence
from contracts.lake import Lake
from contracts.report import Report, say
from contracts.schema import Table
from contracts.settings import Settings
from contracts.tables.activation import LIFT, REALISED
from lake_tables.arrow import arrow_schema


def main() -> None:
    chosen = day_parser("activation.measure", __doc__).parse_args()
    exit_with_sentence(lambda: measure(chosen.ds))


def measure(ds: str) -> None:
    """Publish `lift` and `realised` of one day.

    Raises:
        LakeError: marts or persons of that day are missing, or those of an earlier day that was scored.
        SettingsError: there is no campaign, or the policy cannot be understood.
        BusyError: another run is measuring.
    """
    settings = Settings.from_env()
    lake = Lake(settings.home.lake)
    with lake.step("measure"), Report(settings.home.reports, ds).timed("measure") as fragment:
        campaigns, policy = read_campaigns(settings, lake, ds)
        measured = [
            Measured(campaign.experiment, policy.holdout_from(campaign))
            for campaign in understood(campaigns).values()
            if campaign.experiment is not None
        ]
        measured += [Measured(one) for one in policy.experiments]
        lifts = measure_lift(lake, ds, measured, settings.smallest_group)
        rows = [*measure_lists(lake, ds), *measure_chances(lake, ds)]
        known = [row for row in rows if row["people"] >= settings.smallest_group]
        realised = pa.Table.from_pylist(known, schema=arrow_schema(REALISED))
        _publish(lake, LIFT, ds, lifts)
        _publish(lake, REALISED, ds, realised)
        charts = draw_charts(lake, ds, settings.home.reports / ds)
        fragment["lift"], fragment["realised"] = lift_report(lifts), realised_report(realised)
        for line in lift_sentences(fragment["lift"]):
            say(line)
        unmeasured = sorted({one.experiment.name for one in measured} - fragment["lift"].keys())
        if unmeasured:
            say(f"lift: nothing yet of {', '.join(unmeasured)}: no earlier night has drawn its lot")
        elif not measured:
            say("lift: nothing to measure: no campaign has an experiment, and the policy none")
        for line in realised_sentences(realised, withheld=len(rows) - len(known)):
            say(line)
        if charts:
            say(f"measure: {len(charts)} charts in {charts[0].parent}")


def _publish(lake: Lake, table: Table, ds: str, rows: pa.Table) -> None:
    """No row is no partition."""
    file = lake.staging("measure") / f"{table.name}.parquet"
    if rows.num_rows:
        pq.write_table(rows, file)
    if rows.num_rows or ds in lake.days(table.name):
        lake.publish(table.name, ds, {file.name: file} if rows.num_rows else {})


if __name__ == "__main__":
    main()
