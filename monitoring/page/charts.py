"""Charts as inline SVG: matplotlib draws them, text stays text, and colours are the page's own, light or dark."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup

from monitoring.page.words import day_in_words, number

_MARKS = {f"#0a0b{place:02x}": f"var(--s{place})" for place in range(1, 7)} | {
    "#0a0bf0": "var(--muted)",
    "#0a0bf1": "var(--line)",
}
"""Colours as matplotlib is given them -> as the page has them."""

_TEXT, _GRID = "#0a0bf0", "#0a0bf1"
COLOURS = 6
_INCHES = (4.2, 1.75)
_MOST_DATES = 4
_UNWANTED = re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", re.DOTALL)
_FONT = re.compile(r"font(?:-size|-family)?: ?[^;\"]*(?:;|(?=\"))|font-weight: [^;\"]*;?")


@dataclass(frozen=True)
class Line:
    """One thing over the nights; a night of which it is not known is None."""

    label: str
    values: Sequence[float | None]
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()
    colour: int = 0
    """From 1; 0 is the next one."""


@dataclass(frozen=True)
class Chart:
    """A drawing, its words for who does not see it, and its legend."""

    title: str
    svg: Markup
    alt: str
    legend: list[tuple[int, str]]
    """Colour and label of each line; empty where the title says it."""


def over_nights(
    title: str,
    days: Sequence[str],
    lines: Sequence[Line],
    *,
    stacked: bool = False,
    written: Callable[[float], str] = number,
) -> Chart | None:
    """A chart with a point a night; None where fewer than two nights are known.

    Args:
        stacked: bars on top of each other, instead of lines.
        written: a value as text.
    """
    lines = [
        Line(one.label, one.values, one.low, one.high, one.colour or place % COLOURS + 1)
        for place, one in enumerate(lines)
        if any(value is not None for value in one.values)
    ]
    if len({day for one in lines for day, value in zip(days, one.values, strict=True) if value is not None}) < 2:
        return None
    places = [datetime.date.fromisoformat(day).toordinal() for day in days]
    figure, panel = _panel(days, places)
    _draw_bars(panel, places, lines) if stacked else _draw_lines(panel, places, lines)
    alt = f"{title}, {_span(days)}. {' '.join(_in_words(one, days, written) for one in lines)}"
    legend = [(one.colour, one.label) for one in lines] if len(lines) > 1 else []
    return Chart(title, _svg(figure, title), alt, legend)


def _draw_lines(panel, places: list[int], lines: list[Line]) -> None:
    for one in lines:
        colour = _colour(one.colour)
        known = [place for place, value in zip(places, one.values, strict=True) if value is not None]
        panel.plot(known, [value for value in one.values if value is not None], "o-", color=colour, ms=3, lw=1.6)
        ends = [
            (place, low, high)
            for place, low, high in zip(places, one.low, one.high, strict=False)
            if low is not None and high is not None
        ]
        if ends:
            at, low, high = zip(*ends, strict=True)
            panel.fill_between(at, low, high, color=colour, alpha=0.18, linewidth=0)
            panel.vlines(at, low, high, color=colour, alpha=0.5, linewidth=1)
    if not any(one.low for one in lines):
        panel.margins(y=0.2)


def _draw_bars(panel, places: list[int], lines: list[Line]) -> None:
    below = [0.0] * len(places)
    for one in lines:
        heights = [value or 0.0 for value in one.values]
        panel.bar(places, heights, bottom=below, color=_colour(one.colour), width=0.8)
        below = [base + height for base, height in zip(below, heights, strict=True)]


def _panel(days: Sequence[str], places: list[int]):
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # takes its time to import
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    figure = Figure(figsize=_INCHES)
    FigureCanvasSVG(figure)
    panel = figure.add_axes((0.13, 0.17, 0.81, 0.77))
    for side in ("top", "right", "left"):
        panel.spines[side].set_visible(False)
    panel.spines["bottom"].set_color(_GRID)
    panel.tick_params(colors=_TEXT, labelsize=9, length=0)
    panel.grid(axis="y", color=_GRID, linewidth=0.7)
    panel.set_axisbelow(True)
    every = -(-len(places) // _MOST_DATES)
    shown = list(range(len(places) - 1, -1, -every))[::-1]
    panel.set_xticks([places[one] for one in shown], [day_in_words(days[one], year=False) for one in shown])
    panel.set_xlim(places[0] - 0.7, places[-1] + 0.7)
    panel.yaxis.set_major_locator(MaxNLocator(4))
    panel.yaxis.set_major_formatter(FuncFormatter(_short))
    return figure, panel


def _short(value: float, _: int = 0) -> str:
    """A number beside an axis."""
    for least, unit in ((1e6, "M"), (1e4, "k")):
        if abs(value) >= least:
            return f"{value / {'M': 1e6, 'k': 1e3}[unit]:g}{unit}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _svg(figure, name: str) -> Markup:
    """The drawing without what a page does not need: addresses, fonts, colours, names that other drawings have too."""
    import io

    from matplotlib import rc_context

    stream = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "axes.formatter.use_mathtext": False}):
        figure.savefig(stream, metadata={"Date": None}, transparent=True)
    text = _UNWANTED.sub("", stream.getvalue())
    for mark, colour in _MARKS.items():
        text = text.replace(mark, colour)
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', text))
    text = re.sub(r' id="([^"]+)"', lambda match: match[0] if match[1] in used else "", text)
    text = re.sub(r' xmlns(:xlink)?="[^"]*"', "", text).replace("xlink:href", "href")
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r'\1 aria-hidden="true" focusable="false"', text, count=1)
    text = _FONT.sub("", text)
    return Markup(re.sub(r"\s*\n\s*", "\n", text).strip())


@lru_cache
def _colour(place: int) -> str:
    return list(_MARKS)[place - 1]


def _span(days: Sequence[str]) -> str:
    if len(days) == 1:
        return day_in_words(days[0])
    return f"{day_in_words(days[0])} to {day_in_words(days[-1])}"


def _in_words(line: Line, days: Sequence[str], written: Callable[[float], str]) -> str:
    known = [(day, value) for day, value in zip(days, line.values, strict=True) if value is not None]
    day, last = known[-1]
    values = [value for _, value in known]
    range_ = f", between {written(min(values))} and {written(max(values))} over {len(known)} nights" * (len(known) > 1)
    return f"{line.label}: {written(last)} on {day_in_words(day, year=False)}{range_}."
