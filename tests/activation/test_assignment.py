"""Arms stay as they are, over merges, splits, other shares and other keys; whoever changes theirs is reported."""

from __future__ import annotations

import datetime
import hashlib
import hmac

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activation.experiments.assignment import Assigning, Night
from activation.experiments.experiment import Experiment
from activation.experiments.publishing import publish_assignments
from activation.experiments.sample_ratio import THRESHOLD
from contracts.lake import Lake
from contracts.pseudonyms import rekeyed
from contracts.tables.activation import ASSIGNMENTS
from lake_tables.arrow import arrow_schema

KEYS = (b"k" * 32,)
FRIDAY, SATURDAY = "2026-11-20", "2026-11-21"
LETTERS = Experiment("letters", "letters", 0.3, {"short": 0.4, "long": 0.3})


def persons_of(people: dict[str, str], days: dict[str, int] | None = None) -> pa.Table:
    """The table `persons` of identifier -> person, each known since its day of November."""
    days = days or {}
    return pa.table(
        {
            "identifier": pa.array(people, pa.string()),
            "person_id": pa.array(people.values(), pa.string()),
            "first_ds": pa.array([datetime.date(2026, 11, days.get(one, 1)) for one in people], pa.date32()),
        }
    )


def arms(persons: pa.Table, experiment=LETTERS, ds=FRIDAY, before=None, keys=KEYS) -> pa.Table:
    people = persons.group_by("person_id").aggregate([]).select(["person_id"])
    with Assigning(persons, people, keys, before) as assigning:
        return assigning.arms(experiment, ds)


def arm_of(assigned: pa.Table) -> dict[str, str]:
    return dict(zip(assigned["person_id"].to_pylist(), assigned["arm"].to_pylist(), strict=True))


def moved(assigned: pa.Table) -> set[str]:
    return {row["person_id"] for row in assigned.to_pylist() if row["moved"]}


def many(count: int) -> pa.Table:
    return persons_of({f"account:{number:032x}": f"p{number:016x}" for number in range(count)})


def test_an_arm_is_the_keyed_hash_of_the_first_identifier_and_the_salt():
    names = {"account:a": "p1", "cookie:b": "p1", "cookie:c": "p2"}
    assigned = {row["person_id"]: row for row in arms(persons_of(names, {"account:a": 9, "cookie:b": 8})).to_pylist()}
    own_key = hmac.digest(KEYS[0], b"nightshift arms of experiments", "sha256")
    for person, first in (("p1", "cookie:b"), ("p2", "cookie:c")):
        digest = hmac.new(own_key, f"letters\n{first}".encode(), hashlib.sha256).hexdigest()
        held, variant = int(digest[:13], 16) / 2**52, int(digest[13:26], 16) / 2**52
        expected = "holdout" if held < 0.3 else "short" if variant < 0.4 / 0.7 else "long"
        assert assigned[person]["identifier"] == first
        assert assigned[person]["holdout_place"] == held
        assert assigned[person]["arm"] == expected


def test_the_rows_fit_their_contract():
    assert arms(many(3)).cast(arrow_schema(ASSIGNMENTS)).num_rows == 3


def test_shares_are_as_stated_and_two_salts_are_independent():
    persons = many(40_000)
    first = list(arm_of(arms(persons)).values())
    second = list(arm_of(arms(persons, Experiment("letters", "other", 0.3, LETTERS.variants))).values())
    for arm, share in LETTERS.shares.items():
        assert first.count(arm) / 40_000 == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 40_000))
    both = sum(one == other == "holdout" for one, other in zip(first, second, strict=True)) / 40_000
    assert both == pytest.approx(0.09, abs=4 * np.sqrt(0.09 * 0.91 / 40_000))


def test_a_growing_holdout_takes_only_those_it_needs_and_a_shrinking_one_gives_them_back():
    persons = many(4_000)
    before = arm_of(arms(persons))
    grown = arm_of(arms(persons, Experiment("letters", "letters", 0.51, {"short": 0.28, "long": 0.21})))
    changed = {person for person in before if before[person] != grown[person]}
    assert all(grown[person] == "holdout" for person in changed)
    assert len(changed) / 4_000 == pytest.approx(0.21, abs=0.03)
    assert arm_of(arms(persons)) == before


def test_merged_people_keep_the_arm_of_the_older_and_are_reported_where_theirs_was_another():
    apart = persons_of({f"account:{number}": f"p{number}" for number in range(20)}, {"account:0": 2})
    friday = arms(apart)
    arm = arm_of(friday)
    other, same = (next(n for n in range(1, 20) if (arm[f"p{n}"] != arm["p0"]) is differs) for differs in (True, False))
    for older, is_moved in ((other, True), (same, False)):
        merged = persons_of({f"account:{n}": f"p{older}" if n == 0 else f"p{n}" for n in range(20)}, {"account:0": 2})
        saturday = arms(merged, ds=SATURDAY, before=Night(friday, apart))
        assert arm_of(saturday)[f"p{older}"] == arm[f"p{older}"]
        assert moved(saturday) == ({f"p{older}"} if is_moved else set())
        again = arms(merged, ds="2026-11-22", before=Night(saturday, merged))
        assert moved(again) == moved(saturday), "for as long as the experiment goes on"
        assert {row["since"].isoformat() for row in again.to_pylist()} == {FRIDAY}


