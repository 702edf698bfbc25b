"""A YAML file with the line of every key, so that an error can say where it is and what would have fitted."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.errors import NightshiftError

if TYPE_CHECKING:
    import yaml

At = tuple[str | int, ...]


class CheckedYaml:
    """The content of one file; errors are of the class `fault`."""

    fault: type[NightshiftError] = NightshiftError

    def __init__(self, file: Path) -> None:
        import yaml  # contracts need only the standard library until a file is read

        self.file = file
        self.lines: dict[At, int] = {(): 1}
        try:
            self.content = self._value(yaml.compose(file.read_text(), Loader=yaml.SafeLoader), ())
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            raise self.fault(
                expected=f"YAML in {file.name}",
                received=f"{getattr(error, 'problem', error)} in line {mark.line + 1 if mark else '?'}",
                remedy="correct that line",
            ) from None

    def _value(self, node: yaml.Node | None, at: At) -> Any:
        """The plain value of a YAML node; notes the line of every key on the way."""
        import yaml

        if isinstance(node, yaml.MappingNode):
            values = {}
            for key_node, value_node in node.value:
                here = (*at, key_node.value)
                self.lines[here] = key_node.start_mark.line + 1
                values[key_node.value] = self._value(value_node, here)
            return values
        if isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self.lines[(*at, index)] = item.start_mark.line + 1
            return [self._value(item, (*at, index)) for index, item in enumerate(node.value)]
        if node is None:
            return {}
        return yaml.SafeLoader("").construct_object(node)

    def _names(self, at: At, given: Any, allowed: Iterable[str]) -> None:
        if not isinstance(given, dict):
            raise self._error(at, f"a list of names under {_dotted(at)}", repr(given), "write `name: value` lines")
        allowed = list(allowed)
        for name in given:
            self._one_of((*at, name), name, allowed)

    def _one_of(self, at: At, given: str, allowed: Iterable[str]) -> None:
        allowed = list(allowed)
        if given not in allowed:
            raise self._error(at, f"one of {', '.join(allowed)}", repr(given), advice(str(given), allowed))

    def _present(self, at: At, name: str) -> None:
        content = self.content
        for step in at:
            content = content[step]
        if name not in content:
            raise self._error(at, f"{name!r} under {_dotted(at)}", "nothing", "add that line")

    def _error(self, at: At, expected: str, received: str, remedy: str) -> NightshiftError:
        line = self.lines.get(at, 1)
        return self.fault(
            expected=f"{expected} in line {line} of {self.file.name} ({_dotted(at)})", received=received, remedy=remedy
        )


def advice(given: str, allowed: list[str]) -> str:
    """The nearest name that would have fitted."""
    close = difflib.get_close_matches(given, allowed, n=1)
    return f"did you mean {close[0]!r}?" if close else f"choose one of {', '.join(allowed)}"


def _dotted(at: At) -> str:
    return ".".join(str(step) for step in at) or "the file"
