"""The components that the driver puts together by itself, against sets that grow one link at a time."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest

from spark_jobs.identity.union_find import components_within, smallest_reached

Link = tuple[str, str, int]


def parts(nodes: set[str], links: list[Link]) -> list[set[str]]:
    """The nodes by what they reach, each once."""
    found = [{node} for node in nodes]
    for left, right, _ in links:
        joined = [part for part in found if left in part or right in part]
        found = [part for part in found if part not in joined] + [set().union(*joined)]
    return found


def fitting(nodes: set[str], links: list[Link], limit: int) -> list[set[str]]:
    """The same, where a part above the limit loses its weakest links until it fits."""
    result = []
    for part in parts(nodes, links):
        inside = [link for link in links if link[0] in part]
        if len(part) <= limit or not inside:
            result.append(part)
            continue
        weakest = min(strength for *_, strength in inside)
        result += fitting(part, [link for link in inside if link[2] > weakest], limit)
    return result


def placed(links: list[Link], limit: int) -> dict[str, tuple[str, str]]:
    schema = pa.schema([("a", pa.string()), ("b", pa.string()), ("strength", pa.int32())])
    rows = [dict(zip(schema.names, link, strict=True)) for link in links]
    batches = list(components_within(pa.Table.from_pylist(rows, schema), limit))
    found = [row for batch in batches for row in batch.to_pylist()]
    assert len({row["node"] for row in found}) == len(found), "every node comes once"
    return {row["node"]: (row["cluster"], row["component"]) for row in found}


@pytest.mark.parametrize("seed", range(50))
def test_random_graphs_are_cut_into_parts_that_fit(seed):
    rng = random.Random(seed)
    kinds = ("cookie", "email", "Zo\u00eb", "\U0001f600")
    names = [f"{rng.choice(kinds)}:{number}" for number in range(40)]
    links = [(*rng.sample(names, 2), rng.randint(-3, 0)) for _ in range(rng.randint(1, 60))]
    nodes = {end for link in links for end in link[:2]}
    found = placed(links, 4)
    assert {node: cluster for node, (cluster, _) in found.items()} == {
        node: min(part) for part in parts(nodes, links) for node in part
    }
    assert {node: component for node, (_, component) in found.items()} == {
        node: min(part) for part in fitting(nodes, links, 4) for node in part
    }


def test_no_links_give_nothing():
    assert placed([], 4) == {}


def test_a_long_chain_and_a_star_around_the_largest_are_one_each():
    chain = np.random.default_rng(1).permutation(10_000)
    assert not smallest_reached(10_000, chain[:-1], chain[1:]).any()
    assert not smallest_reached(10_000, np.full(9_999, 9_999), np.arange(9_999)).any()
