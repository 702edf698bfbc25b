"""The model card: one HTML page a version, with its data, protocol, curves, baselines, groups, attributions and limits.

After Mitchell et al., Model Cards for Model Reporting (FAT* 2019). The page stands alone: its charts are inside it.
"""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from contracts.checked_yaml import read_yaml
from contracts.errors import ModelError
from contracts.pages import html_page, html_section
from training.card.charts import figure_bars, figure_html, figure_intervals, image_html
from training.card.privacy import curve_table, curve_words, figure_curve, privacy_sentences
from training.config import MODELS
from training.gate.decision import slice_table
from training.gate.small_groups import suppression_note, too_small

if TYPE_CHECKING:
    from training.gate.decision import GateConfig
    from training.learner import Trained

TEXTS = Path(__file__).with_name("cards.yml")
"""What a model is for, how it is measured, and what it must not be trusted for."""


def write_card(
    folder: Path, trained: Trained, *, gate: GateConfig, smallest_group: int, curve: Mapping[str, Any] | None = None
) -> Path:
    """Write card.html into a folder that already holds `epochs.png`; the learner's own charts go there too.

    Args:
        gate: its confidence and its smallest group of units are what the intervals of groups are shown with.
        smallest_group: fewest people of a group that is shown.
        curve: the privacy-utility curve of the model, as `training.privacy.curve` writes it.
    """
    learner, measured = trained.learner, trained.measured
    texts = read_texts(trained.model)
    parts = [
        f"<h1>{trained.model}</h1><p class=lead>{html.escape(texts.purpose)}</p>",
        html_section(
            "Data",
            f"<p>Table <code>{learner.table}</code> of {trained.ds}.</p>",
            *(f"<p>{html.escape(line)}</p>" for line in learner.data_notes(trained.data)),
            _table(trained.sizes.items()),
        ),
        html_section("Protocol", f"<p>{html.escape(texts.protocol)}</p>"),
        html_section(
            "Learning curve", image_html((folder / "epochs.png").read_bytes(), "loss and validation by epoch")
        ),
        html_section(
            f"Beside baselines: {measured.metric} on {len(measured.values):,} held-out {learner.unit}",
            *_beside_baselines(trained, gate),
        ),
        *_lists(trained),
        html_section("Groups", *_groups(trained, gate, smallest_group)),
        *_attributions(trained),
        *_charts(trained, folder),
        html_section("Privacy", *_privacy(trained, curve)),
        html_section("Limits", "<ul>", *(f"<li>{html.escape(line)}</li>" for line in texts.limits), "</ul>"),
        html_section("Parameters", _table(dataclasses.asdict(trained.config).items())),
    ]
    page = folder / "card.html"
    page.write_text(html_page(f"{trained.model} {trained.ds}", *parts))
    return page


def served_card(judged_card: str, judged_version: str, lines: Iterable[str], figures: Mapping[str, float]) -> str:
    """The card of weights that learned from everything: that of the version that was measured, and what was checked.

    Nothing is left to measure them on, so that every other figure of the page is that of the other version.
    """
    section = html_section(
        "Served",
        *(f"<p>{html.escape(line)}</p>" for line in lines),
        f"<p>Every figure below is of version {html.escape(judged_version)}; these compare the two:</p>",
        _table((name, f"{value:.4f}") for name, value in figures.items()),
    )
    lead, end, rest = judged_card.partition("</p>")
    return f"{lead}{end}{section}{rest}"


@dataclasses.dataclass(frozen=True)
class Texts:
    """The words of a model's card."""

    purpose: str
    protocol: str
    limits: tuple[str, ...]


def read_texts(model: str, file: Path = TEXTS) -> Texts:
    """The words of the card of a model.

    Raises:
        ModelError: there are none, or a key that does not fit; the error names its line.
    """
    keys = ("purpose", "protocol", "limits")
    phrases = read_yaml(file, ModelError).mapping(MODELS, required=(model,))[model].mapping(keys, required=keys)
    return Texts(
        phrases["purpose"].text(), phrases["protocol"].text(), tuple(one.text() for one in phrases["limits"].items())
    )


