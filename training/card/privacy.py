"""The privacy section of a model card: the guarantee and its limits, the attack, the privacy-utility curve."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from contracts.settings import Settings
from training.card.charts import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from training.learner import Trained

_INSIDE = {
    "response": "the weights; the scales of numbers, which no row decided on; the categories that have a code, which "
    "are public or passed a noised threshold; the noised mean orders",
    "taste_autoencoder": "the weights; the items, which are all of the catalogue; the noised counts of people an item",
}
_OUTSIDE = (
    "Outside of the guarantee, since they are exact: everything beside the model in MLflow (the loss and metrics of "
    "each epoch and of the test, sizes, groups, charts, attributions and the privacy-utility curve of this card, "
    "units.parquet, parity.npz), which is for those who run Nightshift; all that is computed with the model from a "
    "person's own data, such as scores and taste vectors; the number of people in training, and whether an answer has "
    "labels at all, which are taken for public.",
    "The noise is made by a pseudo-random generator that the operating system seeds, in float32; attacks on the last "
    "bits of such noise are not defended against.",
)


def privacy_sentences(trained: Trained) -> Iterable[str]:
    """What the card says of the guarantee of a private training, and of the attack on any."""
    spent = trained.spending
    if spent is not None:
        yield (
            f"Differentially private: epsilon {spent.epsilon:g}, delta {spent.delta:g}, for all rows of a person, one "
            f"person more or less. {spent.steps} steps, on people drawn with chance {spent.sampling_rate:.4f} among "
            f"{spent.people:,}, noise multiplier {spent.noise_multiplier:.3f}; accounted by Renyi divergences. With "
            f"this training its table has given away epsilon {trained.table_epsilon:.2f} in all (delta 1e-05)."
        )
        inside = _INSIDE[trained.model]
        yield f"Inside the guarantee is every file of the served model: {inside}. No validation row chose."
        yield from _OUTSIDE
    elif trained.model in _INSIDE:
        yield "Not differentially private: `privacy` in its configuration makes it so, see docs/train.md."
    if trained.attack is not None:
        yield trained.attack.words


def read_curve(settings: Settings, model: str) -> dict[str, Any] | None:
    """The latest privacy-utility curve of a model; None where none was made."""
    file = settings.home.privacy_curves / f"{model}.json"
    return json.loads(file.read_text()) if file.is_file() else None


def curve_words(curve: Mapping[str, Any]) -> str:
    return (
        f"Privacy-utility curve: {curve['metric']} and membership attack of trainings with each epsilon, data of "
        f"{curve['ds']}, means of {len(curve['seeds'])} seeds. These models were measured and thrown away."
    )


def curve_table(curve: Mapping[str, Any]) -> pd.DataFrame:
    """One row an epsilon."""
    rows = pd.DataFrame(curve["points"])
    rows["epsilon"] = [_name(point["epsilon"]) for point in curve["points"]]  # a frame makes nan of what is none
    return rows.set_index("epsilon")


def figure_curve(curve: Mapping[str, Any]) -> Figure:
    """The metric and the attack by epsilon, from no privacy to the most."""
    points = curve["points"]
    figure = new_figure(7, 3.6)
    names = [_name(point["epsilon"]) for point in points]
    left = figure.add_subplot(xlabel="epsilon", ylabel=curve["metric"])
    left.plot(names, [point[curve["metric"]] for point in points], "o-", color="tab:blue")
    left.yaxis.label.set_color("tab:blue")
    right = left.twinx()
    right.set_ylabel("membership AUC", color="tab:orange")
    right.plot(names, [point["membership_auc"] for point in points], "s--", color="tab:orange")
    right.set_ylim(0.4, 1.0)
    figure.set_label("privacy-utility curve")
    return figure


def _name(epsilon: float | None) -> str:
    return "inf" if epsilon is None or math.isinf(epsilon) else f"{epsilon:g}"
