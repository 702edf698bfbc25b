"""Command-line arguments that commands of several rooms take."""

from __future__ import annotations

import argparse
import datetime


def day(text: str) -> str:
    """A day as YYYY-MM-DD; argparse shows the error of any other text."""
    try:
        return datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a day as YYYY-MM-DD, received {text!r}") from None


def day_parser(module: str, doc: str, *, required: bool = True) -> argparse.ArgumentParser:
    """A parser for `python -m <module> --ds DAY`, whose help is the module's docstring."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}", description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ds", required=required, type=day, metavar="DAY", help="day of the run, as YYYY-MM-DD")
    return parser
