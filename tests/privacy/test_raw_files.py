"""A person's rows leave a delivery, and everybody else's stay as they were, but for the person's names."""

from __future__ import annotations

import gzip
import json

import pytest

from contracts.errors import RawDataError
from privacy.matcher import PersonMatcher
from privacy.raw_files import rewritten
from spark_jobs.mapping.reading import Reading
from spark_jobs.mapping.spec import load_spec
from tests.spark_jobs.feeds_by_hand import log_line, responses, truncated_gzip
from tests.spark_jobs.feeds_by_hand import response as answer


def test_a_raw_log_loses_their_lines_and_others_keep_theirs():
    mine, shared, ben = log_line("/a", user="anna_01"), log_line("/b", user="ben", cookie="device-77"), log_line("/c")
    matcher = PersonMatcher({"anna_01": "account", "device-77": "cookie"})
    content = f"{mine}\r\n{shared}\r\nbroken anna_01\n{ben}\n".encode()
    done = rewritten(gzip.compress(content), load_spec("apache_combined").read, {mine}, set(), matcher)
    assert gzip.decompress(done.content).decode() == f"{shared.replace('device-77', '')}\r\n{ben}\n"
    assert (done.rows, done.names, done.empty) == (2, 1, False)


def test_a_truncated_delivery_stays_a_truncated_one():
    whole = [log_line(f"/{number}", user="anna_01" if number % 2 else "ben") for number in range(2_000)]
    done = rewritten(
        truncated_gzip(whole), load_spec("apache_combined").read, set(), set(), PersonMatcher({"anna_01": "account"})
    )
    with pytest.raises(EOFError):
        gzip.decompress(done.content)
    assert (done.rows > 100, done.names) == (True, 0)


def test_a_survey_loses_their_record_and_keeps_its_titles():
    content = "\n".join(responses(answer("R_1"), answer("R_2", email="b@example.org", comment="a\nb"))).encode()
    done = rewritten(content, load_spec("qualtrics_csv").read, set(), {"R_1"}, PersonMatcher({}))
    assert done.content == "\n".join(responses(answer("R_2", email="b@example.org", comment="a\nb"))).encode()


def test_a_day_of_which_nothing_is_left_is_named():
    line = log_line("/a")
    assert rewritten(f"{line}\n".encode(), load_spec("apache_combined").read, {line}, set(), PersonMatcher({})).empty


def test_a_json_document_loses_their_records_and_stays_one():
    reading = Reading("json", "*.json", schema="id STRING")
    mine, other = '{"id": "anna_01"}', '{"id": "ben", "with": "anna_01"}'
    for document in (f"[{mine}, {other}]", f"[{other},\n{mine}]", f"x = [{mine}]", f"[{mine},{mine},{other}]"):
        done = rewritten(document.encode(), reading, {mine}, set(), PersonMatcher({"anna_01": "account"}))
        left = json.loads(done.content.decode().removeprefix("x = "))
        assert left == ([{"id": "ben", "with": ""}] if other in document else [])


def test_a_survey_without_ids_keeps_the_numbers_of_its_rows():
    reading = Reading("csv", "*.csv", separator=";", key="row")
    done = rewritten(b"q;r\n1;2\n3;4\n", reading, {"1;2"}, set(), PersonMatcher({}))
    assert done.content == b"q;r\n\n3;4\n"


def test_a_file_out_of_which_no_row_can_be_taken_is_refused_and_not_damaged():
    with pytest.raises(RawDataError, match="deliver it again without the person's rows"):
        rewritten(b"PAR1", Reading("parquet", "*.parquet"), set(), set(), PersonMatcher({}))
