"""Charts of a training run."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def new_figure(width: float, height: float) -> Figure:
    """An empty figure in inches that can be saved without a screen."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def plot_epochs(epochs: Sequence[Mapping[str, float]], watched: str, file: Path) -> None:
    """Loss and the watched validation metric of every epoch, as PNG."""
    figure = new_figure(7, 4)
    numbers = range(1, len(epochs) + 1)
    left = figure.add_subplot(xlabel="epoch", ylabel="training loss")
    left.plot(numbers, [epoch["loss"] for epoch in epochs], color="tab:blue")
    left.yaxis.label.set_color("tab:blue")
    right = left.twinx()
    right.set_ylabel(watched.replace("_", " "), color="tab:orange")
    right.plot(numbers, [epoch[watched] for epoch in epochs], color="tab:orange")
    figure.savefig(file)


def figure_bars(values: Mapping[str, float], axis: str) -> Figure:
    """One horizontal bar a name, in this order from the top, each with its number."""
    figure = new_figure(7, 0.8 + 0.35 * len(values))
    plot = figure.add_subplot(xlabel=axis)
    bars = plot.barh(
        list(map(_without_formulas, values)),
        list(values.values()),
        color=["tab:orange"] + ["tab:blue"] * (len(values) - 1),
    )
    plot.bar_label(bars, fmt="%.4f", padding=3)
    plot.invert_yaxis()
    plot.margins(x=0.15)
    plot.spines[["top", "right"]].set_visible(False)
    return figure


def figure_intervals(groups: pd.DataFrame, axis: str) -> Figure:
    """One interval a group; groups: kind, group, units, value, low, high."""
    names = [_without_formulas(f"{row.kind} {row.group} ({row.units:,})") for row in groups.itertuples()]
    figure = new_figure(7, 0.8 + 0.28 * len(groups))
    plot = figure.add_subplot(xlabel=axis)
    value, low, high = (groups[name].to_numpy() for name in ("value", "low", "high"))
    errors = [value - low, high - value]
    plot.errorbar(value, names, xerr=errors, fmt="o", color="tab:blue", ecolor="#9db4cc", capsize=3)
    plot.invert_yaxis()
    plot.spines[["top", "right"]].set_visible(False)
    return figure


def figure_html(figure: Figure, alternative: str = "") -> str:
    """A figure as HTML that stands alone, with words for who does not see it; by default its label."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110)
    return image_html(content.getvalue(), alternative or figure.get_label() or "plot")


def image_html(png: bytes, alternative: str) -> str:
    """A picture as HTML that stands alone, with words for who does not see it."""
    return f'<p><img alt="{html.escape(alternative)}" src="data:image/png;base64,{base64.b64encode(png).decode()}"></p>'


def _without_formulas(name: object) -> str:
    """A label without formulas: matplotlib would read one between two dollar signs."""
    return str(name).replace("$", r"\$")
