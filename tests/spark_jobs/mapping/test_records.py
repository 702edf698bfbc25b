"""Books by record: a row may give several, and each ends in an outcome of its own."""

from __future__ import annotations

import json

import pytest

from spark_jobs.mapping import spec as specs
from spark_jobs.mapping.job import map_source
from tests.spark_jobs.feeds_by_hand import DAY, deliver, rows_of

PAGES = """
read:
  format: json_lines
  files: "*.jsonl"
  quarantine_limit_share: 0.5
  schema: "statuses ARRAY<STRUCT<id: STRING, who: STRING, at: STRING, amount: STRING>>"
  ignore: [error]
let:
  source_name: "'pages'"
write:
  events:
    - for_each: statuses
      columns:
        event_id: keyed('pages ' || each.id)
        identifier: pseudonym('account', each.who)
        occurred_at: try_to_timestamp(each.at)
        action: "'purchase'"
        value: each.amount
"""


@pytest.fixture
def pages(tmp_path, monkeypatch):
    """A source whose rows are pages of statuses, with `for_each`."""
    folder = tmp_path / "mappings"
    folder.mkdir()
    (folder / "pages.yml").write_text(PAGES)
    monkeypatch.setattr(specs.load_spec, "__defaults__", (folder,))
    return "pages"


def status(number: int, **fields: object) -> dict:
    return {"id": str(number), "who": f"w{number}", "at": f"{DAY}T10:00:00Z", "amount": "5.5", **fields}


def page(*statuses: dict) -> str:
    return json.dumps({"statuses": list(statuses)})


def book(settings, unit: str) -> dict[str, int]:
    rows = [row for row in rows_of(settings, "reconciliation") if row["unit"] == unit]
    return {" ".join(filter(None, (row["outcome"], row["rule"]))): row["rows"] for row in rows}


def test_each_record_of_a_page_has_an_outcome_of_its_own(settings, pages):
    """Overlapping pages, one bad status of four, an error page, an empty page: nothing takes the rest along."""
    deliver(
        settings,
        pages,
        "a.jsonl",
        [
            page(status(3), status(2)),
            page(status(2), status(1)),
            page(status(4), status(5, at="not a time"), status(6, amount="much"), status(7)),
            json.dumps({"error": "try again"}),
            page(),
            "no page",
        ],
    )
    fragment = map_source(settings, pages, DAY)
    assert len(rows_of(settings, "events")) == 6
    assert book(settings, "row") == {
        "read": 6,
        "mapped": 4,
        "quarantined malformed": 1,
        "quarantined no_records": 1,
    }
    assert book(settings, "record") == {
        "read": 8,
        "mapped": 6,
        "quarantined contract: events.occurred_at": 1,
        "dropped duplicate": 1,
        "noted uncast: events.value": 1,
    }
    assert book(settings, "file") == {"read": 1, "mapped": 1}
    kept = [(row["reason"], row["record"]) for row in rows_of(settings, "quarantine")]
    assert sorted(kept, key=str) == [("contract: events.occurred_at", 2), ("malformed", None), ("no_records", None)]
    entry = fragment["sources"][pages]
    assert entry["records"]["dropped"] == {"duplicate": 1}
    assert entry["noted"] == {"uncast: events.value": 1}


def test_a_row_of_which_no_record_is_left_shares_its_fate(settings, pages):
    bad = [status(number, at="never") for number in range(2)]
    deliver(settings, pages, "a.jsonl", [page(*bad), page(status(8)), page(status(9))])
    map_source(settings, pages, DAY)
    assert book(settings, "row") == {"read": 3, "mapped": 2, "quarantined contract: events.occurred_at": 1}
    assert book(settings, "record") == {"read": 4, "mapped": 2, "quarantined contract: events.occurred_at": 2}


def test_a_day_of_which_too_many_values_are_not_understood_is_refused(settings, pages):
    """Amounts with a decimal comma, where the mapping does not say so: the night says it, and writes nothing."""
    from contracts.errors import RawDataError

    deliver(settings, pages, "a.jsonl", [page(*(status(number, amount="19,90") for number in range(30)))])
    with pytest.raises(RawDataError, match=r"values of events.value of pages .*30 of 30 that are not"):
        map_source(settings, pages, DAY)
    assert rows_of(settings, "events") == []
