"""Who is erased is removed from audiences at destinations, at once or with the next delivery, and leaves no name."""

from __future__ import annotations

import pandas as pd
import pytest

from activation.deliver import deliver
from activation.withdraw import withdraw
from contracts.erasure import DRY_RUN, ENFORCE, DeliveriesReport, OpenRequest, Subject, Withdrawal
from contracts.lake import Lake
from tests.activation.delivered_town import (
    NEXT_NIGHT,
    NIGHT,
    home_with_audience,
    lay_audience,
    mail,
    person,
)
from tests.activation.receiver import receiving


@pytest.fixture
def receiver():
    with receiving() as one:
        yield one


@pytest.fixture
def home(tmp_path, monkeypatch, receiver):
    """A home whose audience of 25 was delivered to a receiver and to a folder."""
    home = home_with_audience(tmp_path, monkeypatch, receiver.url)
    for name in ("crm", "post"):
        deliver(NIGHT, name)
    return home


def request_of(home, number: int, mode: str = ENFORCE):
    folder = home / "erasures" / "one"
    folder.mkdir(parents=True, exist_ok=True)
    OpenRequest(mode, Subject(person(number), (), (person(number),), (NIGHT,)), ()).write(folder)
    return folder


def statuses(folder) -> set[tuple[str, str]]:
    return {(one.destination, one.status) for one in DeliveriesReport.read(folder).found}


def members(home) -> pd.DataFrame:
    lake = Lake(home / "lake")
    newest = lake.days("audience_members")[-1]
    return pd.concat(pd.read_parquet(file) for file in lake.files("audience_members", newest))


def test_who_is_erased_is_removed_at_once(home, receiver):
    request = request_of(home, 3)
    withdraw(request, DRY_RUN)
    assert statuses(request) == {("crm", "would be removed"), ("post", "would be removed")}
    assert mail(3) in receiver.audience("letters")
    withdraw(request, ENFORCE)
    assert statuses(request) == {("crm", "removed"), ("post", "removed")}
    assert mail(3) not in receiver.audience("letters")
    assert len(receiver.audience("letters")) == 24
    kept = pd.read_csv(home.parent / "delivered" / "letters.csv")["address"]
    assert len(kept) == 24 and mail(3) not in set(kept)
    assert person(3) not in set(members(home)["person_id"])
    withdraw(request, ENFORCE)
    assert statuses(request) == {("crm", "removed"), ("post", "removed")}, "a second attempt knows of the first"


def test_a_destination_that_is_down_removes_with_the_next_delivery(home, receiver):
    receiver.misbehaves = [503] * 6
    request = request_of(home, 3)
    withdraw(request, ENFORCE)
    assert statuses(request) == {("crm", "waiting"), ("post", "removed")}
    assert person(3) not in set(members(home)["person_id"])
    assert mail(3) in receiver.audience("letters")
    lay_audience(home, "letters", NEXT_NIGHT, [one for one in range(25) if one != 3])
    deliver(NEXT_NIGHT, "crm")
    assert mail(3) not in receiver.audience("letters")
    assert members(home)["person_id"].notna().all()
    rows = pd.concat(pd.read_parquet(file) for file in Lake(home / "lake").files("deliveries", NEXT_NIGHT))
    removed = rows[rows["action"] == "remove"]
    assert removed[["person_id", "status"]].to_dict("records") == [{"person_id": None, "status": "delivered"}]


def test_a_destination_that_is_gone_keeps_no_erasure_from_going_on(home):
    (home / "destinations.yml").write_text("destinations: {}\n")
    request = request_of(home, 3)
    withdraw(request, ENFORCE)
    assert DeliveriesReport.read(request).found == (
        Withdrawal("crm", "letters", "waiting"),
        Withdrawal("post", "letters", "waiting"),
    )
