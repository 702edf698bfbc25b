"""That the variables in docs/orchestrate.md are Airflow's, and that a metric arrives where they say."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

COUNT = (
    "from airflow.observability.metrics import stats_utils\n"
    "from airflow._shared.observability.metrics import stats\n"
    "stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=True)\n"
    "stats.incr('dagrun.nightshift_test')\n"
)


def count(home, **variables: str) -> None:
    """Count one thing in a process of its own, in which these variables are set."""
    off = {"AIRFLOW__METRICS__STATSD_ON": "False", "AIRFLOW__METRICS__OTEL_ON": "False"}
    environment = {**os.environ, "AIRFLOW_HOME": str(home), **off, **variables}
    done = subprocess.run([sys.executable, "-c", COUNT], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-800:]


def test_statsd(tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)
        count(
            tmp_path,
            AIRFLOW__METRICS__STATSD_ON="True",
            AIRFLOW__METRICS__STATSD_HOST="127.0.0.1",
            AIRFLOW__METRICS__STATSD_PORT=str(server.getsockname()[1]),
            AIRFLOW__METRICS__STATSD_PREFIX="nightshift",
        )
        received = [server.recv(999)]
        while received[-1] != b"nightshift.dagrun.nightshift_test:1|c":  # among others of Airflow's own
            received.append(server.recv(999))


def test_opentelemetry(tmp_path):
    bodies = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        count(
            tmp_path,
            AIRFLOW__METRICS__OTEL_ON="True",
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{server.server_port}",
            OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
            OTEL_SERVICE_NAME="nightshift",
        )
    finally:
        server.shutdown()
        server.server_close()
    assert any(path == "/v1/metrics" and b"nightshift_test" in body for path, body in bodies)
