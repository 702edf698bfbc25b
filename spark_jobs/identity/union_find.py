"""Connected components of a graph that fits on one machine: union-find by plain Python, about a second a 100,000 links.

Source: Tarjan and van Leeuwen, "Worst-case Analysis of Set Union Algorithms", JACM 1984 (path halving).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

Link = tuple[str, str, int]
"""Two nodes, and how strong the link is; larger is stronger."""


def components_within(links: list[Link], limit: int) -> list[tuple[str, str, str]]:
    """The result of `connected_components.components_within` for the same links, as (node, cluster, component)."""
    clusters = _components((), links)
    inside: dict[str, list[Link]] = defaultdict(list)
    for link in links:
        inside[clusters[link[0]]].append(link)
    members: dict[str, list[str]] = defaultdict(list)
    for node, cluster in clusters.items():
        members[cluster].append(node)
    found = []
    for cluster, nodes in members.items():
        component = dict.fromkeys(nodes, cluster)
        if len(nodes) > limit:
            component = _cut(nodes, inside[cluster], limit)
        found += [(node, cluster, component[node]) for node in nodes]
    return found


def _cut(nodes: list[str], links: list[Link], limit: int) -> dict[str, str]:
    """Node -> its component, after the weakest links of a component above the limit are gone."""
    weakest = min(link[2] for link in links)
    components = _components(nodes, left := [link for link in links if link[2] > weakest])
    members, inside = defaultdict(list), defaultdict(list)
    for node, component in components.items():
        members[component].append(node)
    for link in left:
        inside[components[link[0]]].append(link)
    for component, its_nodes in members.items():
        if len(its_nodes) > limit and inside[component]:
            components |= _cut(its_nodes, inside[component], limit)
    return components


def _components(nodes: Iterable[str], links: list[Link]) -> dict[str, str]:
    """Node -> smallest node of its component; one of the `nodes` without a link stands for itself."""
    parent = {node: node for node in nodes}

    def root(node: str) -> str:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for left, right, _ in links:
        low, high = root(left), root(right)
        if low != high:
            parent[max(low, high)] = min(low, high)
    return {node: root(node) for node in parent}
