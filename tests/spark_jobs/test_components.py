"""Connected components against a union-find written here; all graphs in one call, told apart by their prefix."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict

import pytest

from spark_jobs.components import connected_components

Edges = list[tuple[str, str]]


def by_union_find(edges: Edges) -> dict[str, str]:
    """Node -> smallest node of its component."""
    parent: dict[str, str] = {}

    def root(node: str) -> str:
        parent.setdefault(node, node)
        while parent[node] != node:
            node = parent[node]
        return node

    for left, right in edges:
        low, high = sorted((root(left), root(right)))
        parent[high] = low
    return {node: root(node) for node in parent}


def random_graph(seed: int) -> Edges:
    """Up to 30 nodes, sparse enough to fall into parts; with loops and repetitions in both directions."""
    rng = random.Random(seed)
    nodes = [f"g{seed:02d}-{number:02d}" for number in range(rng.randint(2, 30))]
    edges = [(rng.choice(nodes), rng.choice(nodes)) for _ in range(rng.randint(1, len(nodes)))]
    return edges + [(right, left) for left, right in edges[: len(edges) // 3]]


def chain(length: int) -> Edges:
    """Named in random order, so that the smallest name is nowhere special."""
    names = [f"chain-{number:03d}" for number in range(length)]
    random.Random(1).shuffle(names)
    return list(itertools.pairwise(names))


def star(rays: int) -> Edges:
    return [("star-hub", f"star-{number:03d}") for number in range(rays)]


@pytest.fixture(scope="module")
def found(spark):
    """Edges of all graphs, and the components that Spark finds in them."""
    edges = [edge for seed in range(20) for edge in random_graph(seed)] + chain(60) + star(500) + [("alone", "alone")]
    rows = connected_components(spark.createDataFrame(edges, "a string, b string")).collect()
    return edges, rows


def test_every_node_comes_once(found):
    edges, rows = found
    nodes = [row.node for row in rows]
    assert len(nodes) == len(set(nodes))
    assert set(nodes) == {node for edge in edges for node in edge}


def test_random_graphs_fall_into_the_components_of_a_union_find(found):
    edges, rows = found
    expected = by_union_find(edges)
    assert {row.node: row.component for row in rows} == expected
    parts = defaultdict(set)
    for node, component in expected.items():
        parts[node[:3]].add(component)
    assert max(len(components) for graph, components in parts.items() if graph.startswith("g")) > 1


def test_a_chain_and_a_star_are_one_component_each(found):
    _, rows = found
    components = {row.node: row.component for row in rows}
    assert {name for node, name in components.items() if node.startswith("chain-")} == {"chain-000"}
    assert {name for node, name in components.items() if node.startswith("star-")} == {"star-000"}
    assert components["alone"] == "alone"


def test_no_edges_give_no_components(spark):
    assert connected_components(spark.createDataFrame([], "a string, b string")).collect() == []
