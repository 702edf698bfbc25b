"""One thing that somebody should look at, before it is known since when."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """An alarm of tonight."""

    alarm: str
    """One of `ALARM_KINDS`."""
    subject: str
    words: str
    """What is so, and what was expected: a sentence without its end."""
    look: str
    value: float | None = None
    expected_low: float | None = None
    expected_high: float | None = None
