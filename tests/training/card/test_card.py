import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from contracts.errors import ModelError
from tests.training.rows_learner import RowsLearner, trained
from training.card.page import read_texts, write_card
from training.config import MODELS
from training.gate.decision import GateConfig
from training.learner import Measured
from training.off_policy.estimate import WouldHaveEarned


def measured(value):
    return Measured("click_auc", np.full(60, value), {"click_auc": value})


@pytest.mark.parametrize("model", MODELS)
def test_every_model_has_its_words(model):
    texts = read_texts(model)
    assert texts.purpose.endswith(".")
    assert texts.protocol.endswith(".")
    assert len(texts.limits) >= 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("respons: {}\n", r"in line 1 of cards.yml \(respons\), .*did you mean 'response'"),
        ("response:\n  purpos: P\n", r"in line 2 of cards.yml \(response.purpos\), .*did you mean 'purpose'"),
        ("response: {purpose: P, protocol: P}\n", "'limits' under response in line 1 of cards.yml"),
        ("next_item: {}\n", "'response' under the file in line 1 of cards.yml"),
    ],
)
def test_words_that_do_not_fit_name_their_line(tmp_path, text, sentence):
    file = tmp_path / "cards.yml"
    file.write_text(text)
    with pytest.raises(ModelError, match=sentence):
        read_texts("response", file)


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
        intervals={"test": (0.7123, 0.7876), "baseline_prior": (0.4, 0.6), "baseline_boosted_trees": (0.65, 0.7345)},
    )
    one = dataclasses.replace(one, would_have_earned=WouldHaveEarned("the log <says> nothing"))
    page = write_card(tmp_path, one, gate=GateConfig(), smallest_group=20).read_text()
    assert "<p>The log &lt;says&gt; nothing.</p>" in page
    for words in ("95% interval of click_auc", "click_auc, low", "0.7123", "0.7876", "0.7345"):
        assert words in page
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
