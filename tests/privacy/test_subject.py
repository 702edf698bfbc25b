"""Who is meant by a name: all that was ever joined to it, and nobody who only shared a device."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import SettingsError
from contracts.keys import pseudonym_keys
from contracts.lake import Lake
from contracts.pseudonyms import pseudonym
from privacy.subject import find_subject
from tests.spark_jobs.feeds_by_hand import settings_in

ANNA, BEN, MERGED = "p" + "a" * 16, "p" + "b" * 16, "p" + "c" * 16


@pytest.fixture
def settings(tmp_path):
    """A home whose persons were split and joined over three days; no Spark is needed."""
    return settings_in(tmp_path)


def hashed(settings, name: str) -> str:
    kind, _, value = name.partition(":")
    return pseudonym(pseudonym_keys(settings), kind, value)


def publish(settings, table: str, ds: str, rows: list[dict]) -> None:
    lake = Lake(settings.home.lake)
    file = lake.staging("test") / "part-0.parquet"
    pq.write_table(pa.Table.from_pylist(rows), file)
    lake.publish(table, ds, {file.name: file})


def persons(settings, ds: str, **people: list[str]) -> None:
    rows = [{"identifier": hashed(settings, name), "person_id": one} for one, names in people.items() for name in names]
    publish(settings, "persons", ds, rows)


def edges(settings, ds: str, *pairs: tuple[str, str]) -> None:
    rows = [
        {"left_identifier": hashed(settings, one), "right_identifier": hashed(settings, other)} for one, other in pairs
    ]
    publish(settings, "identity_edges", ds, rows)


def test_a_person_has_the_identifiers_and_ids_of_all_days(settings):
    persons(settings, "2026-11-17", **{ANNA: ["account:anna", "cookie:c1"], "p" + "d" * 16: ["email:a@x.org"]})
    persons(settings, "2026-11-18", **{ANNA: ["account:anna", "cookie:c1", "email:a@x.org"], BEN: ["account:ben"]})
    for requested_as in ("email:A@x.org ", "account:anna", hashed(settings, "cookie:c1"), ANNA, "p" + "d" * 16):
        found = find_subject(settings, requested_as)
        names = ("account:anna", "cookie:c1", "email:a@x.org")
        assert found.identifiers == tuple(sorted(hashed(settings, name) for name in names))
        assert found.person_ids == (ANNA, "p" + "d" * 16)
        assert found.days == ("2026-11-17", "2026-11-18")


def test_who_was_joined_by_mistake_and_parted_since_is_another(settings):
    persons(settings, "2026-11-17", **{MERGED: ["account:anna", "account:ben", "cookie:c1"]})
    persons(settings, "2026-11-18", **{ANNA: ["account:anna"], MERGED: ["account:ben", "cookie:c1"]})
    found = find_subject(settings, "account:anna")
    assert found.identifiers == (hashed(settings, "account:anna"),)
    assert found.person_ids == (ANNA,)
    assert found.ids_on("2026-11-17") == {ANNA, MERGED}
    assert found.ids_on("2026-11-18") == {ANNA}


def test_a_second_login_on_a_device_is_another_person_and_a_new_cookie_is_not(settings):
    persons(settings, "2026-11-18", **{ANNA: ["account:anna", "cookie:c1"], BEN: ["account:ben"]})
    edges(settings, "2026-11-19", ("account:ben", "cookie:c1"), ("account:anna", "cookie:new"))
    found = find_subject(settings, "account:anna")
    assert set(found.identifiers) == {hashed(settings, name) for name in ("account:anna", "cookie:c1", "cookie:new")}


def test_a_person_of_whom_nothing_is_known_has_the_given_name_alone(settings):
    found = find_subject(settings, "account:nobody")
    assert (found.identifiers, found.person_ids, found.days) == ((hashed(settings, "account:nobody"),), (), ())
    assert found.raw_values == {"nobody": "account"}


@pytest.mark.parametrize("text", ["", "anna", "accounts:anna", "account: ", "p123", "account:\udcff"])
def test_what_is_no_name_is_refused_in_a_sentence(settings, text):
    with pytest.raises(SettingsError, match="for example --subject account:anna01"):
        find_subject(settings, text)


def changes(settings, ds: str, *rows: tuple[str, str, str]) -> None:
    columns = ("identifier", "former_person_id", "person_id")
    publish(
        settings,
        "identity_changes",
        ds,
        [dict(zip(columns, (hashed(settings, name), former, now), strict=True)) for name, former, now in rows],
    )


def expire(settings, *days: str) -> None:
    for ds in days:
        Lake(settings.home.lake).expire("persons", ds, noted=True)


def test_ids_of_days_whose_persons_are_gone_are_known_by_what_changed(settings):
    """What an erasure has to find does not depend on how long persons are kept."""
    old = "p" + "d" * 16
    arrived = {"account:anna": "2026-11-16", "email:a@x.org": "2026-11-16", "account:ben": "2026-11-17"}

    def on(ds: str, people: dict[str, list[str]]) -> None:
        rows = [
            {"identifier": hashed(settings, name), "person_id": one, "first_ds": arrived[name]}
            for one, names in people.items()
            for name in names
        ]
        publish(settings, "persons", ds, rows)

    on("2026-11-16", {ANNA: ["account:anna"], old: ["email:a@x.org"]})
    on("2026-11-17", {ANNA: ["account:anna", "account:ben"], old: ["email:a@x.org"]})
    on("2026-11-18", {ANNA: ["account:anna", "email:a@x.org"], BEN: ["account:ben"]})
    on("2026-11-19", {ANNA: ["account:anna", "email:a@x.org"], BEN: ["account:ben"]})
    changes(settings, "2026-11-18", ("email:a@x.org", old, ANNA), ("account:ben", ANNA, BEN))
    wanted = ("account:anna", "email:a@x.org", old, "account:ben", BEN)
    before = {name: find_subject(settings, name) for name in wanted}
    expire(settings, "2026-11-16", "2026-11-17", "2026-11-18")
    for name in wanted:
        found = find_subject(settings, name)
        assert (found.identifiers, found.person_ids) == (before[name].identifiers, before[name].person_ids), name
        for ds in ("2026-11-16", "2026-11-17"):
            assert found.ids_on(ds) == before[name].ids_on(ds), (name, ds)
    assert ANNA in find_subject(settings, "account:ben").ids_on("2026-11-17")
    assert ANNA not in find_subject(settings, "account:ben").ids_on("2026-11-16"), "it had not arrived"
