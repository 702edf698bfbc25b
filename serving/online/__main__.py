"""Answer a shop between nights: recommendations, similar items, reasons; acts and withdrawals come in.

Answers from the store that `python -m serving.store` made last, and goes over to a new one by itself. The page of the
API is at /docs. Who may ask stands in `<home>/secrets/online_callers.json`, made at the first start.

    python -m serving.online --port 8060
"""

from __future__ import annotations

import argparse
import os

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
# a session is a small product: to share it among threads costs more than it saves, and keeps cores from others

import uvicorn

from contracts.entry_point import exit_with_sentence
from contracts.report import say
from contracts.settings import Settings
from serving.online.app import app_of
from serving.online.callers import callers_file
from serving.online.service import Service

_SECONDS_KEPT_OPEN = 75
_CONNECTIONS = 1000


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m serving.online", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--host", default="127.0.0.1", help="where it listens (%(default)s)")
    parser.add_argument("--port", type=int, default=8060, help="(%(default)s)")
    options = parser.parse_args()
    exit_with_sentence(lambda: serve(options.host, options.port))


def serve(host: str, port: int) -> None:
    """Answer until the process is stopped.

    Raises:
        SettingsError: the keys are not those of the lake, or the file of callers says something else.
    """
    settings = Settings.from_env()
    service = Service(settings)
    say(f"online: http://{host}:{port}/docs; keys of callers: {callers_file(settings.home)}")
    uvicorn.run(
        app_of(service),
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,  # paths name people
        server_header=False,
        timeout_keep_alive=_SECONDS_KEPT_OPEN,
        limit_concurrency=_CONNECTIONS,
    )


if __name__ == "__main__":
    main()
