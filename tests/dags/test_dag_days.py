"""Every published day is taken by one run, and what comes from outside is a day or nothing."""

from __future__ import annotations

import datetime
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowFailException, ParamValidationError

from contracts import assets
from contracts.published_days import PublishedDays
from contracts.settings import Settings


@pytest.fixture
def days(dags, tmp_path, monkeypatch):
    """The functions of `shared/days.py`, on a home of their own."""
    assert dags
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    from shared import days

    return days


def of_asset(asset: str) -> PublishedDays:
    return PublishedDays.of(Settings.from_env().home, asset)


def a_run(name: str) -> SimpleNamespace:
    return SimpleNamespace(run_id=name, run_after=datetime.datetime(2026, 11, 21, 3, tzinfo=datetime.UTC))


def event(extra: dict, *, by_hand: bool = False) -> SimpleNamespace:
    now = datetime.datetime.now(datetime.UTC)
    return SimpleNamespace(extra=extra, source_dag_id=None if by_hand else "train_models", timestamp=now)


def test_days_that_were_published_while_a_run_was_at_work_are_all_taken(days):
    """Airflow merges or drops events that come while the only run is at work: here the last two are lost."""
    for day in ("2026-11-17", "2026-11-18", "2026-11-19"):
        days.publish_day(assets.CHAMPIONS, day, {days.Asset(assets.CHAMPIONS): SimpleNamespace()})
        if day == "2026-11-17":
            first = days.take_day(assets.CHAMPIONS, None, a_run("asset__1"), {"champions": [event({"ds": day})]})
            assert days.runs_of_waiting_days(assets.CHAMPIONS, None) == []
    second = days.take_day(assets.CHAMPIONS, None, a_run("asset__2"), {"champions": [event({"ds": "2026-11-18"})]})
    others = days.runs_of_waiting_days(assets.CHAMPIONS, None)
    third = days.take_day(assets.CHAMPIONS, others[0]["conf"]["day"], a_run(others[0]["trigger_run_id"]), {})
    assert [first, second, third] == ["2026-11-17", "2026-11-18", "2026-11-19"]
    assert len(others) == 1
    assert of_asset(assets.CHAMPIONS).waiting() == []


def test_a_day_is_taken_once_and_a_second_try_of_the_run_takes_the_same(days):
    of_asset(assets.PROFILES).publish("2026-11-18")
    of_asset(assets.PROFILES).publish("2026-11-19")
    woken = {"profiles": [event({"ds": "2026-11-19"})]}
    assert days.take_day(assets.PROFILES, None, a_run("asset__1"), woken) == "2026-11-18"
    assert days.take_day(assets.PROFILES, None, a_run("asset__1"), woken) == "2026-11-18"
    [other] = days.runs_of_waiting_days(assets.PROFILES, None)
    assert days.take_day(assets.PROFILES, None, a_run("asset__2"), woken) == "2026-11-19"
    assert days.take_day(assets.PROFILES, "2026-11-19", a_run(other["trigger_run_id"]), {}) is None, "it was taken"
    assert days.take_day(assets.PROFILES, None, a_run("asset__3"), woken) is None
    of_asset(assets.PROFILES).publish("2026-11-18")
    assert days.take_day(assets.PROFILES, None, a_run("asset__4"), woken) == "2026-11-18", "published again"


def test_a_form_is_obeyed_and_starts_no_other_day(days):
    of_asset(assets.PROFILES).publish("2026-11-18")
    assert days.take_day(assets.PROFILES, "2026-11-10", a_run("manual__1"), {}) == "2026-11-10"
    assert days.take_day(assets.PROFILES, "2026-11-10", a_run("manual__2"), {}) == "2026-11-10"
    assert days.runs_of_waiting_days(assets.PROFILES, "2026-11-10") == []
    assert days.take_day(assets.PROFILES, None, a_run("manual__3"), {}) == "2026-11-18", "an empty form: what waits"
    assert days.take_day(assets.PROFILES, None, a_run("manual__4"), {}) == "2026-11-20", "and then yesterday"


