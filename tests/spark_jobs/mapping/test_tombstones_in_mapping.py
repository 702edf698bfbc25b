"""Rows of a person who was erased do not come back with a later delivery, after a rotation of keys either."""

from __future__ import annotations

from contracts.keys import pseudonym_keys
from contracts.pseudonyms import pseudonym, pseudonym_of_old
from contracts.tombstones import Tombstones
from spark_jobs.mapping.job import map_source
from tests.spark_jobs.feeds_by_hand import DAY, books, deliver, log_line, post, response, responses, rows_of


def named(settings, table, *columns):
    return {row[column] for row in rows_of(settings, table) for column in columns}


def test_lines_of_the_erased_are_dropped_and_counted_and_edges_to_them_are_not_drawn(settings):
    keys = pseudonym_keys(settings)
    anna, cookie, ben = (
        pseudonym(keys, kind, name) for kind, name in (("account", "anna01"), ("cookie", "c-anna"), ("account", "ben"))
    )
    Tombstones.of(settings.home).add(keys, [anna, cookie])
    deliver(
        settings,
        "apache_combined",
        "access.log",
        [
            log_line("/item/i-1", user="anna01", cookie="c-anna"),
            log_line("/item/i-2", user="Anna01", cookie="c-other"),
            log_line("/item/i-3", cookie="c-anna"),
            log_line("/item/i-4", cookie="c-anna", at="25/Nov/2026:10:00:00 +0000"),
            log_line("/login", user="anna01", cookie="c-third"),
            log_line("/item/i-5", user="ben", cookie="c-anna"),
            log_line("/login", user="ben", cookie="c-ben"),
        ],
    )
    map_source(settings, "apache_combined", DAY)
    assert books(settings, "apache_combined") == {"read": 7, "mapped": 2, "dropped erased": 5}
    assert named(settings, "events", "identifier") == {ben}
    assert named(settings, "identity_edges", "left_identifier", "right_identifier") == {
        ben,
        pseudonym(keys, "cookie", "c-ben"),
    }
    assert rows_of(settings, "quarantine") == []


def test_a_tombstone_outlives_a_rotation_of_keys(settings):
    keys = pseudonym_keys(settings)
    Tombstones.of(settings.home).add(keys, [pseudonym(keys, "email", "anna@example.org")])
    with settings.pseudonym_key_file.open("a") as stream:
        stream.write("ab" * 32 + "\n")
    keys = pseudonym_keys(settings)
    Tombstones.of(settings.home).add(keys, [pseudonym(keys, "email", "cleo@example.org")])
    rows = [
        response("R_1"),
        response("R_2", email="ben@example.org", account="ben02"),
        response("R_3", email="cleo@example.org", account="cleo3"),
    ]
    deliver(settings, "qualtrics_csv", "responses.csv", responses(*rows))
    map_source(settings, "qualtrics_csv", DAY)
    assert books(settings, "qualtrics_csv") == {
        "read": 6,
        "mapped": 1,
        "dropped erased": 2,
        "dropped header_row": 3,
    }
    assert named(settings, "answers", "identifier") == {pseudonym(keys, "email", "ben@example.org")}


def test_a_tombstone_of_an_earlier_release_holds_for_an_identifier_that_is_cleaned_otherwise_now(settings):
    keys = pseudonym_keys(settings)
    written = "Zoe <zoe@example.org>"
    Tombstones.of(settings.home).add(keys, [pseudonym_of_old(keys, "email", written)])
    rows = [response("R_1", email=written, account=""), response("R_2", email="ben@example.org", account="ben02")]
    deliver(settings, "qualtrics_csv", "responses.csv", responses(*rows))
    map_source(settings, "qualtrics_csv", DAY)
    assert books(settings, "qualtrics_csv")["dropped erased"] == 1
    assert named(settings, "answers", "identifier") == {pseudonym(keys, "email", "ben@example.org")}


def test_a_post_that_names_the_erased_is_still_its_author_s(settings):
    keys = pseudonym_keys(settings)
    Tombstones.of(settings.home).add(keys, [pseudonym(keys, "account", "acc-1")])
    fields = [{"name": "Shop", "value": '<a href="https://shop.example/u/acc-1">', "verified_at": "2026-01-01"}]
    deliver(settings, "mastodon", "statuses.jsonl", [post("1", account={"acct": "anna", "fields": fields})])
    map_source(settings, "mastodon", DAY)
    assert books(settings, "mastodon") == {"read": 1, "mapped": 1}
    assert named(settings, "events", "identifier") == {pseudonym(keys, "handle", "anna")}
    assert rows_of(settings, "identity_edges") == []
