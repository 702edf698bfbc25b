from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lake_tables.described_items import DescribedItems


def written(folder, rows: pa.Table):
    folder.mkdir()
    pq.write_table(rows, folder / "part.parquet")
    return folder


def test_items_with_what_is_known_of_each(tmp_path):
    items = pa.table({"item_id": ["a", "b", "c"], "category": ["hats", None, "shoes"], "price": [1.0, 2.0, None]})
    floats = pa.list_(pa.float32())
    vectors = pa.table({"item_id": ["c", "z", "a"], "text_vector": pa.array([[0.6, 0.8], [1.0, 0.0], None], floats)})
    found = DescribedItems.read(written(tmp_path / "items", items), written(tmp_path / "vectors", vectors))
    taken = found.take(["c", "unheard of", "b"])
    assert taken.item_ids.tolist() == ["c", "unheard of", "b"]
    assert taken.categories.tolist() == ["shoes", "unknown", "unknown"]
    np.testing.assert_array_equal(taken.prices, [np.nan, np.nan, 2.0])
    np.testing.assert_allclose(taken.texts, [[0.6, 0.8], [0, 0], [0, 0]])


def test_a_catalogue_without_prices_and_without_vectors(tmp_path):
    found = DescribedItems.read(written(tmp_path / "items", pa.table({"item_id": ["a"], "category": ["hats"]})))
    assert np.isnan(found.prices).all()
    assert found.texts.shape == (1, 0)
    assert found.take([]).texts.shape == (0, 0)


def test_an_empty_catalogue(tmp_path):
    nothing = pa.table({"item_id": pa.array([], pa.string()), "category": pa.array([], pa.string())})
    found = DescribedItems.read(written(tmp_path / "items", nothing)).take(["a"])
    assert found.categories.tolist() == ["unknown"]
