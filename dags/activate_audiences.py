"""
### Champions to audiences

Runs when `train_models` has published the asset `champions`. The champion scores every person who agreed to
personalisation, and it is worked out which items are similar; what campaigns changed, and what the scores of before
were worth, is measured by what people have done until now; the plan says for each campaign in `activation/campaigns/`
who gets its message, by consent, experiments, the policy and what messages are worth; and each campaign becomes an
audience file: who to show what, and why. Nobody is in a file without the consent that its campaign needs, and for each
audience scored = exported + suppressed + failed.

Then the store of the API is built and compared with the scores; where they differ, the API answers from the store
before. The night is watched: what arrived, what was made of it and what it is worth, against the nights before. What
that finds is an alert; where `NIGHTSHIFT_RETRAIN_MINUTES` says so, a champion that is worth less than when it was
promoted starts a training with tuning, once. Last comes the page of the night, for people to read: it is made also
where a task before it failed. Trouble with any of these fails no night.

A run is for one day. Where more days were published than runs were started for, as events come while a run is at work,
it starts a run for each of them.
"""

import datetime

from airflow.sdk import Asset, dag, task
from shared.alerts import CHOSEN_DAY, FailureOver, WatchAlert, alert_on_failure, deadline
from shared.commands import Command
from shared.days import DAY_PARAM, choose_day, publish_day, start_other_days
from shared.page import NightPage
from shared.retraining import retrain_fallen
from shared.runs import DEFAULTS

from contracts import assets


@dag(
    schedule=[Asset(assets.CHAMPIONS)],
    start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS | alert_on_failure(CHOSEN_DAY),
    deadline=deadline(),
    params={"day": DAY_PARAM},
    tags=["nightshift", "marketing"],
    doc_md=__doc__,
)
def activate_audiences():
    @task(outlets=[Asset(assets.AUDIENCES)])
    def publish_audiences(day: str, *, outlet_events) -> None:
        publish_day(assets.AUDIENCES, day, outlet_events)

    day = choose_day(assets.CHAMPIONS)
    score = Command(task_id="score", arguments=["serving.score", "--ds", day])
    neighbours = Command(task_id="neighbours", arguments=["serving.neighbours", "--ds", day])
    measure = Command(task_id="measure", arguments=["activation.measure", "--ds", day])
    log_measured = Command(task_id="log_measured", arguments=["training.realised", "--ds", day])
    plan = Command(task_id="plan", arguments=["activation.plan", "--ds", day])
    activate = Command(task_id="activate", arguments=["activation.export", "--ds", day])
    store = Command(task_id="store", arguments=["serving.store", "--ds", day])
    watch = Command(
        task_id="watch",
        arguments=["monitoring.watch", "--ds", day],
        on_success_callback=[FailureOver(CHOSEN_DAY), WatchAlert(CHOSEN_DAY)],
    )
    page = NightPage(task_id="page", arguments=["monitoring.page", "--ds", day])
    score >> neighbours >> measure >> plan >> activate >> publish_audiences(day) >> page
    measure >> log_measured >> page.as_teardown()
    activate >> watch.as_teardown() >> [retrain_fallen(day), page]
    activate >> store.as_teardown() >> page
    start_other_days(assets.CHAMPIONS, day, "activate_audiences")


activate_audiences()
