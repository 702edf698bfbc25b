"""The command line of the room: what its pages, messages and DAG name can be given, and what cannot is a sentence."""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import sys

import pytest

from contracts.errors import SettingsError
from contracts.settings import REPOSITORY
from privacy.__main__ import main, parser

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
_COMMAND = re.compile(r"(?<=python -m privacy )[^\n`#|)]+")


def commands_of_pages() -> list[str]:
    return sorted({found.strip() for page in PAGES for found in _COMMAND.findall(page.read_text())})


@pytest.mark.parametrize("command", commands_of_pages())
def test_every_command_that_a_page_names_can_be_given(command):
    words = shlex.split(command.replace("DAY", "2026-11-20"))
    if words[1:] == ["--help"]:
        with pytest.raises(SystemExit, match="0"):
            parser().parse_args(words)
    else:
        assert parser().parse_args(words).command == words[0]


def test_the_pages_name_every_command():
    named = {command.split()[0] for command in commands_of_pages()}
    assert named >= {"forget", "requests", "scan", "rotate-key", "survey", "encrypted"}


def test_help_is_there_without_the_libraries_of_the_commands():
    code = "import sys; from privacy.__main__ import parser; parser().format_help(); print(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    loaded = {module.split(".")[0] for module in answer.stdout.split()}
    assert not loaded & {"pyspark", "pyarrow", "pandas", "numpy", "duckdb", "mlflow", "tensorflow", "tenseal", "opendp"}


@pytest.mark.parametrize("command", ["forget --dry-run --subject -", "scan --subject -", "requests --add -"])
@pytest.mark.parametrize("given", [b"", b"\n", b"\xff\xfe\n", b"anna01\n"], ids=repr)
def test_what_is_no_person_on_standard_input_is_a_sentence(command, given, tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given), encoding="utf-8"))
    with pytest.raises(SettingsError, match="expected a person as"):
        main(command.split())


def test_a_request_is_made_listed_and_withdrawn(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    monkeypatch.setattr("sys.stdin", io.StringIO("account:anna01\n"))
    main(["requests", "--add", "-"])
    name = capsys.readouterr().out.strip()
    main(["requests"])
    listed = capsys.readouterr().out
    assert name in listed
    assert "anna01" not in listed
    main(["requests", "--withdraw", name])
    main(["requests"])
    assert capsys.readouterr().out.endswith("waiting: 0\n")
    assert not [file for file in (tmp_path / "erasures").rglob("*") if file.is_file()]


@pytest.mark.parametrize("epsilon", ["0", "-1", "inf", "nan", "much"])
def test_an_epsilon_is_a_number_above_zero(epsilon, capsys):
    with pytest.raises(SystemExit, match="2"):
        parser().parse_args(["survey", "--ds", "2026-11-20", "--epsilon", epsilon])
    assert "a number above 0" in capsys.readouterr().err
