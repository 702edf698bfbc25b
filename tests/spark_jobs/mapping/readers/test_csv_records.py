"""Records of separated values: quoted line breaks belong to them, and an open quotation mark takes none along."""

from __future__ import annotations

import io

from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.mapping.readers.records import LONGEST_LINE, bounded_lines, records


def cells(text: str, separator: str = ",", width: int | None = None) -> list[list[str] | None]:
    return [one.cells for one in records(bounded_lines(io.StringIO(text, newline="")), separator, width)]


def test_quotes_hold_separators_line_breaks_and_quotes():
    assert cells('a,"b,\r\nc",d\r\n"e ""f""",,\n') == [["a", "b,\r\nc", "d"], ['e "f"', "", ""]]
    assert cells('a\t5" pipe\tx\n1\t2\t3\n', "\t") == [["a", '5" pipe', "x"], ["1", "2", "3"]]


def test_an_open_quote_is_one_bad_record_and_those_behind_it_are_read():
    assert cells('a,b\n1,"open\n2,x\n3,y\n') == [["a", "b"], None, ["2", "x"], ["3", "y"]]
    assert cells('1,"open\n2,x\n"3",y\n', width=2) == [None, ["2", "x"], ["3", "y"]]


def test_blank_lines_are_records_too():
    assert cells("a\n\n\nb") == [["a"], [], [], ["b"]]


def test_a_line_without_end_is_one_bad_record():
    text = "x" * (LONGEST_LINE + 10) + "\n1,2\n"
    found = list(records(bounded_lines(io.StringIO(text)), ","))
    assert [one.cells for one in found] == [None, ["1", "2"]]


@settings(max_examples=300, deadline=None)
@given(st.text('",\r\nab ;'), st.sampled_from([None, 2]))
def test_every_sign_of_a_text_stands_in_one_record(text, width):
    found = records(bounded_lines(io.StringIO(text, newline="")), ",", width)
    assert "".join(one.text + one.end for one in found) == text


def test_a_mark_that_the_next_line_would_close_takes_no_line_along():
    found = list(records(iter(['1,"open\n', '2,"x"\n', "3,y\n"]), ",", 2))
    assert [(one.cells, one.text) for one in found] == [(None, '1,"open'), (["2", "x"], '2,"x"'), (["3", "y"], "3,y")]
