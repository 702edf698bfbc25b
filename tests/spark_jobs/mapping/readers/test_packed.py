"""Packed and encoded files are read as their own tools read them."""

from __future__ import annotations

import bz2
import gzip
import subprocess

import pyarrow as pa
import pytest

from spark_jobs.mapping.readers.packed import Unreadable, as_read, open_bytes, open_text, size_of, spark_reads

LINES = b"one\ntwo\n" * 50
GZIP, BZIP2 = gzip.compress(LINES, mtime=0), bz2.compress(LINES)
ZSTD = pa.Codec("zstd").compress(LINES).to_pybytes()
SKIPPED = b"\x50\x2a\x4d\x18\x04\0\0\0abcd"
"""A frame of zstd that holds no data."""


@pytest.mark.parametrize(
    ("name", "content", "times"),
    [
        ("plain.log", LINES, 1),
        ("one.gz", GZIP, 1),
        ("members.gz", GZIP + GZIP, 2),
        ("padded.gz", GZIP + b"\0" * 512, 1),
        ("one.bz2", BZIP2, 1),
        ("streams.bz2", BZIP2 + BZIP2, 2),
        ("one.zst", ZSTD, 1),
        ("frames.zst", ZSTD + SKIPPED + ZSTD, 2),
        ("access.log.1", GZIP, 1),
        ("access.log.2", BZIP2 + BZIP2, 2),
        ("access.log", ZSTD, 1),
    ],
)
def test_what_is_joined_or_padded_is_read_whole(tmp_path, name, content, times):
    file = tmp_path / name
    file.write_bytes(content)
    assert size_of(file) == len(LINES) * times
    with open_bytes(file) as stream:
        assert stream.read() == LINES * times


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("cut.gz", GZIP[:-3], "truncated_gzip"),
        ("none.gz", b"no gzip at all", "broken_gzip"),
        ("behind.gz", GZIP + b"words", "broken_gzip"),
        ("cut.bz2", BZIP2[:-3], "truncated_bzip2"),
        ("none.bz2", b"no bzip2 at all", "broken_bzip2"),
        ("cut.zst", ZSTD[:-3], "truncated_zstd"),
        ("none.zst", b"no zstd at all", "broken_zstd"),
        ("behind.zst", ZSTD + b"words", "broken_zstd"),
        ("export.zip", b"PK", "unknown_packing"),
    ],
)
def test_what_is_broken_is_set_aside_by_its_reason(tmp_path, name, content, reason):
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(Unreadable, match=f"^{reason}$"):
        size_of(file)


@pytest.mark.parametrize(("tool", "content"), [("gzip", GZIP + b"\0" * 512), ("bzip2", BZIP2 * 2), ("zstd", ZSTD * 2)])
def test_the_tools_themselves_say_the_same(tmp_path, tool, content):
    file = tmp_path / f"x.{ {'gzip': 'gz', 'bzip2': 'bz2', 'zstd': 'zst'}[tool] }"
    file.write_bytes(content)
    try:
        by_tool = subprocess.run([tool, "-dc", file], capture_output=True, check=False).stdout
    except FileNotFoundError:
        pytest.skip(f"{tool} is not installed")
    with open_bytes(file) as stream:
        assert stream.read() == by_tool


def test_spark_reads_by_itself_only_what_it_reads_alike(tmp_path):
    cases = {"a.log": LINES, "b.gz": GZIP, "c.gz": GZIP * 2, "d.gz": GZIP + b"\0", "e.bz2": BZIP2, "f.zst": ZSTD}
    cases["g.log"] = LINES.decode().encode("utf-16")
    cases["h.log"] = GZIP
    found = {}
    for name, content in cases.items():
        file = tmp_path / name
        file.write_bytes(content)
        found[name] = spark_reads(file, size_of(file), "utf-8")
    assert [name for name, alone in found.items() if alone] == ["a.log", "b.gz"]


def test_a_byte_order_mark_decides_and_no_byte_is_lost(tmp_path):
    file = tmp_path / "x.csv"
    for written, stated in (
        ("utf-16", "utf-8"),
        ("utf-8-sig", "cp1252"),
        ("cp1252", "cp1252"),
        ("utf-16-le", "utf-16"),
    ):
        file.write_bytes("Größe\tß\r\n".encode(written))
        with open_text(file, stated) as text:
            assert text.read() == "Größe\tß\r\n", written
    file.write_bytes("Größe".encode("cp1252"))
    with open_text(file, "utf-8") as text:
        assert as_read(text.read()) == ("Größe", "wrong_encoding")
    file.write_bytes("ß".encode("utf-16") + b"\x00\xd8a")
    with open_text(file, "utf-8") as text:
        assert as_read(text.read())[1] == "wrong_encoding"
