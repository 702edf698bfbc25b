"""What a file looks like, for the sentence that says why so little of it could be read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from spark_jobs.mapping.readers.packed import open_bytes, open_text
from spark_jobs.mapping.reading import Reading

_HEAD = 1 << 16
_BINARY = {
    b"PAR1": ("parquet", "a Parquet file", "say format: parquet"),
    b"Obj\x01": ("", "an Avro file", "let the source write JSON lines or Parquet"),
    b"PK\x03\x04": ("", "a zip archive or a spreadsheet", "unpack it, or save it as CSV"),
}
_LINES = (
    (r"#(?:Version|Software|Fields|Date):", ("w3c", "cloudfront"), "a log with #Fields:"),
    (r"(?:https?|h2|grpcs|wss?) \d{4}-\d\d-\d\dT", ("alb",), "a load balancer's log"),
    (r"\S+ \S+ \S+ \[\d\d/\w{3}/\d{4}:", ("apache_combined", "apache_common", "nginx"), "a web server's log"),
    (r"\S+ \S+ \S+ \S+ \[\d\d/\w{3}/\d{4}:", ("apache_vhost_combined",), "a log of several hosts"),
    (r"\s*\[|\s*[\w.]+\s*=\s*[\[{]", ("json",), "a JSON array, or one behind a name"),
)
"""Pattern of how the first line begins -> the formats that read such files, and what it is in words."""

_SEPARATORS = {"\t": "tab", ";": "';'", "|": "'|'", ",": "','"}


def advice_on(files: Iterable[Path], reading: Reading) -> str:
    """`FILE looks like ...: say format: ...; ` for the first file that looks like another format, else nothing."""
    for file in files:
        try:
            found = _look(file, reading)
        except (OSError, EOFError, ValueError):
            continue
        if found:
            return f"{file.name} looks like {found}; "
    return ""


def _look(file: Path, reading: Reading) -> str:
    with open_bytes(file) as stream:
        head = stream.read(_HEAD)
    for mark, (form, words, remedy) in _BINARY.items():
        if head.startswith(mark):
            return "" if form and form == reading.format else f"{words}: {remedy}"
    if b"\x00" in head and reading.encoding == "utf-8" and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16: say encoding: utf-16"
    with open_text(file, reading.encoding) as text:
        head_text = text.read(_HEAD).lstrip("\r\n")
    first = head_text.partition("\n")[0].rstrip("\r")
    for pattern, formats, words in _LINES:
        if re.match(pattern, first):
            return "" if reading.format in formats else f"{words}: say format: {' or '.join(formats)}"
    if first.lstrip().startswith("{"):
        formats = ("json_lines", "nginx_json") if _is_object(first) else ("json",)
        words = "JSON, an object a line" if len(formats) > 1 else "a JSON document over several lines"
        return "" if reading.format in formats else f"{words}: say format: {' or '.join(formats)}"
    return _table(first, reading)


def _table(first: str, reading: Reading) -> str:
    """What separates the columns of a table, where the mapping says otherwise."""
    most = max(_SEPARATORS, key=first.count)
    stated = {"tab": "\t", "": ","}.get(reading.separator, reading.separator)
    if not first.count(most) or (reading.format == "csv" and first.count(stated)) or reading.format == "delimited":
        return ""
    return f"a table with {_SEPARATORS[most]} between columns: say format: csv and separator: {_SEPARATORS[most]}"


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
