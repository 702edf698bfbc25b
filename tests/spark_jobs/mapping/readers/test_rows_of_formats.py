"""The raw rows that each format gives, from files written by hand."""

from __future__ import annotations

import datetime
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import MappingError, RawDataError
from tests.spark_jobs.feeds_by_hand import DAY, log_line
from tests.spark_jobs.raw_by_hand import delivered, outcomes, rows_read, spec_reading

TEN = datetime.datetime(2026, 11, 19, 10)
REQUEST = {
    "host": "203.0.113.7",
    "user": None,
    "logged_at": TEN,
    "method": "GET",
    "target": "/item/garden hose?q=1",
    "status": 200,
    "referer": "https://x.example/",
    "agent": 'Fox "5"',
    "cookies": None,
    "forwarded": None,
    "vhost": None,
}
"""The same request, as every log writes it."""

START = "203.0.113.7 - - [19/Nov/2026:10:00:00 +0000]"
APACHE = START + r' "GET /item/garden hose?q=1 HTTP/1.1" 200 5 "https://x.example/" "Fox \"5\""'
NGINX = START + r' "GET /item/garden hose?q=1 HTTP/2.0" 200 5 "https://x.example/" "Fox \x225\x22"'
ALB = (
    "https 2026-11-19T10:00:00.000000Z app/lb/50dc 203.0.113.7:2817 10.0.0.1:80 0.086 0.048 0.037 200 200 0 57 "
    r'"GET https://shop.example:443/item/garden hose?q=1 HTTP/1.1" "Fox \"5\"" ECDHE TLSv1.2 arn "Root=1" "-" "-" 1'
)
IIS = (
    "#Software: Microsoft Internet Information Services 10.0\r\n"
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query cs-username c-ip cs(User-Agent) cs(Referer) "
    "sc-status\r\n"
    '2026-11-19 10:00:00 10.0.0.1 GET /item/garden%20hose q=1 - 203.0.113.7 Fox+"5" https://x.example/ 200\r\n'
    "#Fields: time c-ip sc-status\r\n"
    "10:00:01 203.0.113.8 304\r\n"
    "too short\r\n"
)
CLOUDFRONT = (
    "#Version: 1.0\n#Fields: date time c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) "
    "cs-uri-query cs(Cookie) x-host-header\n2026-11-19\t10:00:00\t203.0.113.7\tGET\td1.cloudfront.net\t"
    "/item/garden%20hose\t200\thttps://x.example/\tFox%20%225%22\tq=1\tvid=1\tshop.example\n"
)


@pytest.mark.parametrize(
    ("read", "line", "differences"),
    [
        ("format: apache_combined", APACHE + ' "vid=1" 1234', {"cookies": "vid=1"}),
        ("format: apache_common", APACHE.partition(' "https')[0], {"referer": None, "agent": None}),
        ("format: apache_vhost_combined", f"shop.example:443 {APACHE}", {"vhost": "shop.example:443"}),
        ("format: nginx", NGINX + ' "198.51.100.1"', {"forwarded": "198.51.100.1"}),
        ("format: alb", ALB, {"referer": None, "vhost": "shop.example:443"}),
        ("format: w3c", IIS, {"target": "/item/garden%20hose?q=1"}),
        (
            "format: cloudfront",
            CLOUDFRONT,
            {"target": "/item/garden%20hose?q=1", "cookies": "vid=1", "vhost": "shop.example"},
        ),
    ],
    ids=lambda value: value.removeprefix("format: ") if isinstance(value, str) and len(value) < 40 else "",
)
def test_every_log_gives_the_same_fields(spark, tmp_path, read, line, differences):
    rows = rows_read(spark, tmp_path, read, {"access.log": line + "\n\nnothing of a log\n"})
    good = [row for row in rows if row["raw_problem"] is None and row["raw_dropped"] is None]
    assert {name: good[0][name] for name in REQUEST} == REQUEST | differences
    others = [one for one in outcomes(rows) if one[1]]
    assert ("", "blank_line") in others
    assert ("nothing of a log", "malformed") in others
    if read == "format: w3c":
        assert [reason for _, reason in others].count("directive") == 3
        assert ("too short", "malformed") in others
        assert ("10:00:01 203.0.113.8 304", "malformed") in others, "a time without a day is of no day"


