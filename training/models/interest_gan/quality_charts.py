"""Charts of a quality report: synthetic rows beside real ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.card.charts import figure_bars, new_figure
from training.models.interest_gan.mixed_columns import NUMBER, WHOLE, as_numbers
from training.models.interest_gan.synthetic_quality import Quality

_COLUMNS = 4
_BARS = 12
_RARE_BARS = 30
_REAL, _SYNTHETIC = "tab:blue", "tab:orange"


def draw_quality(quality: Quality, aucs: Mapping[str, float], folder: Path) -> list[Path]:
    """Write four PNG files and return them.

    Args:
        aucs: AUC on real test rows, by the rows that the classifier learned from; the first are the synthetic ones.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figures = {
        "column_shapes": figure_shapes(quality),
        "pair_trends": figure_trends(quality),
        "minority_modes": figure_rare(quality),
        "trained_on_synthetic_tested_on_real": figure_bars(aucs, "AUC on real test rows"),
    }
    files = []
    for name, figure in figures.items():
        files.append(folder / f"{name}.png")
        figure.savefig(files[-1], dpi=100)
    return files


def figure_shapes(quality: Quality) -> Figure:
    """The distribution of each column, real and synthetic, with its score in the title."""
    rows = -(-len(quality.kinds) // _COLUMNS)
    figure = new_figure(3.2 * _COLUMNS, 2.4 * rows)
    figure.suptitle(f"column shapes: {quality.column_shape:.4f} (1 is equal)")
    plots = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for plot, (name, kind) in zip(plots, quality.kinds.items(), strict=False):
        draw = _draw_numbers if kind in (NUMBER, WHOLE) else _draw_categories
        draw(plot, quality.real[name], quality.synthetic[name])
        plot.set_title(f"{name} {quality.shapes[name]:.3f}", fontsize=9)
        plot.tick_params(labelsize=7)
    for plot in plots[len(quality.kinds) :]:
        plot.set_axis_off()
    plots[0].legend(["real", "synthetic"], fontsize=7)
    return figure


def figure_trends(quality: Quality) -> Figure:
    """Cramer's V of every pair of columns: real, synthetic, and the difference."""
    real, synthetic = quality.associations()
    figure = new_figure(16, 5.6)
    figure.suptitle(f"pair trends: {quality.pair_trend:.4f} (1 is equal)")
    names = ("real", "synthetic", "synthetic - real")
    maps = (real, synthetic, synthetic - real)
    for place, (plot, name, values) in enumerate(zip(figure.subplots(1, 3), names, maps, strict=True)):
        difference = place == 2
        image = plot.imshow(values, cmap="coolwarm" if difference else "viridis", vmin=-difference, vmax=1)
        plot.set_title(name)
        plot.set_xticks(range(len(values)), values.columns, rotation=90, fontsize=7)
        plot.set_yticks(range(len(values)), values.columns if place == 0 else [], fontsize=7)
        figure.colorbar(image, ax=plot, shrink=0.8, label="Cramer's V")
    return figure


def figure_rare(quality: Quality) -> Figure:
    """Shares of rare values, those that synthetic rows lost most first."""
    rare = quality.rare.assign(kept=lambda table: table["synthetic"] / table["real"]).sort_values("kept")[:_RARE_BARS]
    figure = new_figure(8, 1.2 + 0.28 * max(len(rare), 1))
    plot = figure.add_subplot(xlabel="share of rows, %")
    plot.set_title(f"rare values: {quality.minority_modes:.0%} are at least half as frequent as in real rows")
    places = np.arange(len(rare))
    plot.barh(places - 0.2, rare["real"] * 100, 0.4, color=_REAL, label="real")
    plot.barh(places + 0.2, rare["synthetic"] * 100, 0.4, color=_SYNTHETIC, label="synthetic")
    plot.set_yticks(places, [f"{row.column}: {row.value}" for row in rare.itertuples()], fontsize=8)
    plot.invert_yaxis()
    plot.legend()
    return figure


def _draw_numbers(plot: Axes, real: pd.Series, synthetic: pd.Series) -> None:
    """Histograms over the middle 98 % of the real numbers."""
    values = [as_numbers(column) for column in (real, synthetic)]
    known = values[0][~np.isnan(values[0])]
    low, high = np.quantile(known, [0.01, 0.99]) if len(known) else (0.0, 1.0)
    edges = np.linspace(low, max(high, low + 1e-9), 31)
    for numbers, colour in zip(values, (_REAL, _SYNTHETIC), strict=True):
        shares = np.histogram(numbers[~np.isnan(numbers)], edges)[0] / max(len(numbers), 1)
        plot.stairs(shares, edges, color=colour, fill=colour == _REAL, alpha=0.5 if colour == _REAL else 1.0)


def _draw_categories(plot: Axes, real: pd.Series, synthetic: pd.Series) -> None:
    """The most frequent real values."""
    shares = [column.astype(object).astype(str).value_counts(normalize=True) for column in (real, synthetic)]
    names = shares[0].index[:_BARS]
    places = np.arange(len(names))
    for share, colour, shift in zip(shares, (_REAL, _SYNTHETIC), (-0.2, 0.2), strict=True):
        plot.bar(places + shift, share.reindex(names, fill_value=0.0), 0.4, color=colour, alpha=0.8)
    plot.set_xticks(places, [str(name)[:10] for name in names], rotation=60, ha="right")
