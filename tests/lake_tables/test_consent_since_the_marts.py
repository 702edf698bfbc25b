"""Consent where people are learned from, scored and exported: none without it, and none who withdrew it since."""

import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import LakeError
from contracts.lake import Lake
from contracts.tables.vocabulary import PURPOSES
from lake_tables.consent import Consenting, latest_consents, refused_identifiers

FRIDAY, SATURDAY = "2026-11-20", "2026-11-21"


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)


def decided(*rows) -> list[dict]:
    return [dict(zip(("identifier", "purpose", "granted", "occurred_at"), row, strict=True)) for row in rows]


@pytest.fixture
def lake(tmp_path):
    """Friday's marts say that Ann, Ben and Cleo agree to everything."""
    made = Lake(tmp_path)
    publish(made, "dim_person_consent", FRIDAY, [{"person_id": one, **agrees()} for one in ("ann", "ben", "cleo")])
    persons = {"account:ann": "ann", "email:ann": "ann", "account:ben": "ben", "account:cleo": "cleo"}
    publish(made, "persons", FRIDAY, [{"identifier": one, "person_id": person} for one, person in persons.items()])
    every = [
        ("account:" + one, purpose, True, at("2026-11-01")) for one in ("ann", "ben", "cleo") for purpose in PURPOSES
    ]
    publish(made, "consents", FRIDAY, decided(*every))
    return made


def publish(lake: Lake, table: str, ds: str, rows: list[dict]) -> None:
    file = lake.staging("test") / "part-0.parquet"
    pq.write_table(pa.Table.from_pylist(rows), file)
    lake.publish(table, ds, {file.name: file})


def agrees(**changes: bool) -> dict[str, bool]:
    return {f"consent_{purpose}": True for purpose in PURPOSES} | changes


def found(lake: Lake) -> dict[str, list[str]]:
    """Person -> the purposes that they do not agree to."""
    rows = latest_consents(lake, FRIDAY).to_dict("records")
    return {row["person_id"]: [purpose for purpose in PURPOSES if not row[f"consent_{purpose}"]] for row in rows}


def test_no_decision_is_no_consent(lake):
    rows = [{"person_id": one, "consent_training": agreed} for one, agreed in (("c", True), ("a", None), ("b", False))]
    publish(lake, "dim_person_consent", FRIDAY, rows)
    assert Consenting.read(lake, FRIDAY, "training").people.tolist() == ["c"]


def test_a_table_with_people_who_did_not_agree_is_refused():
    consenting = Consenting("training", FRIDAY, np.array(["a", "b"], dtype=object))
    consenting.require_agreed("training_sequences", np.array(["b"], dtype=object))
    consenting.require_agreed("training_sequences", np.array([], dtype=object))
    with pytest.raises(
        LakeError, match=r"consent_training of dim_person_consent of 2026-11-20 in training_sequences, .* 1 people"
    ):
        consenting.require_agreed("training_sequences", np.array(["b", "c", "c"], dtype=object))


def test_without_decisions_since_the_marts_hold(lake):
    assert found(lake) == {"ann": [], "ben": [], "cleo": []}


def test_a_withdrawal_that_arrived_since_counts_for_its_purpose(lake):
    later = decided(
        ("email:ann", "marketing_contact", False, at("2026-11-20 23:00")),
        # older than Ben's grant, and one of a clock that runs ahead
        ("account:ben", "training", False, at("2026-10-01")),
        ("account:ben", "profiling", False, at("2026-11-22")),
        # withdrawn and granted again; at one moment
        ("account:cleo", "training", False, at("2026-11-21 10:00")),
        ("account:cleo", "training", True, at("2026-11-21 11:00")),
        ("account:cleo", "profiling", False, at("2026-11-01")),
    )
    publish(lake, "consents", SATURDAY, later)
    assert found(lake) == {"ann": ["marketing_contact"], "ben": [], "cleo": ["profiling"]}


def test_a_withdrawal_counts_for_whom_the_identifier_belongs_to_now(lake):
    # On Saturday Ben turns out to be Ann, and has withdrawn under an identifier that was not known on Friday.
    now = {"account:ann": "ann", "email:ann": "ann", "account:ben": "ann", "handle:ben": "ann", "account:cleo": "cleo"}
    publish(lake, "persons", SATURDAY, [{"identifier": one, "person_id": person} for one, person in now.items()])
    publish(lake, "consents", SATURDAY, decided(("handle:ben", "personalisation", False, at("2026-11-21 10:00"))))
    assert found(lake) == {"ann": ["personalisation"], "ben": ["personalisation"], "cleo": []}


def test_what_is_not_granted_in_the_mart_is_not_granted_later(lake):
    publish(lake, "dim_person_consent", FRIDAY, [{"person_id": "ann", **agrees(consent_training=False)}])
    publish(lake, "consents", SATURDAY, decided(("account:ann", "training", True, at("2026-11-21 10:00"))))
    assert found(lake) == {"ann": ["training"]}


def test_who_refuses_by_hand():
    decisions = pd.DataFrame(
        decided(
            ("i1", "training", True, pd.Timestamp("2026-11-02")),
            ("i2", "training", False, pd.Timestamp("2026-11-02")),
            ("i3", "training", False, pd.Timestamp("2026-11-02")),
            ("i3", "training", True, pd.Timestamp("2026-11-03")),
            ("i9", "training", False, pd.Timestamp("2026-11-03")),
        )
    )
    owners = pd.Series({"i1": "p1", "i2": "p1", "i3": "p2"})
    assert refused_identifiers(decisions, owners).to_numpy().tolist() == [["i1", "training"], ["i2", "training"]]
