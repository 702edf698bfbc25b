"""Parquet footers in one order, so that the same rows are the same bytes in every process.

Parquet's writer lists a column's encodings in the order of a Java hash set of enums, whose hash codes change from one
process to the next; it is the only thing in a file that does. Sorted in place, the list is as long as it was.
Source: parquet.thrift (FileMetaData.row_groups.columns.meta_data.encodings), in Thrift's compact protocol.
"""

from __future__ import annotations

from pathlib import Path

_ENCODINGS = (4, 1, 3, 2)
"""Field ids from the file's metadata down to the list of encodings."""
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 11, 12
_MAGIC_AND_LENGTH_BYTES = 8


def sort_encodings(file: Path) -> None:
    """Rewrite the footer of a Parquet file with every list of encodings sorted."""
    with file.open("r+b") as stream:
        stream.seek(-_MAGIC_AND_LENGTH_BYTES, 2)
        length = int.from_bytes(stream.read(4), "little")
        stream.seek(-_MAGIC_AND_LENGTH_BYTES - length, 2)
        footer = _Footer(bytearray(stream.read(length)))
        footer.read_struct(())
        stream.seek(-_MAGIC_AND_LENGTH_BYTES - length, 2)
        stream.write(footer.content)


class _Footer:
    """Walks over a footer once and sorts what it looks for on the way."""

    def __init__(self, content: bytearray) -> None:
        self.content, self.at = content, 0

    def read_struct(self, path: tuple[int, ...]) -> None:
        field = 0
        while head := self._byte():
            field = field + (head >> 4) if head >> 4 else self._signed()
            if head & 15 not in (_TRUE, _FALSE):  # a boolean field is its own value
                self._read_value(head & 15, (*path, field))

    def _read_value(self, kind: int, path: tuple[int, ...]) -> None:
        if kind == _STRUCT:
            self.read_struct(path)
        elif kind in (_LIST, _SET):
            head = self._byte()
            size = head >> 4 if head >> 4 < 15 else self._varint()
            begin = self.at
            for _ in range(size):
                self._read_value(head & 15, path)
            if path == _ENCODINGS:  # each is one byte
                self.content[begin : self.at] = bytes(sorted(self.content[begin : self.at]))
        elif kind == _BINARY:
            length = self._varint()
            self.at += length
        elif kind == _MAP:
            raise ValueError("expected a Parquet footer, which has no maps, but received one with a map")
        elif kind in (_TRUE, _FALSE, _BYTE):
            self.at += 1
        elif kind == _DOUBLE:
            self.at += 8
        else:
            self._varint()

    def _byte(self) -> int:
        self.at += 1
        return self.content[self.at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def _signed(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
