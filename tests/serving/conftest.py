import json

import pytest

from tests.homes import copied_home
from tests.training.markov_town import DS

CAMPAIGNS = {
    "contacted": "about: By letter.\nwho: {likes: {category: running, min_weight: 0.5}}\nitems: {count: 2}\n",
    "runners_at_home": "purpose: personalisation\nwho: {region: north}\nitems: {count: 3, category: running}\n",
}


@pytest.fixture(scope="session")
def served_home(trained_home, tmp_path_factory):
    """The trained town after the rest of its night: promoted, scored, audiences made."""
    from activation.export import make_audiences
    from serving.score import score
    from training.promote import promote

    home = copied_home(trained_home, tmp_path_factory.mktemp("served") / "home")
    (home / "campaigns").mkdir()
    for name, text in CAMPAIGNS.items():
        (home / "campaigns" / f"{name}.yml").write_text(f"name: {name}\n{text}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHTSHIFT_HOME", str(home))
        patch.setenv("NIGHTSHIFT_CAMPAIGNS", str(home / "campaigns"))
        assert promote("next_item", DS) == "promoted"
        score(DS)
        make_audiences(DS)
    return home


@pytest.fixture
def night(served_home, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(served_home))
    monkeypatch.setenv("NIGHTSHIFT_CAMPAIGNS", str(served_home / "campaigns"))
    return served_home


@pytest.fixture
def report(served_home):
    """The fragment of one step."""
    return lambda step: json.loads((served_home / "reports" / DS / f"{step}.json").read_text())
