"""Synthetic rows keep what real rows keep: of 3,000 by a generator that knows nothing, none is one that cannot be."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from contracts.tables.served import SYNTHETIC_RESPONSES
from tests.training.models.interest_gan.test_interest_gan_learner import responses
from training.models.interest_gan.admission import AdmissionConfig, admit
from training.models.interest_gan.constraints import broken, learned_constraints, repaired
from training.models.interest_gan.learner import LEARNER
from training.models.interest_gan.mixed_columns import fit_columns
from training.models.interest_gan.mixed_rows import from_responses
from training.models.interest_gan.row_vectors import layout_of
from training.models.interest_gan.sampling import synthesise
from training.parts import Part


def real(people: int = 300) -> pd.DataFrame:
    """Rows as the marts make them: acts within days, money with purchases, a response that is possible."""
    rows, draw = responses(people=people), np.random.default_rng(9)
    never = draw.random(len(rows)) < 0.1
    tenure = draw.integers(0, 90, len(rows))
    recency = (tenure * draw.random(len(rows)) ** 2).astype(int)
    recent = np.where(recency <= 6, draw.poisson(3, len(rows)), 0)
    month = np.where(tenure <= 6, recent, recent + np.where(recency <= 27, draw.poisson(5, len(rows)), 0))
    bought = draw.poisson(0.7, len(rows))
    visits = draw.poisson(1.5, len(rows))
    clicked, purchased = rows["clicked"], rows["clicked"] & (draw.random(len(rows)) < 0.4)
    made = {
        "acts_7_days": recent,
        "acts_28_days": month,
        "carts": draw.poisson(1, len(rows)),
        "purchases": bought,
        "monetary": np.where(bought > 0, draw.gamma(2, 20, len(rows)) + 1, 0.0),
        "campaign_visits": visits,
        "same_campaign_visits": draw.binomial(visits, 0.4),
    }
    made = {name: np.where(never, 0, values) for name, values in made.items()}
    return rows.assign(
        **made,
        tenure_days=np.where(never, np.nan, tenure),
        recency_days=np.where(never, np.nan, recency),
        weekend_share=np.where(never, np.nan, draw.random(len(rows))),
        purchased=purchased,
        order_value=np.where(purchased, draw.gamma(2, 30, len(rows)) + 1, 0.0),
        churned=pd.Series((draw.random(len(rows)) < 0.3) & ~clicked).astype(object).mask(draw.random(len(rows)) < 0.2),
    )


IMPOSSIBLE = {
    "more acts in 7 days than in 28": lambda rows: rows["acts_7_days"] > rows["acts_28_days"],
    "last act before the first": lambda rows: rows["recency_days"] > rows["tenure_days"],
    "only one of first and last act": lambda rows: rows["recency_days"].isna() != rows["tenure_days"].isna(),
    "acts without a first one": lambda rows: rows["tenure_days"].isna() & (rows["acts_28_days"] + rows["carts"] > 0),
    "acts in 7 days, the last long ago": lambda rows: (rows["acts_7_days"] > 0) & (rows["recency_days"] > 6),
    "bought for 0 euros": lambda rows: (rows["purchases"] > 0) & ~(rows["monetary"] > 0),
    "euros without a purchase": lambda rows: (rows["purchases"] == 0) & (rows["monetary"] > 0),
    "an order of 0 euros": lambda rows: rows["purchased"].eq(True) & ~(rows["order_value"] > 0),
    "an order without a purchase": lambda rows: ~rows["purchased"].eq(True) & (rows["order_value"] > 0),
    "bought without a click": lambda rows: rows["purchased"].eq(True) & ~rows["clicked"].eq(True),
    "clicked and left": lambda rows: rows["clicked"].eq(True) & rows["churned"].eq(True),
    "more visits from one campaign than from all": lambda rows: rows["same_campaign_visits"] > rows["campaign_visits"],
}


@pytest.fixture(scope="module")
def data():
    return from_responses(real())


@pytest.fixture(scope="module")
def generator(data):
    """A generator whose columns know nothing of each other."""
    columns = fit_columns(data.part(Part.TRAIN), data.kinds, 1)
    layout, draw = layout_of(columns, "clicked"), np.random.default_rng(1)
    return SimpleNamespace(
        columns=columns,
        chances=[[1.0] * layout.widths[at] for at in layout.conditions],
        noise=4,
        score=lambda noise, _: draw.standard_normal((len(noise), layout.size)),
    )


def test_3000_synthetic_rows_break_nothing_that_real_rows_keep(data, generator):
    raw = synthesise(generator, 3000, seed=1)
    assert all(of(raw).fillna(False).any() for of in IMPOSSIBLE.values()), "there is something to repair"
    assert not any(of(data.frame).fillna(False).any() for of in IMPOSSIBLE.values()), "and real rows have none of it"
    rows = LEARNER.rows(generator, data, 3000, seed=1)
    assert {name: int(of(rows).fillna(False).sum()) for name, of in IMPOSSIBLE.items()} == dict.fromkeys(IMPOSSIBLE, 0)
    assert len(rows) == 3000
    assert rows.dtypes.tolist() == raw.dtypes.tolist()
    assert not broken(rows, learned_constraints(data.part(Part.TRAIN))).any()


def test_a_constraint_that_real_rows_break_is_not_enforced(data):
    rows = data.part(Part.TRAIN)
    given_away = rows.copy()
    given_away.loc[3, ["purchases", "monetary"]] = [2, 0.0]
    before, after = (
        [(one["kind"], one["column"]) for one in learned_constraints(table)] for table in (rows, given_away)
    )
    assert ("something_with", "monetary") in before
    assert ("something_with", "monetary") not in after


def test_the_admission_gate_refuses_rows_that_cannot_be(data, generator):
    lenient = AdmissionConfig(seeds=1, least_lift=-1.0, confidence=1 - 1e-12, most_membership_auc=1.0)
    assert LEARNER.admission(generator, data, lenient).numbers["rows_that_cannot_be"] == 0
    train = data.part(Part.TRAIN)
    admission = admit(
        train,
        data.part(Part.TEST),
        [synthesise(generator, 500, seed=1)],
        kinds=data.kinds,
        features=data.features,
        target=data.target,
        config=lenient,
        constraints=learned_constraints(train),
    )
    assert not admission.admitted
    assert "of 500 synthetic rows break what holds between the columns of every real row" in admission.reasons[0]


def test_columns_of_another_table_have_no_constraints():
    rows = pd.DataFrame({"age": [1.0, 2.0]})
    assert learned_constraints(rows) == []
    pd.testing.assert_frame_equal(repaired(rows, []), rows)
    assert set(SYNTHETIC_RESPONSES.column_names) > {"acts_7_days", "order_value"}
