"""The arrows between the rooms point one way, and what only one file may do, only that file does."""

from __future__ import annotations

import ast
import sys
import warnings
from pathlib import Path

import pytest

from training.config import MODELS

REPOSITORY = Path(__file__).resolve().parent.parent

ROOMS = ("contracts", "lake_tables", "dags", "spark_jobs", "dbt_project", "training", "sample_data", "ops")
ROOMS += ("serving", "activation", "privacy", "bench")

MAY_IMPORT = {
    "contracts": set(),
    "lake_tables": {"contracts"},
    "dags": {"contracts"},
    "spark_jobs": {"contracts"},
    "dbt_project": {"contracts"},
    "training": {"contracts", "lake_tables"},
    "serving": {"contracts", "lake_tables", "training"},
    "activation": {"contracts", "lake_tables"},
    "privacy": {"contracts", "lake_tables", "spark_jobs"},
    "sample_data": {"contracts"},
    "ops": {"contracts"},
    "bench": {"contracts", "training", "serving", "privacy"},
}
"""Room -> the other rooms that it may import."""

READS_ENVIRONMENT = {"contracts/settings.py", "dags/shared/spark.py", "dbt_project/runner/command.py", "ops/ui.py"}
READS_ENVIRONMENT |= {"ops/server/stack.py", "ops/server/setup_mlflow.py"}
"""The settings; and what hands its whole environment on to a process that it starts."""

IMPORTS_MLFLOW = {
    "training/registry/client.py",
    "training/registry/erasure.py",
    *(f"training/models/{model}/pyfunc.py" for model in MODELS),
}
IMPORTS_MLFLOW |= {"ops/server/setup_mlflow.py"}
"""The registry; the files that MLflow itself runs to serve the models; what the registry forgets; and what makes the
accounts of its server."""


def python_files(room: str) -> list[Path]:
    return sorted((REPOSITORY / room).rglob("*.py"))


def imported_modules(file: Path) -> set[str]:
    modules = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules.add(node.module)
    return modules


def test_every_room_is_there():
    assert all(python_files(room) for room in ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_arrows_point_one_way(room):
    for file in python_files(room):
        others = {module.split(".")[0] for module in imported_modules(file)} & set(ROOMS) - {room}
        assert others <= MAY_IMPORT[room], f"{file.relative_to(REPOSITORY)} imports {others - MAY_IMPORT[room]}"


def test_contracts_need_only_the_standard_library():
    for file in python_files("contracts"):
        foreign = {module.split(".")[0] for module in imported_modules(file)} - set(sys.stdlib_module_names)
        allowed = {"contracts", "yaml"} if file.name == "checked_yaml.py" else {"contracts"}  # while it reads a file
        assert foreign <= allowed, f"{file.name} imports {foreign}"


def test_serving_reaches_training_through_the_registry_alone():
    for file in python_files("serving"):
        used = {module for module in imported_modules(file) if module.split(".")[0] == "training"}
        reachable = ("training.registry", "training.models", "training.integrated_gradients")
        assert all(module.startswith(reachable) for module in used), file.name


def test_only_the_registry_knows_mlflow():
    users = {
        str(file.relative_to(REPOSITORY))
        for room in ROOMS
        for file in python_files(room)
        if any(module.split(".")[0] == "mlflow" for module in imported_modules(file))
    }
    assert users == IMPORTS_MLFLOW


def test_only_the_settings_read_the_environment():
    readers = set()
    for room in ROOMS:
        for file in python_files(room):
            tree = ast.parse(file.read_text())
            written = {
                id(target.value)
                for node in ast.walk(tree)
                if isinstance(node, ast.Assign)
                for target in node.targets
                if isinstance(target, ast.Subscript)
            }
            for node in ast.walk(tree):
                is_environment = isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
                if is_environment and id(node) not in written:
                    readers.add(str(file.relative_to(REPOSITORY)))
    assert readers == READS_ENVIRONMENT


def test_every_entry_point_can_be_entered():
    for room in ROOMS:
        for file in python_files(room):
            tree = ast.parse(file.read_text())
            if any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body):
                last = tree.body[-1]
                guarded = isinstance(last, ast.If) and "__main__" in ast.unparse(last.test)
                assert guarded, f"{file.relative_to(REPOSITORY)} does nothing when it is run"


def test_a_dag_file_is_wiring():
    files = sorted((REPOSITORY / "dags").glob("*.py"))
    assert files
    for file in files:
        tree = ast.parse(file.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                decorators = {ast.unparse(one).split("(")[0] for one in node.decorator_list}
                tasks = {"dag", "task", "task.bash", "task_group"}
                assert decorators & tasks, f"{file.name}: {node.name} is neither a DAG nor a task"


def test_a_long_file_is_asked_for_its_second_subject():
    """A warning, not a failure: a file is cut by subject, never by length."""
    for room in ROOMS:
        for file in python_files(room):
            lines = len(file.read_text().splitlines())
            if lines > 400:
                warnings.warn(f"{file.relative_to(REPOSITORY)} has {lines} lines: one subject?", stacklevel=1)
