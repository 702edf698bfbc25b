"""The errors that a user of Nightshift meets: each says what was expected, what was received and what to do next."""

from __future__ import annotations

CONTRACT_EXIT_CODE = 2
"""Exit status of an error that a retry cannot mend: wrong data, wrong mapping, wrong settings."""

TRANSIENT_EXIT_CODE = 75
"""Exit status of an error that may pass by itself (EX_TEMPFAIL of sysexits.h): a busy lake, a registry that is down."""

UNFORESEEN_EXIT_CODE = 1
"""Exit status of an error of which nobody knows whether a retry helps."""

ERROR_MARK = "nightshift: error: "
"""Begins the sentence with which an entry point ends that has failed."""


class NightshiftError(Exception):
    """Base of every error that Nightshift raises on purpose."""

    exit_code = CONTRACT_EXIT_CODE

    def __init__(self, *, expected: str, received: str, remedy: str, origin: BaseException | None = None) -> None:
        self.expected, self.received, self.remedy = expected, received, remedy
        self.origin = origin
        """The error of a library behind it, whose own words may quote data: they are for the trace alone."""
        super().__init__(f"expected {expected}, but received {received}; {remedy}")


class SettingsError(NightshiftError):
    """A setting is missing or cannot be understood."""


class MappingError(NightshiftError):
    """A mapping file does not fit its contract."""


class RawDataError(NightshiftError):
    """Raw data is missing, empty, or so broken that nothing may be published from it."""


class LakeError(NightshiftError):
    """A table that a step reads is missing from the lake, or does not hold what its contract says."""


class ModelError(NightshiftError):
    """A model cannot be trained, compared or loaded."""


class NothingToLearn(ModelError):  # noqa: N818  a normal outcome of a night, not a fault
    """There is too little data for a model: it is skipped, with this reason, and the night goes on without it."""


class BusyError(NightshiftError):
    """Another run holds what this one needs."""

    exit_code = TRANSIENT_EXIT_CODE


class WarehouseError(NightshiftError):
    """The server that builds the profiles does not answer."""

    exit_code = TRANSIENT_EXIT_CODE


class RegistryError(NightshiftError):
    """The model registry does not answer."""

    exit_code = TRANSIENT_EXIT_CODE


class AccessError(NightshiftError):
    """A file or folder may not be read or written by who runs this."""


class EndedError(NightshiftError):
    """A process that a step has started is gone before its work was done."""

    exit_code = TRANSIENT_EXIT_CODE


class DiskFullError(NightshiftError):
    """A file could not be written, as there is no room."""

    exit_code = TRANSIENT_EXIT_CODE

    def __init__(self, *, origin: BaseException | None = None) -> None:
        super().__init__(
            expected="room for what is written below NIGHTSHIFT_HOME and in the folder for temporary files",
            received="a full disk or quota",
            remedy="make room and run again: what was not finished is not published",
            origin=origin,
        )


class MemoryLimitError(NightshiftError):
    """A step needs more memory than it may have; the same step needs as much the next time."""

    def __init__(
        self,
        *,
        received: str,
        remedy: str = "close other programs, give the machine more, or let NIGHTSHIFT_MEMORY be more",
        origin: BaseException | None = None,
    ) -> None:
        super().__init__(expected="the step to find enough memory", received=received, remedy=remedy, origin=origin)


class UnforeseenError(NightshiftError):
    """A library failed in a way that nobody foresaw; whether a retry helps is not known."""

    exit_code = UNFORESEEN_EXIT_CODE
