"""Gonio as a package: a program outside of the repository, and what it needs is declared."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tarfile
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import gonio


def _declared(project: Path) -> tuple[set[str], list[str]]:
    """The packages that Gonio needs, for all and for some of it, and those of its tests."""
    content = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    extras = content["optional-dependencies"]
    needed = [content["dependencies"], *(extras[name] for name in ("render", "onnx", "cluster"))]
    return {_plain(line) for lines in needed for line in lines}, extras["test"]


def _plain(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9_.-]+", requirement)
    assert name is not None
    return name.group().lower().replace("_", "-")


def test_every_import_is_of_a_package_that_is_declared(project: Path) -> None:
    imported: set[str] = set()
    for path in (project / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(str(node.module).split(".")[0])
    declared, _ = _declared(project)
    made_by = packages_distributions()
    others = imported - set(sys.stdlib_module_names) - {"gonio"}
    unknown = {
        name
        for name in others
        if declared.isdisjoint(_plain(package) for package in made_by.get(name, [name]))
    }
    assert unknown == set()


def test_what_the_checks_depend_on_is_pinned(project: Path) -> None:
    _, tests = _declared(project)
    checks = ("mypy", "ruff", "pandas-stubs", "scipy-stubs", "types-tqdm")
    assert [line for line in tests if line.startswith(checks) and "==" not in line] == []


def test_it_runs_outside_of_the_repository(project: Path, tmp_path: Path) -> None:
    """The program is there under its name too; a run gets as far as the video."""
    scripts = tomllib.loads((project / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"gonio": f"{gonio.__name__}.__main__:main"}

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "gonio", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 1, done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr.strip().splitlines()[-1]

    with tarfile.open(tmp_path / "conf.tar.gz", "w:gz") as archive:
        archive.add(project / "conf", "conf")
    said = run("--conf-source=conf.tar.gz", "--env", "nope")
    assert "nope" in said
    said = run(f"--conf-source={project / 'conf'}", "--params", "video=joey.mp4")
    there = tmp_path / "data" / "01_raw" / "joey.mp4"
    assert said == f"Error: there is no video {there}; check the name and the folder"
    assert run().startswith(f"Error: there is no configuration at {tmp_path / 'conf'}; start in ")
