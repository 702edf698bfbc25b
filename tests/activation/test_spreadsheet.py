import csv

import pandas as pd
import pytest

from activation.audiences.spreadsheet import append_csv, harmless


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_formula_gets_an_apostrophe(start):
    assert harmless(f"{start}cmd") == f"'{start}cmd"


@pytest.mark.parametrize("cell", ["Shoe", "a=b", "", "'=x", 3, -1.5, None])
def test_everything_else_stays(cell):
    assert harmless(cell) == cell


def test_what_is_written_is_read_back(tmp_path):
    rows = pd.DataFrame({"person_id": ["p1", "p2"], "title": ['a "b", c\nd', None]}, dtype="string")
    append_csv(rows, tmp_path / "a.csv", with_header=True)
    with (tmp_path / "a.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["person_id", "title"], ["p1", 'a "b", c\nd'], ["p2", ""]]
