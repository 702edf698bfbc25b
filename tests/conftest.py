"""The order of the tests: where several processes share them, the longest files have to begin first."""

from pathlib import Path

LONGEST = (
    "test_end_to_end.py",
    "test_forget.py",
    "test_rotate_key.py",
    "test_duckdb_equals_spark.py",
    "test_consent.py",
    "test_nightly_order.py",
    "test_dbt_marts.py",
    "test_interrupted_map.py",
    "test_mlflow_serve.py",
    "test_interest_gan_learner.py",
    "test_identity_nights.py",
    "test_identity_job.py",
    "test_real_data.py",
    "test_training_responses.py",
    "test_setup.py",
)


def pytest_collection_modifyitems(items):
    there = {file.name for file in Path(__file__).parent.rglob("test_*.py")}
    assert there.issuperset(LONGEST), f"moved or renamed: {set(LONGEST) - there}"
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))
