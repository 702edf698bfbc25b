"""Lost keys and wrong ones: a lake is not gone on with, and a sentence says what can no longer be done."""

from __future__ import annotations

import pytest

from contracts.errors import LakeError, SettingsError
from contracts.keys import fingerprint, pseudonym_keys, remember, write_keys
from contracts.lake import Lake
from contracts.settings import Settings

KEYS = (b"\xab" * 32, b"\xcd" * 32)


@pytest.fixture
def settings(tmp_path) -> Settings:
    """A home whose lake was hashed under KEYS."""
    settings = Settings.from_env({"NIGHTSHIFT_HOME": str(tmp_path)})
    write_keys(settings.pseudonym_key_file, KEYS)
    remember(settings.home.lake, pseudonym_keys(settings))
    return settings


def test_a_lost_key_is_not_made_anew_and_the_sentence_says_what_is_lost(settings):
    settings.pseudonym_key_file.unlink()
    with pytest.raises(SettingsError) as error:
        pseudonym_keys(settings)
    sentence = str(error.value)
    for part in (
        f"the keys of the lake {settings.home.lake}",
        "no such file",
        "restore it from its backup",
        "new deliveries cannot be joined to the people known here",
        "no person can be found by a raw name (by pseudonym or person id they still can)",
        "keys cannot be rotated",
        "begin a new lake",
    ):
        assert part in sentence
    assert not settings.pseudonym_key_file.exists()


def test_a_lake_of_before_there_were_marks_is_not_given_a_new_key_either(tmp_path):
    settings = Settings.from_env({"NIGHTSHIFT_HOME": str(tmp_path)})
    (settings.home.lake / "events" / "ds=2026-11-19").mkdir(parents=True)
    with pytest.raises(SettingsError, match="no such file"):
        pseudonym_keys(settings)


@pytest.mark.parametrize("keys", [KEYS[:1], KEYS[::-1], (*KEYS, KEYS[0]), (b"\x01" * 32,)], ids=repr)
def test_other_keys_are_refused_and_not_shown(settings, keys):
    write_keys(settings.pseudonym_key_file, keys)
    with pytest.raises(SettingsError) as error:
        pseudonym_keys(settings)
    assert f"fingerprint {fingerprint(KEYS)}" in str(error.value)
    assert all(key.hex() not in str(error.value) for key in (*keys, *KEYS))


def test_the_mark_is_written_once_and_follows_a_rotation(settings):
    remember(settings.home.lake, KEYS[:1])
    assert pseudonym_keys(settings) == KEYS
    write_keys(settings.pseudonym_key_file, KEYS[:1])
    remember(settings.home.lake, KEYS[:1], rotated=True)
    assert pseudonym_keys(settings) == KEYS[:1]


def test_no_step_begins_while_a_rotation_is_not_ended(settings):
    lake = Lake(settings.home.lake)
    settings.home.rotation.write_text("{}")
    for taken in (lake.among_others(), lake.alone(), Lake(settings.home.audiences).among_others()):
        with pytest.raises(LakeError, match="privacy rotate-key"), taken:
            pass
    with lake.alone(rotating=True):
        pass
