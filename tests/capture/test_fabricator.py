"""Both converters from end to end: fabricated data sets, real videos, real MediaPipe."""

from pathlib import Path

import numpy as np
import pytest

from gonio.capture.aistpp import AistppOptions, AistppSource
from gonio.capture.aistpp_files import read_mapping
from gonio.capture.conversion import ConversionOptions
from gonio.capture.manifest import Manifest
from gonio.capture.shards import read_shard
from gonio.errors import MissingFileError
from tests.capture.converting import convert

pytest.importorskip("anny", reason="rendering needs gonio[render]")
pytest.importorskip("moderngl", reason="rendering needs gonio[render]")

from gonio.capture.fabricated_scene import FabricationOptions
from gonio.capture.fabricator import fabricate_a4, fabricate_aistpp, fabricate_toolbox

pytestmark = pytest.mark.slow

FRAMES = 40


def run(source: str, folder: Path, out: Path) -> Manifest:
    options = ConversionOptions(source=source, executor="inline")
    folders = {"aistpp": folder, "mtc": folder, "rendered": folder}
    return convert(options, folders, out)


@pytest.fixture(scope="module")
def aistpp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("aistpp")
    options = FabricationOptions(frames=FRAMES, faults={"c03": "mirrored", "c04": "late"})
    fabricate_aistpp(root, ("d04",), ("c01", "c02", "c03", "c04"), options)
    return root


@pytest.fixture(scope="module")
def converted(aistpp: Path, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return run("aistpp", aistpp, tmp_path_factory.mktemp("shards"))


def test_good_views_become_shards(converted: Manifest) -> None:
    done = converted.with_status("done")
    assert [r.camera for r in done] == ["c01", "c02"]
    for record in done:
        shard = read_shard(converted.path_of(record))
        assert len(shard) == FRAMES
        assert shard.detected.mean() > 0.9
        assert shard.fps == 60
        np.testing.assert_allclose(shard.time_s, np.arange(FRAMES) / 60)
        assert record.view_error is not None
        assert record.view_error < 0.05


def test_bad_views_are_left_out_with_the_figure(converted: Manifest) -> None:
    reasons = {r.camera: r.reason for r in converted.with_status("left_out")}
    assert "mirrored" in reasons["c03"]
    assert "out of step" in reasons["c04"]
    assert "median 2D error 0." in reasons["c03"]
    assert "no video" in reasons["c05"]


def test_the_pairs_agree_as_far_as_mediapipe_does(converted: Manifest) -> None:
    for path in converted.shards():
        shard = read_shard(path)
        error = np.linalg.norm(shard.corrupted - shard.ground_truth, axis=2)[shard.paired]
        assert 0.01 < error.mean() < 0.25
        assert np.nanmedian(np.abs(shard.pose_2d)) < 1


def test_two_cameras_see_the_same_person_from_their_sides(converted: Manifest) -> None:
    first, second = (read_shard(path) for path in converted.shards())
    for a, b in ((5, 7), (7, 9), (11, 13), (13, 15)):
        np.testing.assert_allclose(
            np.linalg.norm(first.ground_truth[:, a] - first.ground_truth[:, b], axis=1),
            np.linalg.norm(second.ground_truth[:, a] - second.ground_truth[:, b], axis=1),
            atol=1e-5,
        )
    # The four cameras stand a quarter turn apart around the path of the body.
    turned = np.abs((second.azimuth - first.azimuth + 180) % 360 - 180)
    assert 70 < np.median(turned) < 110


def test_a_second_run_gives_the_same_bytes(aistpp: Path, tmp_path: Path) -> None:
    again = [run("aistpp", aistpp, tmp_path / name) for name in ("a", "b")]
    first, second = ([path.read_bytes() for path in m.shards()] for m in again)
    assert len(first) == 2
    assert first == second


def test_the_fabricated_cameras_project_the_truth_into_the_image(aistpp: Path) -> None:
    settings = read_mapping(aistpp / "annotations" / "cameras" / "mapping.txt")
    source = AistppSource(aistpp, AistppOptions(cameras=("c01",)))
    for sequence, setting in settings.items():
        truth = source.truth(sequence, "c01", setting)
        assert truth.camera.contains(truth.camera.project(truth.joints)).mean() > 0.95
        assert truth.up[0, 1] < -0.9


def test_both_layouts_of_panoptic_become_shards(tmp_path: Path) -> None:
    options = FabricationOptions(frames=24)
    fabricate_a4(tmp_path / "mtc", ("171026_pose1", "171204_pose5"), (3,), options, step=2)
    fabricate_toolbox(tmp_path / "mtc", "171204_pose1", (7,), options)
    manifest = run("mtc", tmp_path / "mtc", tmp_path / "out")
    said = {(r.sequence, r.camera): (r.status, r.split, r.written_frames) for r in manifest}
    assert said == {
        ("171026_pose1", "00_03"): ("done", "train", 12),
        ("171204_pose1", "00_07"): ("done", "train", 24),
        ("171204_pose5", "00_03"): ("done", "test", 12),
    }
    shard = read_shard(manifest.shards()[0])
    np.testing.assert_array_equal(shard.frame_index, np.arange(100, 124, 2))
    np.testing.assert_allclose(np.diff(shard.time_s), 2 * 1001 / 30000)
    assert all((r.view_error or 1) < 0.05 for r in manifest)


def test_a_model_that_is_not_there_is_told_before_anything_runs(tmp_path: Path) -> None:
    options = ConversionOptions(source="mtc", model=str(tmp_path / "none.task"))
    fabricated = tmp_path / "none"
    with pytest.raises(MissingFileError):
        convert(options, {"mtc": fabricated}, tmp_path / "out")
