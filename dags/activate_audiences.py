"""
### Champions to audiences

Runs when `train_models` has published the asset `champions`. The champion scores every person who agreed to
personalisation, and each campaign in `activation/campaigns/` becomes an audience file: who to show what, and why.
Nobody is in a file without the consent that its campaign needs, and for each audience
scored = exported + suppressed + failed.
"""

import datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import Asset, dag, task
from shared.alerts import alert_on_failure, deadline
from shared.days import ASSET_DAY, DAY_PARAM
from shared.runs import DEFAULTS, PYTHON

from contracts import assets
from contracts.settings import REPOSITORY


@dag(
    schedule=[Asset(assets.CHAMPIONS)],
    start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS | alert_on_failure(ASSET_DAY),
    deadline=deadline(),
    params={"day": DAY_PARAM},
    tags=["nightshift", "marketing"],
    doc_md=__doc__,
)
def activate_audiences():
    @task(outlets=[Asset(assets.AUDIENCES)])
    def publish_audiences(day: str, *, outlet_events) -> None:
        outlet_events[Asset(assets.AUDIENCES)].extra = {"ds": day}

    score = BashOperator(
        task_id="score", bash_command=f"{PYTHON} -m serving.score --ds {ASSET_DAY}", cwd=str(REPOSITORY)
    )
    activate = BashOperator(
        task_id="activate", bash_command=f"{PYTHON} -m activation.export --ds {ASSET_DAY}", cwd=str(REPOSITORY)
    )
    score >> activate >> publish_audiences(ASSET_DAY)


activate_audiences()
