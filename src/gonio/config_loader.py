"""Kedro's config loader, with a catalog that can read parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kedro.config import OmegaConfigLoader
from kedro.framework.project import settings
from omegaconf import OmegaConf


class ConfigLoader(OmegaConfigLoader):
    """Knows `${parameters:<name>, <default>}` in the catalog.

    It is the parameter as the run has it, from the command line, the environment or conf/base; the
    default where it is null. So a file that is named after a parameter has the same name wherever
    the parameter was given.
    """

    def __getitem__(self, key: str) -> dict[str, Any]:
        if key == "catalog":
            parameters = OmegaConf.create(self["parameters"])

            def parameter(name: str, default: Any = None) -> Any:
                value = OmegaConf.select(parameters, name)
                return default if value is None else value

            OmegaConf.register_new_resolver("parameters", parameter, replace=True)
        return super().__getitem__(key)


def configuration(
    conf_source: str | Path, env: str | None, runtime_params: dict[str, Any] | None = None
) -> ConfigLoader:
    """The project's configuration as a run of Kedro has it.

    Args:
        conf_source: its folder.
        env: the environment; None for the default one.
        runtime_params: given for this run.
    """
    loader: ConfigLoader = settings.CONFIG_LOADER_CLASS(
        conf_source=str(conf_source),
        env=env,
        runtime_params=runtime_params,
        **settings.CONFIG_LOADER_ARGS,
    )
    return loader
