"""A request is kept under an id that says nothing of the person, and destroyed when it is done."""

import stat

import pytest

from contracts.errors import SettingsError
from contracts.settings import Settings
from privacy import waiting_requests as asked
from privacy.__main__ import main


def test_a_request_is_the_owners_alone_until_it_is_done(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    main(["forget", "--subject", "account:anna01", "--prepare"])
    name = capsys.readouterr().out.strip()
    assert len(name) == 12
    assert int(name, 16) >= 0
    file = tmp_path / "erasures" / "asked" / f"{name}.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == stat.S_IMODE(file.parent.parent.stat().st_mode) == 0o700

    settings = Settings.from_env()
    assert asked.subject_of(settings, name) == "account:anna01"
    asked.done(settings, name)
    assert not file.exists()
    for unknown in (name, "../../secrets/pseudonym", ""):
        with pytest.raises(SettingsError, match="the id of a request that waits"):
            asked.subject_of(settings, unknown)
