"""Deliveries to a receiver over real HTTP: each message once, who has left is removed, nothing is lost on the way."""

from __future__ import annotations

import json
import random
from collections import Counter

import pandas as pd
import pytest

from activation.deliver import deliver
from activation.destinations.destination import DestinationDown, DestinationRefuses
from contracts.errors import LakeError, RawDataError, SettingsError
from contracts.lake import Lake
from tests.activation.delivered_town import (
    NEXT_NIGHT,
    NIGHT,
    books,
    configure,
    deliver_until_killed,
    home_with_audience,
    lay_audience,
    lay_contacts,
    lay_town,
    let_agree,
    mail,
    mails,
    person,
    receipts,
)
from tests.activation.receiver import receiving


@pytest.fixture
def receiver():
    with receiving() as one:
        yield one


@pytest.fixture
def home(tmp_path, monkeypatch, receiver):
    """A home of 30 people, an audience of 25 on two nights, and a destination that answers."""
    return home_with_audience(tmp_path, monkeypatch, receiver.url)


def members(home) -> pd.DataFrame:
    lake = Lake(home / "lake")
    return pd.concat(
        pd.read_parquet(file) for file in lake.files("audience_members", lake.days("audience_members")[-1])
    )


def test_every_message_arrives_once_and_has_a_receipt(home, receiver):
    deliver(NIGHT, "crm")
    assert receiver.messages == {("letters", NIGHT, mail(one)): 1 for one in range(25)}
    assert books(home)["letters"] == {
        "status": "delivered",
        "audience": 25,
        "delivered": 25,
        "already": 0,
        "refused": 0,
        "waiting": 0,
        "withheld": {},
        "removed": 0,
        "not_removed": 0,
    }
    found = receipts(home)
    assert set(found["person_id"]) == {person(one) for one in range(25)}
    assert set(found["status"]) == {"delivered"}
    assert not (home / "delivering" / "crm.jsonl").exists()
    deliver(NIGHT, "crm")
    assert receiver.requests == 3, "a second run of the night has nothing to hand over"
    assert books(home)["letters"]["already"] == 25
    assert len(receipts(home)) == 25


def test_an_audience_is_kept_equal_to_tonights(home, receiver):
    deliver(NIGHT, "crm")
    lay_audience(home, "letters", NEXT_NIGHT, range(5, 30))
    deliver(NEXT_NIGHT, "crm")
    assert receiver.audience("letters") == mails(range(5, 30))
    assert books(home, NEXT_NIGHT)["letters"]["removed"] == 5
    assert len(members(home)) == 25
    (home / "campaigns" / "letters.yml").unlink()
    lay_audience(home, "cards", NEXT_NIGHT, range(3))
    deliver(NEXT_NIGHT, "crm")
    assert receiver.audience("letters") == []
    assert receiver.audience("cards") == mails(range(3))


def test_who_withdraws_is_removed_and_who_has_no_address_is_counted(home, receiver):
    deliver(NIGHT, "crm")
    lay_audience(home, "letters", NEXT_NIGHT, range(25))
    let_agree(home, NEXT_NIGHT, {one: one >= 4 for one in range(30)})
    lay_contacts(
        home,
        [
            *(f"acc-{one},{mail(one)}," for one in range(10)),
            f"acc-10,{mail(11)},",  # account of one, mail address of another: it is nobody's
            f"acc-12,{mail(12)},",
            "acc-12,other@mail.example,",  # two addresses: the last one counts
            "acc-13,shared@mail.example,",
            "acc-14,Shared@mail.example,",
            "acc-15,not an address,",
            f",{mail(16)},",  # known by the mail address alone
            "acc-unknown,stranger@mail.example,",
        ],
        NEXT_NIGHT,
    )
    deliver(NEXT_NIGHT, "crm")
    assert receiver.audience("letters") == sorted([*mails([*range(4, 10), 16]), "other@mail.example"])
    found = books(home, NEXT_NIGHT)["letters"]
    assert found["withheld"] == {
        "no_address": 8,
        "no_consent": 4,
        "shared_address": 2,
        "two_persons": 2,
        "unusable_address": 1,
    }
    assert found["delivered"] == 8
    assert found["removed"] == 17
    entry = json.loads((home / "reports" / f"nightly-{NEXT_NIGHT}.json").read_text())["deliveries"]["crm"]
    assert entry["contacts"] == {
        "ds": NEXT_NIGHT,
        "rows": 18,
        "unreadable": 0,
        "of_nobody_known": 1,
        "two_persons": 1,
        "several_addresses": 1,
    }


