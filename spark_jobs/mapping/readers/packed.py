"""Packed and encoded files, read by the rules of the tools that pack them.

A gzip file may have several members and end in zeros, a bzip2 or zstd file may have several streams. Spark reads a part
of this otherwise or not at all, so such a file is unpacked beside the lake first, piece by piece.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import re
import zlib
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

CHUNK_BYTES = 1 << 20

_NOT_UNPACKED = (
    ".zip",
    ".xz",
    ".lzma",
    ".7z",
    ".rar",
    ".tar",
    ".tgz",
    ".z",
    ".br",
    ".lz4",
    ".lzo",
    ".snappy",
    ".deflate",
)
"""Endings of files that are packed in a way which nothing here unpacks."""

_PACKINGS = {".gz": "gzip", ".bz2": "bzip2", ".zst": "zstd"}
_BEGINNINGS = {rb"\x1f\x8b\x08": "gzip", rb"BZh[1-9]1AY": "bzip2", rb"\x28\xb5\x2f\xfd": "zstd"}
"""How a packed file begins whose name does not say so; no text begins so."""

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
"""Byte order marks, and the encoding that each says."""

UNPACKED = "unpacked"
"""The folder of unpacked files in the scratch of a run; `lines.py` gives their rows the name of the first file."""

PLAIN = ".plain"
"""What an unpacked file's name has behind that of the first."""


class Unreadable(Exception):  # noqa: N818  a finding about a file, noted in the books
    """Why a file cannot be read: the reason under which it is set aside."""


def packing_of(file: Path) -> str:
    """How a file is packed: gzip, bzip2, zstd, or nothing; by its name, else by how it begins (`access.log.1`)."""
    if packing := _PACKINGS.get(file.suffix.lower()):
        return packing
    with file.open("rb") as stream:
        head = stream.read(7)
    return next((packing for pattern, packing in _BEGINNINGS.items() if re.match(pattern, head)), "")


def open_bytes(file: Path) -> BinaryIO:
    """The unpacked bytes of a file."""
    packing = packing_of(file)
    if packing == "gzip":
        return gzip.open(file)
    if packing == "bzip2":
        return bz2.open(file)
    return io.BufferedReader(_Zstd(file), CHUNK_BYTES) if packing == "zstd" else file.open("rb")


def size_of(file: Path) -> int:
    """Number of bytes in a file once it is unpacked; all of them are read.

    Raises:
        Unreadable: it is broken, ends too early, or is packed in a way that is not known.
    """
    if file.suffix.lower() in _NOT_UNPACKED:
        raise Unreadable("unknown_packing")
    packing = packing_of(file)
    if not packing:
        return file.stat().st_size
    size = 0
    if file.stat().st_size:
        try:
            with open_bytes(file) as stream:
                while chunk := stream.read(CHUNK_BYTES):
                    size += len(chunk)
        except EOFError:
            raise Unreadable(f"truncated_{packing}") from None
        except PermissionError:  # the file may be as good as any
            raise
        except (zlib.error, gzip.BadGzipFile, OSError, ValueError):
            raise Unreadable(f"broken_{packing}") from None
    return size


def spark_reads(file: Path, size: int, encoding: str) -> bool:
    """Whether Spark's reader of text finds the same lines in a file as its own tool does.

    Args:
        size: bytes in it once it is unpacked.
        encoding: as the mapping says.
    """
    if encoding_of(file, encoding) != "utf-8":
        return False
    packing = packing_of(file)
    if packing != "gzip":
        return not packing
    with file.open("rb") as stream:  # one member and nothing behind it: the last four bytes are its size
        stream.seek(-4, io.SEEK_END)
        return int.from_bytes(stream.read(4), "little") == size % (1 << 32) and file.suffix == ".gz"


def encoding_of(file: Path, stated: str) -> str:
    """The encoding of a file: what its byte order mark says, else as stated, little-endian where that is not said."""
    with open_bytes(file) as stream:
        head = stream.read(3)
    found = next((encoding for mark, encoding in _MARKS if head.startswith(mark)), stated)
    return "utf-16-le" if found == "utf-16" else found


def open_text(file: Path, stated: str) -> io.TextIOWrapper:
    """The text of a file without its byte order mark, its line ends as they are.

    A byte that the encoding does not know becomes a surrogate (U+DC80 to U+DCFF): see `as_read`.
    """
    encoding = encoding_of(file, stated)
    codecs.register_error("nightshift_surrogate", _surrogate)
    errors = "nightshift_surrogate" if encoding.startswith("utf-16") else "surrogateescape"
    text = io.TextIOWrapper(open_bytes(file), encoding, errors, newline="")
    if text.read(1) != "\ufeff":
        text.close()
        text = io.TextIOWrapper(open_bytes(file), encoding, errors, newline="")
    return text


def as_read(text: str) -> tuple[str, str | None]:
    """A text of `open_text` as a row shows it, and `wrong_encoding` where a byte of it could not be decoded.

    Such a text is shown as Latin-1, so that no byte is lost, as `lines.py` does.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").decode("latin-1"), "wrong_encoding"
    return text, None


def unpacked(file: Path, stated: str, folder: Path) -> Path:
    """The same text as UTF-8 in a file that Spark reads, below `folder` and with the day and the name of the first."""
    plain = folder / file.parent.name / (file.name + PLAIN)
    plain.parent.mkdir(parents=True, exist_ok=True)
    with (
        open_text(file, stated) as text,
        plain.open("w", encoding="utf-8", errors="surrogateescape", newline="") as out,
    ):
        while chunk := text.read(CHUNK_BYTES):
            out.write(chunk)
    return plain


def _surrogate(error: UnicodeError) -> tuple[str, int]:
    """The text in place of bytes that are no UTF-16."""
    return "\udcff", error.end


class _Zstd(io.RawIOBase):
    """The unpacked bytes of a zstd file."""

    def __init__(self, file: Path) -> None:
        self._file = pa.OSFile(str(file))
        self._stream = pa.CompressedInputStream(self._file, "zstd")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        try:
            return self._stream.readinto(buffer)
        except OSError as error:
            if "Truncated" in str(error):
                raise EOFError(str(error)) from None
            raise

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            self._file.close()
        super().close()
