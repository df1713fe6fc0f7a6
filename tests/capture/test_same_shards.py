"""Rendered bodies seen by MediaPipe: however the work is done, the shards are the same."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gonio.capture.conversion import ConversionOptions
from tests.capture.converting import convert

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[2]
FOLDERS = {"aistpp": Path("none"), "mtc": Path("none"), "rendered": Path("none")}
RENDERED = {"frames": 6 * 16, "sequence_frames": 16}
KILLED = """
from tests.capture.test_same_shards import FOLDERS, options
from tests.capture.converting import convert
if __name__ == "__main__":
    import sys
    from pathlib import Path
    convert(options(executor="pool", workers=2), FOLDERS, Path(sys.argv[1]))
"""


def options(**execution: object) -> ConversionOptions:
    return ConversionOptions.from_parameters({"rendered": RENDERED, **execution})


def shards(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(root.rglob("*.npz"))}


@pytest.fixture(scope="module")
def by_pool(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    pytest.importorskip("anny", reason="rendering needs gonio[render]")
    pytest.importorskip("moderngl", reason="rendering needs gonio[render]")
    root = tmp_path_factory.mktemp("pool")
    convert(options(executor="pool", workers=2), FOLDERS, root)
    made = shards(root)
    assert len(made) == 6
    return made


def test_a_dask_cluster_of_two_gives_the_same_shards(
    by_pool: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed", reason="needs gonio[cluster]")
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        convert(options(executor="dask", scheduler=cluster.scheduler_address), FOLDERS, tmp_path)
    assert shards(tmp_path) == by_pool


def test_killed_twice_it_gives_the_same_shards(by_pool: dict[str, bytes], tmp_path: Path) -> None:
    """`kill -9` after the first shard and after the third; then to the end."""
    script = tmp_path / "run.py"
    script.write_text(KILLED)
    root = tmp_path / "shards"
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    for wanted in (1, 3):
        process = subprocess.Popen(
            [sys.executable, str(script), str(root)], env=environment, start_new_session=True
        )
        deadline = time.monotonic() + 300
        while len(list(root.rglob("*.npz"))) < wanted and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert 3 <= len(shards(root)) < 6
    subprocess.run([sys.executable, str(script), str(root)], env=environment, check=True)
    assert shards(root) == by_pool
