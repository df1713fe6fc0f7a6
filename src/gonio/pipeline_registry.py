"""The project's pipelines: every folder of `gonio.pipelines` is one."""

from kedro.framework.project import find_pipelines
from kedro.pipeline import Pipeline


def register_pipelines() -> dict[str, Pipeline]:
    """All pipelines by name; `inference` is the default."""
    pipelines: dict[str, Pipeline] = find_pipelines(raise_errors=True)
    pipelines["__default__"] = pipelines.get("inference", Pipeline([]))
    return pipelines
