"""Whether a service of the stack is well: its container's health check. It imports little, so that it is quick.

python3 -m ops.server.healthy http://localhost:5000/health            answers with a status below 400
python3 -m ops.server.healthy http://host/monitor/health triggerer    and says that this part is healthy
python3 -m ops.server.healthy celery                                  this container's Celery worker answers a ping
"""

from __future__ import annotations

import json
import socket
import sys
import urllib.request
from pathlib import Path

SECONDS = 8


def main() -> None:
    where, *part = sys.argv[1:]
    well = celery_answers() if where == "celery" else page_is_well(where, *part)
    sys.exit(0 if well else 1)


def page_is_well(url: str, part: str | None = None) -> bool:
    """Whether the page answers, and calls the part of Airflow healthy if one is named."""
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:
            content = answer.read()
    except OSError:
        return False
    return part is None or json.loads(content).get(part, {}).get("status") == "healthy"


def celery_answers() -> bool:
    """Ask by the broker itself: Airflow's own Celery app takes seconds to import, a minute after a minute."""
    from celery import Celery

    worker = f"celery@{socket.gethostname()}"
    broker = Path("/run/secrets/airflow_broker_uri").read_text()
    return bool(Celery(broker=broker).control.inspect(destination=[worker], timeout=SECONDS).ping())


if __name__ == "__main__":
    main()
