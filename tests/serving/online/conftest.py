"""A store of the trained town, and an API on it."""

import json

import pytest
from starlette.testclient import TestClient

from contracts.keys import pseudonym_keys
from contracts.pseudonyms import pseudonym
from contracts.settings import Settings
from serving.online.app import app_of
from serving.online.callers import callers_file
from serving.online.service import Service
from serving.store import build_store
from tests.homes import copied_home
from tests.training.markov_town import DS, person, publish


@pytest.fixture(scope="session")
def stored_home(served_home, tmp_path_factory):
    """The served town with identifiers, arms of an experiment and a store; person n has the account `acc-n`."""
    home = copied_home(served_home, tmp_path_factory.mktemp("stored") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHTSHIFT_HOME", str(home))
        patch.setenv("NIGHTSHIFT_CAMPAIGNS", str(home / "campaigns"))
        settings = Settings.from_env()
        lake_mark = home / "lake" / ".key"
        key = settings.pseudonym_key_file
        if not key.exists():
            key.parent.mkdir(parents=True, exist_ok=True)
            key.write_text("ab" * 32 + "\n")
            lake_mark.unlink(missing_ok=True)
        keys = pseudonym_keys(settings)
        rows = [(f"acc-{number}", person(number)) for number in range(120)]
        rows += [("newcomer", "pffffffffffffffff"), ("second of 1", person(1))]
        publish(
            home,
            "persons",
            [
                {"identifier": pseudonym(keys, "account", name), "person_id": person_id, "first_ds": DS}
                for name, person_id in rows
            ],
        )
        publish(
            home,
            "assignments",
            [
                {"person_id": person(number), "experiment": "letter", "arm": "holdout" if number % 3 else "short"}
                for number in range(0, 120, 2)
            ],
        )
        build_store(DS)
    return home


@pytest.fixture
def home(stored_home, tmp_path, monkeypatch):
    """A copy that a test may change."""
    copy = copied_home(stored_home, tmp_path / "home")
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(copy))
    monkeypatch.setenv("NIGHTSHIFT_CAMPAIGNS", str(copy / "campaigns"))
    return copy


@pytest.fixture
def service(home):  # noqa: ARG001  it is where the settings point to
    service = Service(Settings.from_env())
    yield service
    service.close()


@pytest.fixture
def client(service):
    """A caller with its key."""
    [caller] = json.loads(callers_file(service.settings.home).read_text()).values()
    assert callers_file(service.settings.home).stat().st_mode & 0o077 == 0
    # without the context manager, nothing looks for changes but the tests themselves
    return TestClient(app_of(service), headers={"X-API-Key": caller["key"]}, raise_server_exceptions=False)
