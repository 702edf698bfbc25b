"""Trouble with one model is its own: a sentence, its name in the report, the trace in the log."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from contracts.entry_point import in_a_sentence
from contracts.errors import ModelError, NightshiftError, UnforeseenError
from contracts.report import Report
from contracts.settings import Settings

FAILED = "failed"


@contextlib.contextmanager
def own_trouble(model: str, ds: str, *, step: str) -> Iterator[None]:
    """Turn an exception of any class into an error that names the model, and write it into the report of the day.

    Args:
        step: `train` or `promote`; the report's fragment is `<step>-<model>`.

    Raises:
        NightshiftError: that of the step itself; DiskFullError or MemoryLimitError where it lacked room.
        ModelError: the step ended with an exception of another class, which is its `origin`.
    """
    try:
        yield
    except NightshiftError as error:
        _write(model, ds, step, error)
        raise
    except Exception as error:
        sentence = in_a_sentence(error)
        if isinstance(sentence, UnforeseenError):
            sentence = ModelError(
                expected=f"{step} of {model} on {ds} that ends",
                received=sentence.received,
                remedy="other models go on without it; the error's own words stand in the trace alone",
                origin=error,
            )
        _write(model, ds, step, sentence)
        raise sentence from error


def _write(model: str, ds: str, step: str, error: NightshiftError) -> None:
    entry = {"decision": FAILED, "reasons": [str(error)]}
    with contextlib.suppress(OSError):  # where nothing can be written the sentence has to do
        Report(Settings.from_env().home.reports, ds).write(f"{step}-{model}", {"models": {model: entry}})
