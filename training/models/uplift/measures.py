"""What the ranking of a model or baseline is worth on the test people: Qini coefficients, and euros of a policy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from training.learner import Measured
from training.metrics.uplift import effects, mean_interval, over_random, qini_contributions
from training.models.response.orders import order_cap
from training.models.uplift.loading import CLICK, OUTCOMES, Experiments
from training.parts import Part

METRIC = "qini_click"
SHARE = 0.5
"""Of the test rows, so many are sent to by the policy that is measured: those with the highest score."""


def measured(data: Experiments, scores: Mapping[str, np.ndarray]) -> Measured:
    """The measures of some scores of the test rows; each person counts with the sum of all own rows.

    - `qini_click`, `qini_purchase`: area between the Qini curve and a random order, chances a person.
    - `policy_euros`, with `_low` and `_high`, its 95 % interval by bootstrap over people: euros a person that sending
      to the best half by `euros` earns more than sending to as many people at random.

    Args:
        scores: by outcome, and `euros`, higher is sent to first (test rows,).
    """
    table = data.table
    test = table.indices(Part.TEST)
    people = pd.factorize(table.people[test])[0]
    metrics, values = {}, None
    for outcome, name in enumerate(OUTCOMES):
        if name not in scores:
            continue
        effect = _effects(data, table.outcomes[:, outcome].astype(float))
        found = of_people(qini_contributions(scores[name], effect), people)
        metrics[f"qini_{name}"] = float(found.mean())
        values = found if outcome == CLICK else values
    if "euros" in scores:
        cap = order_cap(data.euros[data.euros > 0])
        earned = of_people(
            over_random(best_share(scores["euros"]), _effects(data, np.minimum(data.euros, cap))), people
        )
        low, high = mean_interval(earned)
        metrics |= {"policy_euros": float(earned.mean()), "policy_euros_low": low, "policy_euros_high": high}
    return Measured(METRIC, values, metrics)


def best_share(scores: np.ndarray, share: float = SHARE) -> np.ndarray:
    """The chance with which each row is sent to: 1 above the border, 0 below, in between for rows on it (rows,)."""
    most = share * len(scores)
    border = np.sort(scores)[::-1][min(int(most), len(scores) - 1)]
    above, on_it = scores > border, scores == border
    left = np.clip((most - above.sum()) / max(on_it.sum(), 1), 0.0, 1.0)
    return above + on_it * left


def of_people(contributions: np.ndarray, people: np.ndarray) -> np.ndarray:
    """Sums of each person's rows, scaled so that their mean is that of the rows (people,).

    Args:
        people: number of the person of each row, from 0 (rows,).
    """
    sums = np.bincount(people, weights=contributions)
    return sums * (len(sums) / len(contributions))


def _effects(data: Experiments, outcomes: np.ndarray) -> np.ndarray:
    """Of the test rows, with the means of each campaign's training rows as what was expected (test rows,)."""
    table = data.table
    campaigns = table.rows["campaign"].to_numpy(object)
    train, test = table.indices(Part.TRAIN), table.indices(Part.TEST)
    seen = pd.DataFrame({"campaign": campaigns[train], "treated": table.treated[train], "outcome": outcomes[train]})
    means = seen.groupby(["campaign", "treated"])["outcome"].mean()
    share = table.propensity[test]
    expected = np.zeros(len(test))
    # The mean that leaves least noise weighs each arm by the share of the other.
    for treated, weight in ((True, 1 - share), (False, share)):
        keys = pd.MultiIndex.from_product([pd.unique(campaigns), [treated]])
        known = means.reindex(keys).fillna(seen["outcome"].mean())
        expected += weight * known.xs(treated, level=1).reindex(campaigns[test]).to_numpy()
    return effects(outcomes[test], table.treated[test], share, expected)
