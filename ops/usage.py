"""What this process, all that it started and the Spark of its home use: the most memory at one time, and CPU time."""

from __future__ import annotations

import contextlib
import threading

import psutil

from contracts.home import Home
from contracts.spark_application import SparkApplication

_LOOKS_SECONDS = 0.5


class Usage:
    """Looks at the processes twice a second while it is entered.

    A process that has ended counts with what it had used when it was last seen.
    """

    def __init__(self, home: Home) -> None:
        """Take the home whose shared Spark application counts, whoever started it."""
        self.peak_bytes = 0
        """Resident memory of all of them; what forked processes share counts once."""
        self._home = home
        self._before: dict[psutil.Process, float] = {}
        self._seconds: dict[psutil.Process, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    @property
    def cpu_seconds(self) -> float:
        """Of all of them, since it was entered."""
        return sum(seconds - self._before.get(process, 0.0) for process, seconds in self._seconds.items())

    def __enter__(self) -> Usage:
        self._look()
        self._before = dict(self._seconds)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._stop.wait(_LOOKS_SECONDS):
            self._look()

    def _look(self) -> None:
        processes = self._processes()
        resident = 0
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                resident += process.memory_info().rss
                times = process.cpu_times()
                self._seconds[process] = times.user + times.system
        if resident > self.peak_bytes:  # what is shared counts once, and to find that out walks all of their pages
            self.peak_bytes = max(self.peak_bytes, sum(map(_share_of, processes)))

    def _processes(self) -> set[psutil.Process]:
        parents = {psutil.Process()}
        with contextlib.suppress(psutil.NoSuchProcess):
            if spark := SparkApplication.running(self._home):
                parents.add(psutil.Process(spark.pid))
        found = set(parents)
        for parent in parents:
            with contextlib.suppress(psutil.NoSuchProcess):
                found.update(parent.children(recursive=True))
        return found


def _share_of(process: psutil.Process) -> int:
    """Resident bytes of a process, those that several share by equal parts; none of one that has ended."""
    try:
        return process.memory_full_info().pss
    except psutil.NoSuchProcess:
        return 0
