"""`retention.yml` is read strictly, and what must stay cannot be given a life span."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import SettingsError
from contracts.life_spans import KEPT_TABLES, LifeSpans
from contracts.settings import Settings
from contracts.tables import TABLES


@pytest.fixture
def written(tmp_path):
    def write(text: str) -> Path:
        file = tmp_path / "retention.yml"
        file.write_text(text)
        return file

    return write


def test_days_forever_and_what_is_not_named(written):
    spans = LifeSpans.read(
        written("raw: 30\ntables:\n  events: forever\n  answers: 7\n  marts: 3\nmodels: {versions: 2}\n")
    )
    assert (spans.raw, spans.raw_elsewhere, spans.logs, spans.versions) == (30, None, None, 2)
    assert spans.tables["events"] is None
    assert spans.tables["answers"] == 7
    assert spans.tables["dim_item"] == spans.tables["training_responses"] == spans.marts == 3
    assert spans.tables["scores"] is None


def test_the_default_names_every_table_that_may_be_named():
    file = Settings.from_env({}).retention
    spans, text = LifeSpans.read(file), file.read_text()
    assert {*spans.tables, *KEPT_TABLES} >= {*TABLES}
    for table, span in spans.tables.items():
        assert span is not None or f"\n  {table}: forever\n" in text, f"{table} has no line in {file.name}"
    assert spans.raw_elsewhere is None, "a folder that somebody else delivers to"
    assert spans.tables["events"] > 365 > spans.marts


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("raw: 30\nlogs: -1\n", "number of at least 1 in line 2 of retention.yml (logs), but received -1"),
        ("tables:\n  events: 0\n", "line 2 of retention.yml (tables.events), but received 0"),
        ("tables:\n  events: 1.5\n", "line 2 of retention.yml (tables.events)"),
        (
            "tables:\n  event: 30\n",
            "line 2 of retention.yml (tables.event), but received 'event'; did you mean 'events'?",
        ),
        ("raws: 30\n", "did you mean 'raw'?"),
        ("logs: never\n", "at least 1, or `forever`, in line 1 of retention.yml (logs), but received 'never'"),
        ("events: 30\n", "expected events under `tables` in line 1"),
        ("tables:\n  dim_item: 30\n", "write `marts: 14`"),
        ("models:\n  version: 3\n", "did you mean 'versions'?"),
        ("tables:\n  consents: 30\n", "it is kept, as it proves who agreed to what"),
        ("tables:\n  identity_edges: 3\n", "expected no life span of identity_edges in line 2"),
        ("ledger: 30\n", "it is kept, as it says why each champion became one"),
        ("erasures: 30\n", "receipts prove that people were forgotten"),
        ("tombstones: forever\n", "by them nobody comes back who was forgotten"),
        ("raw: 1\nraw: 2\n", "'raw' again, as in line 1 in line 2"),
        ("", "nothing in line 1"),
    ],
)
def test_a_mistake_is_a_sentence_with_its_line(written, text, words):
    with pytest.raises(SettingsError) as error:
        LifeSpans.read(written(text))
    assert words in str(error.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SettingsError, match="correct NIGHTSHIFT_RETENTION, or unset it"):
        LifeSpans.read(tmp_path / "none.yml")
