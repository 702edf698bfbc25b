"""Lineage of dbt: events of each model in a file, through the wrapper that ends with dbt's own status."""

from __future__ import annotations

import json

from contracts.lineage import lineage_transport
from contracts.settings import Settings
from dbt_project.build import variables
from dbt_project.runner.command import DbtCommand

DAY = "2026-11-20"
MODEL = "stg_lake__persons"
PARENT = "nightshift/nightly_profiles.profile/01a20207-e627-7d60-8e2d-4ecdf869e96d"


def test_a_model_and_its_failure_are_told(new_home):
    home = new_home()
    home.deliver_persons(DAY, {"ann": ["cookie:ann"]})
    settings = Settings.from_env({"NIGHTSHIFT_HOME": str(home.settings.home), "NIGHTSHIFT_LINEAGE": "file"})
    dbt = DbtCommand(settings.home.dbt, lineage=lineage_transport(settings, "dbt"), lineage_parent=PARENT)
    given = variables(settings, DAY)

    def told(**changes: str) -> tuple[int, list[dict]]:
        done = dbt.run("run", given | changes, "--select", MODEL)
        file = settings.home.lineage / "dbt.jsonl"
        events = [json.loads(line) for line in file.read_text().splitlines()]
        file.unlink()
        return done.returncode, events

    status, events = told()
    assert status == 0
    ends = {event["job"]["name"]: event for event in events if event["eventType"] == "COMPLETE"}
    assert {event["eventType"] for event in events} == {"START", "COMPLETE"}
    [model] = [event for name, event in ends.items() if MODEL in name]
    assert model["job"]["namespace"] == "nightshift"
    [written] = model["outputs"]
    assert (written["namespace"], written["name"].rpartition(".")[2]) == (f"duckdb://{settings.home.warehouse}", MODEL)
    [build] = [event for event in events if event["eventType"] == "START" and MODEL not in event["job"]["name"]]
    assert build["run"]["facets"]["parent"]["job"]["name"] == "nightly_profiles.profile"

    status, events = told(lake=str(settings.home.root / "no lake"))
    assert status != 0
    assert any(event["eventType"] == "FAIL" and MODEL in event["job"]["name"] for event in events)
