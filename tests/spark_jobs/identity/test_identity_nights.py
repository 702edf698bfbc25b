"""Night after night: which nights continue from the one before, what changed and why, and when nothing is published."""

from __future__ import annotations

import datetime
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import LakeError
from contracts.keys import pseudonym_keys
from contracts.lake import Lake
from spark_jobs.identity.job import resolve_identities
from tests.spark_jobs.feeds_by_hand import rows_of, settings_in

DAYS = ["2026-11-17", "2026-11-18", "2026-11-19", "2026-11-20"]
RULES = """\
kinds: [account_email, verified_link, login, email_click]
limits: [{{of: account, per: cookie, most: 1, keep: most_seen}}]
component_limit: 5
merge_alarm: {{share: 0, least: {least}}}
"""

EDGES = {
    DAYS[0]: [
        ("account:a", "email:a", "account_email"),
        ("account:b", "email:b", "account_email"),
        ("account:c", "cookie:c", "login"),
        ("account:e", "email:e", "account_email"),
        ("account:d", "email:d", "account_email"),
        ("account:d", "cookie:d1", "login"),
        ("account:d", "cookie:d2", "login"),
        ("account:d", "cookie:d3", "login"),
    ],
    DAYS[1]: [
        ("handle:new", "account:a", "verified_link"),  # a and b turn out to be one, by a handle that nobody knew
        ("handle:new", "account:b", "verified_link"),
        ("account:e", "cookie:c", "login"),  # the cookie of c is e's, who logs in on it more often
        ("account:e", "cookie:c", "login"),
        ("account:d", "cookie:d4", "login"),  # d has too many cookies now: all go
    ],
    DAYS[2]: [("account:e", "handle:e", "verified_link")],
}


def deliver(settings, ds, edges):
    lake = Lake(settings.home.lake)
    when = datetime.datetime.fromisoformat(f"{ds}T08:00:00+00:00")
    names = ("edge_id", "source", "left_identifier", "right_identifier", "kind", "occurred_at")
    rows = [dict(zip(names, (f"{ds} {n}", "test", *edge, when), strict=True)) for n, edge in enumerate(edges)]
    books = [{"source": "test", "outcome": "read", "rule": "", "rows": len(rows)}]
    for table, content in (("identity_edges", rows), ("reconciliation", books)):
        file = lake.staging("test") / "rows.parquet"
        pq.write_table(pa.Table.from_pylist(content), file)
        lake.publish(table, ds, {"test-00000.parquet": file}, owner="test")


def settings_with(home, *, least=50):
    file = home / "rules.yml"
    file.write_text(RULES.format(least=least))
    return settings_in(home, identity_rules=str(file))


@pytest.fixture(scope="module")
def nights(tmp_path_factory, spark):  # noqa: ARG001
    """Three nights, the second of them first refused by the alarm."""
    home = tmp_path_factory.mktemp("nights")
    settings, fragments = settings_with(home), {}
    pseudonym_keys(settings)
    for day in DAYS[:3]:
        deliver(settings, day, EDGES[day])
        if day == DAYS[1]:
            with pytest.raises(LakeError) as refused:
                resolve_identities(settings_with(home, least=0), day)
            assert Lake(settings.home.lake).days("persons") == DAYS[:1], "nothing was published"
            fragments[day] = resolve_identities(settings_with(home, least=0), day, accept_merges=True)
        else:
            fragments[day] = resolve_identities(settings_with(home), day)
    return settings, fragments, str(refused.value)


def test_a_night_continues_from_the_night_before(nights):
    _, fragments, _ = nights
    assert [fragments[day]["identity"]["since"] for day in DAYS[:3]] == [None, *DAYS[:2]]


def test_changes_have_their_identifier_their_kind_and_their_reason(nights):
    settings, fragments, _ = nights
    assert Lake(settings.home.lake).days("identity_changes") == [DAYS[1]], (
        "none on the first night, none without a change"
    )
    found = {
        row["identifier"]: (row["change"], row["reason"]) for row in rows_of(settings, "identity_changes", DAYS[1])
    }
    assert found == {
        "account:b": ("merged", "verified_link"),
        "email:b": ("merged", "verified_link"),
        "cookie:c": ("moved", "account per cookie, login"),
        "cookie:d1": ("split", "component_limit"),
        "cookie:d2": ("split", "component_limit"),
        "cookie:d3": ("split", "component_limit"),
    }
    before, after = (
        {row["identifier"]: row["person_id"] for row in rows_of(settings, "persons", day)} for day in DAYS[:2]
    )
    for row in rows_of(settings, "identity_changes", DAYS[1]):
        assert (row["former_person_id"], row["person_id"]) == (before[row["identifier"]], after[row["identifier"]])
    assert fragments[DAYS[1]]["identity"]["changed"] == {"merged": 1, "split": 1, "moved": 1, "renamed": 0}


def test_too_many_merges_are_refused_with_both_numbers_and_what_to_do(nights):
    _, _, sentence = nights
    assert "at most 0 of 5 known persons to merge" in sentence
    assert "but received 1, of them 1 into one by verified_link" in sentence
    assert f"--ds {DAYS[1]} --accept-merges" in sentence


def test_from_scratch_gives_the_same_bytes_and_a_night_after_a_remapped_day_starts_from_all_edges(nights, tmp_path):
    shutil.copytree(
        nights[0].home.root, tmp_path / "home", symlinks=True
    )  # the other tests read the nights as they were
    settings = settings_with(tmp_path / "home")
    lake = Lake(settings.home.lake)
    assert lake.days("identity_edges_known") == DAYS[1:3], "two days of state are kept"
    digest = lake.digest("persons", DAYS[2])
    known = rows_of(settings, "identity_edges_known", DAYS[2])
    resolve_identities(settings, DAYS[2], from_scratch=True)
    assert lake.digest("persons", DAYS[2]) == digest
    assert rows_of(settings, "identity_edges_known", DAYS[2]) == known

    deliver(settings, DAYS[0], EDGES[DAYS[0]][1:])
    again = resolve_identities(settings, DAYS[2])
    assert again["identity"]["since"] is None
    persons = {row["identifier"]: row["person_id"] for row in rows_of(settings, "persons", DAYS[2])}
    assert "email:a" not in persons