def _beside_baselines(trained: Trained, gate: GateConfig) -> Iterable[str]:
    """Every metric of the model and the baselines; below the deciding one, the ends of its interval."""
    compared = {"this model": trained.measured, **trained.baselines}
    yield figure_html(figure_bars({name: one.value for name, one in compared.items()}, trained.measured.metric))
    metrics = pd.DataFrame({name: dict(one.metrics) for name, one in compared.items()})
    if trained.intervals:
        deciding = trained.measured.metric
        ends = pd.DataFrame(dict(zip(compared, trained.intervals.values(), strict=True)))
        ends.index = pd.Index([f"{deciding}, low", f"{deciding}, high"])
        others = metrics.index.drop(deciding)
        metrics = pd.concat([metrics.loc[[deciding]], ends, metrics.loc[others]])
        yield (
            f"<p>low and high are the ends of the {gate.confidence:.0%} interval of {deciding}: percentiles of "
            f"{gate.resamples:,} bootstrap samples of the {trained.learner.unit} (Efron, 1979).</p>"
        )
    yield metrics.to_html(float_format="{:.4f}".format, na_rep="", border=0)


def _lists(trained: Trained) -> Iterable[str]:
    """What its lists would have earned on earlier nights, for models that rank."""
    found = trained.would_have_earned
    if found is not None:
        words = f"<p>{html.escape(found.words[:1].upper() + found.words[1:])}.</p>"
        yield html_section("What its lists would have earned", words, _table(found.figures.items()))


def _groups(trained: Trained, gate: GateConfig, smallest_group: int) -> Iterable[str]:
    """The deciding metric of each group, without groups of too few people."""
    learner, measured = trained.learner, trained.measured
    slices = learner.slices(trained.data)
    hidden = too_small(slices, learner.people(trained.data), smallest_group)
    groups = slice_table(measured, slices, gate)
    groups = groups[[pair not in hidden for pair in zip(groups["kind"], groups["group"], strict=True)]]
    yield (
        f"<p>{measured.metric} of each group with its {gate.confidence:.0%} interval. The gate looks at groups of "
        f"{gate.slice_units} or more {learner.unit}. {suppression_note(hidden, smallest_group)}</p>"
    )
    yield figure_html(figure_intervals(groups, measured.metric)) if len(groups) else "<p>No groups.</p>"


def _attributions(trained: Trained) -> Iterable[str]:
    """Which features move the predictions, by integrated gradients, for models that can be explained."""
    shares = trained.learner.attributions(trained.fitted, trained.data)
    if shares:
        words = "<p>Share of each feature in what moves the score (integrated gradients, absolute values).</p>"
        yield html_section("Attributions", words, figure_html(figure_bars(dict(list(shares.items())[:15]), "share")))


def _charts(trained: Trained, folder: Path) -> Iterable[str]:
    files = trained.learner.charts(trained.fitted, trained.data, trained.measured, trained.baselines, folder)
    if files:
        yield html_section(
            "A closer look", *(image_html(file.read_bytes(), file.stem.replace("_", " ")) for file in files)
        )


def _privacy(trained: Trained, curve: Mapping[str, Any] | None) -> Iterable[str]:
    lines = (
        "Learned from people who agreed to training only. No identifier of a person is an input, and none is kept.",
        *trained.learner.privacy_notes(),
        *privacy_sentences(trained),
    )
    yield from (f"<p>{html.escape(line)}</p>" for line in lines)
    if curve is not None:
        yield f"<p>{html.escape(curve_words(curve))}</p>"
        yield figure_html(figure_curve(curve))
        yield curve_table(curve).to_html(float_format="{:.4f}".format, na_rep="", border=0)


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
