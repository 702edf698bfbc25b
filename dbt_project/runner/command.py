"""`dbt build` as a command of its own, and its failures in one sentence.

dbt keeps its connection to the warehouse until its process ends, so it gets a process of its own.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.entry_point import DISK_IS_FULL
from contracts.errors import DiskFullError, EndedError, LakeError
from contracts.lineage import LINEAGE_NAMESPACE
from dbt_project.runner.failures import failures_of, without_data
from dbt_project.runner.parsed import parsed_file
from dbt_project.runner.warehouse import LOCKED, warehouse_is_open

PROJECT = Path(__file__).resolve().parents[1]
IN_PROFILES = ("warehouse", "memory_limit", "thrift_host", "thrift_port", "schema")
"""Variables that profiles.yml asks for; OpenLineage reads them from the environment, as `DBT_<NAME>`."""
PARSED = "NIGHTSHIFT_DBT_PARSED"
"""The variable that names the folder in which the parsed project is kept from run to run."""
NAMED_FAILURES = 5
"""As many failures as a sentence can hold; the log has them all."""


@dataclass(frozen=True)
class Built:
    """How many nodes of each kind a build ran."""

    models: int
    tests: int

    def __str__(self) -> str:
        return f"{self.models} models, {self.tests} tests"


@dataclass(frozen=True)
class DbtCommand:
    """dbt on this project, with its target and logs below `folder`."""

    folder: Path
    target: str = "duckdb"
    """The output in profiles.yml."""
    lineage: Mapping[str, Any] | None = None
    """OpenLineage's `transport` for events of every model; None sends none."""
    lineage_parent: str = ""
    """The run of which this one is a part, as namespace/job/run."""

    def build(self, variables: dict[str, Any]) -> Built:
        """Build everything and test its data: seeds, models, snapshots.

        Unit tests are left out: they test the code, which does not change from night to night.

        Raises:
            LakeError: a model or a test failed; the error names it, and says how without quoting data.
            BusyError: another process has the warehouse open.
            EndedError: dbt was killed.
            DiskFullError: there is no room for the warehouse or for what dbt spills.
        """
        results_file = self.folder / "target" / "run_results.json"
        results_file.unlink(missing_ok=True)
        done = self.run("build", variables, "--exclude-resource-type", "unit_test")
        results = json.loads(results_file.read_text())["results"] if results_file.exists() else []
        if done.returncode != 0:
            self._raise_failure(variables["ds"], results, done)
        kinds = [result["unique_id"].split(".")[0] for result in results]
        return Built(models=kinds.count("model"), tests=kinds.count("test"))

    def run(self, verb: str, variables: dict[str, Any], *options: str) -> subprocess.CompletedProcess[str]:
        """Run one dbt verb and wait for its end, whether it succeeds or fails."""
        programs = Path(sys.executable).parent
        if self.lineage is None:
            parsed = Path(os.environ.get(PARSED) or self.folder / "parsed")
            file = parsed_file(parsed, PROJECT, self.target, variables)
            command = [sys.executable, "-m", "dbt_project.runner.parsed", str(file)]
        else:
            command = [str(programs / "dbt-ol")]
        command += ["--no-use-colors", verb, *options]
        command += ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target", self.target]
        command += ["--target-path", str(self.folder / "target"), "--log-path", str(self.folder / "logs")]
        command += ["--vars", json.dumps(variables)]
        environment = {**os.environ, "DO_NOT_TRACK": "true"}
        if self.lineage is not None:  # the wrapper sends events when dbt has ended, and ends with dbt's own status
            environment |= {
                "PATH": f"{programs}:{os.environ['PATH']}",
                **{f"DBT_{name.upper()}": str(variables[name]) for name in IN_PROFILES if name in variables},
                "OPENLINEAGE__TRANSPORT": json.dumps(self.lineage),
                "OPENLINEAGE_NAMESPACE": LINEAGE_NAMESPACE,
            }
            if self.lineage_parent:
                environment["OPENLINEAGE_PARENT_ID"] = self.lineage_parent
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=PROJECT.parent)

    def _raise_failure(self, ds: str, results: list[dict[str, Any]], done: subprocess.CompletedProcess[str]) -> None:
        output = done.stdout + done.stderr
        log = self.folder / "logs" / "dbt.log"
        if done.returncode < 0:
            raise EndedError(
                expected="dbt to end its work",
                received=f"its end by {signal.Signals(-done.returncode).name}",
                remedy="run the day again, as nothing was published; if the system ended it for its memory, let "
                "NIGHTSHIFT_MEMORY be less or give the machine more",
            )
        if LOCKED in output:
            raise warehouse_is_open()
        if DISK_IS_FULL.search(output):
            raise DiskFullError
        failures = failures_of(results)
        named = failures[:NAMED_FAILURES] or [without_data(output)]
        if len(failures) > NAMED_FAILURES:
            named.append(f"and {len(failures) - NAMED_FAILURES} more")
        raise LakeError(
            expected=f"every model and test of the profiles of {ds} to succeed",
            received="; ".join(named),
            remedy=f"mend what they name and run the day again (nothing was published; the whole log is {log})",
        )
