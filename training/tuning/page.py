"""The page of a search: the front of accuracy, seconds and breadth, what was chosen, and by which rule."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Iterable, Sequence

from contracts.pages import html_page, html_section
from training.card.charts import figure_html, new_figure
from training.tuning.front import RULE, Candidate, choose, front_of


def front_page(model: str, ds: str, watched: str, candidates: Sequence[Candidate], *, stopped: int) -> str:
    """The page as HTML that stands alone.

    Args:
        watched: name of the accuracy.
        candidates: the present configuration and all whole trials, the present one first.
        stopped: number of trials that were stopped early.
    """
    chosen, front = choose(candidates), front_of(candidates)
    kept = "The present configuration stays" if chosen is candidates[0] else f"{chosen.name} is kept"
    words = (
        f"{kept}: {_measured(chosen, watched)}. The most accurate is {front[0].name}: {_measured(front[0], watched)}."
    )
    return html_page(
        f"Search for {model}, {ds}",
        f"<h1>Search for {html.escape(model)}</h1><p class=lead>{html.escape(ds)}: {len(candidates)} configurations "
        f"trained to the end, {stopped} stopped early, {len(front)} on the front.</p>",
        f"<p><strong>{html.escape(words)}</strong></p>",
        html_section(
            "The front",
            "<p>Each dot is a configuration. The line joins those that no other one beats in both of what is drawn; "
            "the band is one standard error below the most accurate.</p>",
            figure_html(_figure(watched, candidates, chosen), f"{watched} beside seconds and coverage. {words}"),
        ),
        html_section("The rule", f"<p>{html.escape(RULE)}</p>"),
        html_section("On the front", _table(front, chosen, candidates[0])),
        html_section(
            "What the figures are",
            f"<p>{html.escape(watched)} and its standard error are of the validation part, in the best epoch; the test "
            "part was not looked at. Seconds are those of all epochs, on the machine that searched, beside whatever "
            "else it did. Coverage is the share of all items that the lists of the validation people show.</p>",
        ),
    )


def _figure(watched: str, candidates: Sequence[Candidate], chosen: Candidate):
    """Accuracy over seconds, and over coverage where the model shows items."""
    panels = {"seconds of training": lambda one: one.seconds}
    if all(one.coverage is not None for one in candidates):
        panels["coverage"] = lambda one: one.coverage
    best = front_of(candidates)[0]
    figure = new_figure(5.2 * len(panels), 4)
    for place, (name, value) in enumerate(panels.items(), start=1):
        plot = figure.add_subplot(1, len(panels), place, xlabel=name, ylabel=watched.replace("_", " "))
        if best.standard_error:
            plot.axhspan(best.accuracy - best.standard_error, best.accuracy, color="#eef2f7", zorder=0)
        better_when = -1 if name.startswith("seconds") else 1
        line = sorted(_edge([(better_when * value(one), one.accuracy) for one in candidates]))
        plot.plot([better_when * x for x, _ in line], [y for _, y in line], "-", color="#9db4cc", zorder=1)
        plot.scatter([value(one) for one in candidates], [one.accuracy for one in candidates], s=18, color="tab:blue")
        for one, colour, label in ((candidates[0], "tab:gray", "present"), (chosen, "tab:orange", "kept")):
            plot.scatter([value(one)], [one.accuracy], s=70, color=colour, label=label, zorder=3)
        plot.spines[["top", "right"]].set_visible(False)
        plot.legend(frameon=False)
    return figure


def _edge(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points that no other one equals or exceeds in both."""
    return [
        one
        for one in set(points)
        if not any(other != one and other[0] >= one[0] and other[1] >= one[1] for other in points)
    ]


def _table(front: Sequence[Candidate], chosen: Candidate, present: Candidate) -> str:
    """One row a configuration on the front, with the settings in which it differs from the present one."""
    covers = any(one.coverage is not None for one in front)
    heads = ["", "accuracy", "standard error", "seconds", *(["coverage"] if covers else []), "differs in"]
    rows = [
        [
            f"{one.name} (kept)" if one is chosen else one.name,
            f"{one.accuracy:.4f}",
            f"{one.standard_error:.4f}",
            f"{one.seconds:.1f}",
            *([f"{one.coverage:.3f}"] if covers else []),
            ", ".join(_differences(one, present)),
        ]
        for one in front
    ]
    lines = ["".join(f"<th>{html.escape(head)}</th>" for head in heads)]
    lines += ["".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows]
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _differences(one: Candidate, present: Candidate) -> Iterable[str]:
    own, theirs = (dataclasses.asdict(candidate.config) for candidate in (one, present))
    for name, value in own.items():
        if value != theirs[name]:
            yield f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"


def _measured(one: Candidate, watched: str) -> str:
    covered = "" if one.coverage is None else f", coverage {one.coverage:.3f}"
    return f"{watched} {one.accuracy:.4f} (standard error {one.standard_error:.4f}) in {one.seconds:.0f} s{covered}"
