"""An arrow between parts of Gonio points down the list of section 5 of its design, never up."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "gonio"

ORDER = (
    ("cli", "hooks", "settings", "pipeline_registry", "__main__"),
    ("config_loader",),
    ("pipelines",),
    ("datasets",),
    ("reporting",),
    ("training",),
    ("same_video", "steps"),
    ("models",),
    ("quality", "project_paths"),
    ("capture",),
    ("kinematics",),
    ("markers",),
    ("landmarks",),
    ("trc", "options", "frames"),
    ("types",),
    ("files", "signals", "skeleton", "memory"),
    ("errors",),
)
"""Every folder and module, from those that know the most to those that know nothing. A part imports
what stands in a lower row, and nothing of its own; the first row is what Kedro or a user starts,
whose members know each other."""
NETWORKS = ("blocks", "depth_network", "foot_network", "main_network", "skeleton_fit", "windows")
"""Modules of `models` that weights come to as arrays."""

ROW = {part: row for row, parts in enumerate(ORDER) for part in parts}
FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]


def _modules(path: Path) -> set[str]:
    """The modules that a file imports, and what it takes from them: `a.b` and `a.b.name`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import, which the table does not see"
            found |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def _part(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _arrows() -> set[tuple[str, str]]:
    """Which part imports which other part."""
    return {
        (_part(path), name.split(".")[1])
        for path in FILES
        for name in _modules(path) - {"gonio.__version__"}
        if name.startswith("gonio.") and name.split(".")[1] != _part(path)
    }


def test_every_part_has_its_place() -> None:
    assert {_part(path) for path in FILES} == set(ROW)


def test_arrows_point_down() -> None:
    up = {(a, b) for a, b in _arrows() if ROW[b] <= ROW[a] and not {a, b} <= set(ORDER[0])}
    assert up == set()


def test_only_the_command_line_knows_the_pipelines() -> None:
    assert {a for a, b in _arrows() if b == "pipelines"} == {"cli"}


def test_networks_know_no_files() -> None:
    """Who reads and writes checkpoints stands beside them."""
    for name in NETWORKS:
        known = _modules(PACKAGE / "models" / f"{name}.py")
        assert not known & {"os", "pathlib", "safetensors", "gonio.files"}, name
