"""`dbt build` as a command of its own, and its failures in one sentence.

dbt keeps its connection to the warehouse until its process ends, so it gets a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.errors import BusyError, LakeError
from contracts.lineage import LINEAGE_NAMESPACE

PROJECT = Path(__file__).resolve().parents[1]
FAILED = ("error", "fail", "runtime error")
IN_PROFILES = ("warehouse", "thrift_host", "thrift_port", "schema")
"""Variables that profiles.yml asks for; OpenLineage reads them from the environment, as `DBT_<NAME>`."""
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
            LakeError: a model or a test failed; the error names it, with dbt's own message.
            BusyError: another process has the warehouse open.
        """
        results_file = self.folder / "target" / "run_results.json"
        results_file.unlink(missing_ok=True)
        done = self.run("build", variables, "--exclude-resource-type", "unit_test")
        results = json.loads(results_file.read_text())["results"] if results_file.exists() else []
        if done.returncode != 0:
            self._raise_failure(variables["ds"], results, done.stdout + done.stderr)
        kinds = [result["unique_id"].split(".")[0] for result in results]
        return Built(models=kinds.count("model"), tests=kinds.count("test"))

    def run(self, verb: str, variables: dict[str, Any], *options: str) -> subprocess.CompletedProcess[str]:
        """Run one dbt verb and wait for its end, whether it succeeds or fails."""
        programs = Path(sys.executable).parent
        command = [str(programs / ("dbt" if self.lineage is None else "dbt-ol")), "--no-use-colors", verb, *options]
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
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    def _raise_failure(self, ds: str, results: list[dict[str, Any]], output: str) -> None:
        log = self.folder / "logs" / "dbt.log"
        if "Could not set lock on file" in output:
            raise BusyError(
                expected="to be the only process that has the warehouse open",
                received="another one at work in it",
                remedy="close what reads the warehouse (reports read the published Parquet instead) and run again",
            )
        failures = [_sentence(result) for result in results if result["status"] in FAILED]
        named = failures[:NAMED_FAILURES] or [_last_lines(output)]
        if len(failures) > NAMED_FAILURES:
            named.append(f"and {len(failures) - NAMED_FAILURES} more")
        raise LakeError(
            expected=f"every model and test of the profiles of {ds} to succeed",
            received="; ".join(named),
            remedy=f"mend what they name and run the day again (nothing was published; the whole log is {log})",
        )


def _sentence(result: dict[str, Any]) -> str:
    kind, _, name = result["unique_id"].split(".")[:3]
    return f"{kind} {name}: {' '.join((result['message'] or result['status']).split())}"


def _last_lines(output: str) -> str:
    return " ".join(" ".join(output.splitlines()[-8:]).split()) or "no word from dbt"
