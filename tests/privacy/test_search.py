"""The search finds a value in every format that a run writes, and says which file and what, never the value."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sqlite3
import zipfile
import zlib

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import SettingsError
from privacy.matcher import SearchPatterns
from privacy.search import Allowed, files_below, search

MAIL = "leo.olsen845@mail.example"
HELLO = f"he wrote from {MAIL}, yesterday".encode()


def zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("weights/names.json", content)
    return buffer.getvalue()


def parquet(values: list, name: str = "raw", **options) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({name: values}), buffer, **options)
    return buffer.getvalue()


PACKED = {
    "plain.log": HELLO,
    "upper.txt": HELLO.upper(),
    "encoded.log": b"GET /?subscriber=leo.olsen845%40mail.example HTTP/1.1",
    "one.gz": gzip.compress(HELLO),
    "two_members.gz": gzip.compress(b"nothing" * 20_000) + gzip.compress(HELLO),
    "truncated.gz": gzip.compress(HELLO * 10_000)[:-40],
    "one.bz2": bz2.compress(HELLO),
    "one.xz": lzma.compress(HELLO),
    "model.keras": zipped(HELLO),
    "zip_in_gzip.gz": gzip.compress(zipped(gzip.compress(HELLO))),
    "snappy.parquet": parquet(["x", HELLO.decode()]),
    "zstd.parquet": parquet([["x"], [HELLO.decode()]], compression="zstd"),
    "struct.parquet": parquet([{"a": 1, "b": HELLO.decode()}], compression="gzip"),
    "plain_pages.parquet": parquet([MAIL] * 3, use_dictionary=False, write_statistics=False),
    "in_zip.npz": zipped(parquet([MAIL])),
}


@pytest.mark.parametrize("name", PACKED)
def test_a_value_is_found_however_it_is_packed(name, tmp_path):
    (tmp_path / name).write_bytes(PACKED[name])
    found = search(tmp_path, files_below(tmp_path), SearchPatterns({MAIL: "email"}))
    assert set(found.places) == {(name, "email")}
    assert found.files == 1
    assert search(tmp_path, files_below(tmp_path), SearchPatterns({"leo.olsen84@mail.example": "email"})).total == 0


def test_cells_of_databases_are_found_and_those_of_a_deleted_table_s_pages_too(tmp_path):
    with duckdb.connect(str(tmp_path / "w.duckdb")) as connection:
        connection.execute("create schema deep")
        connection.execute("create table deep.t as select {'a': [?]} as nested from range(10000)", [MAIL])
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("create table t (words text, packed blob)")
        connection.execute("insert into t values ('x', ?)", [zlib.compress(HELLO)])
    connection.close()
    found = search(tmp_path, files_below(tmp_path), SearchPatterns({MAIL: "email"}))
    assert {file for file, _ in found.places} == {"w.duckdb", "a.db"}


def test_a_name_of_a_file_is_searched_and_links_are_not_followed(tmp_path):
    (tmp_path / f"{MAIL}.txt").write_text("nothing")
    (tmp_path / "link").symlink_to(tmp_path / f"{MAIL}.txt")
    found = search(tmp_path, files_below(tmp_path), SearchPatterns({MAIL: "email"}))
    assert (found.files, found.total) == (1, 1)


def test_what_cannot_be_read_does_not_pass_for_clean(tmp_path):
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and then nothing of the kind")
    found = search(tmp_path, files_below(tmp_path), SearchPatterns({MAIL: "email"}))
    [(file, what)] = found.places
    assert (file, what.startswith("what cannot be read")) == ("broken.parquet", True)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("write to a.b+c@d-e.example!", "an e-mail address"),
        ("call +49 170 1234567", "a phone number"),
        ("call 0170 1234567", "a phone number"),
        ("from 203.0.113.7 today", "a full IP address"),
        ("from 2001:db8:0:648:1::1 today", "a full IP address"),
        ("2026-11-19 10:00:00.123456 took 0.1234567 s", None),
        ("203.0.113.0/24 and version 1.2.3", None),
        ("11:59:00 [email] @handle 10.5.2.1.7", None),
    ],
)
def test_patterns_are_found_in_text_and_only_there(text, kind, tmp_path):
    (tmp_path / "a.txt").write_text(text)
    (tmp_path / "a.bin").write_bytes(b"\0" + text.encode())
    found = search(tmp_path, files_below(tmp_path), SearchPatterns({}), allowed=Allowed.listed())
    assert dict(found.places) == ({("a.txt", kind): 1} if kind else {})


def test_what_is_allowed_is_counted_with_its_reason(tmp_path):
    (tmp_path / "a.log").write_text("listens on 127.0.0.1")
    found = search(tmp_path, files_below(tmp_path), SearchPatterns({}), allowed=Allowed.listed())
    assert (found.total, dict(found.allowed)) == (0, {"addresses of every machine itself": 1})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("- what: a\n  were: b\n  why: c\n", r"in line 2 of allowed.yml \(0.were\), .*did you mean 'where'"),
        ("- {what: a, where: b}\n", "'why' under 0 in line 1 of allowed.yml"),
        ("- what: a\n  where: '('\n  why: c\n", r"a regular expression in line 2 of allowed.yml \(0.where\)"),
        ("what: a\n", "a list under the file in line 1 of allowed.yml"),
    ],
)
def test_what_cannot_be_allowed_names_its_line(tmp_path, text, sentence):
    file = tmp_path / "allowed.yml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=sentence):
        Allowed.listed(file)
