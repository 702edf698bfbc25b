"""What a file is, by its first bytes."""

from __future__ import annotations

PARQUET, DUCKDB, SQLITE, ZIP = "parquet", "duckdb", "sqlite", "zip"
GZIP, ZLIB, BZIP2, XZ = "gzip", "zlib", "bzip2", "xz"
COMPRESSED = (GZIP, ZLIB, BZIP2, XZ)

HEAD_BYTES = 16
"""So many bytes of a file are enough."""

_MAGIC = {
    b"PAR1": PARQUET,
    b"SQLite format 3": SQLITE,
    b"PK\x03\x04": ZIP,
    b"\x1f\x8b": GZIP,
    b"\x78\x01": ZLIB,
    b"\x78\x9c": ZLIB,
    b"\x78\xda": ZLIB,
    b"BZh": BZIP2,
    b"\xfd7zXZ\0": XZ,
}


def format_of(head: bytes) -> str:
    """The format of a file that begins so; empty for any other."""
    if head[8:12] == b"DUCK":
        return DUCKDB
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), "")


def is_text(data: bytes) -> bool:
    """Whether bytes are UTF-8 without null bytes."""
    if b"\0" in data[:8192]:
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