def test_an_event_made_by_hand_names_a_day(days):
    named = {"champions": [event({"ds": "2026-11-19", "from_rest_api": True}, by_hand=True)]}
    assert days.take_day(assets.CHAMPIONS, None, a_run("asset__1"), named) == "2026-11-19"
    assert days.take_day(assets.CHAMPIONS, None, a_run("asset__2"), named) is None, "the same event, once more"


@pytest.mark.parametrize(
    "extra",
    [{"ds": "2026-11-19; touch FILE"}, {"ds": "$(touch FILE)"}, {"ds": "{{ 1 + 1 }}"}, {"ds": 20261119}, {}, None],
    ids=["a command", "a substitution", "a template", "a number", "nothing", "no extra"],
)
def test_what_is_no_day_is_refused_at_once_and_keeps_no_day_waiting(days, extra):
    woken = {"champions": [event(extra, by_hand=True)]}
    with pytest.raises(AirflowFailException, match="expected a day as YYYY-MM-DD in `ds` of an asset event"):
        days.take_day(assets.CHAMPIONS, None, a_run("asset__1"), woken)
    of_asset(assets.CHAMPIONS).publish("2026-11-19")
    assert days.take_day(assets.CHAMPIONS, None, a_run("asset__2"), woken) == "2026-11-19"


@pytest.mark.parametrize("day", ["2026-11-19; touch FILE", "19.11.2026", "yesterday"])
def test_a_form_takes_a_day_or_nothing(dags, day):
    for name in ("nightly_profiles", "train_models", "activate_audiences", "deliver_audiences"):
        with pytest.raises(ParamValidationError):
            dags[name].params.get_param("day").resolve(day)


@pytest.mark.parametrize("source", ["weblog; touch FILE", "../weblog", "--help", "weblog\n", 7])
def test_a_source_is_a_name(dags, source):
    with pytest.raises(ParamValidationError):
        dags["nightly_profiles"].params.get_param("sources").resolve([source])


def test_no_command_is_read_by_a_shell(dags):
    """Values from a form, an event or another task may hold anything: they are arguments, one each."""
    operators = {(dag.dag_id, task.task_id): task for dag in dags.values() for task in dag.tasks}
    assert operators
    for name, task in operators.items():
        kinds = {kind.__name__ for kind in type(task).__mro__} | {getattr(task, "operator_name", "")}
        assert not kinds & {"BashOperator", "_BashDecoratedOperator", "@task.bash"}, f"{name}: use Command"
    assert "activate_audiences" in {dag for dag, _ in operators}


def test_an_argument_stays_one_argument(dags, tmp_path):
    assert dags
    from airflow.sdk.exceptions import AirflowException
    from shared.commands import Command

    hostile = f"2026-11-19; touch {tmp_path}/file $(touch {tmp_path}/file) `touch {tmp_path}/file`"
    shown = Command(task_id="one", arguments=["json.tool", ["--help"], "--no-such", hostile])
    assert shown.execute({})
    with pytest.raises(AirflowException, match="exit code 2"):
        Command(task_id="two", arguments=["activation.export", "--ds", hostile]).execute({})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["train_models", "activate_audiences", "deliver_audiences"])
def test_everything_waits_until_the_day_is_known(dags, name):
    dag = dags[name]
    behind = dag.get_task("choose_day").get_flat_relative_ids(upstream=False)
    alone = {"choose_day", "choose_models"}
    assert set(dag.task_ids) - behind <= alone
    assert dag.get_task("choose_day").ignore_downstream_trigger_rules, "a run without a day does nothing at all"
    again = dag.get_task("start_other_days")
    assert again.partial_kwargs["trigger_dag_id"] == name
    assert again.partial_kwargs["skip_when_already_exists"]
