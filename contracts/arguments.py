"""Types of command-line arguments that every room takes."""

from __future__ import annotations

import argparse
import datetime


def day(text: str) -> str:
    """A day as YYYY-MM-DD; argparse shows the error of any other text."""
    try:
        return datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a day as YYYY-MM-DD, received {text!r}") from None
