"""The order of a Parquet file's lists of encodings is settled without touching anything else."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as parquet

from spark_jobs.footers import sort_encodings


def encodings(file) -> list[tuple[str, ...]]:
    group = parquet.ParquetFile(file).metadata.row_group(0)
    return [group.column(index).encodings for index in range(group.num_columns)]


def test_encodings_are_sorted_and_the_rest_is_kept(tmp_path):
    table = pa.table({"name": ["a", "b", "a"], "amount": [1.0, 2.5, None], "sure": [True, False, None]})
    shuffled, sorted_ = tmp_path / "shuffled.parquet", tmp_path / "sorted.parquet"
    parquet.write_table(table, sorted_)
    sort_encodings(sorted_)
    content = bytearray(sorted_.read_bytes())
    # PLAIN 0, RLE 3, RLE_DICTIONARY 8, as zigzag numbers: the one list of three encodings that this writer makes
    at = content.rindex(bytes([0x35, 0, 6, 16]))
    content[at + 1 : at + 4] = bytes([16, 0, 6])
    shuffled.write_bytes(content)
    assert encodings(shuffled) != encodings(sorted_)
    sort_encodings(shuffled)
    assert shuffled.read_bytes() == sorted_.read_bytes()
    assert parquet.read_table(shuffled).equals(table)
