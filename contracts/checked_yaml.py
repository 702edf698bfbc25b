"""Configuration files in YAML, read strictly: every value knows its file, its line and the keys above it.

`read_yaml` gives the value of the whole file; a reader asks it for what the configuration may hold (`mapping`, `items`,
`text`, `whole_number`, ...), and each mistake is one error with file, line and the nearest name that fits.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.errors import NightshiftError

if TYPE_CHECKING:
    import yaml

Keys = tuple[str | int, ...]
"""The keys and places of a list that lead to a value, from the top of the file."""


@dataclass(frozen=True)
class YamlValue:
    """One value of a file: a mapping, a list, or a scalar."""

    file: Path
    fault: type[NightshiftError]
    """The class of its errors."""
    keys: Keys
    line: int
    """Where its key stands, or, in a list, the value itself."""
    content: dict[str, YamlValue] | list[YamlValue] | Any

    @property
    def plain(self) -> Any:
        """The value as dictionaries, lists and scalars."""
        if isinstance(self.content, dict):
            return {name: value.plain for name, value in self.content.items()}
        if isinstance(self.content, list):
            return [value.plain for value in self.content]
        return self.content

    @property
    def name(self) -> str:
        """The keys that lead to it, with dots between them."""
        return ".".join(map(str, self.keys)) or "the file"

    def error(self, expected: str, received: str, remedy: str) -> NightshiftError:
        """An error about this value; it says where the value stands."""
        return self.fault(
            expected=f"{expected} in line {self.line} of {self.file.name} ({self.name})",
            received=received,
            remedy=remedy,
        )

    def misfit(self, expected: str, remedy: str = "correct it") -> NightshiftError:
        """An error that quotes this value."""
        return self.error(expected, repr(self.plain), remedy)

    def mapping(self, known: Iterable[str] | None = None, required: Iterable[str] = ()) -> dict[str, YamlValue]:
        """The values under their names; nothing is an empty mapping.

        Args:
            known: names that may stand there; None for any.
            required: names that must.
        """
        values = {} if self.content is None else self.content
        if not isinstance(values, dict):
            raise self.misfit(f"a mapping under {self.name}", "write `name: value` lines")
        if known is not None:
            known = list(known)
            for name, value in values.items():
                value.require_among(name, known)
        for name in required:
            if name not in values:
                raise self.error(f"{name!r} under {self.name}", "nothing", "add that line")
        return values

    def items(self) -> list[YamlValue]:
        """The values of a list; nothing is an empty list."""
        values = [] if self.content is None else self.content
        if not isinstance(values, list):
            raise self.misfit(f"a list under {self.name}", "write `- value` lines or `[value, value]`")
        return values

    def one_or_several(self) -> list[YamlValue]:
        """The values of a list, or the one value that stands there without a list."""
        return self.items() if isinstance(self.content, list) or self.content is None else [self]

    def scalar(self) -> Any:
        """A single value of whatever type; a mapping, a list and nothing are none."""
        if self.content is None or isinstance(self.content, dict | list):
            raise self.misfit(f"one value for {self.name}")
        return self.content

    def text(self) -> str:
        """A single value, as text: YAML reads `no` as a truth value and `5` as a number unless they are quoted."""
        value = self.scalar()
        if isinstance(value, bool):
            raise self.misfit(f"a text for {self.name}", "put it into quotes")
        return str(value)

    def one_of(self, known: Iterable[str]) -> str:
        """A text that is among the known ones."""
        known = list(known)
        self.require_among(self.plain, known)
        return self.plain

    def require_among(self, written: Any, known: list[str]) -> None:
        """Refuse a name that is not known, this value's own or its key."""
        if written not in known:
            raise self.error(f"one of {', '.join(known)}", repr(written), advice(str(written), known))

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.content, bool):
            raise self.misfit("true or false")
        return self.content

    def whole_number(self, least: int | None = None, most: int | None = None) -> int:
        """A whole number within limits."""
        value = self.content
        fits = isinstance(value, int) and not isinstance(value, bool)
        if not fits or (least is not None and value < least) or (most is not None and value > most):
            raise self.misfit(f"a whole number{_limits(least, most)}")
        return value

    def number(self, least: float | None = None, most: float | None = None, *, finite: bool = True) -> float:
        """A number within limits; `1e-5`, which YAML reads as a text, is one; so is `inf` if it need not be finite."""
        value = self.content
        try:
            number = None if isinstance(value, bool) or not isinstance(value, int | float | str) else float(value)
        except ValueError:
            number = None
        if (
            number is None
            or (finite and number in (float("inf"), float("-inf")))
            or number != number  # not a number
            or (least is not None and number < least)
            or (most is not None and number > most)
        ):
            raise self.misfit(f"a number{_limits(least, most)}")
        return number


def read_yaml(file: Path, fault: type[NightshiftError]) -> YamlValue:
    """The value of a whole file, which is there.

    Raises:
        fault: it is no YAML, holds nothing, or names a key twice; the error names the line.
    """
    import yaml  # contracts need only the standard library until a file is read

    try:
        text = file.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise _no_yaml(file, fault, "bytes that are no UTF-8", line, "save the file as UTF-8") from None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise _no_yaml(file, fault, f"a control character ({error.character:#x})", line, "remove it") from None
    except yaml.MarkedYAMLError as error:
        remedy = "indent with spaces" if "'\\t'" in str(error.problem) else "correct that line"
        raise _no_yaml(file, fault, str(error.problem), error.problem_mark.line + 1, remedy) from None
    if node is None:
        raise _no_yaml(file, fault, "nothing", 1, "write it, or remove the file")
    return _Composed(file, fault, yaml.SafeLoader("").construct_object).value(node, (), 1)


@dataclass
class _Composed:
    """The nodes of a file on their way to values."""

    file: Path
    fault: type[NightshiftError]
    construct: Callable[[yaml.Node], Any]

    def value(self, node: yaml.Node, keys: Keys, line: int) -> YamlValue:
        if len(keys) > 100:
            raise _no_yaml(self.file, self.fault, "a value inside of itself", line, "remove that alias")
        return YamlValue(self.file, self.fault, keys, line, self._content(node, keys, line))

    def _content(self, node: yaml.Node, keys: Keys, line: int) -> Any:
        import yaml

        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*keys, place), item.start_mark.line + 1) for place, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            values: dict[str, YamlValue] = {}
            for key, value in node.value:
                line = key.start_mark.line + 1
                if not isinstance(key, yaml.ScalarNode):
                    raise _no_yaml(self.file, self.fault, "a key of several values", line, "write `name: value`")
                if key.value in values:
                    written = f"{key.value!r} again, as in line {values[key.value].line}"
                    raise _no_yaml(self.file, self.fault, written, line, "remove one of the two")
                values[key.value] = self.value(value, (*keys, key.value), line)
            return values
        try:
            return self.construct(node)
        except (yaml.YAMLError, ValueError):
            raise _no_yaml(self.file, self.fault, repr(node.value), line, "put it into quotes") from None


def _no_yaml(file: Path, fault: type[NightshiftError], received: str, line: int, remedy: str) -> NightshiftError:
    return fault(expected=f"YAML in {file.name}", received=f"{received} in line {line}", remedy=remedy)


def advice(written: str, known: Iterable[str]) -> str:
    """The nearest name that would have fitted."""
    known = list(known)
    close = difflib.get_close_matches(written, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"choose one of {', '.join(known)}"


def _limits(least: float | None, most: float | None) -> str:
    if least is not None and most is not None:
        return f" from {least:g} to {most:g}"
    return f" of at least {least:g}" if least is not None else f" of at most {most:g}" if most is not None else ""
