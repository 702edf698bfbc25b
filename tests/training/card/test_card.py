from types import SimpleNamespace

import numpy as np
import pandas as pd
import yaml

from tests.training.rows_learner import RowsLearner, trained
from training.card.page import TEXTS, write_card
from training.config import MODELS
from training.gate.decision import GateConfig
from training.learner import Measured


def measured(value):
    return Measured("click_auc", np.full(60, value), {"click_auc": value})


def test_every_model_has_its_words():
    words = yaml.safe_load(TEXTS.read_text())
    assert set(words) == set(MODELS)
    for model in MODELS:
        assert words[model]["purpose"].endswith(".")
        assert words[model]["protocol"].endswith(".")
        assert len(words[model]["limits"]) >= 2


def test_the_card_stands_alone_and_shows_what_was_found(tmp_path):
    (tmp_path / "epochs.png").write_bytes(b"\x89PNG")

    class Explained(RowsLearner):
        def attributions(self, model, data):  # noqa: ARG002
            return {"carts": 0.75, "region": 0.25}

    learner = Explained(pd.DataFrame({"region": ["<north>"] * 60}))
    one = trained(
        learner,
        [0.75] * 60,
        data=SimpleNamespace(describe=lambda: {"rows": 1234}),
        baselines={"prior": measured(0.5), "boosted_trees": measured(0.7)},
    )
    page = write_card(tmp_path, one, gate=GateConfig(), smallest_group=20).read_text()
    for words in ("1,234", "0.7500", "boosted_trees", "<h2>Attributions", "training_responses", "2026-11-20"):
        assert words in page
    assert "http://" not in page
    assert "https://" not in page
    assert page.count("data:image/png;base64,") == 4  # curve, baselines, groups, attributions


def test_groups_of_too_few_people_are_not_on_the_card_and_counted(tmp_path):
    (tmp_path / "epochs.png").write_bytes(b"\x89PNG")

    class OfPeople(RowsLearner):
        person_of_row = np.arange(60) % 59  # of the south 19 of their own

        def people(self, data):  # noqa: ARG002
            return self.person_of_row

    learner = OfPeople(pd.DataFrame({"region": ["north"] * 40 + ["south"] * 20}))
    one = trained(learner, [0.5] * 60)
    page = write_card(tmp_path, one, gate=GateConfig(), smallest_group=20).read_text()
    assert "suppressed_cells: 0 " in page
    learner.person_of_row = np.concatenate([np.arange(40), 40 + np.arange(20) % 19])
    page = write_card(tmp_path, one, gate=GateConfig(), smallest_group=20).read_text()
    assert "suppressed_cells: 2 " in page
    assert "No groups." in page
