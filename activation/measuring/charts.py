"""Charts of what was measured, over all nights so far: one SVG a campaign, and one of what scores were worth."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from contracts.lake import Lake
from contracts.tables.activation import LIFT, REALISED
from lake_tables.arrow import read_table

_NIGHTS = 400
"""Most that a chart shows, the latest."""

_MOST_DATES = 5
"""Below a panel."""

_HALF_A_DAY = pd.Timedelta(hours=12)
_GREY = "#9a9a9a"


def draw_charts(lake: Lake, ds: str, folder: Path) -> list[Path]:
    """Draw what the nights up to one have measured; nothing of a night that measured nothing.

    Returns:
        `lift-<campaign>.svg` of each campaign and `realised.svg`, as far as there is anything to draw.
    """
    for former in (*folder.glob("lift-*.svg"), *folder.glob("realised.svg")):
        former.unlink()
    files = []
    if ds in lake.days(LIFT.name):
        lifts = _over_nights(lake, LIFT.name, ds)
        tonight = lifts[lifts["night"] == pd.Timestamp(ds)]
        for campaign, salt in sorted(set(zip(tonight["campaign"], tonight["salt"], strict=True))):
            own = lifts[(lifts["campaign"] == campaign) & (lifts["salt"] == salt)]
            files.append(_draw_lift(campaign, own, folder / f"lift-{campaign}.svg"))
    if ds in lake.days(REALISED.name):
        files.append(_draw_realised(_over_nights(lake, REALISED.name, ds), folder / "realised.svg"))
    return files


def _over_nights(lake: Lake, table: str, ds: str) -> pd.DataFrame:
    """All rows of the latest nights, each with its `night`."""
    parts = []
    for day in lake.days(table, until=ds)[-_NIGHTS:]:
        rows = read_table(lake.partition(table, day), _COLUMNS[table])
        parts.append(rows.append_column("night", pa.repeat(pa.scalar(datetime.datetime.fromisoformat(day)), len(rows))))
    return pa.concat_tables(parts).to_pandas()


_COLUMNS = {
    LIFT.name: ["campaign", "salt", "arm", "metric", "difference", "low", "high"],
    REALISED.name: ["people_of", "model_version", "metric", "value", "low", "high"],
}


def _draw_lift(campaign: str, rows: pd.DataFrame, file: Path) -> Path:
    """A panel a metric, a line an arm: the difference to those held out, and its interval as a band."""
    metrics, arms = list(dict.fromkeys(rows["metric"])), list(dict.fromkeys(rows["arm"]))
    figure, panels = _panels(rows["night"], metrics, f"lift of {campaign}: a person treated less a person held out")
    for metric in metrics:
        panel = panels[metric]
        panel.axhline(0, color=_GREY, linewidth=0.8)
        for place, arm in enumerate(arms):
            own = rows[(rows["metric"] == metric) & (rows["arm"] == arm)].sort_values("night")
            colour = f"C{place}"
            panel.plot(own["night"], own["difference"].astype(float), marker="o", color=colour, label=arm)
            low, high = own["low"].astype(float), own["high"].astype(float)
            panel.fill_between(own["night"], low, high, color=colour, alpha=0.2, linewidth=0)
            panel.vlines(own["night"], low, high, color=colour, alpha=0.5)  # of one night there is no band
        panel.legend(fontsize="small")
    return _saved(figure, file)


def _draw_realised(rows: pd.DataFrame, file: Path) -> Path:
    """A panel a metric, a line a model version; popularity on the same people is grey."""
    metrics = list(dict.fromkeys(rows["metric"]))
    figure, panels = _panels(rows["night"], metrics, "what scores were worth, by the night that measured them")
    for metric in metrics:
        own = rows[rows["metric"] == metric]
        versions = sorted(set(zip(own["people_of"], own["model_version"], strict=True)))
        for place, (people_of, version) in enumerate(versions):
            is_baseline = version != people_of
            line = own[(own["people_of"] == people_of) & (own["model_version"] == version)].sort_values("night")
            label = f"{version} beside {people_of}" if is_baseline else version
            colour = _GREY if is_baseline else f"C{place}"
            panels[metric].plot(line["night"], line["value"], marker="o", color=colour, label=label)
        panels[metric].legend(fontsize="small")
    return _saved(figure, file)


def _panels(nights: pd.Series, metrics: list[str], title: str):
    """A figure with a panel a metric, two in a row, over all nights."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # takes its time to import
    from matplotlib.dates import DateFormatter
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 1 + 2.6 * -(-len(metrics) // 2)), layout="constrained")
    FigureCanvasSVG(figure)
    figure.suptitle(title.replace("$", r"\$"))
    days = np.sort(nights.unique())
    shown = days[:: -(-len(days) // _MOST_DATES)]
    panels = {}
    for place, metric in enumerate(metrics):
        panel = figure.add_subplot(-(-len(metrics) // 2), min(2, len(metrics)), place + 1, title=metric)
        panel.set_xticks(shown)
        panel.xaxis.set_major_formatter(DateFormatter("%Y-%m-%d"))
        panel.set_xlim(nights.min() - _HALF_A_DAY, nights.max() + _HALF_A_DAY)
        panel.spines[["top", "right"]].set_visible(False)
        panels[metric] = panel
    return figure, panels


def _saved(figure, file: Path) -> Path:
    """The same bytes for the same figures."""
    from matplotlib import rc_context

    file.parent.mkdir(parents=True, exist_ok=True)
    with rc_context({"svg.hashsalt": file.name}):
        figure.savefig(file, metadata={"Date": None})
    return file
