"""
### Raw deliveries to profiles, every night at 02:00 UTC

1. **map**: one task a source, whatever has landed below `raw/`: the day's delivery, and every earlier one that is not
   in the lake yet, so that a late delivery needs nothing but the next night. On one machine all tasks of Spark share
   one application, from `start_spark` to `stop_spark`; where it has ended, a task starts Spark for itself.
2. **resolve**: which identifiers are one person, as known on that day.
3. **profile**: one `dbt build`; its marts are published to the lake.
4. **words**: what people wrote and what items are called become vectors, before any model trains.
5. **clean**: what has lived its span is removed, as `retention.yml` says. It comes last and also where a step before it
   failed, as a disk that is full needs it; when it fails itself, an alert says so and the night goes on.
6. **page**: only where a step failed, so that the night ends here: the page of the night says so, and why.

Ends with the asset `profiles`, on which `train_models` waits. A backfill of past days gives the same lake as those
nights would have. Data that breaks its contract fails at once; anything else is tried three times.
"""

import datetime

from airflow.sdk import Asset, CronDataIntervalTimetable, Param, dag, task
from shared.alerts import alert_on_failure, deadline
from shared.commands import Command
from shared.days import SCHEDULED_DAY, SCHEDULED_DAY_PARAM, publish_day
from shared.lineage import part_of_this_run
from shared.page import NightPage
from shared.runs import DEFAULTS
from shared.spark import SparkJob

from contracts import assets
from contracts.raw import landed_sources
from contracts.settings import Settings


@dag(
    schedule=CronDataIntervalTimetable("0 2 * * *", timezone="UTC"),
    start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS | alert_on_failure(SCHEDULED_DAY),
    deadline=deadline(),
    params={
        "day": SCHEDULED_DAY_PARAM,
        "sources": Param(
            None,
            type=["null", "array"],
            items={"type": "string", "pattern": r"^\w+\Z"},
            title="Sources",
            description="Only these; empty: all that have landed.",
        ),
    },
    tags=["nightshift", "spark", "dbt"],
    doc_md=__doc__,
)
def nightly_profiles():
    @task
    def map_arguments(day: str, params: dict) -> list[list[str]]:
        sources = params["sources"] or landed_sources(Settings.from_env().raw)
        return [["map", "--source", source, "--ds", day] for source in sources]

    @task(outlets=[Asset(assets.PROFILES)])
    def publish_profiles(day: str, *, outlet_events) -> None:
        publish_day(assets.PROFILES, day, outlet_events)

    start_spark = Command(task_id="start_spark", arguments=["spark_jobs.application", "start", "--ds", SCHEDULED_DAY])
    stop_spark = Command(task_id="stop_spark", arguments=["spark_jobs.application", "stop"])
    map_sources = SparkJob.partial(
        task_id="map",
        map_index_template="{{ task.application_args[2] }}",
        max_active_tis_per_dagrun=2,
        outlets=[Asset(assets.MAPPED)],
    ).expand(application_args=map_arguments(SCHEDULED_DAY))
    resolve = SparkJob(task_id="resolve", application_args=["resolve", "--ds", SCHEDULED_DAY])
    profile = Command(task_id="profile", arguments=["dbt_project.build", "--ds", SCHEDULED_DAY], env=part_of_this_run())
    start_spark.as_setup() >> map_sources >> resolve >> stop_spark.as_teardown(setups=start_spark)
    clean = Command(task_id="clean", arguments=["ops.clean", "--ds", SCHEDULED_DAY])
    words = Command(task_id="words", arguments=["serving.words", "--ds", SCHEDULED_DAY])
    page = NightPage(task_id="page", arguments=["monitoring.page", "--ds", SCHEDULED_DAY], unless="publish_profiles")
    resolve >> profile >> words >> publish_profiles(SCHEDULED_DAY) >> [clean.as_teardown(), page.as_teardown()]
    map_sources >> [clean, page]  # where one source has failed, the others are waited for


nightly_profiles()
