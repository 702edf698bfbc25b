"""A table of responses that is too large is read for a sample of people, with all their rows."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import LakeError
from training.people_rows import read_rows


@pytest.fixture
def folder(tmp_path):
    """1,000 people with ten rows each, a row a week, in two files."""
    people, weeks = np.tile(np.arange(1000), 10), np.repeat(np.arange(10), 1000)
    table = pa.table({"person_id": [f"p{number:04d}" for number in people], "week": weeks, "other": weeks})
    pq.write_table(table.slice(0, 6000), tmp_path / "a.parquet", row_group_size=700)
    pq.write_table(table.slice(6000), tmp_path / "b.parquet")
    return tmp_path


@pytest.mark.parametrize("most_rows", [0, 10_000])
def test_all_rows_in_their_order_where_there_is_room(folder, most_rows, capsys):
    rows = read_rows(folder, ["person_id", "week"], most_rows=most_rows)
    assert rows.column_names == ["person_id", "week"]
    assert rows["week"].to_numpy().tolist() == np.repeat(np.arange(10), 1000).tolist()
    assert capsys.readouterr().out == ""


def test_of_more_rows_those_of_a_sample_of_people_and_the_log_says_so(folder, capsys):
    rows = read_rows(folder, ["person_id", "week"], most_rows=2000).to_pandas()
    weeks_of_people = rows.groupby("person_id")["week"].agg(list)
    assert (weeks_of_people.map(lambda weeks: weeks == list(range(10)))).all()
    assert 150 < len(weeks_of_people) < 250  # 200 expected; standard deviation 13
    assert "10,000 rows; those of 20.0% of the people" in capsys.readouterr().out
    again = read_rows(folder, ["person_id", "week"], most_rows=2000).to_pandas()
    assert again.equals(rows)


def test_a_missing_column_is_named(folder):
    with pytest.raises(LakeError, match="received a table without clicked, bought; build the marts again"):
        read_rows(folder, ["person_id", "clicked", "bought"], most_rows=10)
