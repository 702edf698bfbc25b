"""The most memory that this process, all that it started and the Spark of its home held at one time."""

from __future__ import annotations

import contextlib
import threading

import psutil

from contracts.home import Home
from contracts.spark_application import SparkApplication


class PeakMemory:
    """Samples the resident memory of the processes twice a second while it is entered."""

    def __init__(self, home: Home) -> None:
        """Take the home whose shared Spark application counts, whoever started it."""
        self.peak_bytes = 0
        self._home = home
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.5):
            total = 0
            for process in self._processes():
                with contextlib.suppress(psutil.NoSuchProcess):
                    total += process.memory_info().rss
            self.peak_bytes = max(self.peak_bytes, total)

    def _processes(self) -> set[psutil.Process]:
        found = {psutil.Process()}
        with contextlib.suppress(psutil.NoSuchProcess):
            if spark := SparkApplication.running(self._home):
                found.add(psutil.Process(spark.pid))
        for parent in list(found):
            with contextlib.suppress(psutil.NoSuchProcess):
                found.update(parent.children(recursive=True))
        return found
