"""What the README and the pages of docs/ say is so: verbs, paths, links, the DAG table, the worked examples."""

import ast
import itertools
import json
import re
from pathlib import Path

import pytest
import yaml

from activation.audiences.campaigns import read_campaign
from contracts import assets
from contracts.settings import REPOSITORY
from spark_jobs.mapping.spec import load_spec
from spark_jobs.pseudonyms import Functions

README = REPOSITORY / "README.md"
PAGES = [README, *sorted((REPOSITORY / "docs").glob("*.md"))]
NEW_IN_THE_EXAMPLE = "spark_jobs/mappings/loyalty_app.yml"

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TOP = "activation|bench|contracts|dags|dbt_project|docs|lake_tables|monitoring|ops|privacy|requirements|sample_data"
_TOP += "|serving|spark_jobs|tests|training"
_PATH = re.compile(rf"(?<![\w/.<>-])(?:{_TOP})/[\w./*-]*")
_MODULE = re.compile(rf"python -m ((?:{_TOP})[\w.]*)")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def blocks(page: Path, language: str) -> list[str]:
    return [content for name, content in _FENCE.findall(page.read_text()) if name == language]


def code(page: Path) -> str:
    """Everything that is set as code, in a line or in a block."""
    text = page.read_text()
    fenced = [content for name, content in _FENCE.findall(text) if name != "mermaid"]
    return "\n".join([*fenced, *re.findall(r"`([^`\n]+)`", _FENCE.sub("", text))])


@each_page
def test_make_verbs_exist(page):
    verbs = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"^(?:\$ )?make ([a-z]+)", code(page), re.MULTILINE))
    assert named <= verbs, f"{page.name} names make {named - verbs}, the Makefile has {sorted(verbs)}"


@each_page
def test_paths_and_modules_exist(page):
    paths = {path.rstrip("./") for path in _PATH.findall(code(page))} - {NEW_IN_THE_EXAMPLE}
    missing = [path for path in sorted(paths) if not list(REPOSITORY.glob(path))]
    for module in sorted({name.rstrip(".") for name in _MODULE.findall(code(page))}):
        path = REPOSITORY / module.replace(".", "/")
        if not (path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()):
            missing.append(f"python -m {module}")
    assert not missing, f"{page.name} names {missing}, which are not in the repository"


@each_page
def test_links_resolve(page):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing, f"{page.name} links to {missing}"


@each_page
def test_settings_exist(page):
    known = set(re.findall(r"NIGHTSHIFT_[A-Z_]+[A-Z]", (REPOSITORY / "contracts" / "settings.py").read_text()))
    if page.name == "deploy.md":
        known |= set(re.findall(r"NIGHTSHIFT_[A-Z_]+[A-Z]", (REPOSITORY / "docker-compose.yml").read_text()))
    named = set(re.findall(r"NIGHTSHIFT_[A-Z_]+[A-Z]", page.read_text()))
    assert named <= known, f"{page.name} names the settings {named - known}"
    if page.name == "orchestrate.md":
        assert named == known, f"the settings table leaves out {known - named}"


@each_page
def test_campaign_examples_are_campaigns(page, tmp_path):
    for block in blocks(page, "yaml"):
        if "purpose" in yaml.safe_load(block):
            file = tmp_path / "campaign.yml"
            file.write_text(block)
            read_campaign(file, {"running"})


def test_mapping_example_fits_its_contract(tmp_path):
    [mapping] = blocks(README, "yaml")
    (tmp_path / "loyalty_app.yml").write_text(mapping)
    spec = load_spec("loyalty_app", tmp_path).translated(Functions([bytes(32)]).expanded)
    assert [writing.table.name for writing in spec.writings] == ["events"]
    assert "pseudonym(" not in spec.writings[0].columns["identifier"]
    [lines] = blocks(README, "json")
    fields = set(itertools.chain.from_iterable(json.loads(line) for line in lines.splitlines()))
    assert fields - {field.split()[0] for field in spec.read.schema.split(", ")} == {"app_version"}


def test_dag_table_is_the_dags_folder():
    table = README.read_text().partition("## The DAGs")[2].partition("\n\nEach")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line[:3] == "| `"]
    documented = {row[0].strip("`"): [set(re.findall(r"`(\w+)`", cell)) for cell in row[1:]] for row in cells}
    found = dict(dag_of(file) for file in sorted((REPOSITORY / "dags").glob("*.py")))
    assert found, "no DAG file was found"
    assert documented.keys() == found.keys()
    for name, (waits_for, tasks, form, ends_with) in found.items():
        assert documented[name][0] == waits_for, f"what {name} waits for"
        assert documented[name][1] <= tasks, f"tasks of {name}"
        assert documented[name][2] == form, f"form of {name}"
        assert documented[name][3] == ends_with, f"what {name} ends with"


def dag_of(file: Path) -> tuple[str, tuple[set[str], set[str], set[str], set[str]]]:
    """Id of the DAG in a file; the assets it waits for, its tasks, its parameters, the assets it publishes."""
    [dag] = [node for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef)]
    arguments = {word.arg: word.value for word in dag.decorator_list[0].keywords}
    calls = [node for node in ast.walk(dag) if isinstance(node, ast.Call)]
    words = [word for call in calls for word in call.keywords]
    tasks = {word.value.value for word in words if word.arg == "task_id"}
    tasks |= {node.name for node in ast.walk(dag) if isinstance(node, ast.FunctionDef)}
    publishing = [node for node in dag.body if isinstance(node, ast.FunctionDef) and node.name.startswith("publish_")]
    ends_with = set().union(*(assets_in(one.decorator_list[0]) for one in publishing))
    form = {key.value for key in arguments["params"].keys}
    return dag.name, (assets_in(arguments["schedule"]), tasks, form, ends_with)


def assets_in(tree: ast.AST) -> set[str]:
    """Values of the names of `contracts.assets` that stand in a piece of code."""
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)]
    return {getattr(assets, node.attr) for node in names if node.value.id == "assets"}
