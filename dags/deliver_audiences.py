"""
### Audiences to their destinations

Runs when `activate_audiences` has published the asset `audiences`, and does nothing until `activation/destinations.yml`
(or the file that `NIGHTSHIFT_DESTINATIONS` names) has a destination. Each destination gets the messages of the night
and is told who has to be removed; addresses come from the raw source `contacts`, consent is asked for once more, and
the table `deliveries` has a receipt of each message, without its address.

With the approval `ask`, a person sees how many people each audience has and lets them go or not: see *Required
Actions*. Without an answer in time nothing goes out.

A destination that is down fails its task, which is tried again and goes on where it stopped; the others are delivered.
Last comes the page of the night once more, with what was delivered.

A run is for one day. Where more days were published than runs were started for, as events come while a run is at work,
it starts a run for each of them.
"""

import datetime

from airflow.sdk import Asset, dag, task, task_group
from shared.alerts import CHOSEN_DAY, alert_on_failure, deadline
from shared.commands import Command
from shared.days import DAY_PARAM, choose_day, start_other_days
from shared.delivery import DeliveryApproval, delivery_approval_param, destinations_of
from shared.page import NightPage
from shared.runs import DEFAULTS

from contracts import assets


@dag(
    schedule=[Asset(assets.AUDIENCES)],
    start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS | alert_on_failure(CHOSEN_DAY),
    deadline=deadline(waits_for_approval=True),
    params={"day": DAY_PARAM, "approval": delivery_approval_param()},
    tags=["nightshift", "marketing"],
    doc_md=__doc__,
)
def deliver_audiences():
    @task
    def list_destinations(answer: str) -> list[str]:
        return destinations_of(answer)

    @task_group(prefix_group_id=False)
    def delivery(destination: str, day: str):
        Command(
            task_id="deliver",
            arguments=["activation.deliver", "--ds", day, "--to", destination],
            map_index_template="{{ task.arguments[4] }}",
        )

    day = choose_day(assets.AUDIENCES)
    answer = DeliveryApproval(task_id="approve", day=day, mode="{{ params.approval }}").output
    page = NightPage(
        task_id="page",
        arguments=["monitoring.page", "--ds", day],
        skip_if="{{ not ti.xcom_pull(task_ids='list_destinations') }}",
    )
    delivery.partial(day=day).expand(destination=list_destinations(answer)) >> page.as_teardown()
    start_other_days(assets.AUDIENCES, day, "deliver_audiences")


deliver_audiences()
