"""Lineage of dbt: events of each model in a file, through the wrapper that ends with dbt's own status."""

from __future__ import annotations

import json

from contracts.lineage import lineage_transport
from contracts.settings import Settings
from dbt_project.build import variables
from dbt_project.runner.command import DbtCommand

DAY = "2026-11-20"
MODEL, FAILING = "stg_lake__persons", "stg_lake__items"
PARENT = "nightshift/nightly_profiles.profile/01a20207-e627-7d60-8e2d-4ecdf869e96d"


def test_a_model_and_a_failure_become_lineage_events(new_home):
    home = new_home()
    home.deliver_persons(DAY, {"ann": ["cookie:ann"]})
    settings = Settings.from_env({"NIGHTSHIFT_HOME": str(home.settings.home), "NIGHTSHIFT_LINEAGE": "file"})
    dbt = DbtCommand(settings.home.dbt, lineage=lineage_transport(settings, "dbt"), lineage_parent=PARENT)
    build_variables = variables(settings, DAY)
    build_variables["tables_without_days"].remove("items")  # there is none in the lake, and dbt looks for it

    done = dbt.run("run", build_variables, "--select", MODEL, FAILING)
    assert done.returncode != 0
    events = [json.loads(line) for line in (settings.home.lineage / "dbt.jsonl").read_text().splitlines()]
    ends = {event["job"]["name"]: event for event in events if event["eventType"] == "COMPLETE"}
    [model] = [event for name, event in ends.items() if MODEL in name]
    assert model["job"]["namespace"] == "nightshift"
    [written] = model["outputs"]
    assert (written["namespace"], written["name"].rpartition(".")[2]) == (f"duckdb://{settings.home.warehouse}", MODEL)
    starts = [event for event in events if event["eventType"] == "START"]
    [build] = [event for event in starts if not {MODEL, FAILING} & set(event["job"]["name"].split("."))]
    assert build["run"]["facets"]["parent"]["job"]["name"] == "nightly_profiles.profile"
    failed = [event["job"]["name"] for event in events if event["eventType"] == "FAIL"]
    assert any(FAILING in name for name in failed)
    assert not any(MODEL in name for name in failed)
