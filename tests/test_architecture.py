"""The arrows between the rooms point one way, and what only one file may do, only that file does."""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections import Counter
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

from training.config import MODELS

REPOSITORY = Path(__file__).resolve().parent.parent

ROOMS = ("contracts", "lake_tables", "dags", "spark_jobs", "dbt_project", "training", "sample_data", "ops")
ROOMS += ("serving", "activation", "privacy", "monitoring", "bench")

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
    "monitoring": {"contracts", "lake_tables"},
    "sample_data": {"contracts"},
    "ops": {"contracts"},
    "bench": {
        "contracts",
        "lake_tables",
        "ops",
        "training",
        "serving",
        "activation",
        "monitoring",
        "privacy",
        "sample_data",
    },
}
"""Room -> the other rooms that it may import."""

MAY_START = {
    "dags": {
        "spark_jobs.main",
        "spark_jobs.application",
        "dbt_project.build",
        "serving.score",
        "serving.neighbours",
        "serving.store",
        "serving.words",
        "activation.measure",
        "activation.plan",
        "activation.export",
        "activation.deliver",
        "monitoring.page",
        "monitoring.watch",
        "privacy",
        "ops.clean",
    }
    | {f"training.{command}" for command in ("tune", "train", "promote", "approve", "realised")},
    "privacy": {"training.forget", "dbt_project.rekey", "activation.withdraw"},
    "ops": {"sample_data.town", "sample_data.real", "sample_data.truth", "spark_jobs.application", "training.clean"}
    | {"sample_data.next_day", "spark_jobs.main", "dbt_project.build", "training.train", "training.promote"}
    | {
        "training.realised",
        "serving.score",
        "serving.neighbours",
        "serving.store",
        "serving.words",
        "activation.measure",
        "activation.plan",
        "activation.export",
    }
    | {"monitoring.watch", "monitoring.page"},
    "bench": {"spark_jobs.main", "dbt_project.build", "training.train", "serving.score", "activation.export"}
    | {
        "serving.neighbours",
        "serving.store",
        "serving.online",
        "activation.measure",
        "activation.plan",
        "activation.deliver",
        "sample_data.town",
        "spark_jobs.application",
        "ops.clean",
    },
}
"""Room -> the commands of other rooms that it may start, each an arrow that no import shows."""

STARTED_BY_NAME = {"ops/nightly.py": "makers[raw]", "contracts/preloaded.py": "*arguments"}
STARTED_BY_NAME |= {"bench/online.py": "*arguments"}
"""Files that start a command whose name stands in a variable, and that variable: each was read by a person."""

READS_ENVIRONMENT = {
    "contracts/preloaded.py",
    "contracts/settings.py",
    "contracts/spark_application.py",
    "dbt_project/runner/command.py",
    "ops/preloaded.py",
    "ops/ui.py",
}
READS_ENVIRONMENT |= {
    "spark_jobs/session.py",
    "dags/shared/commands.py",
    "ops/server/stack.py",
    "ops/server/setup_mlflow.py",
}
"""The settings; and what hands its whole environment on to a process that it starts."""

IMPORTS_MLFLOW = {
    "training/registry/client.py",
    "training/registry/cleaning.py",
    "training/registry/erasure.py",
    *(f"training/models/{model}/pyfunc.py" for model in MODELS),
}
IMPORTS_MLFLOW |= {"ops/server/setup_mlflow.py"}
"""The registry; the files that MLflow itself runs to serve the models; what the registry forgets; and what makes the
accounts of its server."""


def python_files(room: str) -> list[Path]:
    return sorted((REPOSITORY / room).rglob("*.py"))


@cache
def syntax_tree(file: Path) -> ast.Module:
    """Read once for all tests, none of which changes it."""
    return ast.parse(file.read_text())


def imported_modules(file: Path) -> set[str]:
    modules = set()
    for node in ast.walk(syntax_tree(file)):
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


