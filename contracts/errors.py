"""The errors that a user of Nightshift meets: each says what was expected, what was received and what to do next."""

from __future__ import annotations

import sys
from collections.abc import Callable

CONTRACT_EXIT_CODE = 2
"""Exit status of an error that a retry cannot mend: wrong data, wrong mapping, wrong settings."""

TRANSIENT_EXIT_CODE = 75
"""Exit status of an error that may pass by itself (EX_TEMPFAIL of sysexits.h): a busy lake, a registry that is down."""

ERROR_MARK = "nightshift: error: "
"""Begins the sentence with which an entry point ends that has failed."""


class NightshiftError(Exception):
    """Base of every error that Nightshift raises on purpose."""

    exit_code = CONTRACT_EXIT_CODE

    def __init__(self, *, expected: str, received: str, remedy: str) -> None:
        self.expected, self.received, self.remedy = expected, received, remedy
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


def exit_with_sentence(main: Callable[[], None]) -> None:
    """Run an entry point; turn a Nightshift error into one sentence on stderr and its exit status."""
    try:
        main()
    except NightshiftError as error:
        print(f"{ERROR_MARK}{error}", file=sys.stderr, flush=True)
        sys.exit(error.exit_code)