def test_a_json_log_of_nginx_and_one_with_other_names(spark, tmp_path):
    lines = [
        json.dumps(
            {"time_iso8601": "2026-11-19T11:00:00+01:00", "remote_addr": "203.0.113.7", "status": 200}
            | {"request": "GET /item/garden hose?q=1 HTTP/1.1", "http_referer": "https://x.example/", "odd": 1}
            | {"http_user_agent": 'Fox "5"', "upstream_time": "0.1"}
        ),
        r'{"time_local":"19/Nov/2026:10:00:00 +0000","request":"GET /\x22\x22 HTTP/1.1","status":"200"}',
        '{"msec":1795082400.5,"uri":"/a","args":"b=1","request_method":"POST","status":404}',
        '{"time":"10:00","status":200}',
    ]
    rows = rows_read(spark, tmp_path, "format: nginx_json", {"access.log": "\n".join(lines)})
    by_text = {row["raw_text"]: row for row in rows}
    assert {name: by_text[lines[0]][name] for name in REQUEST} == REQUEST
    assert by_text[lines[0]]["raw_unknown"] == ["odd"]
    assert by_text[lines[1]]["target"] == '/""'
    third = by_text[lines[2]]
    assert (third["method"], third["target"], third["status"]) == ("POST", "/a?b=1", 404)
    assert third["logged_at"] == TEN + datetime.timedelta(seconds=0.5)
    assert by_text[lines[3]]["raw_problem"] == "malformed"
    own = rows_read(
        spark,
        tmp_path / "own",
        "format: nginx_json\nfields: {host: realip, time: when}",
        {"a.log": '{"when":"2026-11-19T10:00:00Z","realip":"203.0.113.7","status":200}'},
    )
    assert (own[0]["host"], own[0]["logged_at"]) == ("203.0.113.7", TEN)


def test_a_pattern_reads_any_other_log(spark, tmp_path):
    read = r"""
format: log_pattern
pattern: '^(?<time>\S+) \[(?<host>[^\]]+)\] (?<method>\S+) (?<target>.+) -> (?<status>\d+) in (?<took>\d+)$'
time: "yyyy-MM-dd'T'HH:mm:ssX"
"""
    line = "2026-11-19T10:00:00Z [203.0.113.7] GET /a b -> 200 in 15"
    good, bad = rows_read(spark, tmp_path, read, {"a.log": f"{line}\nno\n"})
    assert (good["host"], good["target"], good["status"], good["took"]) == ("203.0.113.7", "/a b", 200, "15")
    assert good["logged_at"] == TEN
    assert bad["raw_problem"] == "malformed"


def test_hostile_lines_of_a_log_are_malformed_rows(spark, tmp_path):
    unescaped = log_line('/item/i-1?name="x"')
    lines = [
        "a " * 30_000,
        START + ' "' + r"\"" * 20_000 + '" 200 5 "-" "-"',
        r"\"" * 30_000,
        log_line("/a" * 40_000),
        "\u0001".join(["x"] * 12),
        unescaped,
        log_line("/b", user="john doe"),
    ]
    rows = rows_read(spark, tmp_path, "format: apache_combined", {"access.log": "\n".join(lines)})
    by_text = {row["raw_text"]: row for row in rows}
    assert [by_text[line]["raw_problem"] for line in lines] == ["malformed", None, *["malformed"] * 3, None, None]
    assert by_text[unescaped]["target"] == '/item/i-1?name="x"'
    assert by_text[lines[-1]]["user"] == "john doe"


def test_two_lines_in_one_are_malformed_and_a_forwarded_list_is_a_host(spark, tmp_path):
    one, other = log_line("/item/i-1"), log_line("/item/i-2", host="198.51.100.9")
    forwarded = [
        f"198.51.100.1, 10.0.0.9{one.removeprefix('203.0.113.7')}",
        f"unknown,10.0.0.9, 2001:db8::7 - ann {one[16:]}",
    ]
    lines = [one + other, f"{one} {other}", f"{one}\r{other}", one[:70] + other, *forwarded]
    rows = rows_read(spark, tmp_path, "format: apache_combined", {"access.log": "\n".join(lines)})
    by_text = {row["raw_text"]: row for row in rows}
    assert [by_text[line]["raw_problem"] for line in lines] == ["malformed"] * 4 + [None, None]
    assert [by_text[line]["host"] for line in forwarded] == ["198.51.100.1, 10.0.0.9", "unknown,10.0.0.9, 2001:db8::7"]
    assert [by_text[line]["user"] for line in forwarded] == [None, "ann"]


JSON_READ = """
format: json_lines
schema: "id STRING, n BIGINT, x DOUBLE, account STRUCT<acct: STRING>"
ignore: ["account.*", "lost_*"]
"""


