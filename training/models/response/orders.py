"""What an order is worth: euros of a mean order, over all campaigns and of each, whatever a few orders claim to cost.

Anybody can send an order of any amount, and a mean follows the largest. An order counts with at most `MOST_MEDIANS`
times the median order; of fewer than `FEWEST_ORDERS`, of which a few may be most, with so many times the smallest.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from training.models.response.loading import PURCHASE, Responses

MOST_MEDIANS = 10.0
"""An order counts with at most so many times the median order."""

FEWEST_ORDERS = 7
"""Fewest orders that have a median which three of them cannot move."""

PRIOR_ORDERS = 10
"""A campaign's mean order is averaged with the mean of all campaigns, which counts for this many orders."""


def training_euros(data: Responses) -> np.ndarray:
    """Euros bought in rows whose purchase is learned from, NaN in all others (rows,)."""
    return np.where(data.table.learned[:, PURCHASE], data.order_values, np.nan)


def mean_orders(data: Responses) -> tuple[float, dict[str, float]]:
    """Euros of a mean order over all campaigns, and of each, of the rows with a purchase that are learned from."""
    indices = np.flatnonzero(data.table.learned[:, PURCHASE])
    return mean_order_values(data.table.rows["campaign"].to_numpy()[indices], data.order_values[indices])


def mean_order_values(campaigns: np.ndarray, euros: np.ndarray) -> tuple[float, dict[str, float]]:
    """Euros of a mean order over all campaigns, and of each campaign, shrunk towards the mean of all.

    Only rows with a purchase count, each capped (`order_cap`). Without any, an order is worth 0 euros.

    Args:
        campaigns: (rows,).
        euros: bought in each row; 0 or NaN without a purchase (rows,).
    """
    orders = pd.DataFrame({"campaign": campaigns, "euros": euros})
    orders = orders[orders["euros"] > 0]
    orders["euros"] = orders["euros"].clip(upper=order_cap(orders["euros"].to_numpy()))
    overall = float(orders["euros"].mean()) if len(orders) else 0.0
    sums = orders.groupby("campaign")["euros"].agg(["sum", "count"])
    shrunk = (sums["sum"] + PRIOR_ORDERS * overall) / (sums["count"] + PRIOR_ORDERS)
    return overall, {str(campaign): float(euros) for campaign, euros in shrunk.items()}


def order_cap(euros: np.ndarray) -> float:
    """The greatest value with which one of these orders counts (orders,); infinity without any."""
    if not len(euros):
        return np.inf
    return MOST_MEDIANS * float(np.median(euros) if len(euros) >= FEWEST_ORDERS else euros.min())


def expected_over_realised(
    chances: np.ndarray,
    campaigns: np.ndarray,
    realised: np.ndarray,
    *,
    order_value: float,
    order_values: Mapping[str, float],
) -> float | None:
    """Mean of the euros that a model expects over the mean of those that came; None of fewer than `FEWEST_ORDERS`.

    What came is capped like the orders that are learned from, so that neither is moved by a few.

    Args:
        chances: of a purchase (rows,).
        campaigns: (rows,).
        realised: euros bought, NaN where they are not known (rows,).
        order_value: euros of a mean order, for campaigns that are not in `order_values`.
    """
    known = np.isfinite(realised)
    orders = realised[known & (realised > 0)]
    if len(orders) < FEWEST_ORDERS:
        return None
    worth = pd.Series(campaigns).map(dict(order_values)).fillna(order_value).to_numpy("float64")
    expected = (chances * worth)[known].mean()
    return float(expected / np.minimum(realised[known], order_cap(orders)).mean())
