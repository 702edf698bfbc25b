"""The order of the tests: where several processes share them, the longest file has to begin first."""

LONGEST = ("test_end_to_end.py", "test_nightly_order.py", "test_mlflow_serve.py")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))