@pytest.mark.parametrize(
    "odd", [429, 503, (429, {"Retry-After": "0"}), "silent", "took it and hung up", "half an answer"]
)
def test_a_receiver_that_stumbles_gets_everything_once(home, receiver, odd):
    receiver.misbehaves = [odd, None, odd]
    deliver(NIGHT, "crm")
    assert receiver.messages == {("letters", NIGHT, mail(one)): 1 for one in range(25)}
    assert set(receipts(home)["attempt"]) == {1, 2}


def test_a_destination_that_is_down_is_gone_on_with(home, receiver):
    receiver.misbehaves = [None, "took it and hung up", *[500] * 5]
    with pytest.raises(DestinationDown, match="run the same command again"):
        deliver(NIGHT, "crm")
    found = books(home)["letters"]
    assert (found["status"], found["delivered"], found["waiting"]) == ("waiting", 10, 15)
    assert Counter(receipts(home)["reason"].dropna()) == {"http_500": 10, "not_tried": 5}
    deliver(NIGHT, "crm")
    assert receiver.messages == {("letters", NIGHT, mail(one)): 1 for one in range(25)}
    assert (books(home)["letters"]["delivered"], books(home)["letters"]["already"]) == (15, 10)
    assert Counter(receipts(home)["status"]) == {"delivered": 25}
    assert receipts(home)["attempt"].max() == 7


def test_a_destination_that_was_down_for_a_night_gets_the_next(home, receiver):
    receiver.misbehaves = [500] * 6
    with pytest.raises(DestinationDown):
        deliver(NIGHT, "crm")
    lay_audience(home, "letters", NEXT_NIGHT, range(5, 30))
    deliver(NEXT_NIGHT, "crm")
    assert receiver.audience("letters") == mails(range(5, 30))
    assert set(receiver.messages.values()) == {1}
    assert Counter(receipts(home)["status"]) == {"unknown": 10, "withheld": 15}
    assert set(receipts(home)["reason"]) == {"superseded"}
    with pytest.raises(LakeError, match="an older audience would undo a newer one"):
        deliver(NIGHT, "crm")


@pytest.mark.usefixtures("home")
def test_a_receiver_that_wants_to_be_left_alone_is(receiver):
    receiver.misbehaves = [(429, {"Retry-After": "3600"})] * 6
    with pytest.raises(DestinationDown, match="a wish to be left alone"):
        deliver(NIGHT, "crm")
    assert receiver.requests == 1


@pytest.mark.parametrize("status", [302, 401, 403, 404])
def test_a_receiver_that_knows_us_not_is_not_pestered(home, receiver, status):
    receiver.misbehaves = [status]
    with pytest.raises(DestinationRefuses, match=f"HTTP status {status}"):
        deliver(NIGHT, "crm")
    assert receiver.requests == 1
    assert books(home)["letters"]["waiting"] == 25


def test_what_is_refused_is_counted_and_keeps_nobody_from_the_rest(home, receiver):
    receiver.refuses = {mail(3)}
    receiver.misbehaves = [None, 422]  # the second batch is looked through in halves
    deliver(NIGHT, "crm")
    assert books(home)["letters"]["refused"] == 1
    assert books(home)["letters"]["delivered"] == 24
    assert receiver.audience("letters") == mails(one for one in range(25) if one != 3)
    assert mail(3) not in receipts(home).to_csv()


def test_a_dry_run_sends_and_writes_nothing(home, receiver, capsys):
    deliver(NIGHT, "crm", dry_run=True)
    assert "letters: dry run: audience 25, to_deliver 25" in capsys.readouterr().out
    assert receiver.requests == 0
    assert not Lake(home / "lake").days("deliveries") + Lake(home / "lake").days("audience_members")


