"""Bad deliveries: one sentence each with what was expected, what came and what to do, and nothing published."""

from __future__ import annotations

import gzip

import pytest

from contracts.errors import NightshiftError, RawDataError
from contracts.lake import Lake
from spark_jobs.mapping.deliveries import deliveries_to_map
from spark_jobs.mapping.job import map_source
from spark_jobs.mapping.spec import load_spec
from tests.spark_jobs.feeds_by_hand import DAY, books, deliver, log_line, post, rows_of, settings_in, truncated_gzip

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4


def refusal(settings, source: str = "mastodon", ds: str = DAY) -> str:
    """The one sentence of a map that must fail and publish nothing."""
    with pytest.raises(NightshiftError) as error:
        map_source(settings, source, ds)
    lake = Lake(settings.home.lake)
    assert [table for table in ("events", "quarantine", "reconciliation") if lake.days(table)] == []
    text = str(error.value)
    assert text.startswith("expected ")
    assert ", but received " in text
    assert "; " in text, "the remedy"
    assert "\n" not in text
    return text


def test_a_missing_day_names_the_days_that_landed(settings):
    deliver(settings, "mastodon", "statuses.jsonl", [post("1")], ds="2026-11-17")
    deliver(settings, "mastodon", "statuses.jsonl", [post("1")], ds="2026-11-18")
    text = refusal(settings)
    assert f"a delivery of mastodon for {DAY}" in text
    assert "only the days 2026-11-17 to 2026-11-18" in text


def test_a_source_that_never_delivered_is_an_error_even_if_occasional(settings):
    assert "no day at all" in refusal(settings, "catalogue")


def test_an_empty_file_is_an_error_beside_a_good_one(settings):
    deliver(settings, "mastodon", "statuses-1.jsonl", [post("1")])
    deliver(settings, "mastodon", "statuses-2.jsonl", b"")
    text = refusal(settings)
    assert "statuses-2.jsonl" in text
    assert "received an empty file" in text


@pytest.mark.parametrize("stored", [b"", gzip.compress(b"")], ids=["no bytes", "gzip of nothing"])
def test_an_empty_gzip_is_an_empty_file(settings, stored):
    deliver(settings, "mastodon", "statuses.jsonl.gz", [post("1")]).write_bytes(stored)
    assert "received an empty file" in refusal(settings)


def test_an_empty_folder_is_an_error(settings):
    (settings.raw / "mastodon" / f"ds={DAY}").mkdir(parents=True)
    assert "received an empty folder" in refusal(settings)


def test_a_folder_without_a_matching_file_names_what_is_there(settings):
    deliver(settings, "mastodon", "posts.csv", ["a,b"])
    assert "received only posts.csv;" in refusal(settings)
    day = settings.raw / "mastodon" / f"ds={DAY}"
    (day / "statuses.jsonl").symlink_to(day / "none")
    (day / "statuses.jsonl.gz").mkdir()
    text = refusal(settings)
    assert "only posts.csv; statuses.jsonl, a link to nothing; statuses.jsonl.gz, a folder;" in text


def test_a_truncated_gzip_alone_is_an_error(settings):
    deliver(settings, "mastodon", "statuses.jsonl.gz", [post("1")]).write_bytes(truncated_gzip([post("1")] * 50))
    text = refusal(settings)
    assert "truncated_gzip: 1" in text
    assert "1 of 1" in text


def test_a_broken_file_beside_a_good_one_is_set_aside_whole_and_counted_once(settings):
    posts = [post(str(number)) for number in range(50)]
    deliver(settings, "mastodon", "statuses-1.jsonl", [post("a"), post("b")])
    deliver(settings, "mastodon", "statuses-2.jsonl.gz", posts).write_bytes(truncated_gzip(posts))
    deliver(settings, "mastodon", "statuses-3.jsonl.gz", posts).write_bytes(b"no gzip at all")
    deliver(settings, "mastodon", "README.txt", ["hello"])
    deliver(settings, "mastodon", "_SUCCESS", b"")
    map_source(settings, "mastodon", DAY)
    assert books(settings, "mastodon") == {
        "read": 5,
        "mapped": 2,
        "quarantined truncated_gzip": 1,
        "quarantined broken_gzip": 1,
        "quarantined unexpected_file": 1,
    }
    assert {(row["file"], row["raw"], row["reason"]) for row in rows_of(settings, "quarantine")} == {
        ("statuses-2.jsonl.gz", None, "truncated_gzip"),
        ("statuses-3.jsonl.gz", None, "broken_gzip"),
        ("README.txt", None, "unexpected_file"),
    }


def test_a_file_in_the_wrong_format_is_an_error_and_nothing_is_published(settings):
    """A picture and a table under the name of posts: few rows, but nothing else came."""
    deliver(settings, "mastodon", "statuses.jsonl", PNG)
    deliver(settings, "mastodon", "statuses-2.jsonl", ["id,created_at", "1,2026-11-19"])
    text = refusal(settings)
    assert "fit its mapping (json_lines)" in text
    assert "wrong_encoding" in text
    assert "malformed: " in text
    assert "nothing was published" in text


def test_earlier_days_that_are_not_mapped_are_mapped_along_and_mapped_ones_not_again(tmp_path):
    settings = settings_in(tmp_path)
    spec = load_spec("apache_combined")
    for day in ("2026-11-16", "2026-11-17", "2026-11-18", "2026-11-19", "2026-11-20"):
        deliver(settings, "apache_combined", "access.log", [log_line("/")], ds=day)
    lake = Lake(settings.home.lake)
    for day, owner in (("2026-11-17", "apache_combined"), ("2026-11-18", "mastodon")):
        file = tmp_path / f"{owner}.parquet"
        file.write_text("x")
        lake.publish("reconciliation", day, {f"{owner}-00000.parquet": file}, owner=owner)

    days = [delivery.ds for delivery in deliveries_to_map(settings.raw, lake, spec, DAY)]
    assert days == ["2026-11-16", "2026-11-18", "2026-11-19"], "what another source has mapped does not count"
    assert [one.ds for one in deliveries_to_map(settings.raw, lake, spec, "2026-11-17")] == ["2026-11-16", "2026-11-17"]


def test_an_occasional_source_may_have_nothing_new(settings):
    deliver(settings, "catalogue", "items.jsonl", ['{"id": "i-1", "title": "Pan"}'], ds="2026-11-01")
    assert map_source(settings, "catalogue", DAY)["sources"]["catalogue"]["mapped"] == 1
    assert map_source(settings, "catalogue", DAY)["sources"]["catalogue"]["read"] == 0
    assert Lake(settings.home.lake).days("items") == ["2026-11-01"]


def test_a_folder_that_is_no_day_is_not_a_delivery(tmp_path):
    settings = settings_in(tmp_path)
    deliver(settings, "mastodon", "statuses.jsonl", [post("1")])
    for name in ("ds=2026-11-1", "ds=latest", "tmp"):
        (settings.raw / "mastodon" / name).mkdir()
    deliveries = deliveries_to_map(settings.raw, Lake(settings.home.lake), load_spec("mastodon"), DAY)
    assert [one.ds for one in deliveries] == [DAY]


def test_the_error_class_says_that_a_retry_cannot_mend_it():
    assert RawDataError.exit_code == 2
