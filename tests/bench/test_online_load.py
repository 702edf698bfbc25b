"""The client of `bench.online` against servers of a few lines."""

from __future__ import annotations

import argparse
import asyncio

import pytest

from bench.online_load import load

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


@pytest.mark.parametrize("requests_a_connection", [1, 2, 1000])
def test_a_connection_that_the_server_has_closed_is_opened_again(requests_a_connection):
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(requests_a_connection):
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
            writer.write(ANSWER)
        writer.close()

    async def loaded() -> dict:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        options = {"port": port, "key": "", "what": "mlflow", "people": 2, "items": 50, "rate": 50.0, "seconds": 0.4}
        return await load(argparse.Namespace(**options, connections=3, withdraw=False))

    found = asyncio.run(loaded())
    assert (found["requests"], found["failed"]) == (20, 0)
    assert found["p99"] < 1000
