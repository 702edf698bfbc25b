"""The names of `destinations.yml`, for those who only need to know whether anything is delivered anywhere."""

from __future__ import annotations

from contracts.checked_yaml import YamlValue, read_yaml
from contracts.errors import SettingsError
from contracts.settings import Settings


def configured_destinations(settings: Settings) -> dict[str, YamlValue]:
    """Name -> what is written of it, which nobody has checked yet.

    Raises:
        SettingsError: the file is not there, or no YAML of the form `destinations: {name: ...}`.
    """
    file = settings.destinations
    if not file.is_file():
        raise SettingsError(
            expected=f"destinations in {file}",
            received="no such file",
            remedy="write one as docs/deliver.md shows, or correct NIGHTSHIFT_DESTINATIONS",
        )
    fields = read_yaml(file, SettingsError).mapping(("destinations",), required=("destinations",))
    return fields["destinations"].mapping()