def test_those_who_are_compared_have_the_shares_of_all_however_many_merge():
    apart = persons_of({f"account:{number:032x}": f"p{number}" for number in range(12_000)})
    merged = persons_of({f"account:{number:032x}": f"p{number % 8_000}" for number in range(12_000)})
    tenth = Experiment("letters", "letters", 0.1, {"treated": 0.9})
    saturday = arms(merged, tenth, SATURDAY, Night(arms(apart, tenth), apart)).to_pylist()
    compared = [row["arm"] for row in saturday if not row["left_out"]]
    assert len(compared) == 4_000, "half of the people merged, whatever their arms"
    assert compared.count("holdout") / len(compared) == pytest.approx(0.1, abs=0.02)
    stayed = [row["arm"] for row in saturday if not row["moved"] and row["left_out"]]
    assert stayed.count("holdout") / len(stayed) < 0.03, "why those whose arm stayed are left out too"


def test_who_falls_apart_or_gets_another_first_identifier_is_not_compared():
    friday_people = persons_of({"cookie:b": "p1", "cookie:c": "p1", "cookie:d": "p2", "cookie:e": "p3"})
    friday = arms(friday_people)
    saturday_people = persons_of(
        {"cookie:b": "p1", "cookie:c": "p4", "cookie:a": "p2", "cookie:d": "p2", "cookie:e": "p3", "cookie:f": "p3"}
    )
    saturday = arms(saturday_people, ds=SATURDAY, before=Night(friday, friday_people)).to_pylist()
    left_out = {row["person_id"]: row["left_out"] for row in saturday}
    assert left_out == {"p1": True, "p4": True, "p2": True, "p3": False}


def test_another_salt_is_another_experiment_in_which_nobody_has_moved():
    persons = many(50)
    friday = arms(persons)
    begun_again = arms(persons, Experiment("letters", "new", 0.3, LETTERS.variants), SATURDAY, Night(friday, persons))
    assert moved(begun_again) == set()
    assert arm_of(begun_again) != arm_of(friday)


def test_other_shares_move_people_and_say_so():
    persons = many(200)
    friday = arms(persons)
    saturday = arms(persons, Experiment("letters", "letters", 0.5, {"short": 0.5}), SATURDAY, Night(friday, persons))
    before, after = arm_of(friday), arm_of(saturday)
    assert moved(saturday) == {person for person in before if before[person] != after[person]} != set()


def test_arms_outlive_a_rotation_of_keys():
    """It renames identifiers and people in the tables of all days."""
    names = {f"account:{number:032x}": f"p{number}" for number in range(100)}
    renamed = {one: rekeyed(b"n" * 32, one) for one in names}
    friday = arms(persons_of(names))
    identifiers = pa.array([renamed[one] for one in friday["identifier"].to_pylist()])
    friday_renamed = friday.set_column(friday.schema.get_field_index("identifier"), "identifier", identifiers)
    persons = persons_of({renamed[one]: person for one, person in names.items()})
    saturday = arms(persons, ds=SATURDAY, before=Night(friday_renamed, persons), keys=(*KEYS, b"n" * 32))
    assert arm_of(saturday) == arm_of(friday)
    assert moved(saturday) == set()


IDENTIFIERS = [f"cookie:{letter}" for letter in "abcdefgh"]


@settings(max_examples=25, deadline=None)
@given(
    nights=st.lists(
        st.lists(st.integers(0, 3), min_size=len(IDENTIFIERS), max_size=len(IDENTIFIERS)), min_size=2, max_size=5
    ),
    days=st.lists(st.integers(1, 3), min_size=len(IDENTIFIERS), max_size=len(IDENTIFIERS)),
    known=st.lists(st.integers(0, 3), min_size=len(IDENTIFIERS), max_size=len(IDENTIFIERS)),
)
def test_nobody_changes_arm_without_being_reported(nights, days, known):
    """People that merge and fall apart at random, night after night; identifiers that arrive later."""
    first_days = dict(zip(IDENTIFIERS, days, strict=True))
    had: dict[str, set[str]] = {}  # identifier -> every arm that a person of it was in
    before = None
    for night, clusters in enumerate(nights):
        members: dict[int, list[str]] = {}
        for identifier, cluster, since in zip(IDENTIFIERS, clusters, known, strict=True):
            if since <= night:
                members.setdefault(cluster, []).append(identifier)
        firsts = {min(one, key=lambda name: (first_days[name], name)): one for one in members.values()}
        owners = {identifier: f"p-{first}" for first, one in firsts.items() for identifier in one}
        persons = persons_of(owners, first_days)
        tonight = arms(persons, ds=f"2026-11-{20 + night}", before=before)
        arm, reported = arm_of(tonight), moved(tonight)
        for identifier, person in owners.items():
            had.setdefault(identifier, set()).add(arm[person])
        for person in arm:
            own = set().union(*(had[identifier] for identifier, owner in owners.items() if owner == person))
            assert len(own) == 1 or person in reported
        before = Night(tonight, persons)


def test_shares_that_change_without_another_salt_raise_the_alarm(tmp_path):
    lake, keys = Lake(tmp_path / "lake"), KEYS
    persons = many(2_000)
    for ds in (FRIDAY, SATURDAY):
        file = lake.staging("persons") / "persons.parquet"
        pq.write_table(persons, file)
        lake.publish("persons", ds, {file.name: file})
    people = persons["person_id"].combine_chunks()
    tenth, half = (Experiment("letters", "letters", share, {"treated": 1 - share}) for share in (0.1, 0.5))
    friday = publish_assignments(lake, FRIDAY, [tenth], people, keys)["letters"]
    saturday = publish_assignments(lake, SATURDAY, [half], people, keys)["letters"]
    assert friday["changed_arm"] == friday["left_out"] == 0
    assert friday["sample_ratio_p"] > THRESHOLD
    assert saturday["changed_arm"] == saturday["left_out"] == pytest.approx(800, abs=100)
    assert saturday["sample_ratio_p"] < THRESHOLD
