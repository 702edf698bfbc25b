"""Tombstones: one keyed hash an identifier, the same whatever keys come later."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from contracts.errors import SettingsError
from contracts.home import Home
from contracts.tombstones import Tombstones

FIRST, SECOND = bytes(range(32)), bytes(range(32, 64))
ANNA = "account:" + "0" * 32


def test_a_tombstone_is_an_hmac_under_the_newest_key_and_names_its_number(tmp_path):
    stones = Tombstones.of(Home(tmp_path))
    assert stones.add([FIRST, SECOND], [ANNA, ANNA]) == 1
    expected = hmac.new(SECOND, f"tombstone {ANNA}".encode(), hashlib.sha256).hexdigest()[:32]
    assert json.loads((tmp_path / "tombstones.jsonl").read_text()) == {"generation": 2, "hash": expected}
    assert stones.holds([FIRST, SECOND], ANNA)
    assert not stones.holds([FIRST, SECOND], ANNA.replace("account", "email"))


def test_a_second_tombstone_of_the_same_identifier_adds_nothing(tmp_path):
    stones = Tombstones.of(Home(tmp_path))
    assert [stones.add([FIRST], [ANNA]), stones.add([FIRST], [ANNA]), stones.add([FIRST], ["x"])] == [1, 0, 1]
    assert [len(hashes) for hashes in stones.by_generation(1).values()] == [2]


def test_no_file_is_nobody(tmp_path):
    assert Tombstones.of(Home(tmp_path)).by_generation(1) == {}


def test_a_lost_key_is_an_error_and_not_a_return_of_the_erased(tmp_path):
    Tombstones.of(Home(tmp_path)).add([FIRST, SECOND], [ANNA])
    with pytest.raises(SettingsError, match=r"at least 2 pseudonym keys.*received 1; restore the key file"):
        Tombstones.of(Home(tmp_path)).by_generation(1)
