"""The process that has imported TensorFlow, Keras and MLflow, and forks for each command that needs them.

    python -m ops.preloaded SOCKET LIBRARY...

It imports nothing of ours, so that a command runs the code that is there when it begins. It ends with the process that
started it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from contracts.preloaded import LENGTH, SOCKET
from contracts.quiet_imports import errors_alone

LIBRARIES = (
    "tensorflow",
    "keras",
    "mlflow.pyfunc",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.store.model_registry.sqlalchemy_store",
    "pandas",
    "pyarrow.parquet",
    "sklearn.linear_model",
    "matplotlib.backends.backend_agg",
    "tensorboard.summary.writer.event_file_writer",
)
_LOOKS_SECONDS = 2.0
"""How often it looks whether the process that started it is there."""


@dataclass(frozen=True)
class Request:
    """`python -m <arguments>`, with the variables, the folder and the output of whoever asks."""

    arguments: list[str]
    environment: dict[str, str]
    folder: str
    outputs: list[int]

    @classmethod
    def received(cls, connection: socket.socket) -> Request:
        head, outputs, *_ = socket.recv_fds(connection, LENGTH.size, 2)
        text = b""
        while len(text) < LENGTH.unpack(head)[0]:
            text += connection.recv(1 << 16)
        return cls(*json.loads(text), outputs)

    def run(self) -> None:
        """Become the command; the interpreter ends as it would have ended."""
        for descriptor, output in zip((1, 2), self.outputs, strict=True):
            os.dup2(output, descriptor)
            os.close(output)
        os.environ.clear()
        os.environ.update(self.environment)
        os.chdir(self.folder)
        sys.path[0] = self.folder
        sys.argv = list(self.arguments)
        runpy.run_module(self.arguments[0], run_name="__main__", alter_sys=True)


@contextlib.contextmanager
def preloaded(libraries: Sequence[str] = LIBRARIES) -> Iterator[None]:
    """Have such a process for the commands that are started meanwhile; it imports while other work goes on."""
    folder = tempfile.mkdtemp(prefix="nightshift-")  # a path of few characters, as a socket's must be
    listens_at = str(Path(folder) / "socket")
    server = subprocess.Popen(
        [sys.executable, "-m", "ops.preloaded", listens_at, *libraries], stdout=subprocess.DEVNULL
    )
    os.environ[SOCKET] = listens_at
    try:
        yield
    finally:
        del os.environ[SOCKET]
        server.terminate()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def main(listens_at: str, libraries: Sequence[str]) -> None:
    warnings.filterwarnings("ignore", message=".*use of fork", category=DeprecationWarning)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(listens_at)
        listener.listen()
        gc.disable()
        with errors_alone():
            for library in libraries:
                importlib.import_module(library)
        gc.freeze()  # a child's collector does not touch, and so does not copy, what all share
        gc.enable()
        request = Server(listener).serve()
    if request is not None:
        request.run()


class Server:
    """Forks for each request, passes on how the command ended, and ends it with whoever asked for it."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ)
        self._running: dict[socket.socket, tuple[int, int]] = {}
        """Connection -> process, and the descriptor by which its end is seen."""

    def serve(self) -> Request | None:
        """In a child, what it shall do; in the server None, once the process that started it has gone."""
        started_by = os.getppid()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        try:
            while os.getppid() == started_by:
                for key, _ in self._selector.select(_LOOKS_SECONDS):
                    if key.fileobj is self._listener:
                        if (request := self._forked()) is not None:
                            return request
                    elif key.data not in self._running:
                        continue  # it ended in this very moment
                    elif key.fileobj is key.data:
                        self._selector.unregister(key.data)
                        self._terminate(key.data)
                    else:
                        self._answer(key.data)
        finally:
            for connection in self._running:
                self._terminate(connection)
        return None

    def _forked(self) -> Request | None:
        connection, _ = self._listener.accept()
        request = Request.received(connection)
        pid = os.fork()
        if pid == 0:
            os.setsid()
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            self._selector.close()
            for other in (connection, *self._running):
                other.close()
            self._running.clear()
            return request
        for output in request.outputs:
            os.close(output)
        process = os.pidfd_open(pid)
        self._running[connection] = pid, process
        for watched in (connection, process):
            self._selector.register(watched, selectors.EVENT_READ, connection)
        return None

    def _terminate(self, connection: socket.socket) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._running[connection][0], signal.SIGTERM)

    def _answer(self, connection: socket.socket) -> None:
        pid, process = self._running.pop(connection)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with contextlib.suppress(OSError):
            connection.sendall(LENGTH.pack(status if status >= 0 else 128 - status))
        self._selector.unregister(process)
        with contextlib.suppress(KeyError):
            self._selector.unregister(connection)
        os.close(process)
        connection.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
