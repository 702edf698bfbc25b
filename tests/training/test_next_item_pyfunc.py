import pandas as pd
import pytest

from contracts.settings import Settings
from training.registry import Registry


@pytest.fixture(scope="module")
def served(trained_home):
    settings = Settings.from_env({"NIGHTSHIFT_HOME": str(trained_home)})
    registry = Registry.of(settings)
    return registry.load(registry.version("next_item", "1"))


def answer(served, *histories, **params):
    return served.predict(pd.DataFrame({"history": list(histories)}), params=params or None)


def test_the_walk_goes_on(served):
    [row] = answer(served, ["i05", "i06", "i07"]).to_dict("records")
    assert "i08" in row["items"][:3]
    assert len(row["items"]) == len(row["scores"]) == len(row["because"]) == 10
    assert row["scores"] == sorted(row["scores"], reverse=True)
    assert not {"i05", "i06", "i07"} & set(row["items"])
    assert set(row["because"]) <= {"i05", "i06", "i07"}


def test_unknown_items_are_passed_over(served):
    with_unknown, without = answer(served, ["i05", "never heard of", "i06"], ["i05", "i06"]).to_dict("records")
    assert with_unknown["items"] == without["items"]


def test_no_known_history_gives_what_is_popular(served):
    empty, unknown = answer(served, [], ["never heard of"]).to_dict("records")
    assert empty == unknown
    assert set(empty["because"]) == {None}
    counts = dict(zip(served.unwrap_python_model().item_ids, served.unwrap_python_model().counts, strict=True))
    assert empty["scores"] == sorted(counts.values(), reverse=True)[:10]


def test_k_and_longer_histories_than_the_model_reads(served):
    long = [f"i{number:02d}" for number in range(30)] * 3
    assert answer(served, long, k=3)["items"].map(len).tolist() == [3]
    assert answer(served, long, k=1000)["items"].map(len).tolist() == [10]  # all 40 items but the 30 seen ones


def test_the_order_of_the_batch_does_not_matter(served):
    one, two = ["i05", "i06"], ["i20", "i21", "i22"]
    forward, backward = answer(served, one, two), answer(served, two, one)
    assert forward["items"].tolist() == backward["items"].tolist()[::-1]
