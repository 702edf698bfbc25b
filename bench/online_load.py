"""The client of `bench.online`, in a process of its own: so many requests a second, whether answers come or not.

A request's time runs from when it should have been sent, so that a server which stalls is not asked less (an open
loop). Prints one JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

WITHDRAWS = "acc-0"
"""The account that withdraws in the middle, where that is asked for; every tenth request is about it."""


@dataclass
class Found:
    """What came of the requests."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    spoke: Counter[str] = field(default_factory=Counter)
    nights: Counter[str] = field(default_factory=Counter)
    mixed: int = 0
    """Answers whose scores are not of their night."""
    personalised_after: int = 0
    """Personal lists after the withdrawal was taken in."""
    asked_after: int = 0


class Connection(asyncio.Protocol):
    """One connection that is kept open: a request at a time."""

    def __init__(self) -> None:
        self._content, self._answer = b"", None
        self.closed = False
        """Whether the server has closed it, as servers do with one that has been idle for some seconds."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._content += data
        head, there, body = self._content.partition(b"\r\n\r\n")
        if there:
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            if len(body) >= length and self._answer is not None:
                answer, self._answer, self._content = self._answer, None, b""
                answer.set_result((int(head[9:12]), body[:length]))

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionError("closed"))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await asyncio.wait_for(self._answer, 10)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.online_load", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--what", choices=("list", "session", "mlflow"), required=True)
    parser.add_argument("--people", type=int, required=True)
    parser.add_argument("--items", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--withdraw", action="store_true")
    options = parser.parse_args()
    print(json.dumps(asyncio.run(load(options))))


async def load(options: argparse.Namespace) -> dict[str, Any]:
    """Send them; returns figures in milliseconds."""
    loop, found = asyncio.get_running_loop(), Found()
    free: asyncio.Queue[Connection] = asyncio.LifoQueue()  # as pools of clients do: the one that was used last

    async def connected() -> Connection:
        return (await loop.create_connection(Connection, "127.0.0.1", options.port))[1]

    for _ in range(options.connections):
        free.put_nowait(await connected())
    count = int(options.rate * options.seconds)
    requests = _requests(options, count)
    withdrawn_at = [float("inf")]
    begin = time.perf_counter() + 0.5

    async def one(number: int) -> None:
        due = begin + number / options.rate
        connection = await free.get()
        try:
            if connection.closed:
                connection = await connected()
            is_withdrawing = options.withdraw and number % 10 == 0
            sent = time.perf_counter()
            status, body = await connection.ask(requests[number])
            found.seconds.append(time.perf_counter() - due)
            found.statuses[status] += 1
            if status == 200 and options.what != "mlflow":
                _look(json.loads(body), found, after=is_withdrawing and sent > withdrawn_at[0])
        except (OSError, TimeoutError):
            found.statuses[0] += 1
            connection = await connected()
        free.put_nowait(connection)

    async def withdraw() -> None:
        await asyncio.sleep(options.seconds / 2)
        body = json.dumps({"person": WITHDRAWS, "granted": False}).encode()
        connection = await connected()
        status, _ = await connection.ask(_http(options, "POST", "/consents", body))
        if status == 202:
            withdrawn_at[0] = time.perf_counter()

    tasks = [loop.create_task(withdraw())] if options.withdraw else []
    for number in range(count):
        ahead = begin + number / options.rate - time.perf_counter()
        if ahead > 0:
            await asyncio.sleep(ahead)
        tasks.append(loop.create_task(one(number)))
    await asyncio.gather(*tasks)
    return _figures(found, count)


def _requests(options: argparse.Namespace, count: int) -> list[bytes]:
    random = np.random.default_rng(11)
    people = random.integers(1, options.people, count)
    sessions = random.integers(0, options.items, (min(count, 1000), 20))
    requests = []
    for number in range(count):
        account = WITHDRAWS if options.withdraw and number % 10 == 0 else f"acc-{people[number]}"
        acts = [f"i{item:06d}" for item in sessions[number % len(sessions)]]
        if options.what == "list":
            requests.append(_http(options, "GET", f"/recommendations/{account}", b""))
        elif options.what == "session":
            body = json.dumps({"person": account, "acts": [{"item_id": item} for item in acts]}).encode()
            requests.append(_http(options, "POST", "/recommendations", body))
        else:
            body = json.dumps({"dataframe_records": [{"history": acts}], "params": {"k": 10}}).encode()
            requests.append(_http(options, "POST", "/invocations", body))
    return requests


def _http(options: argparse.Namespace, method: str, path: str, body: bytes) -> bytes:
    head = (
        f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nx-api-key: {options.key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _look(answer: dict[str, Any], found: Found, *, after: bool) -> None:
    """Note who spoke, and whether the scores are those of the night that the answer names.

    Where nights are switched, those of odd days have scores from 0 to 1 and of even days from 2 to 3.
    """
    found.spoke[answer["spoke"]] += 1
    found.nights[answer["night"]] += 1
    even = int(answer["night"][-2:]) % 2 == 0
    scores = [one["score"] for one in answer["items"] if one["by"] == "sequence"]
    found.mixed += any((score >= 2) != even for score in scores)
    if after:
        found.asked_after += 1
        found.personalised_after += answer["spoke"] != "popularity"


def _figures(found: Found, count: int) -> dict[str, Any]:
    milliseconds = np.array(found.seconds) * 1000
    ranks = {f"p{rank}": round(float(np.percentile(milliseconds, rank)), 2) for rank in (50, 90, 99, 99.9)}
    return {
        "requests": count,
        **(ranks if len(milliseconds) else {}),
        "failed": count - found.statuses[200],
        "spoke": dict(found.spoke),
        "nights": dict(found.nights),
        "mixed": found.mixed,
        "asked_after_withdrawal": found.asked_after,
        "personalised_after_withdrawal": found.personalised_after,
    }


if __name__ == "__main__":
    main()
