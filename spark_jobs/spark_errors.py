"""Errors of Spark without their own words, which quote values of rows and so may name people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from py4j.java_gateway import JavaObject
from py4j.protocol import Py4JError, Py4JJavaError, Py4JNetworkError
from pyspark.errors import (
    AnalysisException,
    ArithmeticException,
    ArrayIndexOutOfBoundsException,
    DateTimeException,
    IllegalArgumentException,
    NumberFormatException,
    PySparkException,
    SparkRuntimeException,
)

from contracts.entry_point import DISK_IS_FULL
from contracts.errors import (
    CONTRACT_EXIT_CODE,
    DiskFullError,
    EndedError,
    LakeError,
    MappingError,
    MemoryLimitError,
    NightshiftError,
    UnforeseenError,
)
from contracts.settings import Settings
from contracts.spark_application import on_one_machine
from spark_jobs.own_java import OUT_OF_MEMORY, end_of_java, how_it_ended

VALUE_ERRORS = (
    *(ArithmeticException, ArrayIndexOutOfBoundsException, DateTimeException, NumberFormatException),
    *(IllegalArgumentException, SparkRuntimeException),
)
"""What Spark raises where an expression does not hold for a value."""

_MEMORY_IS_SHORT = re.compile(r"OutOfMemoryError|UNABLE_TO_ACQUIRE_MEMORY")

_UNREADABLE_FILE = re.compile(r"\[FAILED_READ_FILE[.\w]*\] Encountered error while reading file (\S+?)\.?\s")


_HAS_GIVEN_UP = re.compile(
    r"masters are unresponsive|stopped SparkContext|SparkContext (?:has been|was) (?:shut down|stopped)"
)
"""How Spark says it whose cluster has not answered for a minute: it gives up, and what began meanwhile fails."""

_MORE_MEMORY = (
    "let NIGHTSHIFT_MEMORY be more (a third of it is Spark's, unless NIGHTSHIFT_SPARK_DRIVER_MEMORY says otherwise), "
    "or give the machine more"
)


_LESS_MEMORY = (
    "let NIGHTSHIFT_MEMORY be less (a third of it is Spark's, unless NIGHTSHIFT_SPARK_DRIVER_MEMORY says otherwise), "
    "or give the machine more"
)


class SparkJobError(UnforeseenError):
    """Spark failed; the sentence says how, and quotes nothing that it had read."""

    def __init__(self, error: PySparkException | Py4JError, condition: str) -> None:
        super().__init__(
            expected="Spark to end its work",
            received=condition,
            remedy="its own words, which may quote a row, stand in the trace alone",
            origin=error,
        )
        if isinstance(error, AnalysisException):  # of a plan, which is the same the next time
            self.exit_code = CONTRACT_EXIT_CODE


class JavaHasEnded(EndedError):  # noqa: N818  an event
    """The process in which Spark works is gone."""


@contextmanager
def without_values() -> Iterator[None]:
    """Turn every error of Spark into one of ours, whose sentence and traceback leave out Spark's own words.

    Raises:
        MemoryLimitError, DiskFullError, LakeError, MappingError: as their classes say.
        SparkJobError: any other, with its condition.
    """
    try:
        yield
    except (PySparkException, Py4JError, ConnectionRefusedError) as error:
        raise as_ours(error).with_traceback(error.__traceback__) from None


def as_ours(error: PySparkException | Py4JError | ConnectionRefusedError) -> NightshiftError:
    """An error of Spark as one of ours, whose `origin` it is."""
    words, condition = _words(error), condition_of(error)
    if _MEMORY_IS_SHORT.search(words):
        return MemoryLimitError(received="Java's OutOfMemoryError", remedy=_MORE_MEMORY, origin=error)
    if DISK_IS_FULL.search(words):
        return DiskFullError(origin=error)
    if type(error) in (Py4JNetworkError, Py4JError, ConnectionRefusedError):
        status = end_of_java()
        if status == OUT_OF_MEMORY:
            return MemoryLimitError(received="Java's OutOfMemoryError", remedy=_MORE_MEMORY, origin=error)
        return JavaHasEnded(
            expected="an answer of Spark's Java process",
            received=how_it_ended(status),
            remedy=f"run it again, as nothing was published; if the system ended it for its memory, {_LESS_MEMORY}",
            origin=error,
        )
    if _HAS_GIVEN_UP.search(words) and not on_one_machine(master := Settings.from_env().spark_master):
        return EndedError(
            expected=f"an answer of the Spark master {master}",
            received="none",
            remedy="start it, or correct NIGHTSHIFT_SPARK_MASTER; nothing was published",
            origin=error,
        )
    if "DATETIME_PATTERN" in condition:
        return MappingError(
            expected="patterns of dates that Spark 4 can read with",
            received=(error.getMessageParameters() or {}).get("pattern", condition),
            remedy="write a year as yyyy, and cut off the name of a weekday, which only prints: "
            "to_timestamp(substring(x, 5), 'MMM dd HH:mm:ss Z yyyy')",
            origin=error,
        )
    if file := _UNREADABLE_FILE.search(words):
        return LakeError(
            expected=f"to read {file[1]}",
            received=_cause_of(error) or condition,
            remedy="see whether it is whole, and deliver or make it again; nothing was published",
            origin=error,
        )
    return SparkJobError(error, condition)


def condition_of(error: PySparkException | Py4JError | ConnectionRefusedError) -> str:
    """The name of an error's condition, such as [CAST_INVALID_INPUT]; where it has none, the class it came from."""
    if isinstance(error, PySparkException) and error.getCondition():
        return f"[{error.getCondition()}]"
    if isinstance(error, Py4JJavaError):
        with suppress(Py4JError):  # Java itself may be gone
            for cause in _java_causes(error):
                with suppress(Py4JError, TypeError):  # not every exception of Java has one
                    if condition := cause.getCondition():
                        return f"[{condition}]"
            return cause.getClass().getName()
    return type(error).__name__


def _cause_of(error: PySparkException | Py4JError) -> str | None:
    """The class of the innermost cause in Java."""
    if isinstance(error, Py4JJavaError):
        with suppress(Py4JError):
            *_, last = _java_causes(error)
            return last.getClass().getName()
    return None


def _java_causes(error: Py4JJavaError) -> Iterator[JavaObject]:
    one = error.java_exception
    while one is not None:
        yield one
        one = one.getCause()


def _words(error: Exception) -> str:
    with suppress(Py4JError):
        return str(error)
    return ""
