"""Every sentence that the gate can say has plain words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from monitoring.page.verdicts import in_plain_words, summary
from training.gate.decision import Compared, GateConfig, decide
from training.gate.seen_days import fair_champion, leak
from training.learner import Measured
from training.registry.client import Version


def measured(values: np.ndarray, **metrics: float) -> Measured:
    return Measured(metric="ndcg@10", values=values, metrics={"ndcg@10": float(values.mean()), **metrics})


@pytest.mark.parametrize("challenger", [0.2, 0.5, 0.8], ids=["worse", "equal", "better"])
@pytest.mark.parametrize("loaded", [0.0, 1.0], ids=["the same file", "another file"])
def test_no_reason_of_the_gate_is_left_as_it_was(challenger, loaded):
    ones = np.ones(200)
    compared = Compared(
        unit="people",
        challenger=measured(challenger * ones, coverage=challenger),
        champion=measured(0.5 * ones),
        baselines={"popularity": measured(0.4 * ones), "item_knn": measured(0.6 * ones)},
        slices=pd.DataFrame({"age_band": ["18-24"] * 100 + ["25-34"] * 100}),
        score_difference=loaded,
        champion_note="version 3 stands for the champion, which learned from everything",
    )
    gate = GateConfig(beat=("popularity", "gone"), match=("item_knn",), floors={"coverage": 0.4}, resamples=50)
    reasons = decide(gate, compared).reasons
    assert reasons
    for reason in reasons:
        plain = in_plain_words(reason)
        assert plain != reason and plain.endswith("."), reason
        assert plain[0].isupper() or plain[0] == "“", plain


@pytest.mark.parametrize("tags", [{}, {"learned_until": "2026-11-20"}, {"weights": "refit"}])
def test_who_has_seen_the_test_is_said_in_plain_words(tags):
    version = Version("next_item", "4", "run", {"ds": "2026-11-20", **tags})
    for reason in (leak(version, "2026-11-17"), fair_champion(None, version, "2026-11-17")[1]):
        assert in_plain_words(reason) != reason
        assert in_plain_words(reason).endswith(".")


def test_what_nobody_knows_stays_as_it_is():
    assert in_plain_words("the moon was full") == "the moon was full"


@pytest.mark.parametrize(
    ("entry", "champion", "said"),
    [
        ({"decision": "refused", "version": "4"}, "3", "Version 4 was refused; version 3 stays champion."),
        ({"decision": "refused", "version": "1"}, None, "Version 1 was refused; there is no champion yet."),
        ({"decision": "promoted", "version": "4", "by": "ada"}, "4", "Version 4 is the new champion, approved by ada."),
        ({"decision": "skipped"}, None, "There were too few data to decide; there is no champion yet."),
        ({"decision": "put back", "version": "2", "by": "ada"}, "2", "Version 2 was put back as champion by ada."),
        (
            {"decision": "promoted", "version": "4", "refit": {"decision": "served", "version": "5"}},
            "5",
            "Version 4 is the new champion. Version 5, the same trained on all days, is served.",
        ),
        (
            {"decision": "refit", "version": "5", "previous_champion": "4"},
            "5",
            "Version 5, trained on all days like version 4, is champion.",
        ),
        ({"decision": "kept"}, "2", "There is no new challenger; version 2 stays champion."),
    ],
)
def test_a_decision_in_a_sentence(entry, champion, said):
    assert summary(entry, champion) == said
