"""Deliveries to a real SFTP server in this process: the pinned key, whole files, nothing lost or doubled on the way."""

from __future__ import annotations

import random
import subprocess
import sys

import asyncssh
import pytest

from activation.deliver import deliver
from activation.destinations.destination import DestinationDown, DestinationRefuses
from activation.withdraw import withdraw
from contracts.erasure import ENFORCE, DeliveriesReport, OpenRequest, Subject
from contracts.settings import REPOSITORY
from tests.activation.delivered_town import (
    NEXT_NIGHT,
    NIGHT,
    books,
    deliver_until_killed,
    home_with_audience,
    lay_audience,
    lay_contacts,
    lay_town,
    mail,
    mails,
    person,
    receipts,
)
from tests.activation.sftp_receiver import PASSWORD, USER, SftpReceiver, receiving_files


@pytest.fixture
def receiver(tmp_path):
    with receiving_files(tmp_path / "server") as one:
        yield one


@pytest.fixture
def home(tmp_path, monkeypatch, receiver):
    """A home of 30 people, of whom 25 are in an audience, and an SFTP server as its one destination."""
    home = home_with_audience(tmp_path, monkeypatch, "http://127.0.0.1:1/")
    for name, text in {"password": PASSWORD, "key": receiver.user_key.export_private_key().decode()}.items():
        (home / "secrets" / name).touch(mode=0o600)
        (home / "secrets" / name).write_text(text)
    configure(home, receiver)
    return home


def configure(home, receiver: SftpReceiver, *, login: str = "key: secrets/key", host_key: str = "", timeout: float = 5):
    (home / "destinations.yml").write_text(
        f"destinations:\n  drop:\n    kind: sftp\n    host: 127.0.0.1\n    port: {receiver.port}\n    user: {USER}\n"
        f"    folder: /in\n    host_key: {host_key or receiver.public_key}\n    {login}\n"
        f"    timeout_seconds: {timeout}\n"
    )


def files(receiver: SftpReceiver) -> list[str]:
    return sorted(file.name for file in (receiver.folder / "in").iterdir())


def test_an_audience_is_one_file_that_is_kept_equal_to_tonights(home, receiver):
    deliver(NIGHT, "drop")
    assert receiver.audience("letters") == mails(range(25))
    assert files(receiver) == ["letters.csv"]
    assert (receiver.folder / "in" / "letters.csv").stat().st_mode & 0o777 == 0o600
    assert books(home, NIGHT, "drop")["letters"]["delivered"] == 25
    configure(home, receiver, login="password: secrets/password")
    lay_audience(home, "letters", NEXT_NIGHT, range(5, 30))
    deliver(NEXT_NIGHT, "drop")
    assert receiver.audience("letters") == mails(range(5, 30))
    assert books(home, NEXT_NIGHT, "drop")["letters"]["removed"] == 5
    (home / "campaigns" / "letters.yml").unlink()
    lay_audience(home, "cards", NEXT_NIGHT, range(3))
    deliver(NEXT_NIGHT, "drop")
    assert receiver.audience("letters") == [], "a campaign that is no more has an audience of nobody"
    assert receiver.audience("cards") == mails(range(3))


def test_a_night_that_is_delivered_again_has_the_same_messages(home, receiver):
    deliver(NIGHT, "drop")
    deliver(NIGHT, "drop")
    first, second = (sorted(rows, key=lambda row: row["address"]) for rows in receiver.uploads)
    assert first == second
    assert len(receipts(home)) == 25


def test_a_server_with_another_host_key_gets_nothing(home, receiver):
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    for stranger in (other, asyncssh.generate_private_key("ecdsa-sha2-nistp256").export_public_key().decode().strip()):
        configure(home, receiver, host_key=stranger)
        with pytest.raises(DestinationRefuses, match="host key"):
            deliver(NIGHT, "drop")
    assert files(receiver) == []
    assert set(receipts(home)["reason"]) == {"not_tried"}
    assert books(home, NIGHT, "drop")["letters"]["waiting"] == 25
    configure(home, receiver, host_key=f"[{other}, {receiver.public_key}]")
    deliver(NIGHT, "drop")
    assert receiver.audience("letters") == mails(range(25)), "while a key is changed, either may be shown"


def test_an_account_that_is_not_let_in_is_said(home, receiver):
    (home / "secrets" / "password").write_text("wrong")
    configure(home, receiver, login="password: secrets/password")
    with pytest.raises(DestinationRefuses, match="a refusal to let the account in; correct `user`"):
        deliver(NIGHT, "drop")
    assert books(home, NIGHT, "drop")["letters"]["waiting"] == 25


