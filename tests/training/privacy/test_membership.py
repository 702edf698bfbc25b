"""Membership attacks: a model that knows by heart is found out, a private one is not; the card and the gate say so."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from tests.training.rows_learner import RowsLearner, trained
from training.card.page import write_card
from training.config import CONFIGS, read_config
from training.gate.decision import Compared, GateConfig, decide
from training.learner import Context, Measured
from training.models.taste_autoencoder.baskets import Baskets
from training.models.taste_autoencoder.learner import LEARNER, TasteData
from training.models.taste_autoencoder.network import TasteAutoencoderConfig
from training.privacy.accounting import Privacy, Spending
from training.privacy.membership import AttackSignals, Membership, attack_auc, membership

QUIET = Context(say=lambda _: None)


def chance_baskets(people: int, items: int = 60) -> TasteData:
    """People who chose eight items by chance: there is nothing to learn, only to remember."""
    random = np.random.default_rng(4)
    rows = np.zeros((people, items), "float32")
    for row in rows:
        row[random.permutation(items)[:8]] = 1
    ids = np.array([f"i{number:02d}" for number in range(items)])
    person_ids = np.array([f"p{number:016x}" for number in range(people)])
    return TasteData(Baskets(person_ids, ids, csr_matrix(rows)), catalogue=ids)


def attack_on(data, config):
    return membership(LEARNER.membership_scores(LEARNER.fit(data, config, QUIET), data), {}).auc


def test_an_auc_by_hand():
    assert attack_auc(np.array([3.0, 1.0]), np.array([2.0, 1.0])) == pytest.approx((1 + 1 + 0.5) / 4)
    assert AttackSignals("people", {"loss": np.ones(3)}, {"loss": np.ones(2)}).aucs() == {"loss": 0.5}


def test_who_knows_by_heart_is_found_out_and_a_private_training_is_not():
    by_heart = TasteAutoencoderConfig(
        kind="dae",
        likelihood="gaussian",
        hidden=0,
        latent=60,
        dropout=0.2,
        visible_weight=0.1,
        batch_size=32,
        learning_rate=0.01,
        epochs=60,
        patience=0,
    )
    few = chance_baskets(150)
    assert attack_on(few, by_heart) > 0.8
    many = chance_baskets(3000)
    private = dataclasses.replace(
        by_heart, privacy=Privacy(3.0), batch_size=600, epochs=10, latent=16, learning_rate=0.01
    )
    assert attack_on(many, private) <= 0.55


def compared(attacked) -> Compared:
    one = Measured("auc", np.full(60, 0.7), {"auc": 0.7})
    return Compared("rows", one, None, {}, pd.DataFrame(index=range(60)), 0.0, attack_figures=attacked)


def test_the_gate_refuses_a_private_version_that_remembers_people_and_not_a_plain_one():
    gate = read_config(CONFIGS / "gate.yml", GateConfig, sections=("every",))
    refused = decide(gate, compared({"membership_auc": 0.6}))
    assert not refused.promoted
    assert refused.reasons == ["membership_auc 0.6000, above 0.55"]
    assert decide(gate, compared({"membership_auc": 0.54})).promoted
    assert decide(gate, compared({})).promoted


def test_the_card_says_what_is_inside_the_guarantee_and_shows_the_curve(tmp_path):
    (tmp_path / "epochs.png").write_bytes(b"\x89PNG")
    learner = RowsLearner(pd.DataFrame(index=range(60)))
    points = [
        {"epsilon": epsilon, "click_auc": auc, "membership_auc": 0.5}
        for epsilon, auc in ((None, 0.7), (8, 0.66), (3, 0.6421), (1, 0.55))
    ]
    one = trained(
        learner,
        [0.6] * 60,
        spending=Spending(3.0, 1e-5, 4.27, 0.3412, 60, 6.0, 1e-7, 749),
        table_epsilon=4.5,
        attack=Membership(0.51, "AUC 0.51 by loss."),
    )
    curve = {"metric": "click_auc", "ds": "2026-11-19", "seeds": [1, 2], "points": points}
    page = write_card(tmp_path, one, gate=GateConfig(), smallest_group=20, curve=curve)
    shown = page.read_text()
    for words in ("epsilon 3, delta 1e-05", "noise multiplier 4.270", "AUC 0.51 by loss", "0.6421", "2026-11-19"):
        assert words in shown
    assert "Inside the guarantee" in shown
    assert "Outside of the guarantee" in shown
    assert 'alt="privacy-utility curve"' in shown
