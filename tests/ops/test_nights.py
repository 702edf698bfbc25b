"""`make nights`: the commands of the DAGs, a failure in a sentence, and its tables from reports written by hand."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from contracts.errors import SettingsError
from contracts.settings import REPOSITORY, Settings
from ops.nights import Step, lifts_of, line_of, policies_of, run_nights, run_step, steps_of, trains_on
from tests.test_architecture import started_commands

DAGS = ("nightly_profiles", "train_models", "activate_audiences")
NOT_OF_A_NIGHT = {"spark_jobs.application", "training.tune", "training.approve", "ops.clean", "training.clean"}
"""What surrounds a night, or waits for a person."""


def shown(table) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(table)
    return console.file.getvalue()


def test_a_night_runs_the_commands_of_the_dags():
    of_dags = set().union(*(started_commands(REPOSITORY / "dags" / f"{dag}.py")[0] for dag in DAGS))
    of_dags |= {"spark_jobs.main"}  # the file that every task of Spark starts unless it names another
    own = [step.arguments[0] for step in steps_of("2026-11-19", ["catalogue"], ["response"])]
    assert (
        set(own) - {"spark_jobs.application", "sample_data.truth", "sample_data.next_day"} == of_dags - NOT_OF_A_NIGHT
    )
    activation = (REPOSITORY / "dags" / "activate_audiences.py").read_text()
    last = [command for command in own if command.startswith(("serving", "activation")) and command != "serving.words"]
    assert sorted(last, key=activation.index) == last


def test_models_are_trained_where_they_are_named_and_decided_on_together():
    steps = [step.arguments for step in steps_of("2026-11-19", [], ["response", "next_item"])]
    assert ["training.promote", "--model", "response", "next_item", "--ds", "2026-11-19"] in steps
    without = {step.arguments[0] for step in steps_of("2026-11-19", [], [])}
    assert not without & {"training.train", "training.promote"}


def test_trainings_are_counted_over_the_nights_of_a_home(tmp_path):
    settings = Settings.from_env({"NIGHTSHIFT_HOME": str(tmp_path)})
    assert trains_on(settings, "2026-11-19", 2) and trains_on(settings, "2026-11-19", 0)
    for day in ("2026-11-19", "2026-11-20"):
        (tmp_path / "lake" / "plans" / f"ds={day}").mkdir(parents=True)
    assert [trains_on(settings, f"2026-11-{day}", 2) for day in (19, 20, 21)] == [True, False, True]
    assert not trains_on(settings, "2026-11-21", 0)


def test_a_command_that_fails_ends_the_nights_with_its_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    console, log = Console(file=io.StringIO(), width=400), io.StringIO()
    step = Step(name="town", arguments=["sample_data.next_day", "--ds", "2026-11-19"])
    with pytest.raises(SystemExit):
        run_step(step, log, tmp_path / "log", console)
    assert "sample_data.next_day --ds 2026-11-19 failed: expected a simulated town in" in console.file.getvalue()
    assert "expected a simulated town in" in log.getvalue()


def test_a_line_says_what_a_night_did():
    report = {
        "ds": "2026-11-20",
        "persons": 3815,
        "plans": {"letter": {"planned": 400, "considered": 900}, "broken": {"error": "..."}},
        "models": {"response": {}},
        "commands": {"map": 12.0, "score": 20.0, "plan": 2.0, "truth": 1.0, "spark": 3.0, "total": 38.0},
    }
    line = (
        "night 2 of 7, 2026-11-20: 3,815 persons; planned letter 400; trained response; 38 s (score 20, map 12, spark 3"
    )
    assert line_of(2, 7, report).startswith(line)


def test_planted_lift_stands_beside_the_measured_one():
    report = {
        "truth": {"planted_lift": {"letter": {"treated": {"visit": 0.1, "euros": 2.0, "unsubscribe": 0.01}}}},
        "lift": {
            "letter": {
                "arms": {
                    "treated": {
                        "visit": {"difference": 0.12, "low": 0.02, "high": 0.22, "verdict": "higher"},
                        "euros": {"difference": 9.0, "low": 3.0, "high": 15.0, "verdict": "higher"},
                        "unsubscribe": {"difference": 0.01, "low": None, "high": None, "verdict": "too_early"},
                    }
                }
            }
        },
    }
    visit, euros, unsubscribe = [line for line in shown(lifts_of(report)).splitlines() if "letter" in line]
    assert "+0.1000" in visit and "+0.0200 to +0.2200" in visit and "yes" in visit
    assert "no" in euros and "yes" not in euros
    assert "too_early" in unsubscribe
    assert "not measured" in shown(lifts_of({"truth": report["truth"]}))


def test_ways_to_choose_are_added_up_over_the_nights_on_which_all_could_choose():
    night = {"people": 10, "messages": 5, "random": 10.0, "response": 8.0, "best": 30.0}
    both = {**night, "uplift": 20.0}
    reports = [{"truth": {"policies": {"autumn": one}}} for one in (night, both, both)]
    (line,) = [line for line in shown(policies_of(reports)).splitlines() if "autumn" in line]
    assert [cell.strip() for cell in line.split("│")[2:-1]] == ["2", "10", "20", "16", "40", "60"]


def test_no_night_is_no_run():
    with pytest.raises(SettingsError, match="at least 1 night"):
        run_nights(0, None, ["response"], 4)
