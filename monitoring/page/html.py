"""The page as HTML: sections, each made by itself, in a template that escapes whatever came from raw data."""

from __future__ import annotations

import datetime
from functools import partial

from jinja2 import Environment, PackageLoader, StrictUndefined

from monitoring.page import words
from monitoring.page.alarms import watch
from monitoring.page.attempt import attempt
from monitoring.page.campaigns import campaigns
from monitoring.page.deliveries import deliveries
from monitoring.page.first_screen import first_screen
from monitoring.page.lift import lift
from monitoring.page.models import models
from monitoring.page.night import Night
from monitoring.page.people import people
from monitoring.page.privacy_budget import privacy_budget
from monitoring.page.run import run
from monitoring.page.sources import sources

MOST_BYTES = 2_000_000
"""Of a page; photos go first, then drawings."""

_MOST_LETTERS = 300
"""Of a text that came from raw data or a file."""

SECTIONS = {
    "campaigns": ("Campaigns", campaigns),
    "lift": ("What sending changed", lift),
    "models": ("Models", models),
    "watch": ("Alarms", watch),
    "people": ("People", people),
    "sources": ("Sources", sources),
    "deliveries": ("Deliveries", deliveries),
    "privacy": ("Privacy budget", privacy_budget),
    "run": ("Time and memory", run),
}
"""Anchor -> heading, and what finds its content."""


def page_of(night: Night) -> str:
    """The whole page, of at most `MOST_BYTES`."""
    sections = {anchor: (title, *attempt(make, night)) for anchor, (title, make) in SECTIONS.items()}
    first, problem = attempt(first_screen, night)
    now = datetime.datetime.now(datetime.UTC)
    home = f"{night.settings.home.root}/"  # errors name it; who gets the page has no use for it
    render = partial(
        _environment().get_template("page.html.j2").render,
        night=night,
        title=f"Night of {night.day:%A}, {words.day_in_words(night.ds)}",
        made=f"{words.day_in_words(now.date().isoformat())}, {now:%H:%M} UTC",
        first=first,
        problem=problem,
        sections=sections,
    )
    for photos, drawings in ((True, True), (False, True), (False, False)):
        page = render(photos=photos, drawings=drawings).replace(home, "")
        if len(page.encode()) <= MOST_BYTES:
            break
    return page


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("monitoring.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"plain": words.plain, "titled": words.titled, "number": words.number, "clipped": clipped}
    return environment


def clipped(text: object) -> str:
    """A text that no page grows by, and that turns no other text around: control letters are left out."""
    readable = "".join(letter for letter in str(text) if letter.isprintable())
    return readable if len(readable) <= _MOST_LETTERS else readable[: _MOST_LETTERS - 1] + "…"
