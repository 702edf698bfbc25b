"""A person puts an earlier champion back: what moves, what is refused, and who was champion when."""

from __future__ import annotations

import json

import pytest

from contracts.errors import ModelError
from contracts.settings import Settings
from contracts.verdicts import last_champions
from tests.training.copied_versions import copied
from training.promote import main
from training.put_back import champion_on, put_back
from training.registry.client import CHALLENGER, CHAMPION, PROMOTED, Registry

DAY = "2026-11-20"


@pytest.fixture
def registry(own_home):  # noqa: ARG001  the home that the settings name
    return Registry.of(Settings.from_env())


@pytest.fixture
def three(registry):
    """Versions 1 and 2 have been champion, version 3 is; version 4 is its challenger."""
    registry.promote(registry.version("next_item", "1"))
    for _ in range(2):
        registry.promote(copied(registry, without=(PROMOTED,)))
    registry.set_alias(copied(registry, without=(PROMOTED,)), CHALLENGER)
    return registry


def lines(home) -> list[dict]:
    file = home / "ledger.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def said(capsys) -> str:
    return capsys.readouterr().out


def aliases(registry: Registry) -> tuple[str, str]:
    return tuple(registry.aliased("next_item", alias).number for alias in (CHAMPION, CHALLENGER))


def test_a_version_is_put_back_and_written_down(own_home, three, monkeypatch, capsys):
    arguments = ["promote", "--model", "next_item", "--back-to", "1", "--by", "ada"]
    monkeypatch.setattr("sys.argv", [*arguments, "--mode", "dry_run"])
    main()
    assert aliases(three) == ("3", "4")
    assert "version 1, which learned from 2026-11-20, would be champion in place of version 3" in said(capsys)
    assert last_champions(own_home / "ledger.jsonl") == {}

    for folder in ("online/current", "lake/scores/ds=2026-11-20"):
        (own_home / folder).mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr("sys.argv", arguments)
    main()
    assert aliases(three) == ("1", "4")
    line = lines(own_home)[-1]
    assert (line["decision"], line["version"], line["previous_champion"], line["by"]) == ("put back", "1", "3", "ada")
    assert line["reasons"] == ["put back by ada in place of version 3"]
    words = said(capsys)
    assert "version 1, which learned from 2026-11-20, is champion again, in place of version 3" in words
    assert "python -m serving.score --ds 2026-11-20\n" in words
    assert "for the API to answer from it: python -m serving.store --ds 2026-11-20\n" in words
    assert last_champions(own_home / "ledger.jsonl") == {"next_item": "1"}


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        ("9", "expected a registered version of next_item, but received version 9, which there never was; nothing"),
        (
            "2",
            "received version 2, which was removed by a cleaning or by a person; nothing was moved; there are 1, 3, 4",
        ),
        ("3", "received version 3, which is champion already"),
        ("4", "expected a version of next_item that has been champion, but received version 4, which never was"),
        ("zero", "received version zero, which there never was"),
    ],
)
def test_what_cannot_be_put_back_is_refused_and_nothing_moves(own_home, three, number, sentence):
    three.client.delete_model_version("next_item", "2")
    with pytest.raises(ModelError, match=sentence):
        put_back("next_item", number, by="ada")
    assert aliases(three) == ("3", "4")
    assert lines(own_home) == []


def test_versions_that_learned_from_the_forgotten_or_are_not_whole_are_refused(own_home, three):
    three.client.set_model_version_tag("next_item", "1", "forgotten", "2 people since 2026-11-21")
    with pytest.raises(ModelError, match="version 1 of next_item, which learned from 2 people since 2026-11-21"):
        put_back("next_item", "1", by="ada")
    with pytest.raises(ModelError, match="expected the name of who puts a version back, but received none"):
        put_back("next_item", "2", by=None)
    for tag in three.version("next_item", "2").tags:
        if tag.startswith("sha256."):
            three.client.set_model_version_tag("next_item", "2", tag, "0" * 64)
    with pytest.raises(ModelError, match=f"of next_item version 2 with SHA-256 {'0' * 64}"):
        put_back("next_item", "2", by="ada")
    three.client.delete_model_version_tag("next_item", "2", "ds")
    with pytest.raises(ModelError, match="version 2 of next_item as training registers it"):
        put_back("next_item", "2", by="ada")
    assert aliases(three) == ("3", "4")
    assert lines(own_home) == []


def test_who_was_champion_on_a_day(own_home):
    def line(when: str, version: str, decision: str = "promoted", by: str | None = None, **more) -> str:
        return json.dumps(
            {"when": when, "model": "next_item", "version": version, "decision": decision, "by": by, **more}
        )

    (own_home / "ledger.jsonl").write_text(
        "\n".join(
            [
                line("2026-11-19T02:30:00+00:00", "1"),
                line("2026-11-20T02:30:00+00:00", "2", "refused"),
                line("2026-11-20T02:40:00+00:00", "2", by="bob"),
                line("2026-11-20T23:30:00-02:00", "1", "put back", by="ada"),
                line("2026-11-21T01:40:00+00:00", "3", dry_run=True),
            ]
        )
    )
    assert champion_on(["next_item", "response"], "2026-11-18") == [
        "next_item: on 2026-11-18 there was no champion: its first, version 1, came on 2026-11-19",
        "response: on 2026-11-18 there was no champion: there has been none so far",
    ]
    (found,) = champion_on(["next_item"], "2026-11-20")
    assert found == (
        "next_item: on 2026-11-20 version 2 was champion, approved by bob at 2026-11-20T02:40:00+00:00; until then "
        "that day version 1"
    )
    (found,) = champion_on(["next_item"], "2026-11-22")
    assert found == "next_item: on 2026-11-22 version 1 was champion, put back by ada at 2026-11-21T01:30:00+00:00"
    with pytest.raises(ModelError, match="expected a day that has begun, but received 9999-01-01"):
        champion_on(["next_item"], "9999-01-01")