def started_commands(file: Path) -> tuple[set[str], set[str]]:
    """Modules that a file starts as commands: by name, and as text of expressions that only a run could resolve."""
    named, unresolved = set(), set()
    for node in ast.walk(syntax_tree(file)):
        if isinstance(node, ast.List | ast.Tuple):
            for flag, module in pairwise(node.elts):
                if isinstance(flag, ast.Constant) and flag.value == "-m":
                    if isinstance(module, ast.Constant):
                        named.add(module.value)
                    elif isinstance(module, ast.JoinedStr) and isinstance(module.values[0], ast.Constant):
                        named.add(module.values[0].value)
                    else:
                        unresolved.add(ast.unparse(module))
        elif isinstance(node, ast.keyword) and node.arg == "arguments":  # of a task: Command(arguments=[module, ...])
            module = node.value.elts[0]
            if isinstance(module, ast.Constant):
                named.add(module.value)
            else:
                unresolved.add(ast.unparse(module))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            script = re.fullmatch(r"(\w+)/(?:__main__|(\w+))\.py", node.value)  # what spark-submit is given
            named |= {".".join(filter(None, script.groups()))} if script else set()
    return named, unresolved


@pytest.mark.parametrize("room", ROOMS)
def test_commands_of_other_rooms_are_arrows_too(room):
    for file in python_files(room):
        named, unresolved = started_commands(file)
        foreign = {one for one in named if one.split(".")[0] in set(ROOMS) - {room}}
        place = str(file.relative_to(REPOSITORY))
        assert foreign <= MAY_START.get(room, set()), f"{place} starts {foreign - MAY_START.get(room, set())}"
        assert unresolved <= {STARTED_BY_NAME.get(place)}, f"{place} starts what only a run can tell: {unresolved}"


def test_every_command_that_may_be_started_is_there():
    for command in {one for commands in MAY_START.values() for one in commands}:
        path = REPOSITORY / command.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), command


def test_a_started_command_is_seen(tmp_path):
    file = tmp_path / "starts.py"
    file.write_text(
        'run([sys.executable, "-m", "training.forget"])\n'
        'task = Command(arguments=["serving.score", "--ds", ds])\n'
        'submit = "spark_jobs/main.py"\n'
        'remedy = f"run `python -m dbt_project.build --ds {ds}` first"\n'
        'run([python, "-m", name])\n'
    )
    assert started_commands(file) == ({"training.forget", "serving.score", "spark_jobs.main"}, {"name"})


def test_no_module_imports_itself_through_others():
    """Import cycles, imports within functions among them; what only type checkers read is left out."""
    files = {file: module_name(file) for room in ROOMS for file in python_files(room)}
    known = set(files.values())
    graph = {name: imports_at_run_time(file, known) - {name} for file, name in files.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"import cycle: {' -> '.join(error.args[1])}")


def module_name(file: Path) -> str:
    return ".".join(file.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__")


def imports_at_run_time(file: Path, known: set[str]) -> set[str]:
    """The modules of the repository that a file imports, by the file that holds the name."""
    tree = ast.parse(file.read_text())  # of its own: it is cut
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules = {f"{node.module}.{alias.name}" for alias in node.names} & known
            found |= modules or {node.module}
    if file.parent.parts[-2:] == ("dags", "shared") or file.parent.name == "dags":
        found = {f"dags.{name}" if name.startswith("shared") else name for name in found}
    return found & known


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
            tree = syntax_tree(file)
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
            tree = syntax_tree(file)
            if any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body):
                last = tree.body[-1]
                guarded = isinstance(last, ast.If) and "__main__" in ast.unparse(last.test)
                assert guarded, f"{file.relative_to(REPOSITORY)} does nothing when it is run"


def test_a_dag_file_is_wiring():
    files = sorted((REPOSITORY / "dags").glob("*.py"))
    assert files
    for file in files:
        tree = syntax_tree(file)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                decorators = {ast.unparse(one).split("(")[0] for one in node.decorator_list}
                tasks = {"dag", "task", "task.short_circuit", "task_group"}
                assert decorators & tasks, f"{file.name}: {node.name} is neither a DAG nor a task"


def test_files_of_tests_have_names_of_their_own():
    """pytest imports them by name: two of one name end the whole run, where both are collected."""
    names = Counter(file.name for file in (REPOSITORY / "tests").rglob("test_*.py"))
    assert names
    assert [name for name, times in names.items() if times > 1] == []


def test_a_long_file_is_asked_for_its_second_subject():
    """A warning, not a failure: a file is cut by subject, never by length."""
    for room in ROOMS:
        for file in python_files(room):
            lines = len(file.read_text().splitlines())
            if lines > 400:
                warnings.warn(f"{file.relative_to(REPOSITORY)} has {lines} lines: one subject?", stacklevel=1)
