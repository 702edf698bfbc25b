"""What an order is worth: euros of a mean order, over all campaigns and of each."""

from __future__ import annotations

import numpy as np
import pandas as pd

from training.models.response.loading import PURCHASE, Responses
from training.parts import Part

PRIOR_ORDERS = 10
"""A campaign's mean order is averaged with the mean of all campaigns, which counts for this many orders."""


def training_euros(data: Responses) -> np.ndarray:
    """Euros bought in rows whose purchase is in the training part, NaN in all others (rows,)."""
    return np.where(data.table.parts[:, PURCHASE] == Part.TRAIN, data.order_values, np.nan)


def mean_orders(data: Responses) -> tuple[float, dict[str, float]]:
    """Euros of a mean order over all campaigns, and of each campaign, shrunk towards the mean of all.

    Only training rows with a purchase count. Without any, an order is worth 0 euros.
    """
    indices = data.table.indices(PURCHASE, Part.TRAIN)
    orders = pd.DataFrame(
        {"campaign": data.table.rows["campaign"].to_numpy()[indices], "euros": data.order_values[indices]}
    )
    orders = orders[orders["euros"] > 0]
    overall = float(orders["euros"].mean()) if len(orders) else 0.0
    sums = orders.groupby("campaign")["euros"].agg(["sum", "count"])
    shrunk = (sums["sum"] + PRIOR_ORDERS * overall) / (sums["count"] + PRIOR_ORDERS)
    return overall, {str(campaign): float(euros) for campaign, euros in shrunk.items()}
