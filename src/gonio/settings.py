"""Settings of the Kedro project."""

from gonio.config_loader import ConfigLoader
from gonio.hooks import GonioHooks
from gonio.project_paths import plain_name, stem_of, video_path

HOOKS = (GonioHooks(),)
DISABLE_HOOKS_FOR_PLUGINS = ("kedro-viz",)  # its run tracking knows no threads, and says so

CONFIG_LOADER_CLASS = ConfigLoader
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "merge_strategy": {"parameters": "soft", "catalog": "soft"},
    "custom_resolvers": {
        "gonio.video": video_path,
        "gonio.stem": stem_of,
        "gonio.plain_name": plain_name,
    },
}
