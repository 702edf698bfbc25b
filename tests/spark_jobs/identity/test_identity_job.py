"""Edges to persons: who is kept apart, who keeps a name, and what is refused."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from contracts.errors import LakeError
from contracts.keys import pseudonym_keys
from contracts.settings import REPOSITORY
from contracts.tables.mapped import IDENTITY_EDGES
from spark_jobs.identity.job import resolve_identities
from spark_jobs.identity.links import counts_of
from spark_jobs.identity.resolution import resolve
from spark_jobs.identity.rules import IdentityRules, Limit, pseudonyms_of_nobody
from spark_jobs.mapping.job import map_source
from tests.spark_jobs.feeds_by_hand import (
    DAY,
    deliver,
    expected_pseudonym,
    log_line,
    post,
    response,
    responses,
    rows_of,
    settings_in,
)

MORNING = datetime.datetime(2026, 11, 19, 8)


def edge(left: str, right: str, kind: str, *, minute: int = 0, ds: str = DAY) -> tuple:
    when = MORNING + datetime.timedelta(minutes=minute)
    return (f"{left} {right} {kind} {minute}", "test", left, right, kind, when, datetime.date.fromisoformat(ds))


def resolved(spark, edges: list[tuple], limit: int = 20) -> tuple[dict[str, set[str]], dict[str, Any]]:
    """Identifier -> all identifiers of the same person; and how often each rule kept strangers apart."""
    rules = IdentityRules(limits=(Limit("account", "cookie", 1), Limit("account", "email", 1)), component_limit=limit)
    frame = spark.createDataFrame(edges, f"{IDENTITY_EDGES.ddl()}, ds DATE")
    first: dict[str, datetime.date] = {}
    for _, _, left, right, _, _, ds in edges:
        for identifier in (left, right):
            first[identifier] = min(ds, first.get(identifier, ds))
    seen = spark.createDataFrame(list(first.items()), "identifier string, first_ds date")
    resolution = resolve(frame, seen, rules)
    names = {row.identifier: row.person_id for row in resolution.persons.collect()}
    assert set(names) == set(first)
    return {one: {other for other in names if names[other] == names[one]} for one in names}, counts_of(
        resolution.links, rules
    )


def test_a_shared_cookie_goes_to_the_account_with_most_logins_and_ties_are_settled(spark):
    edges = [
        # most logins, although another came first and has the smaller name
        edge("account:a1", "cookie:most", "login", minute=0),
        edge("account:z1", "cookie:most", "login", minute=1),
        edge("account:z1", "cookie:most", "login", minute=2),
        # as many: the first seen
        edge("account:z2", "cookie:first", "login", minute=0),
        edge("account:a2", "cookie:first", "login", minute=1),
        # as many and at the same time: the smaller name; written the other way round
        edge("cookie:name", "account:z3", "login"),
        edge("cookie:name", "account:a3", "login"),
        # not shared: one account on two cookies keeps both
        edge("account:own", "cookie:o1", "login"),
        edge("account:own", "cookie:o2", "login"),
    ]
    together, counts = resolved(spark, edges)
    assert together["cookie:most"] == {"cookie:most", "account:z1"}
    assert together["cookie:first"] == {"cookie:first", "account:z2"}
    assert together["cookie:name"] == {"cookie:name", "account:a3"}
    assert together["account:own"] == {"account:own", "cookie:o1", "cookie:o2"}
    for loser in ("account:a1", "account:a2", "account:z3"):
        assert together[loser] == {loser}, "the other accounts stay persons of their own"
    assert counts["shared_cookies"] == 3
    assert counts["cut_components"] == 0


def test_a_component_above_the_limit_loses_its_weakest_kind_and_others_are_untouched(spark):
    """Limit 4. Each letter is one component; what must be cut in it is its weakest kind, and only as far as needed."""
    edges = [
        # a: five with a mail click, four without
        edge("account:a", "email:a", "account_email"),
        edge("handle:a", "account:a", "verified_link"),
        edge("account:a", "cookie:a1", "login"),
        edge("email:a", "cookie:a2", "email_click"),
        # b: no mail click; logins are the weakest kind
        edge("account:b", "email:b", "account_email"),
        edge("handle:b", "account:b", "verified_link"),
        edge("account:b", "cookie:b1", "login"),
        edge("account:b", "cookie:b2", "login"),
        # c: too large even without clicks and logins, so verified links go as well
        edge("account:c", "email:c1", "account_email"),
        edge("account:c", "email:c2", "account_email"),
        edge("account:c", "email:c3", "account_email"),
        edge("handle:c", "account:c", "verified_link"),
        edge("account:c", "cookie:c1", "login"),
        edge("email:c1", "cookie:c2", "email_click"),
        # d: too large by its strongest kind alone
        *(edge("account:d", f"email:d{number}", "account_email") for number in range(5)),
        edge("account:d", "cookie:d", "login"),
        # e: within the limit with a mail click
        edge("account:e", "email:e", "account_email"),
        edge("email:e", "cookie:e", "email_click"),
    ]
    together, counts = resolved(spark, edges, limit=4)
    assert together["account:a"] == {"account:a", "email:a", "handle:a", "cookie:a1"}
    assert together["cookie:a2"] == {"cookie:a2"}
    assert together["account:b"] == {"account:b", "email:b", "handle:b"}
    assert together["cookie:b1"] == {"cookie:b1"}
    assert together["cookie:b2"] == {"cookie:b2"}
    assert together["account:c"] == {"account:c", "email:c1", "email:c2", "email:c3"}
    assert all(together[alone] == {alone} for alone in ("handle:c", "cookie:c1", "cookie:c2"))
    assert all(together[f"email:d{number}"] == {f"email:d{number}"} for number in range(5))
    assert together["account:d"] == {"account:d"}
    assert together["account:e"] == {"account:e", "email:e", "cookie:e"}
    assert counts["cut_components"] == 4


@pytest.fixture(scope="module")
def three_days(tmp_path_factory, spark):  # noqa: ARG001
    """Day 1: Anna's account and a cookie that nobody has named. Day 2: they log in, and a mail address comes up.
    Day 3: another account states the same mail address, which is no proof; a profile verifies both accounts, which is:
    a merge of two people known before."""
    settings = settings_in(tmp_path_factory.mktemp("days"))
    weblog = {
        "2026-11-17": [log_line("/", user="anna01", cookie=None), log_line("/", cookie="old-cookie")],
        "2026-11-18": [log_line("/", user="anna02", cookie=None), log_line("/login", user="anna01", cookie="new")],
        "2026-11-19": [log_line("/", cookie="stranger")],
    }
    survey = {
        "2026-11-18": [response("R_1", account="anna01", recorded="2026-11-18 08:00:00")],
        "2026-11-19": [response("R_2", account="anna02")],
    }
    for day, lines in weblog.items():
        moved = [line.replace("19/Nov", f"{day[-2:]}/Nov") for line in lines]
        deliver(settings, "apache_combined", "access.log", moved, ds=day)
    for day, rows in survey.items():
        deliver(settings, "qualtrics_csv", "responses.csv", responses(*rows), ds=day)
    shop = {"name": "Shop", "verified_at": "2026-11-01"}
    verified = [{**shop, "value": f"https://shop.example/u/{account}"} for account in ("anna01", "anna02")]
    posts = [post(str(n), account={"acct": "anna", "bot": False, "fields": [one]}) for n, one in enumerate(verified)]
    deliver(settings, "mastodon", "statuses.jsonl", posts)
    for source in ("apache_combined", "qualtrics_csv", "mastodon"):
        map_source(settings, source, DAY)
    fragments = {day: resolve_identities(settings, day) for day in reversed(weblog)}
    persons = {day: {row["identifier"]: row for row in rows_of(settings, "persons", day)} for day in weblog}
    return settings, persons, fragments


def test_a_person_keeps_the_name_when_an_identifier_is_gained(three_days):
    settings, persons, _ = three_days
    account, cookie, email = (
        expected_pseudonym(settings, kind, value)
        for kind, value in (("account", "anna01"), ("cookie", "new"), ("email", "anna@example.org"))
    )
    first = persons["2026-11-17"][account]["person_id"]
    assert {persons["2026-11-18"][one]["person_id"] for one in (account, cookie, email)} == {first}
    assert cookie not in persons["2026-11-17"]
    assert persons["2026-11-18"][account]["first_ds"] == datetime.date(2026, 11, 17)
    assert persons["2026-11-18"][email]["first_ds"] == datetime.date(2026, 11, 18)


def test_a_merge_keeps_the_older_name(three_days):
    settings, persons, _ = three_days
    older, newer = (expected_pseudonym(settings, "account", name) for name in ("anna01", "anna02"))
    before = persons["2026-11-18"]
    assert before[older]["person_id"] != before[newer]["person_id"]
    assert {persons[DAY][one]["person_id"] for one in (older, newer)} == {before[older]["person_id"]}


def test_an_identifier_that_nothing_links_is_a_person_of_its_own_and_stays_it(three_days):
    settings, persons, _ = three_days
    cookie = expected_pseudonym(settings, "cookie", "old-cookie")
    names = {persons[day][cookie]["person_id"] for day in persons}
    assert len(names) == 1
    others = [row["person_id"] for row in persons[DAY].values() if row["identifier"] != cookie]
    assert names.isdisjoint(others)


def test_the_report_counts_persons_and_identifiers(three_days):
    _, persons, fragments = three_days
    assert fragments[DAY]["persons"] == 3, "Anna, the old cookie, the stranger"
    assert fragments[DAY]["identity"] == {
        "identifiers": 7,
        "of_nobody": 0,
        "shared_cookies": 0,
        "cut_components": 0,
        "excluded_links": 0,
        "above_limit": {"account per cookie": 0, "account per email": 1},
        "changed": {"merged": 0, "split": 0, "moved": 0, "renamed": 0},
        "since": None,
    }, "the nights were resolved in reverse order, so none was there to continue"
    assert len(persons[DAY]) == 7


def test_an_excluded_account_is_no_person_and_joins_no_one(tmp_path, spark):  # noqa: ARG001
    shipped = (REPOSITORY / "spark_jobs" / "identity" / "rules.yml").read_text()
    file = tmp_path / "rules.yml"
    file.write_text(shipped.replace("excluded: {}", "excluded: {account: [Office]}"))
    settings = settings_in(tmp_path / "home", identity_rules=str(file))
    visits = [("/login", "office"), ("/item/i-1", "office"), ("/item/i-2", "-")]
    lines = [log_line(target, user=user, cookie=cookie) for target, user in visits for cookie in ("c-1", "c-2")]
    deliver(settings, "apache_combined", "access.log", lines)
    map_source(settings, "apache_combined", DAY)
    fragment = resolve_identities(settings, DAY)
    office = expected_pseudonym(settings, "account", "office")
    assert [row["identifier"] for row in rows_of(settings, "events")].count(office) == 2
    persons = {row["identifier"]: row["person_id"] for row in rows_of(settings, "persons")}
    assert set(persons) == {expected_pseudonym(settings, "cookie", name) for name in ("c-1", "c-2")}
    assert len(set(persons.values())) == fragment["persons"] == 2
    assert office in {row["identifier"] for row in rows_of(settings, "identifiers_of_nobody")}
    assert (fragment["identity"]["of_nobody"], fragment["identity"]["excluded_links"]) == (1, 2)


def test_pseudonyms_that_earlier_releases_made_of_nobody_are_known(settings):
    pseudonym_keys(settings)
    nobody = pseudonyms_of_nobody(settings)
    for kind, value in (("account", "undefined"), ("email", "null"), ("cookie", "000000"), ("account", "(none)")):
        assert expected_pseudonym(settings, kind, value) in nobody
    assert expected_pseudonym(settings, "account", "anna01") not in nobody


def test_resolving_before_anything_is_mapped_names_the_command_to_run(settings):
    with pytest.raises(LakeError, match=r"python -m spark_jobs.main map") as error:
        resolve_identities(settings, DAY)
    assert f"mapped days up to {DAY}" in str(error.value)
    assert not (settings.home.lake / "persons").exists()
