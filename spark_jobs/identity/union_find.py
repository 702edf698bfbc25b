"""Connected components of a graph that fits on one machine, and a limit to their size: arrays of numbers in NumPy.

Source: Shiloach and Vishkin, "An O(log n) Parallel Connectivity Algorithm", Journal of Algorithms 1982: the roots of
links are hooked to smaller ones, and paths are halved until every node knows its root.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

BYTES_A_LINK = 400
"""Of memory, about: two identifiers as text, twice, and some twenty numbers."""

_ROWS_AT_ONCE = 1 << 20

PLACED = pa.schema([("node", pa.string()), ("cluster", pa.string()), ("component", pa.string())])


def components_within(links: pa.Table, limit: int) -> Iterator[pa.RecordBatch]:
    """The result of `connected_components.components_within` for the same links, in batches.

    Args:
        links: columns `a`, `b`, `strength` (larger is stronger).
    """
    names, left, right = _numbered(links)
    strength = links["strength"].to_numpy()
    cluster = smallest_reached(len(names), left, right)
    component = _cut(cluster, left, right, strength, limit)
    for start in range(0, len(names), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        columns = [names[rows], names.take(pa.array(cluster[rows])), names.take(pa.array(component[rows]))]
        yield pa.record_batch([column.cast(pa.string()) for column in columns], schema=PLACED)


def smallest_reached(nodes: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(nodes,) the smallest node that each of the nodes 0, 1, ... reaches.

    Args:
        left, right: (links,) the two ends of each link.
    """
    root = np.arange(nodes)
    while len(left):
        left, right = root[left], root[right]
        apart = left != right
        left, right = left[apart], right[apart]
        np.minimum.at(root, np.maximum(left, right), np.minimum(left, right))
        while True:
            further = root[root]
            if np.array_equal(further, root):
                break
            root = further
    return root


def _numbered(links: pa.Table) -> tuple[pa.LargeStringArray, np.ndarray, np.ndarray]:
    """The names of all nodes in their order, and the ends of the links as places among them."""
    ends = pa.chunked_array([*links["a"].chunks, *links["b"].chunks], pa.string()).cast(pa.large_string())
    encoded = ends.dictionary_encode()
    if not encoded.num_chunks:
        return pa.array([], pa.large_string()), np.empty(0, np.int64), np.empty(0, np.int64)
    found = encoded.chunk(encoded.num_chunks - 1).dictionary  # the chunks share it, and the last one has all of it
    order = pc.sort_indices(found)  # by bytes, as Spark compares
    place = np.empty(len(found), np.int64)
    place[order.to_numpy()] = np.arange(len(found))
    numbers = place[np.concatenate([chunk.indices.to_numpy() for chunk in encoded.chunks])]
    return found.take(order), numbers[: links.num_rows], numbers[links.num_rows :]


def _cut(cluster: np.ndarray, left: np.ndarray, right: np.ndarray, strength: np.ndarray, limit: int) -> np.ndarray:
    """(nodes,) the components that are left where those above the limit lose their weakest links, again and again."""
    component = cluster.copy()
    while (large := np.bincount(component, minlength=len(component)) > limit).any():
        nodes = large[component]
        inside = nodes[left]
        left, right, strength = left[inside], right[inside], strength[inside]
        weakest = np.full(len(component), np.iinfo(strength.dtype).max, strength.dtype)
        np.minimum.at(weakest, component[left], strength)
        stays = strength > weakest[component[left]]
        left, right, strength = left[stays], right[stays], strength[stays]
        component[nodes] = smallest_reached(len(component), left, right)[nodes]
    return component
