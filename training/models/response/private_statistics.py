"""What a private training on a table replaces the statistics of its rows with: public knowledge and one noised release.

A plain training reads more off its rows than its gradients. In a private one

- numbers are scaled by public knots, which depend on no row (`features.public_scale`);
- categories are public ones, or those whose noised count of people passes a threshold;
- a mean order is computed from noised sums;
- all epochs are trained, and the validation part, which may hold rows of the same people, neither chooses an epoch nor
  calibrates;
- all rows have the same weight, and no synthetic rows are added, because their generator is not private.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.stats import norm

from contracts.errors import ModelError
from training.models.response.features import FeatureSpace, category_column, public_scale
from training.models.response.network import ResponseConfig
from training.models.response.table import LabelledTable
from training.privacy.accounting import Spending, spending

MOST_VALUES = 16
"""Most different categories of a column that a person counts for."""

MOST_EUROS = 200.0
"""Greatest value at which an order enters the noised mean."""

MOST_ORDERS = 3.0
"""Greatest length of a person's contribution to the noised sums of orders, in orders."""


@dataclass(frozen=True)
class PrivateStatistics:
    """The privacy budget of a training, and the noised statistics that are released with it."""

    spent: Spending
    space: FeatureSpace
    """The encoding of columns, from public knowledge and noised counts."""
    order_value: float
    """Euros of a mean order."""
    order_values: Mapping[str, float]
    """Euros of a mean order, by category of `order_by`."""


def table_spending(table: LabelledTable, config: ResponseConfig) -> Spending:
    """The privacy budget that a private training on this table spends.

    Raises:
        ModelError: a setting that a private training does not allow.
    """
    _require_private(config)
    people = len(np.unique(table.owners[table.training]))
    threshold = any(name not in table.public for name in table.categories)
    return spending(
        config.privacy, people=people, batch_people=config.batch_size, epochs=config.epochs, threshold=threshold
    )


def private_statistics(
    table: LabelledTable, config: ResponseConfig, *, euros: np.ndarray | None = None, order_by: str = ""
) -> PrivateStatistics:
    """The statistics of a private training, as one Gaussian release: each block of a person's has length 1 at most.

    Args:
        euros: euros bought in each row, NaN where they are not known (rows,); None releases no mean orders.
        order_by: the category column by which mean orders are computed.

    Raises:
        ModelError: a setting that a private training does not allow.
    """
    spent, random = table_spending(table, config), np.random.default_rng()
    rows = table.rows.iloc[table.training]
    owners = np.unique(table.owners[table.training], return_inverse=True)[1]
    noised = [name for name in table.categories if name not in table.public]
    blocks = len(noised) + (euros is not None)
    deviation = spent.statistics_noise * np.sqrt(max(blocks, 1))
    vocabularies = {name: sorted(table.public.get(name, ())) for name in table.categories}
    for name in noised:
        values, codes = np.unique(category_column(rows, name), return_inverse=True)
        counts = _shares_of_people(owners, codes, len(values)) + random.normal(0, deviation, len(values))
        chance = spent.threshold_delta / (MOST_VALUES * len(noised))
        threshold = 1.0 + deviation * float(norm.isf(chance))
        vocabularies[name] = values[counts >= threshold].tolist()
    scales = {name: public_scale(table.intervals.get(name)) for name in table.numbers}
    space = FeatureSpace(
        knots={name: knots for name, (knots, _) in scales.items()},
        heights={name: heights for name, (_, heights) in scales.items()},
        vocabularies=vocabularies,
        columns=table.columns,
    )
    if euros is None:
        return PrivateStatistics(spent, space, 0.0, {})
    kept = vocabularies[order_by]
    codes = pd.Index(kept).get_indexer(category_column(rows, order_by))
    order_value, means = _noised_orders(owners, codes, euros[table.training], len(kept), deviation, random)
    return PrivateStatistics(spent, space, order_value, dict(zip(kept, means, strict=True)))


def _shares_of_people(owners: np.ndarray, codes: np.ndarray, values: int) -> np.ndarray:
    """Number of people with each value; a person with several values counts for a share of each (values,).

    A person's shares add up to at most 1, so that one person changes the counts by a length of at most 1.

    Args:
        owners: person of each row (rows,).
        codes: value of each row, from 0 (rows,).
    """
    pairs = np.unique(np.stack([owners, codes], axis=1), axis=0)
    first = np.searchsorted(pairs[:, 0], pairs[:, 0])
    pairs = pairs[np.arange(len(pairs)) - first < MOST_VALUES]
    shares = 1.0 / np.bincount(pairs[:, 0])[pairs[:, 0]]
    return np.bincount(pairs[:, 1], weights=shares, minlength=values)


def _noised_orders(
    owners: np.ndarray,
    codes: np.ndarray,
    euros: np.ndarray,
    campaigns: int,
    deviation: float,
    random: np.random.Generator,
) -> tuple[float, list[float]]:
    """Mean order over all campaigns, and of each, from noised sums and counts.

    A person's contribution to them has a length of at most `MOST_ORDERS`. The mean of a campaign with few noised orders
    is near the mean of all.
    """
    bought = np.nan_to_num(euros) > 0
    bought &= codes >= 0
    worth = np.minimum(euros[bought], MOST_EUROS) / MOST_EUROS
    person, campaign = owners[bought], codes[bought]
    shape = (int(owners.max(initial=0)) + 1, 2 * campaigns)
    each = coo_matrix((worth, (person, campaign)), shape) + coo_matrix(
        (np.ones(len(worth)), (person, campaign + campaigns)), shape
    )
    lengths = np.sqrt(np.asarray(each.multiply(each).sum(axis=1)).ravel())
    shares = np.minimum(1.0, MOST_ORDERS / np.maximum(lengths, 1e-12))
    totals = each.T @ shares + random.normal(0, deviation * MOST_ORDERS, 2 * campaigns)
    sums, counts = totals[:campaigns] * MOST_EUROS, totals[campaigns:]
    doubt = 2.0 * deviation * MOST_ORDERS
    overall = float(np.clip(sums.sum() / max(counts.sum(), doubt), 0.0, MOST_EUROS))
    means = (sums + doubt * overall) / np.maximum(counts + doubt, doubt)
    return overall, [float(one) for one in np.clip(means, 0.0, MOST_EUROS)]


def _require_private(config: ResponseConfig) -> None:
    wrong = [
        setting
        for allowed, setting in (
            (config.loss != "weighted", "loss: weighted"),
            (config.half_life_share <= 0, f"half_life_share: {config.half_life_share:g}"),
        )
        if not allowed
    ]
    if wrong:
        raise ModelError(
            expected="settings that compute nothing from the rows before a private training",
            received=", ".join(wrong),
            remedy="use `loss: plain` and `half_life_share: 0`, or train without `privacy`",
        )
