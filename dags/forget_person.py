"""
### A person who asks is forgotten

Started by hand, for a request that waits. It is made with

    python -m privacy requests --add account:NAME

which prints an id; `python -m privacy requests` lists those that wait. The form takes that id, and never a name:
Airflow keeps what is typed into a form for good, in its database and in its logs, and would itself remember the person.

With the mode `dry_run`, the default, the receipt says what would be deleted, and nothing changes. With `enforce` the
person is taken out of everything, the model versions that learned from the person are marked, everything is searched
once more, and the receipt says so. Both wait until no step of a night is at work, and a night waits for them. Receipts
are `erasures/<request>/receipt.html` below the home of the pipeline. A run that was killed goes on when it is tried
again. A request that was done is gone, and its id is refused in a sentence.
"""

import datetime

from airflow.sdk import Param, dag
from shared.alerts import alert_on_failure, deadline
from shared.runs import DEFAULTS
from shared.spark import SparkJob

MODE = "{{ '--enforce' if params.mode == 'enforce' else '--dry-run' }}"


@dag(
    schedule=None,
    start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS | alert_on_failure("by hand"),
    deadline=deadline(),
    params={
        "request": Param(
            type="string",
            pattern="^[0-9a-f]{12}$",
            title="Request",
            description="The id that `privacy requests --add` printed. Not a name: Airflow would keep it.",
        ),
        "mode": Param("dry_run", enum=["dry_run", "enforce"], title="Mode", description="enforce cannot be undone."),
    },
    tags=["nightshift", "spark", "privacy"],
    doc_md=__doc__,
)
def forget_person():
    SparkJob(
        task_id="forget",
        application="privacy/__main__.py",
        application_args=["forget", "--request", "{{ params.request }}", MODE],
    )


forget_person()
