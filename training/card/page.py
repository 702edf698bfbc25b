"""The model card: one HTML page a version, with its data, protocol, curves, baselines, groups, attributions and limits.

After Mitchell et al., Model Cards for Model Reporting (FAT* 2019). The page stands alone: pictures are inside it.
"""

from __future__ import annotations

import base64
import dataclasses
import html
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import yaml

from contracts.settings import Settings
from training.card.charts import figure_bars, figure_intervals
from training.card.privacy import Known, curve_table, curve_words, figure_curve
from training.config import CONFIGS, read_config
from training.gate.decision import GateConfig, slice_table
from training.gate.small_groups import in_words, too_small

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from training.learner import Data, Fitted, Learner, Measured

TEXTS = Path(__file__).with_name("cards.yml")
"""What a model is for, how it is measured, and what it must not be trusted for."""

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1d2733; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { margin-bottom: 0 } h2 { margin-top: 2.5rem; border-bottom: 1px solid #d5dce4 } .lead { color: #5a6a7c }
table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .25rem .75rem; text-align: left }
tr:nth-child(even) { background: #f4f6f9 } td.number { text-align: right; font-variant-numeric: tabular-nums }
img { max-width: 100% }
"""


def write_card(
    folder: Path,
    learner: Learner,
    data: Data,
    fitted: Fitted,
    config: Any,
    measured: Measured,
    baselines: Mapping[str, Measured],
    *,
    ds: str,
    privacy: Known | None = None,
) -> Path:
    """Write card.html into a folder that already holds `epochs.png`; the learner's own charts go there too."""
    gate = read_config(CONFIGS / "gate.yml", GateConfig, sections=("every", learner.name))
    words = yaml.safe_load(TEXTS.read_text())[learner.name]
    everyone = {"this model": measured, **baselines}
    slices, smallest = learner.slices(data), Settings.from_env().smallest_group
    hidden = too_small(slices, learner.people(data), smallest)
    groups = slice_table(measured, slices, gate)
    groups = groups[[pair not in hidden for pair in zip(groups["kind"], groups["group"], strict=True)]]
    parts = [
        f"<h1>{learner.name}</h1><p class=lead>{html.escape(words['purpose'])}</p>",
        _section("Data", f"<p>Table <code>{learner.table}</code> of {ds}.</p>", _table(data.describe().items())),
        _section("Protocol", f"<p>{html.escape(words['protocol'])}</p>"),
        _section("Learning curve", _picture((folder / "epochs.png").read_bytes(), "loss and validation by epoch")),
        _section(
            f"Beside baselines: {measured.metric} on {len(measured.values):,} held-out {learner.unit}",
            _figure(figure_bars({name: one.value for name, one in everyone.items()}, measured.metric)),
            pd.DataFrame({name: dict(one.metrics) for name, one in everyone.items()}).to_html(
                float_format="{:.4f}".format, na_rep="", border=0
            ),
        ),
        _section(
            "Groups",
            f"<p>{measured.metric} of each group with its {gate.confidence:.0%} interval. The gate looks at groups of "
            f"{gate.slice_units} or more {learner.unit}. {in_words(hidden, smallest)}</p>",
            _figure(figure_intervals(groups, measured.metric)) if len(groups) else "<p>No groups.</p>",
        ),
        *_attributions(learner, fitted, data),
        *_own_charts(learner, fitted, data, measured, baselines, folder),
        _section("Privacy", *_privacy(learner, privacy or Known())),
        _section("Limits", "<ul>", *(f"<li>{html.escape(line)}</li>" for line in words["limits"]), "</ul>"),
        _section("Parameters", _table(dataclasses.asdict(config).items())),
    ]
    page = folder / "card.html"
    title = f"<title>{learner.name} {ds}</title><style>{_STYLE}</style>"
    page.write_text(f"<!doctype html><html lang=en><meta charset=utf-8>{title}<body>{''.join(parts)}</body></html>\n")
    return page


def _attributions(learner: Learner, fitted: Fitted, data: Data) -> Iterable[str]:
    """Which features move the answers, by integrated gradients, for models that explain themselves."""
    shares = learner.attributions(fitted, data)
    if shares:
        words = "<p>Share of each feature in what moves the score (integrated gradients, absolute values).</p>"
        yield _section("Attributions", words, _figure(figure_bars(dict(list(shares.items())[:15]), "share")))


def _own_charts(
    learner: Learner,
    fitted: Fitted,
    data: Data,
    measured: Measured,
    baselines: Mapping[str, Measured],
    folder: Path,
) -> Iterable[str]:
    files = learner.charts(fitted, data, measured, baselines, folder)
    if files:
        shown = [_picture(file.read_bytes(), file.stem.replace("_", " ")) for file in files]
        yield _section("A closer look", *shown)


def _privacy(learner: Learner, known: Known) -> Iterable[str]:
    lines = (
        "Learned from people who agreed to training only. No identifier of a person is an input, and none is kept.",
        *learner.privacy_notes(),
        *known.lines(learner.name),
    )
    yield from (f"<p>{html.escape(line)}</p>" for line in lines)
    if known.curve is not None:
        yield f"<p>{html.escape(curve_words(known.curve))}</p>"
        yield _figure(figure_curve(known.curve))
        yield curve_table(known.curve).to_html(float_format="{:.4f}".format, na_rep="", border=0)


def _section(title: str, *content: str) -> str:
    return f"<h2>{html.escape(title)}</h2>{''.join(content)}"


def _table(rows: Iterable[tuple[str, Any]]) -> str:
    cells = [
        f"<tr><td>{html.escape(str(name))}</td><td class=number>{html.escape(_written(value))}</td></tr>"
        for name, value in rows
    ]
    return f"<table>{''.join(cells)}</table>"


def _written(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_written(one)}" for name, one in value.items())
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _figure(figure: Figure) -> str:
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110)
    return _picture(content.getvalue(), figure.get_label() or "plot")


def _picture(png: bytes, alternative: str) -> str:
    return f'<p><img alt="{html.escape(alternative)}" src="data:image/png;base64,{base64.b64encode(png).decode()}"></p>'
