"""The order of the tests, and what tests of several folders share.

Where several processes share the tests, the longest files have to begin first.

Tests that are marked `long` are left to `make test-long`.
"""

from pathlib import Path

import pytest

from tests.training.markov_town import DS, SMALL_CONFIG, build_town

LONGEST = (
    "test_end_to_end.py",
    "test_forget.py",
    "test_rotate_key.py",
    "test_consent.py",
    "test_nightly_order.py",
    "test_dbt_marts.py",
    "test_interrupted_map.py",
    "test_incremental_equals_full.py",
    "test_mlflow_serve.py",
    "test_interest_gan_learner.py",
    "test_identity_nights.py",
    "test_identity_job.py",
    "test_real_data.py",
    "test_training_responses.py",
    "test_setup.py",
)


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="run the tests that are marked long, too")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--long"):
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason="it takes long: `make test-long`"))
    there = {file.name for file in Path(__file__).parent.rglob("test_*.py")}
    assert there.issuperset(LONGEST), f"moved or renamed: {set(LONGEST) - there}"
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory):
    """A town whose model was trained once: version 1 is the challenger, there is no champion."""
    from training.train import train

    home = tmp_path_factory.mktemp("trained")
    build_town(home)
    (home / "small.yml").write_text(SMALL_CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHTSHIFT_HOME", str(home))
        train("next_item", DS, home / "small.yml")
    return home
