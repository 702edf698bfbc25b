"""Connected components against a union-find written here; all graphs in one call, each with a prefix of its own."""

from __future__ import annotations

import itertools
import random
from collections import Counter, defaultdict

import pytest

from spark_jobs.identity.connected_components import OneMachine, components_within, connected_components

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
    edges = [edge for seed in range(8) for edge in random_graph(seed)] + chain(60) + star(500) + [("alone", "alone")]
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


def test_all_ways_cut_large_components_alike(spark, tmp_path):
    """Random graphs of three strengths and a hub; a limit that most of them break, some by the strongest alone."""
    rng = random.Random(5)
    links = [(*edge, rng.randint(-2, 0)) for seed in range(8) for edge in random_graph(seed) if edge[0] != edge[1]]
    links += [(*edge, -1) for edge in star(200)] + [
        (f"star-{number:03d}", f"ray-{number:03d}", 0) for number in range(9)
    ]
    frame = spark.createDataFrame(links, "a string, b string, strength int")
    ways = OneMachine(0), OneMachine(10_000), OneMachine(10_000, tmp_path / "scratch")
    by_jobs, by_driver, by_files = (components_within(frame, 4, way).collect() for way in ways)
    assert sorted(by_files) == sorted(by_driver)
    assert any((tmp_path / "scratch").rglob("*.parquet"))
    placed = {row.node: (row.cluster, row.component) for row in by_jobs}
    assert len(placed) == len(by_jobs) == len(by_driver)
    assert placed == {row.node: (row.cluster, row.component) for row in by_driver}
    assert {node: cluster for node, (cluster, _) in placed.items()} == by_union_find([link[:2] for link in links])
    assert max(Counter(component for _, component in placed.values()).values()) == 4
    assert placed["ray-003"] == ("ray-000", "ray-003"), "the weaker rays of the hub were cut, the others stay"
    assert placed["star-003"] == ("ray-000", "ray-003")
    assert placed["star-hub"] == ("ray-000", "star-hub")
