"""Pictures of a training run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path


def plot_epochs(epochs: Sequence[Mapping[str, float]], file: Path) -> None:
    """Loss and validation NDCG@10 of every epoch, as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    numbers = range(1, len(epochs) + 1)
    left = figure.add_subplot(xlabel="epoch", ylabel="training loss")
    left.plot(numbers, [epoch["loss"] for epoch in epochs], color="tab:blue")
    left.yaxis.label.set_color("tab:blue")
    right = left.twinx()
    right.set_ylabel("validation NDCG@10", color="tab:orange")
    right.plot(numbers, [epoch["validation_ndcg_at_10"] for epoch in epochs], color="tab:orange")
    figure.savefig(file)
