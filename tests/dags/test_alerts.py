"""Alerts as a webhook receives them, and what happens where there is none."""

from __future__ import annotations

import datetime
import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest

from contracts.report import Report

RUN = "manual__2026-11-20"


@pytest.fixture
def alerts(dags):
    assert dags  # whose folder is on the path now
    from shared import alerts

    return alerts


@pytest.fixture
def received(monkeypatch):
    """What a webhook on this machine has received; the connection `nightshift_alerts` names it."""
    bodies = []

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Webhook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    connect(monkeypatch, f"json://127.0.0.1:{server.server_port}")
    yield bodies
    server.shutdown()
    server.server_close()


def connect(monkeypatch, address: str) -> None:
    connection = {"conn_type": "apprise", "extra": {"config": {"path": address}}}
    monkeypatch.setenv("AIRFLOW_CONN_NIGHTSHIFT_ALERTS", json.dumps(connection))


@pytest.fixture
def failed(tmp_path, monkeypatch):
    """The context of a task that has failed, with a log as Airflow writes it, and a home."""
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AIRFLOW__LOGGING__BASE_LOG_FOLDER", str(tmp_path))
    ti = SimpleNamespace(dag_id="nightly_profiles", task_id="map", run_id=RUN, map_index=1, try_number=3)
    ti.rendered_map_index, ti.log_url = "mastodon", "http://airflow.example/log"
    folder = tmp_path / "dag_id=nightly_profiles" / f"run_id={RUN}" / "task_id=map" / "map_index=1"
    folder.mkdir(parents=True)
    sentence = 'nightshift: error: expected "a day", but received none; {{ deliver }} it'
    lines = [
        {"event": "starting"},
        {"event": sentence},
        {"event": "Task failed", "error_detail": [{"exc_value": sentence}]},
    ]
    (folder / "attempt=3.log").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return {"ti": ti, "exception": RuntimeError("exit code 2\nand more"), "params": SimpleNamespace(day="2026-11-19")}


def test_a_failure_names_dag_task_day_sentence_and_log(alerts, received, failed):
    alerts.FailureAlert("{{ params.day }}")(failed)
    [alert] = received
    assert alert["title"] == "nightshift: nightly_profiles.map [mastodon] failed"
    assert alert["type"] == "failure"
    assert alert["message"].splitlines() == [
        'expected "a day", but received none; {{ deliver }} it',
        "day: 2026-11-19",
        f"run: {RUN}",
        "log: http://airflow.example/log",
        "page of the night: http://127.0.0.1:8090/",
    ]


def test_a_failure_stands_in_the_report_until_the_task_has_succeeded(alerts, failed, tmp_path):
    report = Report(tmp_path / "home" / "reports", "2026-11-19")
    alerts.FailureAlert("{{ params.day }}")(failed)
    said = 'expected "a day", but received none; {{ deliver }} it'
    assert report.merged()["failures"] == {"nightly_profiles.map [mastodon]": said}
    failed["ti"].map_index = 0
    alerts.FailureOver("{{ params.day }}")(failed)
    assert "failures" in report.merged(), "it was another source that succeeded"
    failed["ti"].map_index = 1
    alerts.FailureOver("{{ params.day }}")(failed)
    assert "failures" not in report.merged()


@pytest.mark.parametrize("day", ["none was chosen", "unknown", "by hand", "../2026-11-19"])
def test_a_failure_of_no_day_is_in_no_report(alerts, failed, received, tmp_path, day):
    alerts.FailureAlert(day)(failed)
    assert len(received) == 1
    assert not (tmp_path / "home" / "reports").exists()


def test_a_failure_without_a_sentence_says_what_airflow_knows(alerts, received, failed):
    failed["ti"].try_number = 4  # a try without a log
    alerts.FailureAlert("{{ params.day }}")(failed)
    assert received[0]["message"].startswith("exit code 2\nday:")


def test_a_late_run_sends_an_alert(alerts, received):
    run = {"dag_id": "train_models", "dag_run_id": RUN, "conf": {"day": "2026-11-19"}, "run_after": "-"}
    alerts.deadline_missed(hours=6, context={"dag_run": run})
    [alert] = received
    assert (alert["title"], alert["type"]) == ("nightshift: train_models is late", "warning")
    assert alert["message"].splitlines() == [
        "not ended 6 hours after it was queued",
        "day: 2026-11-19",
        f"run: {RUN}",
        "page of the night: http://127.0.0.1:8090/",
    ]


def test_an_open_approval_is_told_with_its_address(alerts, received):
    task = SimpleNamespace(
        subject="Shall version 3 of next_item become the champion?",
        generate_link_to_ui_from_context=lambda **_: "http://airflow.example/required_actions",
    )
    alerts.ApprovalAlert()({"task": task})
    assert received[0]["message"].splitlines() == [task.subject, "answer: http://airflow.example/required_actions"]


def test_without_a_connection_one_line_says_so(alerts, failed, monkeypatch, caplog):
    monkeypatch.delenv("AIRFLOW_CONN_NIGHTSHIFT_ALERTS", raising=False)
    with caplog.at_level(logging.INFO, "shared.alerts"):
        alerts.FailureAlert("{{ params.day }}")(failed)
    assert [line.getMessage() for line in caplog.records if line.name == "shared.alerts"] == [
        "no alert was sent: there is no connection nightshift_alerts"
    ]


@pytest.mark.parametrize("address", ["json://127.0.0.1:1", "nonsense"])
def test_a_receiver_that_cannot_be_reached_breaks_nothing(alerts, failed, monkeypatch, address):
    connect(monkeypatch, address)
    alerts.FailureAlert("{{ params.day }}")(failed)


def test_the_deadline_counts_the_time_to_answer_where_people_are_asked(alerts, monkeypatch):
    assert alerts.deadline(waits_for_approval=True).interval == datetime.timedelta(hours=6)
    monkeypatch.setenv("NIGHTSHIFT_APPROVAL", "ask")
    monkeypatch.setenv("NIGHTSHIFT_APPROVAL_HOURS", "3")
    monkeypatch.setenv("NIGHTSHIFT_DEADLINE_HOURS", "2")
    assert alerts.deadline(waits_for_approval=True).interval == datetime.timedelta(hours=5)
    assert alerts.deadline().interval == datetime.timedelta(hours=2)
    monkeypatch.setenv("NIGHTSHIFT_DEADLINE_HOURS", "0")
    assert alerts.deadline(waits_for_approval=True) is None


def test_alarms_of_the_night_are_sent_once_and_say_where_to_look(alerts, received, failed, tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    doubled = {"alarm": "volume", "says": "6,412 rows came", "since": "2026-11-18", "look": "python -m monitoring.show"}
    empty = {"alarm": "nulls", "says": "100.0% of 300 rows have no value", "since": "2026-11-19", "look": "there"}
    file = tmp_path / "reports" / "2026-11-19" / "watch.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"alarms": [doubled]}))
    alerts.WatchAlert("2026-11-19")(failed)
    assert received == []  # it was sent on the day before
    file.write_text(json.dumps({"alarms": [doubled, empty]}))
    alerts.WatchAlert("2026-11-19")(failed)
    [alert] = received
    assert (alert["title"], alert["type"]) == ("nightshift: 1 new alarm of the night", "warning")
    assert alert["message"].splitlines() == [
        "nulls: 100.0% of 300 rows have no value",
        "  look: there",
        "volume: 6,412 rows came",
        "  look: python -m monitoring.show",
        "day: 2026-11-19",
        f"run: {RUN}",
        "page of the night: http://127.0.0.1:8090/",
    ]
