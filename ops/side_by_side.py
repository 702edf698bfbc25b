"""An executor for a night on one machine: tasks that wait for nothing run beside each other, without a server.

`airflow dags test` alone runs one task at a time, and Airflow's own executor needs its server for the tasks to talk to.
Here each task gets a process, forked from the one that has loaded Airflow already, with the server's part in it.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from airflow.executors.base_executor import BaseExecutor
from airflow.sdk.api.client import Client
from airflow.sdk.execution_time.supervisor import in_process_api_server, supervise_task
from airflow.utils.state import TaskInstanceState


class SideBySide(BaseExecutor):
    """For `airflow dags test --use-executor`."""

    is_local = True

    def __init__(self, *_: Any, **__: Any) -> None:
        """Take no setting: see `tasks_at_once`."""
        super().__init__(parallelism=tasks_at_once())
        self._keys: dict[int, Any] = {}
        """Process -> key of the task instance that it runs."""

    def start(self) -> None:
        """Make the server's part once, which takes seconds, for every process to have it."""
        _ = in_process_api_server().app

    def _process_workloads(self, workloads: Sequence[Any]) -> None:
        for workload in workloads:
            key = workload.ti.key
            del self.queued_tasks[key]
            self.running.add(key)
            if process := os.fork():
                self._keys[process] = key
            else:
                _run_and_exit(workload)

    def sync(self) -> None:
        """Wait until a task has ended, as until then there is nothing to do."""
        if self._keys:
            process, status = os.wait()
            if key := self._keys.pop(process, None):
                self.change_state(key, TaskInstanceState.FAILED if status else TaskInstanceState.SUCCESS)

    def end(self) -> None:
        """Wait for all."""
        while self._keys:
            self.sync()


def tasks_at_once() -> int:
    """As many as there are cores, at most three; one where a GPU would be shared by trainings."""
    return 1 if Path("/dev/nvidiactl").exists() else min(3, os.cpu_count() or 1)


def _run_and_exit(workload: Any) -> None:
    status = 1
    try:
        # "dry run" is how a client is told that it needs no address: it asks the server's part in this process
        client = Client(base_url=None, token="", dry_run=True, transport=in_process_api_server().transport)
        client.base_url = "http://in-process.invalid./"
        status = supervise_task(
            ti=workload.ti,
            bundle_info=workload.bundle_info,
            dag_rel_path=workload.dag_rel_path,
            token="",
            client=client,
        )
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(min(status, 255))
