"""Errors of Spark without their own words, which quote values of rows and so may name people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import (
    ArithmeticException,
    ArrayIndexOutOfBoundsException,
    DateTimeException,
    IllegalArgumentException,
    NumberFormatException,
    PySparkException,
    SparkRuntimeException,
)

VALUE_ERRORS = (
    *(ArithmeticException, ArrayIndexOutOfBoundsException, DateTimeException, NumberFormatException),
    *(IllegalArgumentException, SparkRuntimeException),
)
"""What Spark raises where an expression does not hold for a value."""


class SparkJobError(RuntimeError):
    """Spark failed; the message says how, and quotes nothing that it had read."""


@contextmanager
def without_values() -> Iterator[None]:
    """Turn every error of Spark into a SparkJobError, which keeps the traceback and leaves out Spark's own words."""
    try:
        yield
    except (PySparkException, Py4JError) as error:
        message = f"Spark failed with {condition_of(error)}; its own words are left out, as they may quote a row"
        raise SparkJobError(message).with_traceback(error.__traceback__) from None


def condition_of(error: PySparkException | Py4JError) -> str:
    """The name of an error's condition, such as [CAST_INVALID_INPUT], or of its class where it has none."""
    if isinstance(error, PySparkException) and error.getCondition():
        return f"[{error.getCondition()}]"
    if isinstance(error, Py4JJavaError):
        with suppress(Py4JError):  # Java itself may be gone
            return error.java_exception.getClass().getName()
    return type(error).__name__
