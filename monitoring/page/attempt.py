"""A part of the page that cannot be made is a sentence on it; the rest is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from contracts.entry_point import in_a_sentence
from contracts.errors import NightshiftError
from contracts.report import say
from monitoring.page.night import Night


def attempt(make: Callable[[Night], Any], night: Night) -> tuple[Any, str]:
    """What a part has found, a generator's as a list; or None, and the sentence that says why not."""
    try:
        found = make(night)
        return (found if isinstance(found, dict | list) else list(found)), ""
    except Exception as error:  # of any library: a page with a hole is worth more than none
        said = error if isinstance(error, NightshiftError) else in_a_sentence(error).received
        name = make.__name__.strip("_").replace("_", " ")
        say(f"page {night.ds}: without {name}: {said}")
        return None, f"What belongs here ({name}) could not be read: {said}."
