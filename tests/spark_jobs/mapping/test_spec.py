"""Mapping files are checked before Spark starts, and a wrong name is an error that teaches."""

from __future__ import annotations

import pytest

from contracts.errors import MappingError
from spark_jobs.mapping import job as map_source
from spark_jobs.mapping.spec import known_sources, load_spec
from tests.spark_jobs.feeds_by_hand import deliver, post

GOOD = """\
about: a tiny source
read:
  format: delimited
  files: "*.dat"
  separator: ";"
  columns: [who, what]
let:
  account: pseudonym('account', who)
write:
  events:
    - columns:
        event_id: keyed(raw_text)
        identifier: account
        occurred_at: raw_ds
        action: "'rate'"
        item_id: what
"""


def load(tmp_path, text: str):
    (tmp_path / "tiny.yml").write_text(text)
    return load_spec("tiny", tmp_path)


def error_of(tmp_path, before: str, after: str) -> str:
    """The error of the good mapping with one thing changed."""
    assert before in GOOD
    with pytest.raises(MappingError) as error:
        load(tmp_path, GOOD.replace(before, after, 1))
    return str(error.value)


def test_every_bundled_mapping_fits_the_contracts():
    expected = {
        "apache_combined",
        "catalogue",
        "generic_survey_csv",
        "mastodon",
        "movietweetings",
        "movietweetings_items",
        "qualtrics_csv",
    }
    assert set(known_sources()) >= expected
    for source in known_sources():
        spec = load_spec(source)
        assert spec.source == source
        assert spec.writings
        assert spec.about


def test_a_mapping_is_read_as_it_stands(tmp_path):
    spec = load(tmp_path, GOOD)
    assert spec.read.columns == ("who", "what")
    assert (spec.read.delivery, spec.read.quarantine_limit_share, spec.key) == ("daily", 0.05, "raw_text")
    [writing] = spec.writings
    assert writing.table.name == "events"
    assert writing.columns["item_id"] == "what"
    assert (writing.where, writing.for_each) == ("true", "")


def test_translation_reaches_every_expression(tmp_path):
    text = GOOD.replace("let:", "bots: b\nkey: k\nsessions: {by: s, silence_minutes: 30}\ndrop: {d: d}\nlet:")
    text = text.replace("    - columns:", "    - where: w\n      for_each: f\n      columns:")
    text += "quarantine: {q: q}\n"
    spec = load(tmp_path, text).translated(lambda expression: expression.upper())
    [writing] = spec.writings
    assert (spec.bots, spec.key, spec.sessions.by, spec.drop["d"], spec.quarantine["q"]) == ("B", "K", "S", "D", "Q")
    assert (writing.where, writing.for_each, writing.columns["item_id"]) == ("W", "F", "WHAT")
    assert spec.let["account"] == "PSEUDONYM('ACCOUNT', WHO)"


def test_what_a_pseudonym_hashes_has_a_name_of_its_own_that_the_mapping_does_not_use(tmp_path):
    taken = "pseudonym('account', lower(who) || ' ' || what)\n  account_argument_0: what"
    spec = load(tmp_path, GOOD.replace("pseudonym('account', who)", taken))
    assert spec.let == {
        "account_argument_1": "lower(who) || ' ' || what",
        "account": "pseudonym('account', account_argument_1)",
        "account_argument_0": "what",
    }


def test_an_unknown_column_names_its_line_and_what_would_have_fitted(tmp_path):
    text = error_of(tmp_path, "item_id: what", "itemid: what")
    assert "line 16 of tiny.yml" in text
    assert "write.events.0.columns.itemid" in text
    assert "did you mean 'item_id'?" in text


def test_an_unknown_table_names_its_line_and_what_would_have_fitted(tmp_path):
    text = error_of(tmp_path, "  events:", "  event:")
    assert "line 10 of tiny.yml" in text
    assert "did you mean 'events'?" in text


def test_an_unknown_section_names_its_line_and_what_would_have_fitted(tmp_path):
    text = error_of(tmp_path, "let:", "lets:")
    assert "line 7 of tiny.yml" in text
    assert "did you mean 'let'?" in text


def test_an_unknown_format_names_its_line_and_what_would_have_fitted(tmp_path):
    text = error_of(tmp_path, "format: delimited", "format: delimitted")
    assert "line 3 of tiny.yml" in text
    assert "did you mean 'delimited'?" in text


def test_an_unknown_reading_key_and_delivery_are_errors_too(tmp_path):
    assert "did you mean 'separator'?" in error_of(tmp_path, "separator:", "seperator:")
    assert "one of daily, occasional" in error_of(tmp_path, "  format:", "  delivery: hourly\n  format:")


def test_a_missing_required_column_is_named(tmp_path):
    text = error_of(tmp_path, "        identifier: account\n", "")
    assert "'identifier' under write.events.0.columns in line 11 of tiny.yml" in text
    assert "add that line" in text


@pytest.mark.parametrize("section", ["read", "write"])
def test_a_missing_section_is_named(tmp_path, section):
    with pytest.raises(MappingError, match=f"'{section}'"):
        load(tmp_path, GOOD.replace(f"{section}:", "quarantine:" if section == "read" else "drop:", 1))


def test_broken_yaml_names_its_line(tmp_path):
    text = error_of(tmp_path, "  columns: [who, what]", "  columns: [who, what")
    assert "YAML in tiny.yml" in text
    assert "in line 7" in text


def test_a_list_where_names_belong_is_an_error_and_no_traceback(tmp_path):
    assert "name: value" in error_of(tmp_path, "read:\n", "read: [a, b]\nquarantine:\n")


def test_an_unknown_source_names_the_close_one():
    with pytest.raises(MappingError, match="did you mean 'mastodon'") as error:
        load_spec("mastodont")
    assert "or write that file" in str(error.value)


def test_an_expression_that_spark_does_not_understand_is_a_mapping_error(settings, monkeypatch):
    """The names inside an expression are known to Spark alone; its error becomes one of ours."""
    bundled = load_spec("mastodon")
    monkeypatch.setattr(
        map_source, "load_spec", lambda _: bundled.translated(lambda sql: sql.replace("account.acct", "acount.acct"))
    )
    deliver(settings, "mastodon", "statuses.jsonl", [post("1")])
    with pytest.raises(MappingError, match="acount") as error:
        map_source.map_source(settings, "mastodon", "2026-11-19")
    assert "mastodon.yml" in str(error.value)
    assert not (settings.home.lake / "events").exists()


def test_a_key_of_another_format_is_refused_with_the_keys_that_the_format_has(tmp_path):
    text = error_of(tmp_path, "  separator:", "  header_rows: 2\n  separator:")
    assert "a key of the format delimited (format, files, " in text
    assert "separator, columns" in text
    assert "line 5 of tiny.yml (read.header_rows)" in text
    assert "that key belongs to csv" in text


def test_a_format_without_its_keys_is_refused(tmp_path):
    assert "'columns' under read" in error_of(tmp_path, "  columns: [who, what]\n", "")
