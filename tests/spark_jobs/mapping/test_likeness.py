"""A file in another format than its mapping says is called by its name."""

from __future__ import annotations

import gzip

import pytest

from spark_jobs.mapping.likeness import advice_on
from spark_jobs.mapping.reading import Reading

COMBINED = '203.0.113.7 - - [19/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "-"'


@pytest.mark.parametrize(
    ("content", "reading", "advice"),
    [
        (b'[{"id": 1}]', Reading("json_lines", "*"), "a JSON array, or one behind a name: say format: json"),
        (b"window.YTD.tweets.part0 = [\n{", Reading("json_lines", "*"), "say format: json;"),
        (b'{\n  "id": 1\n}', Reading("json_lines", "*"), "over several lines: say format: json;"),
        (b'{"id": 1}\n{"id": 2}', Reading("csv", "*"), "an object a line: say format: json_lines or nginx_json"),
        (b"PAR1....PAR1", Reading("csv", "*"), "a Parquet file: say format: parquet"),
        (b"PK\x03\x04xl/workbook.xml", Reading("csv", "*"), "a zip archive or a spreadsheet: unpack it"),
        ("id\tname\n1\tAnna".encode("utf-16-le"), Reading("csv", "*"), "UTF-16: say encoding: utf-16"),
        (b"id;name;city\n1;Anna;Ulm", Reading("csv", "*"), "a table with ';' between columns: say format: csv and"),
        (COMBINED.encode(), Reading("json_lines", "*"), "say format: apache_combined or apache_common or nginx"),
        (f"shop:80 {COMBINED}".encode(), Reading("apache_combined", "*"), "say format: apache_vhost_combined"),
        (b"#Software: IIS\n#Fields: date", Reading("apache_combined", "*"), "say format: w3c or cloudfront"),
    ],
)
def test_the_advice_names_what_a_file_looks_like(tmp_path, content, reading, advice):
    file = tmp_path / "delivery.gz"
    file.write_bytes(gzip.compress(content))
    assert advice_on([file], reading).startswith("delivery.gz looks like ")
    assert advice in advice_on([file], reading)


@pytest.mark.parametrize(
    ("content", "reading"),
    [
        (b'{"id": 1}\nbroken', Reading("json_lines", "*")),
        (b"id,name\n1", Reading("csv", "*")),
        (b"", Reading("csv", "*")),
        (b"\xff\x00\x80 no text at all", Reading("json_lines", "*", encoding="utf-16")),
        (COMBINED.encode(), Reading("nginx", "*")),
    ],
)
def test_what_looks_as_the_mapping_says_or_like_nothing_gets_no_advice(tmp_path, content, reading):
    (tmp_path / "delivery").write_bytes(content)
    assert advice_on([tmp_path / "delivery", tmp_path / "gone"], reading) == ""