def test_lines_of_json_are_whole_values_each_a_row(spark, tmp_path):
    text = "\n".join(
        [
            '{"id":"1"}{"id":"2","t":"} {"} {"id":3}',
            '{"id":"4"} words',
            '{"id":12345678901234567890,"n":9007199254740993,"x":NaN}',
            '{"n":1.5}',
            '{"id":"5","account":{"acct":"a","zz":1},"lost_1":2,"new":3}',
            '{"id":"6"}],"raw_values":[{"id":7}',
            '{"id":"8"}}',
            '{"id":"9"},{"id":"10"}',
            '{"a":[{"id":"11"}{"id":"12"}]}',
            "[" * 5_000,
            "",
        ]
    )
    rows = rows_read(spark, tmp_path, JSON_READ, {"a b+c.jsonl": text})
    assert {row["raw_file"] for row in rows} == {"a b+c.jsonl"}
    good = {row["raw_text"]: row for row in rows if row["raw_problem"] is None}
    assert list(good) == sorted(
        [
            '{"id":"1"}',
            '{"id":"2","t":"} {"}',
            '{"id":3}',
            '{"id":12345678901234567890,"n":9007199254740993,"x":NaN}',
            '{"id":"5","account":{"acct":"a","zz":1},"lost_1":2,"new":3}',
        ]
    )
    exact = good['{"id":12345678901234567890,"n":9007199254740993,"x":NaN}']
    assert (exact["id"], exact["n"]) == ("12345678901234567890", 9007199254740993)
    assert good['{"id":"5","account":{"acct":"a","zz":1},"lost_1":2,"new":3}']["raw_unknown"] == ["new"]
    assert sorted(text for text, reason in outcomes(rows) if reason) == sorted(
        [
            '{"id":"4"} words',
            '{"n":1.5}',
            '{"id":"6"}],"raw_values":[{"id":7}',
            '{"id":"8"}}',
            '{"id":"9"},{"id":"10"}',
            '{"a":[{"id":"11"}{"id":"12"}]}',
            "[" * 5_000,
        ]
    )


def test_packed_and_encoded_lines_are_read_with_their_own_file_names(spark, tmp_path):
    import bz2
    import gzip

    line = '{"id":"ß"}\n'
    files = {
        "a.jsonl": line.encode("utf-16"),
        "b.jsonl.gz": gzip.compress(line.encode()) + b"\0" * 512,
        "c.jsonl.bz2": bz2.compress(line.encode()) * 2,
        "d.jsonl.zst": pa.Codec("zstd").compress(line.encode()).to_pybytes(),
        "e.jsonl": line.encode(),
    }
    rows = rows_read(spark, tmp_path, JSON_READ, files)
    assert [row["raw_file"] for row in rows] == sorted([*files, "c.jsonl.bz2"])
    assert {row["id"] for row in rows} == {"ß"}
    assert not list((tmp_path / "lake").rglob("*.plain")), "what was unpacked is gone"


def test_a_table_with_tabs_in_utf_16_joined_files_and_odd_titles(spark, tmp_path):
    table = 'id\t"How\n old? "\tx\n1\t5\t"a\nb"\n\n2\t\t\n3\t"open\n4\t6\t7\nid\t"How\n old? "\tx\n'
    read = 'format: csv\nkey_columns: [id]\nquestions: "How.*"\nseparator: tab'
    rows = rows_read(spark, tmp_path, read, {"a.tsv": table.encode("utf-16")})
    assert [(row["raw_row"], row["raw_key"], row["raw_dropped"] or row["raw_problem"]) for row in rows] == [
        (1, None, "header_row"),
        (2, "1", None),
        (3, None, "blank_line"),
        (4, "2", None),
        (5, None, "malformed"),
        (6, "4", None),
        (7, None, "header_row"),
    ]
    assert rows[1]["raw_answers"] == [{"question": "How old?", "answer": "5"}]
    assert rows[1]["raw_fields"] == {"id": "1", "How old?": "5", "x": "a\nb"}
    assert rows[1]["raw_unknown"] == ["x"], "no question, no key, and no expression takes it"
    assert rows[3]["raw_answers"] == []


def test_titles_in_another_encoding_are_read_where_it_is_stated_and_refused_where_not(spark, tmp_path):
    table = "respondent_id,Größe in cm\n1,180\n".encode("cp1252")
    read = 'format: csv\nkey_columns: [respondent_id]\nquestions: ".*cm"'
    assert rows_read(spark, tmp_path / "a", read, {"a.csv": table})[1]["raw_problem"] == "wrong_encoding"
    [_, row] = rows_read(spark, tmp_path / "b", read + "\nencoding: cp1252", {"a.csv": table})
    assert row["raw_answers"] == [{"question": "Größe in cm", "answer": "180"}]


QUALTRICS = (
    "ResponseId,Q1\n",
    'Response ID,"How, are you?"\n',
    '"{""ImportId"":""_recordId""}","{""ImportId"":""QID1""}"\n',
    "R_1a,fine\nR_2b,well\n",
)


