"""What `make nightly` does behind the audiences, and how it shows what became of them."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from contracts.settings import Settings
from ops import nightly
from ops.tables import print_report

NIGHT = "2026-11-20"


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=200, highlight=False)


def settings_with(folder, destinations: str, approval: str = "auto") -> Settings:
    (folder / "destinations.yml").write_text(f"destinations: {destinations}\n")
    return Settings.from_env(
        {
            "NIGHTSHIFT_HOME": str(folder),
            "NIGHTSHIFT_DESTINATIONS": str(folder / "destinations.yml"),
            "NIGHTSHIFT_DELIVERY_APPROVAL": approval,
        }
    )


def test_audiences_are_delivered_where_that_is_configured_and_nobody_has_to_be_asked(tmp_path, monkeypatch, console):
    ran = []
    monkeypatch.setattr(nightly, "run_dags", lambda dags, *_: ran.append(dags) or "")
    log = tmp_path / "log"
    assert nightly.deliver(settings_with(tmp_path, "{}"), NIGHT, log, console) == ""
    assert nightly.deliver(settings_with(tmp_path, "{crm: {kind: webhook}}", "ask"), NIGHT, log, console) == ""
    assert ran == []
    assert "a person has to let the audiences go" in console.file.getvalue()
    assert nightly.deliver(settings_with(tmp_path, "{crm: {kind: webhook}}"), NIGHT, log, console) == ""
    assert ran == [["deliver_audiences"]]
    monkeypatch.setattr(nightly, "run_dags", lambda *_: "deliver_audiences failed: crm is down")
    said = nightly.deliver(settings_with(tmp_path, "{crm: {kind: webhook}}"), NIGHT, log, console)
    assert said == "deliver_audiences failed: crm is down"


def test_the_closing_table_says_what_became_of_every_audience(console):
    letters = {"audience": 1200, "delivered": 1000, "already": 100, "refused": 1, "waiting": 2}
    letters |= {"withheld": {"no_address": 90, "no_consent": 7}, "removed": 5, "not_removed": 3}
    campaigns = {"letters": letters, "cards": {"status": "failed", "error": "expected a plan"}}
    stopped = {"status": "stopped", "error": "expected destination crm to take a batch", "campaigns": campaigns}
    print_report({"ds": NIGHT, "seconds": {}, "deliveries": {"crm": stopped}}, console)
    shown = [" ".join(line.replace("\u2502", " ").split()) for line in console.file.getvalue().splitlines()]
    assert "crm letters 1,200 1,000 100 1 2 97 5 no_address 90, no_consent 7, still to be removed 3" in shown, (
        "audience, delivered, already, refused, waiting, withheld, removed, why"
    )
    assert "crm cards - - - - - - - failed: expected a plan" in shown
    assert "crm stopped: expected destination crm to take a batch" in shown
