"""Kedro's config loader, with a catalog that can read parameters."""

from __future__ import annotations

from typing import Any

from kedro.config import OmegaConfigLoader
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
