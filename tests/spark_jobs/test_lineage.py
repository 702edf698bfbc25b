"""Lineage of the Spark jobs: events in a file, with the datasets, their columns and rows."""

from __future__ import annotations

import json
import traceback

import pytest

from contracts.errors import MappingError, RawDataError
from contracts.settings import Settings
from contracts.tables.mapped import EVENTS
from spark_jobs import main
from spark_jobs.mapping.spec import load_spec
from spark_jobs.spark_errors import SparkJobError
from tests.spark_jobs.feeds_by_hand import DAY, deliver, post

PARENT = "nightshift/nightly_profiles.map/01a20207-e627-7d60-8e2d-4ecdf869e96d"


@pytest.fixture
def events(tmp_path, spark, monkeypatch):  # noqa: ARG001  the jobs find the running session by themselves
    """The events so far, oldest first; lineage is on and goes to a file."""
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    monkeypatch.setenv("NIGHTSHIFT_LINEAGE", "file")
    monkeypatch.setenv("NIGHTSHIFT_LINEAGE_PARENT", PARENT)
    file = tmp_path / "lineage" / "spark.jsonl"
    return lambda: [json.loads(line) for line in file.read_text().splitlines()]


def test_map_and_resolve_say_what_they_read_and_wrote(events):
    settings = Settings.from_env()
    deliver(settings, "mastodon", "statuses.jsonl", [post("1"), post("2"), "{broken"])
    main.main(["map", "--source", "mastodon", "--ds", DAY])
    main.main(["resolve", "--ds", DAY])
    begun, mapped, _, resolved = events()

    assert [event["eventType"] for event in events()] == ["START", "COMPLETE", "START", "COMPLETE"]
    assert begun["run"]["runId"] == mapped["run"]["runId"] != resolved["run"]["runId"]
    assert (mapped["job"]["namespace"], mapped["job"]["name"]) == ("nightshift", "map.mastodon")
    assert mapped["run"]["facets"]["parent"]["job"]["name"] == "nightly_profiles.map"
    assert mapped["run"]["facets"]["nominalTime"]["nominalStartTime"] == f"{DAY}T00:00:00Z"

    [raw] = mapped["inputs"]
    assert (raw["namespace"], raw["name"]) == ("file", str(settings.raw / "mastodon"))
    assert raw["inputFacets"]["inputStatistics"]["rowCount"] == 3
    written = {dataset["name"].rpartition("/")[2]: dataset for dataset in mapped["outputs"]}
    assert {"events", "quarantine", "reconciliation"} <= set(written)
    assert written["quarantine"]["outputFacets"]["outputStatistics"]["rowCount"] == 1
    columns = [field["name"] for field in written["events"]["facets"]["schema"]["fields"]]
    assert columns == EVENTS.column_names

    assert written["events"]["name"] in {dataset["name"] for dataset in resolved["inputs"]}
    persons, *known = resolved["outputs"]
    assert persons["name"] == str(settings.home.lake / "persons")
    names = ("identity_edges_known", "identity_changes", "identifiers_of_nobody")
    assert [dataset["name"] for dataset in known] == [str(settings.home.lake / name) for name in names]
    assert persons["outputFacets"]["outputStatistics"]["rowCount"] >= 1


def test_a_job_that_fails_says_why(events):
    with pytest.raises(RawDataError):
        main.main(["map", "--source", "mastodon", "--ds", DAY])
    begun, failed = events()
    assert (begun["eventType"], failed["eventType"]) == ("START", "FAIL")
    assert "expected a delivery of mastodon" in failed["run"]["facets"]["errorMessage"]["message"]


@pytest.mark.parametrize(
    ("unguarded", "condition"),
    [
        ("url_decode(stars)", "[CANNOT_DECODE_URL]"),
        ("from_json(stars, 'a int', map('mode', 'FAILFAST')).a", "[MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION]"),
    ],
    ids=["of an expression", "of Java"],
)
def test_a_job_that_fails_on_a_value_quotes_it_nowhere(events, monkeypatch, capfd, unguarded, condition):
    """Spark's own words quote the value, which may name a person; an event goes to a server of others."""
    bundled = load_spec("movietweetings")
    mapping = bundled.translated(lambda sql: sql.replace("try_cast(stars as int)", f"cast({unguarded} as int)"))
    assert mapping != bundled
    monkeypatch.setattr("spark_jobs.mapping.job.load_spec", lambda _: mapping)
    deliver(Settings.from_env(), "movietweetings", "ratings.dat", ["2::1::anna@example.org%zz::1381006850"])
    with pytest.raises((MappingError, SparkJobError)) as error:
        main.main(["map", "--source", "movietweetings", "--ds", DAY])
    *_, failed = events()
    assert failed["eventType"] == "FAIL"
    assert condition in failed["run"]["facets"]["errorMessage"]["message"]
    shown = "".join(traceback.format_exception(error.value)) + json.dumps(failed) + "".join(capfd.readouterr())
    assert "anna" not in shown


def test_an_event_that_cannot_be_sent_fails_nothing(events, tmp_path, capsys):  # noqa: ARG001
    (tmp_path / "lineage").mkdir()
    (tmp_path / "lineage" / "spark.jsonl").mkdir()  # no file can be opened there
    deliver(Settings.from_env(), "mastodon", "statuses.jsonl", [post("1")])
    main.main(["map", "--source", "mastodon", "--ds", DAY])
    assert "lineage: an event of map.mastodon was not sent" in capsys.readouterr().out


def test_off_sends_nothing(events, tmp_path, monkeypatch):  # noqa: ARG001
    monkeypatch.setenv("NIGHTSHIFT_LINEAGE", "off")
    deliver(Settings.from_env(), "mastodon", "statuses.jsonl", [post("1")])
    main.main(["map", "--source", "mastodon", "--ds", DAY])
    assert not (tmp_path / "lineage").exists()
