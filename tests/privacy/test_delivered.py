"""Erasure and rotation of keys meet deliveries: who is forgotten is removed there, and who is renamed stays."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from activation.deliver import deliver
from activation.export import make_audiences
from activation.plan import make_plan
from contracts.keys import pseudonym_keys
from contracts.lake import Lake
from contracts.pseudonyms import pseudonym
from contracts.settings import Settings
from privacy.__main__ import main
from tests.activation.delivered_town import (
    NEXT_NIGHT,
    NIGHT,
    configure,
    environment,
    home_with_audience,
    lay_audience,
    lay_contacts,
    mail,
    mails,
    person,
)
from tests.activation.receiver import receiving
from tests.training import markov_town

ARMS = {"holdout", "short", "long"}


@pytest.fixture
def receiver():
    with receiving() as one:
        yield one


def table(home: Path, name: str, ds: str) -> pd.DataFrame:
    return pd.concat(pd.read_parquet(file) for file in Lake(home / "lake").files(name, ds))


@pytest.mark.usefixtures("spark")
def test_who_is_forgotten_is_removed_where_audiences_went_and_the_receipt_says_so(tmp_path, monkeypatch, receiver):
    home = home_with_audience(tmp_path, monkeypatch, receiver.url)
    for name in ("crm", "post"):
        deliver(NIGHT, name)
    assert receiver.audience("letters") == mails(range(25))
    main(["forget", "--subject", "account:acc-3", "--enforce"])
    rest = mails(one for one in range(25) if one != 3)
    assert receiver.audience("letters") == rest
    assert sorted(pd.read_csv(home.parent / "delivered" / "letters.csv")["address"]) == rest
    [receipt] = [json.loads(file.read_text()) for file in home.glob("erasures/*/receipt.json")]
    assert receipt["outcome"] == "forgotten"
    assert receipt["rescan"]["found"] == 0
    assert receipt["deliveries"]["found"] == [
        {"destination": name, "campaign": "letters", "status": "removed"} for name in ("crm", "post")
    ]
    assert "removed" in next(home.glob("erasures/*/receipt.html")).read_text()
    for name in ("deliveries", "audience_members"):
        assert person(3) not in set(table(home, name, NIGHT)["person_id"])
    assert mail(3) not in (home / "raw" / "contacts" / f"ds={NIGHT}" / "contacts.csv").read_text()
    lay_audience(home, "letters", NEXT_NIGHT, [one for one in range(25) if one != 3])
    deliver(NEXT_NIGHT, "crm")
    assert receiver.audience("letters") == rest
    assert receiver.messages["letters", NEXT_NIGHT, mail(3)] == 0


def test_after_a_rotation_of_keys_people_keep_their_arms_and_their_places_at_destinations(
    tmp_path, monkeypatch, receiver
):
    home = night_of_an_experiment(tmp_path / "home", monkeypatch, receiver.url)
    make_plan(NIGHT)
    make_audiences(NIGHT)
    deliver(NIGHT, "crm")
    addresses = address_of_person(home)
    arms = {addresses[row.person_id]: row.arm for row in table(home, "assignments", NIGHT).itertuples()}
    sent, members = dict(receiver.messages), dict(receiver.members)
    assert set(arms.values()) == ARMS
    assert receiver.audience("letters") == sorted(one for one, arm in arms.items() if arm != "holdout")

    main(["rotate-key"])
    renamed = address_of_person(home)
    assert not set(addresses) & set(renamed)
    for name in ("assignments", "eligible", "plans", "deliveries", "audience_members"):
        found = table(home, name, NIGHT)["person_id"]
        assert set(found) <= set(renamed), name
    joined = table(home, "deliveries", NIGHT).merge(table(home, "plans", NIGHT), on=["person_id", "campaign"])
    assert joined["arm"].tolist() == [arms[renamed[one]] for one in joined["person_id"]]
    assert len(joined) == len(sent)
    deliver(NIGHT, "crm")
    assert receiver.messages == sent, "the night that was delivered before goes out to nobody once more"

    gone = sorted(set(receiver.audience("letters")))[:2]
    lay_same_night_again(home, refusing={one for one, address in renamed.items() if address in gone})
    make_plan(NEXT_NIGHT)
    make_audiences(NEXT_NIGHT)
    deliver(NEXT_NIGHT, "crm")
    assert {renamed[row.person_id]: row.arm for row in table(home, "assignments", NEXT_NIGHT).itertuples()} == {
        address: arm for address, arm in arms.items() if address not in gone
    }
    assert not table(home, "assignments", NEXT_NIGHT)["moved"].any()
    stayed = {name: address for name, address in members.items() if address not in gone}
    assert receiver.members == stayed, "who stays is known by the same digits, and the right two are removed"
    assert receiver.messages == sent | {("letters", NEXT_NIGHT, address): 1 for address in stayed.values()}


def night_of_an_experiment(home: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> Path:
    """A town of 40 with scores by hand, known by accounts of which the shop has addresses, and a campaign of arms."""
    home.mkdir()
    monkeypatch.setattr(markov_town, "DS", NIGHT)
    for name, value in environment(home).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NIGHTSHIFT_SMALLEST_GROUP", "1")
    keys = pseudonym_keys(Settings.from_env())
    markov_town.build_town(home, people=40)
    people = [*(person(number) for number in range(40)), "pffffffffffffffff"]
    scores = [
        {"person_id": one, "rank": rank, "item_id": markov_town.item(rank), "score": 1.0 / rank, "reason": "popular"}
        for one in people
        for rank in range(1, 11)
    ]
    markov_town.publish(home, "scores", scores)
    predictions = {"leave_chance": 0.1, "expected_value": 1.0, "best_campaign": "letters"}
    markov_town.publish(home, "predictions", [{"person_id": one, **predictions} for one in people])
    responses = {"campaign": "letters", "click_chance": 0.5, "purchase_chance": 0.1, "expected_value": 1.0}
    markov_town.publish(home, "responses", [{"person_id": one, **responses, "reasons": []} for one in people])
    rows = [
        {
            "identifier": pseudonym(keys, "account", f"acc-{number}"),
            "person_id": one,
            "first_ds": datetime.date(2026, 11, 1),
        }
        for number, one in enumerate(people)
    ]
    markov_town.publish(home, "persons", rows)
    (home / "campaigns").mkdir()
    (home / "campaigns" / "letters.yml").write_text(
        "name: letters\npurpose: personalisation\nchannel: mail\n"
        "experiment: {holdout: 0.3, variants: {short: 0.35, long: 0.35}, salt: a}\n"
    )
    lay_contacts(home, [f"acc-{one},{mail(one)}," for one in range(41)])
    configure(home, url)
    return home


def address_of_person(home: Path) -> dict[str, str]:
    """Who has which address, by the accounts under the keys of now."""
    keys = pseudonym_keys(Settings.from_env())
    account = {pseudonym(keys, "account", f"acc-{number}"): mail(number) for number in range(41)}
    return {row.person_id: account[row.identifier] for row in table(home, "persons", NIGHT).itertuples()}


def lay_same_night_again(home: Path, refusing: set[str]) -> None:
    """The marts and scores of the next night are those of the first, but for some who agree to nothing any more."""
    lake = Lake(home / "lake")
    made = ("dim_person_consent", "scoring_sequences", "dim_person_profile", "dim_item", "scores", "predictions")
    for name in (*made, "responses", "persons"):
        rows = table(home, name, NIGHT)
        if name == "dim_person_consent":
            rows.loc[rows["person_id"].isin(refusing), [one for one in rows if one.startswith("consent_")]] = False
        file = lake.staging(name) / "part-0.parquet"
        schema = pq.read_schema(lake.files(name, NIGHT)[0]).remove_metadata()
        pq.write_table(pa.Table.from_pandas(rows, schema, preserve_index=False), file)
        lake.publish(name, NEXT_NIGHT, {file.name: file})