@pytest.mark.parametrize("stated", [1, 2, 3])
@pytest.mark.parametrize("rows_of_header", [(0, 1, 2), (0, 2)])
def test_the_import_ids_of_qualtrics_end_a_header_whatever_is_stated(spark, tmp_path, stated, rows_of_header):
    text = "".join(QUALTRICS[place] for place in (*rows_of_header, 3))
    read = f'format: csv\nkey_columns: [ResponseId]\nheader_rows: {stated}\nquestions: "Q.*"'
    rows = rows_read(spark, tmp_path, read, {"r.csv": text})
    assert [row["raw_key"] for row in rows if row["raw_dropped"] is None] == ["R_1a", "R_2b"]


def test_a_header_that_ends_earlier_than_stated_is_an_error_and_no_lost_respondent(spark, tmp_path):
    read = 'format: csv\nkey_columns: [ResponseId]\nheader_rows: 3\nquestions: "Q.*"'
    with pytest.raises(RawDataError, match="received answers in row 3 already; write `header_rows: 2`"):
        rows_read(spark, tmp_path, read, {"r.csv": QUALTRICS[0] + QUALTRICS[1] + QUALTRICS[3]})


def test_rows_without_ids_have_their_file_and_number_as_key(spark, tmp_path):
    rows = rows_read(spark, tmp_path, "format: csv\nkey: row", {"a.csv": "Invoice,Code\n1,2\n1,2\n"})
    assert [(row["raw_key"], row["raw_row"]) for row in rows] == [(None, 1), ("a.csv 2", 2), ("a.csv 3", 3)]


def test_a_parquet_file_is_read_by_the_schema_of_the_mapping(spark, tmp_path):
    table = pa.table(
        {
            "id": pa.array([1, 2], pa.uint32()),
            "at": pa.array([TEN] * 2, pa.timestamp("ns")),
            "name": pa.array(["a", "b"]).dictionary_encode(),
            "more": [1, 2],
            "inner": [{"a": 1, "b": "x"}, None],
            "list": [[1.0], []],
        }
    )
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    whole = buffer.getvalue()
    schema = "id BIGINT, at TIMESTAMP, name STRING, inner STRUCT<b: STRING>, list ARRAY<DOUBLE>"
    read = f'format: parquet\nschema: "{schema}"'
    rows = rows_read(spark, tmp_path, read, {"a.parquet": whole, "b.parquet": whole[:-50]})
    assert [(row["id"], row["at"], row["name"], row["raw_row"]) for row in rows] == [(1, TEN, "a", 1), (2, TEN, "b", 2)]
    assert (rows[0]["inner"], rows[1]["inner"], rows[0]["list"]) == ({"b": "x"}, None, [1.0])
    assert rows[0]["raw_unknown"] == ["more"]
    assert delivered(tmp_path, spec_reading(tmp_path, read), {}).set_aside == (("b.parquet", "broken_parquet"),)
    for schema, sentence in (("id STRING", "a column id of type string"), ("idd BIGINT", "only the columns id, at")):
        with pytest.raises(RawDataError, match=sentence):
            rows_read(spark, tmp_path / schema, f"format: parquet\nschema: {schema}", {"a.parquet": whole})


def test_what_is_in_a_days_folder_is_in_the_books(tmp_path):
    files = {"a.jsonl": "{}\n", ".hidden": "x", "_SUCCESS": "", "media/m.png": "x", "later/b.jsonl": "{}\n"}
    files |= {"c.jsonl.zip": "PK"}
    delivery = delivered(tmp_path, spec_reading(tmp_path, JSON_READ + "folders: [media]"), files)
    assert delivery.ds == DAY
    assert delivery.set_aside == (("c.jsonl.zip", "unknown_packing"), ("later", "unexpected_folder"))
    assert delivery.left_out == ((".hidden", "hidden_file"), ("_SUCCESS", "hidden_file"))


@pytest.mark.parametrize(
    ("read", "sentence"),
    [
        ("format: csv\nkey: row\nschema: id STRING", "that key belongs to json_lines, json, parquet"),
        ("format: csv", "either 'key_columns' or 'key: row' under read"),
        ("format: csv\nkey: row\nseparator: '::'", "a longer one can stand between fields of format: delimited"),
        ("format: csv\nkey: row\nencoding: utf8x", "one of utf-8, utf-16"),
        ("format: log_pattern\npattern: '^(?<host>x)'", "the named groups 'time' and 'request'"),
        ("format: log_pattern\npattern: '(?<time>(a|b)*)(?<request>.)'", "repeated possessively"),
        ("format: nginx_json\nfields: {hoost: x}", "did you mean 'host'"),
        ("format: json", "'schema' under read"),
    ],
)
def test_keys_that_a_format_has_not_and_values_that_fit_not_are_refused(tmp_path, read, sentence):
    with pytest.raises(MappingError, match=sentence.replace("(", r"\(")):
        spec_reading(tmp_path, read)
