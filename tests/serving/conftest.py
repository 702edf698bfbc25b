import json

import pytest

from tests.training.markov_town import DS, SMALL_CONFIG, build_town

CAMPAIGNS = {
    "contacted": "about: By letter.\nwho: {likes: {category: running, min_weight: 0.5}}\nitems: {count: 2}\n",
    "runners_at_home": "purpose: personalisation\nwho: {region: north}\nitems: {count: 3, category: running}\n",
}


@pytest.fixture(scope="session")
def served_home(tmp_path_factory):
    """A town after a whole night: trained, promoted, scored, audiences made."""
    from activation.export import make_audiences
    from serving.score import score
    from training.promote import promote
    from training.train import train

    home = tmp_path_factory.mktemp("served")
    build_town(home)
    (home / "small.yml").write_text(SMALL_CONFIG)
    (home / "campaigns").mkdir()
    for name, text in CAMPAIGNS.items():
        (home / "campaigns" / f"{name}.yml").write_text(f"name: {name}\n{text}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHTSHIFT_HOME", str(home))
        patch.setenv("NIGHTSHIFT_CAMPAIGNS", str(home / "campaigns"))
        train("next_item", DS, home / "small.yml")
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