def test_a_folder_holds_the_audience_for_its_owner_alone(home):
    deliver(NIGHT, "post")
    file = home.parent / "delivered" / "letters.csv"
    rows = pd.read_csv(file)
    assert sorted(rows["address"]) == mails(range(25))
    assert "click_chance" not in rows
    assert file.stat().st_mode & 0o077 == 0
    lay_audience(home, "letters", NEXT_NIGHT, range(20, 30))
    deliver(NEXT_NIGHT, "post")
    assert sorted(pd.read_csv(file)["address"]) == mails(range(20, 30))
    assert books(home, NEXT_NIGHT, "post")["letters"]["removed"] == 20
    lay_audience(home, "texts", NEXT_NIGHT, range(2), channel="sms")
    lay_contacts(home, ["acc-0,,+49 30 551", "acc-1,,=1+1"], NEXT_NIGHT)
    deliver(NEXT_NIGHT, "post", "texts")
    texts = pd.read_csv(home.parent / "delivered" / "texts.csv", dtype=str)
    assert texts["address"].tolist() == ["+49 30 551"]


def test_messages_of_other_channels_carry_what_they_need(home, receiver):
    lay_audience(home, "texts", NIGHT, range(20), channel="sms")
    lay_audience(home, "pages", NIGHT, range(20), channel="site")
    lay_audience(home, "letters_by_post", NIGHT, range(20), channel="post")
    deliver(NIGHT, "crm")
    assert receiver.audience("texts") == [f"+49 30 55 {one:04d}" for one in range(20)]
    assert receiver.audience("pages") == sorted(f"acc-{one}" for one in range(20))
    assert books(home)["letters_by_post"]["withheld"] == {"no_address": 20}
    deliver(NIGHT, "crm", "texts")
    assert receiver.audience("letters") == mails(range(25)), "another campaign alone changes nothing of this"


def test_no_address_is_written_anywhere_below_home(home, receiver):
    receiver.misbehaves = [None, 500, 422]
    deliver(NIGHT, "crm")
    deliver(NIGHT, "post")
    for file in home.rglob("*"):
        if file.is_file() and not file.is_relative_to(home / "raw"):
            assert b"@mail.example" not in file.read_bytes(), file


def test_what_is_missing_is_said_in_a_sentence(home):
    with pytest.raises(SettingsError, match="did you mean 'crm'"):
        deliver(NIGHT, "crn")
    with pytest.raises(SettingsError, match="a campaign of"):
        deliver(NIGHT, "crm", "lettres")
    (home / "raw" / "contacts" / f"ds={NIGHT}" / "contacts.csv").write_text("name,street\nAnna,Elm\n")
    with pytest.raises(RawDataError, match="neither `account` nor `email`"):
        deliver(NIGHT, "crm")
    (home / "raw" / "contacts" / f"ds={NIGHT}" / "contacts.csv").unlink()
    with pytest.raises(RawDataError, match="deliver them as"):
        deliver(NIGHT, "crm")


def test_kills_at_any_moment_lose_and_double_nothing(home, receiver):
    """20 runs are killed with -9, wherever they are, and gone on with, over as many nights as that takes."""
    chance = random.Random(4)
    nights = [f"2027-01-{day:02d}" for day in range(1, 32)]
    people = {night: sorted(chance.sample(range(200), 150)) for night in nights}
    lay_town(home, 200, nights)
    lay_contacts(home, [f"acc-{one},{mail(one)}," for one in range(200)], "2027-01-01")
    configure(home, receiver.url, batch=5, more="    messages_a_second: 600\n")
    kills, number = 0, 0
    lay_audience(home, "letters", nights[0], people[nights[0]])
    while kills < 20:
        while_sending = kills % 2  # some moment while messages go out, or somewhere else
        killed, ended = deliver_until_killed(
            nights[number],
            "crm",
            chance,
            within=(0, 0.1) if while_sending else (0.05, 0.6),
            had=(lambda: receiver.requests) if while_sending else None,
        )
        kills += killed
        if ended:
            number += 1
            lay_audience(home, "letters", nights[number], people[nights[number]])
    deliver(nights[number], "crm")
    expected = {("letters", night, mail(one)): 1 for night in nights[: number + 1] for one in people[night]}
    assert receiver.messages == expected, "nothing is lost, nothing is doubled"
    assert receiver.audience("letters") == mails(people[nights[number]])
    for night in nights[: number + 1]:
        found = receipts(home, night)
        adds = found[(found["action"] == "add") & (found["status"] == "delivered")]
        assert sorted(adds["person_id"]) == sorted(person(one) for one in people[night])
