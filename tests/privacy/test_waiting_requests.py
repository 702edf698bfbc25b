"""A request waits under an id that says nothing of the person, until it is done or withdrawn."""

from __future__ import annotations

import stat

import pytest

from contracts.erasure import DRY_RUN, ENFORCE, OpenRequest, Subject
from contracts.errors import SettingsError
from contracts.keys import pseudonym_keys
from contracts.pseudonyms import pseudonym
from privacy.request import Request
from privacy.waiting_requests import WaitingRequests, show
from tests.spark_jobs.feeds_by_hand import settings_in


@pytest.fixture
def settings(tmp_path):
    """A home in which nothing has happened; no Spark is needed."""
    return settings_in(tmp_path)


def anna(settings, *more: str) -> Subject:
    """Anna by her account, and by further names."""
    keys = pseudonym_keys(settings)
    names = [pseudonym(keys, *name.split(":")) for name in ("account:anna01", *more)]
    return Subject(names[0], identifiers=tuple(names), person_ids=(), days=())


def test_a_request_is_the_owners_alone_until_it_is_done(settings):
    waiting = WaitingRequests(settings)
    name = waiting.add("account:anna01")
    assert len(name) == 12
    assert int(name, 16) >= 0
    [file] = settings.home.erasures.glob("*/*.json")
    assert file.stem == name
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == stat.S_IMODE(file.parent.parent.stat().st_mode) == 0o700
    assert waiting.get(name).subject == "account:anna01"
    waiting.done(anna(settings))
    assert not file.exists()


@pytest.mark.parametrize("unknown", ["0123456789ab", "../../secrets/pseudonym", "", "*"])
def test_an_unknown_id_is_refused_in_a_sentence(settings, unknown):
    for act in (WaitingRequests(settings).get, WaitingRequests(settings).withdraw):
        with pytest.raises(SettingsError, match="the id of a request that waits"):
            act(unknown)


@pytest.mark.parametrize("subject", ["", "anna01", "accounts:anna01", "account: "])
def test_what_names_nobody_is_not_kept(settings, subject):
    with pytest.raises(SettingsError, match="for example --subject account:anna01"):
        WaitingRequests(settings).add(subject)
    assert not settings.home.erasures.exists()


def test_a_request_can_be_withdrawn(settings):
    waiting = WaitingRequests(settings)
    first, second = waiting.add("account:anna01"), waiting.add("email:ben@example.org")
    waiting.withdraw(first)
    assert [one.id for one in waiting.all()] == [second]
    assert [file.stem for file in settings.home.erasures.rglob("*") if file.is_file()] == [second]


def test_a_request_whose_erasure_has_begun_cannot_be_withdrawn(settings):
    waiting = WaitingRequests(settings)
    name = waiting.add("cookie:c-1")
    begun = Request.new(settings.home.erasures)
    begun.begin(OpenRequest(ENFORCE, anna(settings, "cookie:c-1"), ()))
    with pytest.raises(SettingsError, match=f"--request {name} --enforce"):
        waiting.withdraw(name)
    begun.end()
    waiting.withdraw(name)
    assert waiting.all() == []


def test_every_request_of_a_person_is_done_with_the_first(settings):
    waiting = WaitingRequests(settings)
    for subject in ("account:Anna01", "cookie:c-1", pseudonym(pseudonym_keys(settings), "account", "anna01")):
        waiting.add(subject)
    ben = waiting.add("account:ben")
    waiting.done(anna(settings, "cookie:c-1"))
    assert [one.id for one in waiting.all()] == [ben]


def test_the_list_says_what_was_done_and_no_name(settings, capsys):
    waiting = WaitingRequests(settings)
    name, other = waiting.add("account:anna01"), waiting.add("account:ben")
    waiting.note(name, mode=DRY_RUN, outcome="would be forgotten", receipt="20261127-0a")
    begun = Request.new(settings.home.erasures)
    begun.begin(OpenRequest(ENFORCE, anna(settings), ()))
    alone = Request.new(settings.home.erasures)
    alone.begin(OpenRequest(ENFORCE, Subject("p0", (), ("p0",), ()), ()))
    show(settings)
    listed = capsys.readouterr().out
    assert "dry_run: would be forgotten, receipt 20261127-0a" in listed
    assert f"erasure {begun.id} has begun and not ended: give `forget --request {name} --enforce`" in listed
    assert f"erasure {alone.id} has begun and not ended: give the same `forget --subject` once more" in listed
    assert other in listed
    assert listed.endswith("waiting: 2\n")
    assert "anna" not in listed and "ben" not in listed


def test_requests_of_an_earlier_release_wait_on(settings):
    former = settings.home.erasures / "asked"
    former.mkdir(parents=True)
    (former / "0123456789ab.json").write_text('{"subject": "account:anna01"}')
    [request] = WaitingRequests(settings).all()
    assert (request.id, request.subject, request.attempts) == ("0123456789ab", "account:anna01", ())
    assert request.made.endswith(" UTC")
    WaitingRequests(settings).withdraw(request.id)
    assert not list(settings.home.erasures.glob("*/*.json"))
