"""Gonio as a program of its own: `gonio` or `python -m gonio`, what `kedro run` is in the project.

Outside the project the configuration is not beside the package: `--conf-source` says where it is.
Data are read from and written to the folder that the program is started in.
"""

from __future__ import annotations

from kedro.framework.project import configure_project


def main() -> None:
    """Run a pipeline, by the arguments of the command line."""
    configure_project("gonio")
    # Its pipelines are known only now
    from gonio.cli import run

    run(prog_name="gonio")


if __name__ == "__main__":
    main()
