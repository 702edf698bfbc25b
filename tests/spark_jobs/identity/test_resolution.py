"""Persons from tonight's edges against persons from scratch, and both against an oracle without Spark.

Many random graphs lie side by side in one run, with a prefix of their own in their names.
"""

from __future__ import annotations

import datetime
import hashlib
import random
from collections import Counter, defaultdict

import pytest

from contracts.tables.mapped import IDENTITY_EDGES
from contracts.tables.vocabulary import EDGE_KINDS
from spark_jobs.identity.resolution import Resolution, resolve, resolve_further
from spark_jobs.identity.rules import IdentityRules, Limit

GRAPHS = 200
NIGHTS = 3
FIRST = datetime.datetime(2026, 11, 17, 8)

HELPDESK = "email:g{:03d}-0"
RULES = IdentityRules(
    kinds=EDGE_KINDS,
    limits=(
        Limit("account", "cookie", 1),
        Limit("email", "account", 2, keep="none"),
        Limit("account", "email", 1),
    ),
    excluded=tuple(HELPDESK.format(graph) for graph in range(0, GRAPHS, 3)),
    component_limit=5,
)
BETWEEN = {
    "account_email": ("account", "email"),
    "verified_link": ("handle", "account"),
    "login": ("account", "cookie"),
    "email_click": ("email", "cookie"),
}


def edges_of(graph: int, night: int) -> list[tuple]:
    """One night of one graph: few names, so that links come again, change sides, join and part."""
    rng = random.Random(f"{graph} {night}")
    rows = []
    for number in range(rng.randint(0, 6)):
        kind = rng.choice(EDGE_KINDS)
        ends = [f"{end}:g{graph:03d}-{rng.randint(0, 3)}" for end in BETWEEN[kind]]
        rng.shuffle(ends)
        when = FIRST + datetime.timedelta(days=night, minutes=rng.randint(0, 3))
        rows.append((f"{graph} {night} {number}", "test", *ends, kind, when, when.date()))
    return rows


class Oracle:
    """The rules once more, a graph at a time, by dictionaries and a union-find."""

    def __init__(self, edges: list[tuple], seen: dict[str, datetime.date]) -> None:
        self.seen = seen
        self.times: Counter = Counter()
        self.first: dict[tuple, datetime.datetime] = {}
        for _, _, left, right, kind, when, _ in edges:
            pair = (*sorted((left, right)), kind)
            self.times[pair] += 1
            self.first[pair] = min(when, self.first.get(pair, when))
        allowed = [pair for pair in self.times if not {pair[0], pair[1]} & set(RULES.excluded)]
        refused = {pair for limit in RULES.limits for pair in self.above(allowed, limit)}
        self.links = [pair for pair in allowed if pair[:2] not in refused]

    def above(self, links: list[tuple], limit: Limit) -> list[tuple[str, str]]:
        about = defaultdict(lambda: defaultdict(list))
        for pair in links:
            ends = {end.split(":")[0]: end for end in pair[:2]}
            if set(ends) == {limit.of, limit.per}:
                about[ends[limit.per]][ends[limit.of]].append(pair)
        refused = []
        for per, others in about.items():
            order = sorted(
                others,
                key=lambda one: (
                    -sum(self.times[pair] for pair in others[one]),
                    min(self.first[pair] for pair in others[one]),
                    one,
                ),
            )
            kept = limit.most if limit.keep == "most_seen" or len(order) <= limit.most else 0
            refused += [tuple(sorted((per, one))) for one in order[kept:]]
        return refused

    def persons(self) -> dict[str, str]:
        found = {}
        for component in self.fitting(set(self.seen), self.links):
            oldest = min((self.seen[node], node) for node in component)[1]
            found |= dict.fromkeys(component, "p" + hashlib.sha256(oldest.encode()).hexdigest()[:16])
        return found

    def fitting(self, nodes: set[str], links: list[tuple]) -> list[set[str]]:
        parent = {node: node for node in nodes}

        def root(node: str) -> str:
            while parent[node] != node:
                node = parent[node]
            return node

        for left, right, _ in links:
            parent[root(left)] = root(right)
        components = defaultdict(set)
        for node in nodes:
            components[root(node)].add(node)
        result = []
        for component in components.values():
            inside = [link for link in links if link[0] in component]
            if len(component) <= RULES.component_limit or not inside:
                result.append(component)
                continue
            weakest = max(EDGE_KINDS.index(kind) for _, _, kind in inside)
            result += self.fitting(component, [link for link in inside if EDGE_KINDS.index(link[2]) < weakest])
        return result


@pytest.fixture(scope="module")
def nights(spark):
    """For each night the edges so far, the oracle's persons, and what Spark makes of that night's edges alone."""
    found, seen, known = [], {}, None
    so_far: dict[int, list[tuple]] = defaultdict(list)
    for night in range(NIGHTS):
        rows = [edge for graph in range(GRAPHS) for edge in edges_of(graph, night)]
        day = (FIRST + datetime.timedelta(days=night)).date()
        # someone who did something and is linked to nobody, or not yet
        arrived = {end for row in rows for end in row[2:4]} | {
            f"cookie:g{graph:03d}-{night}" for graph in range(GRAPHS)
        }
        for identifier in arrived:
            seen.setdefault(identifier, day)
        for row in rows:
            so_far[int(row[0].split()[0])].append(row)
        oracle = {}
        for graph in range(GRAPHS):
            names = {one: first for one, first in seen.items() if f":g{graph:03d}-" in one}
            oracle |= Oracle(so_far[graph], names).persons()
        edges = spark.createDataFrame(rows, f"{IDENTITY_EDGES.ddl()}, ds DATE")
        tonight = spark.createDataFrame([(one, day) for one in arrived], "identifier string, first_ds date")
        made = resolve(edges, tonight, RULES) if known is None else resolve_further(known, edges, tonight, RULES)
        known = Resolution(made.persons.localCheckpoint(), made.links.localCheckpoint(), made.resolved_again)
        found.append((dict(seen), oracle, known))
    every = spark.createDataFrame([row for rows in so_far.values() for row in rows], f"{IDENTITY_EDGES.ddl()}, ds DATE")
    all_seen = spark.createDataFrame(list(seen.items()), "identifier string, first_ds date")
    return found, resolve(every, all_seen, RULES)


@pytest.mark.parametrize("night", range(NIGHTS))
def test_every_night_gives_the_persons_of_the_oracle(nights, night):
    seen, oracle, made = nights[0][night]
    rows = made.persons.collect()
    assert len(rows) == len(seen)
    assert {row.identifier: row.person_id for row in rows} == oracle
    assert {row.identifier: row.first_ds for row in rows} == seen


def test_three_nights_leave_the_links_and_persons_of_one_run_from_scratch(nights):
    (*_, (_, _, made)), scratch = nights
    for table in ("persons", "links"):
        columns = getattr(scratch, table).columns
        one, other = (sorted(map(repr, getattr(side, table).select(columns).collect())) for side in (made, scratch))
        assert one == other


def test_the_graphs_are_worth_the_comparison(nights):
    """Every rule refuses something, persons merge and part between nights, and some are carried over."""
    found, scratch = nights
    refused = Counter(row.refused for row in scratch.links.collect())
    assert min(refused[name] for name in ("account per cookie", "email per account", "excluded", "component_limit")) > 5
    (_, before, _), (_, after, last) = found[-2:]
    changed = {one for one in before if before[one] != after[one]}
    assert len(changed) > GRAPHS // 10
    assert last.resolved_again.count() < len(after), "no person was carried over"
