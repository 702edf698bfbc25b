"""Figures of the API for Prometheus; no label names a person or an item."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.015, 0.03, 0.06, 0.12, 0.25, 0.5, 1.0)


class Metrics:
    """Those of one process."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()

        def name(text: str) -> str:
            return f"nightshift_online_{text}"

        self.requests = Counter(
            name("requests"), "Requests by route, status and caller", ["route", "status", "caller"], registry=registry
        )
        self.seconds = Histogram(name("seconds"), "Time to answer", ["route"], buckets=_SECONDS, registry=registry)
        self.spoke = Counter(name("lists"), "Lists by who spoke", ["spoke"], registry=registry)
        self.passed = Counter(
            name("passed"), "Links of the chain that said nothing, and why", ["link", "why"], registry=registry
        )
        self.acts = Counter(name("acts"), "Acts that came in", ["action"], registry=registry)
        self.decisions = Counter(name("decisions"), "Decisions on consent that came in", ["granted"], registry=registry)
        self.refusals = Gauge(name("refusals"), "Withdrawals since the night, by identifier", registry=registry)
        self.sessions = Gauge(name("sessions"), "Sessions that are remembered", registry=registry)
        self.switches = Counter(name("switches"), "Stores that were opened", registry=registry)
        self.refused_stores = Counter(name("refused_stores"), "Stores that were refused", registry=registry)
        self.night = Gauge(name("night_timestamp"), "The night that answers, seconds since 1970", registry=registry)

    def text(self) -> bytes:
        return generate_latest(self._registry)
