"""What sending a campaign would change for each person who can be reached, by the champion of `uplift`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from serving.scoring.champions import Champion
from serving.scoring.responses import ClickReasons, in_batches_of_people
from training.models.uplift.attributions import click_effect

_CHANGES = ["uplift_click", "uplift_purchase", "uplift_euros"]
_OF_A_CAMPAIGN = ["campaign", "same_campaign_visits"]
"""Columns of the recipients that belong to the campaigns there, which have other names than experiments."""


def predict_uplifts(recipients: pa.Table, champion: Champion | None) -> Iterator[pd.DataFrame]:
    """The rows of the table `uplifts`, some people at a time; none without a champion or without recipients.

    Args:
        recipients: the mart `scoring_responses`, by person and campaign; what it says of people is used.
    """
    if champion is None or not recipients.num_rows:
        return
    campaigns = np.sort(np.asarray(champion.model.vocabularies["campaign"], dtype=object))
    reasons = EffectReasons(champion.model, _of_people(recipients, campaigns))
    for rows in _of_people(recipients, campaigns):
        yield pd.DataFrame(
            {
                **rows[["person_id", "campaign"]],
                **champion.predict(rows)[_CHANGES],
                "reasons": reasons.of(rows),
                "model_version": champion.name,
            }
        )


class EffectReasons(ClickReasons):
    """The features that raised most what sending changes in the chance to come, in words."""

    def _click(self, features: Any) -> Any:
        return click_effect(self._model, features)


def _of_people(recipients: pa.Table, campaigns: np.ndarray) -> Iterator[pd.DataFrame]:
    """Each person with each campaign of the model, some people at a time, by person and campaign."""
    for rows in in_batches_of_people(recipients):
        people = rows.drop_duplicates("person_id").drop(columns=_OF_A_CAMPAIGN)
        yield people.merge(pd.DataFrame({"campaign": campaigns}), how="cross")
