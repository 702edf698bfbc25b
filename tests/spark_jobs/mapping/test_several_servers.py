"""Handles and ids of posts are one server's own; a source may hold posts of several."""

from __future__ import annotations

from spark_jobs.mapping.job import map_source
from tests.spark_jobs.feeds_by_hand import books, deliver, expected_pseudonym, post, rows_of


def written(number: str, acct: str, server: str | None, status: str = "1") -> str:
    """A post as the server that exported it shows it."""
    uri = {} if server is None else {"uri": f"https://{server}/users/ann/statuses/{status}"}
    return post(number, account={"acct": acct, "bot": False, "fields": []}, **uri)


def test_equal_handles_and_ids_of_two_servers_are_two_people_and_two_posts(settings):
    deliver(settings, "mastodon", "statuses-town.jsonl", [written("1", "ann", "town.example")])
    deliver(settings, "mastodon", "statuses-other.jsonl", [written("1", "ann", "Other.example")])
    map_source(settings, "mastodon", "2026-11-19")
    people = {row["identifier"] for row in rows_of(settings, "events")}
    assert people == {expected_pseudonym(settings, "handle", name) for name in ("ann", "ann@other.example")}
    assert len({row["event_id"] for row in rows_of(settings, "events")}) == 2


def test_a_post_that_two_servers_show_is_one_and_its_writer_too(settings):
    shown = [
        written("1", "ann", "town.example"),
        written("901", "ann@town.example", "town.example"),
        written("2", "ann@other.example", "other.example", "7"),
        written("7", "ann", "other.example", "7"),
        written("3", "ann", None),
    ]
    deliver(settings, "mastodon", "statuses.jsonl", shown)
    map_source(settings, "mastodon", "2026-11-19")
    assert books(settings, "mastodon") == {"read": 5, "mapped": 3, "dropped duplicate": 2}
    people = sorted(row["identifier"] for row in rows_of(settings, "events"))
    names = ("ann", "ann", "ann@other.example")
    assert people == sorted(expected_pseudonym(settings, "handle", name) for name in names)