@pytest.mark.parametrize(
    ("misbehaves", "error", "sentence"),
    [
        ("open: denied", DestinationRefuses, "no permission to write there"),
        ("write: disk full", DestinationDown, "sftp_failure"),
        ("write: hung up", DestinationDown, "no_connection"),
        ("write: silent", DestinationDown, "timeout"),
        ("write: half", DestinationDown, "short_file"),
        ("rename: done and hung up", DestinationDown, "no_connection"),
    ],
)
def test_a_server_that_stumbles_has_the_old_file_or_the_new(home, receiver, misbehaves, error, sentence):
    deliver(NIGHT, "drop")
    lay_audience(home, "letters", NEXT_NIGHT, range(5, 30))
    configure(home, receiver, timeout=0.5 if "silent" in misbehaves else 5)
    receiver.misbehaves = [misbehaves]
    with pytest.raises(error, match=f"{sentence}.*nothing is lost or doubled"):
        deliver(NEXT_NIGHT, "drop")
    is_there = misbehaves.startswith("rename")
    assert receiver.audience("letters") == mails(range(5, 30) if is_there else range(25))
    assert books(home, NEXT_NIGHT, "drop")["letters"]["waiting"] == 25
    deliver(NEXT_NIGHT, "drop")
    assert receiver.audience("letters") == mails(range(5, 30))
    assert files(receiver) == ["letters.csv"]
    found = receipts(home, NEXT_NIGHT)
    assert found.groupby(["action", "status"]).size().to_dict() == {
        ("add", "delivered"): 25,
        ("remove", "delivered"): 5,
    }
    assert set(found[found["action"] == "add"]["attempt"]) == {1 if misbehaves.startswith("open") else 2}
    ids = {(row["delivery_id"], row["address"]) for rows in receiver.uploads for row in rows}
    assert len(ids) == len({one for one, _ in ids}) == 50


def test_what_may_have_arrived_is_unknown_once_another_night_has_gone_on(home, receiver):
    receiver.misbehaves = ["rename: done and hung up"]
    with pytest.raises(DestinationDown):
        deliver(NIGHT, "drop")
    lay_audience(home, "letters", NEXT_NIGHT, range(5, 30))
    deliver(NEXT_NIGHT, "drop")
    assert receiver.audience("letters") == mails(range(5, 30))
    assert receipts(home).groupby(["status", "reason"]).size().to_dict() == {("unknown", "superseded"): 25}


def test_a_server_without_an_atomic_rename_gets_the_file_all_the_same(home, receiver):
    deliver(NIGHT, "drop")
    lay_audience(home, "letters", NEXT_NIGHT, range(5, 30))
    receiver.misbehaves = ["rename: not known"]
    deliver(NEXT_NIGHT, "drop")
    assert receiver.audience("letters") == mails(range(5, 30))
    assert files(receiver) == ["letters.csv"]


def test_who_is_erased_is_taken_out_of_the_file_or_waits_where_it_was_taken_away(home, receiver):
    deliver(NIGHT, "drop")
    assert withdrawn(home, 3) == ["removed"]
    assert receiver.audience("letters") == mails(one for one in range(25) if one != 3)
    (receiver.folder / "in" / "letters.csv").rename(receiver.folder / "taken.csv")
    assert withdrawn(home, 4) == ["waiting"], "whoever took the file may still write to the person"
    lay_audience(home, "letters", NEXT_NIGHT, range(5, 25))
    deliver(NEXT_NIGHT, "drop")
    assert receiver.audience("letters") == mails(range(5, 25))


def withdrawn(home, number: int) -> list[str]:
    folder = home / "erasures" / str(number)
    folder.mkdir(parents=True)
    OpenRequest(ENFORCE, Subject(person(number), (), (person(number),), (NIGHT,)), ()).write(folder)
    withdraw(folder, ENFORCE)
    return [one.status for one in DeliveriesReport.read(folder).found]


def test_its_library_is_loaded_by_those_alone_who_use_it(home):
    (home / "destinations.yml").write_text("destinations: {post: {kind: file, folder: ../delivered}}\n")
    code = (
        "import sys; from activation.destinations.reading import read_destinations; "
        "from contracts.settings import Settings; read_destinations(Settings.from_env(), []); "
        "sys.exit('asyncssh' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False).returncode == 0


def test_kills_at_any_moment_leave_a_whole_file(home, receiver):
    """Runs are killed with -9, wherever they are, and gone on with: the file is always that of one night, entire."""
    chance = random.Random(7)
    nights = [f"2027-01-{day:02d}" for day in range(1, 13)]
    people = {night: sorted(chance.sample(range(60), 40)) for night in nights}
    lay_town(home, 60, nights)
    lay_contacts(home, [f"acc-{one},{mail(one)}," for one in range(60)], "2027-01-01")
    number, kills = 0, 0
    lay_audience(home, "letters", nights[0], people[nights[0]])
    while kills < 8 and number < len(nights) - 1:
        at_its_end = kills % 2  # about the moment at which the file takes its name, or anywhere
        killed, ended = deliver_until_killed(
            nights[number],
            "drop",
            chance,
            within=(0, 0.02) if at_its_end else (0.05, 0.8),
            had=(lambda: len(receiver.uploads)) if at_its_end else None,
        )
        kills += killed
        if "letters.csv" in files(receiver):
            assert receiver.audience("letters") in [mails(people[night]) for night in nights[: number + 1]]
        if ended:
            number += 1
            lay_audience(home, "letters", nights[number], people[nights[number]])
    deliver(nights[number], "drop")
    assert receiver.audience("letters") == mails(people[nights[number]])
    for night in nights[: number + 1]:
        found = receipts(home, night)
        adds = found[(found["action"] == "add") & (found["status"] == "delivered")]
        assert sorted(adds["person_id"]) == sorted(person(one) for one in people[night]), "none is lost or doubled"
    ids = {(row["delivery_id"], row["plan"], row["address"]) for rows in receiver.uploads for row in rows}
    assert len(ids) == len({one for one, _, _ in ids}) == 40 * (number + 1)
