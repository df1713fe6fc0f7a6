"""AIST++: the real annotations are read, and what is wrong with a folder is told."""

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gonio.capture.aistpp import CAMERAS, AistppOptions, AistppSource
from gonio.capture.aistpp_files import (
    dancer_of,
    read_camera,
    read_keypoints3d,
    read_mapping,
)
from gonio.capture.executor import convert_one
from gonio.capture.fabricated_scene import write_video
from gonio.capture.tasks import Task
from gonio.capture.unpickle import read_pickle
from gonio.errors import InputError, MissingFileError
from tests.capture.fakes import standing

SEQUENCES = ("gBR_sBM_cAll_d04_mBR2_ch08", "gJS_sBM_cAll_d03_mJS2_ch07")


def keypoints2d(root: Path, sequence: str) -> NDArray[np.float64]:
    """(9, N, 17, 3) annotated x, y in pixels and confidence, a row for each camera."""
    content = read_pickle(root / "annotations" / "keypoints2d" / f"{sequence}.pkl")
    return np.asarray(content["keypoints2d"], dtype=float)


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_real_truth_lies_on_the_real_images(shared: Path, sequence: str) -> None:
    """The median distance to the annotated 2D is 3 to 13 px in every view of both sequences."""
    root = shared / "aistpp"
    setting = read_mapping(root / "annotations" / "cameras" / "mapping.txt")[sequence]
    seen = keypoints2d(root, sequence)
    assert seen.shape == (9, 576, 17, 3)
    for row, camera in zip(seen, CAMERAS, strict=True):
        truth = AistppSource(root).truth(sequence, camera, setting)
        distance = np.linalg.norm(truth.camera.project(truth.joints) - row[..., :2], axis=-1)
        assert 3 < np.nanmedian(distance) < 13
        assert truth.up[0, 1] < -0.95  # the cameras stand upright: gravity is down on the image
        depth = truth.mid_hip[:, 2]
        assert 2 < np.median(depth) < 7  # metres, not centimetres


def test_without_the_lens_the_real_truth_lies_worse(shared: Path) -> None:
    root = shared / "aistpp"
    sequence = SEQUENCES[1]
    setting = read_mapping(root / "annotations" / "cameras" / "mapping.txt")[sequence]
    seen = keypoints2d(root, sequence)[3, ..., :2]
    truth = AistppSource(root).truth(sequence, "c04", setting)
    assert np.abs(truth.camera.distortion).max() > 0.01
    straight = type(truth.camera)(truth.camera.matrix, truth.camera.image_size)

    def error(camera: Any) -> float:
        distance = np.linalg.norm(camera.project(truth.joints) - seen, axis=-1)
        return float(np.nanmedian(distance))

    assert error(truth.camera) < error(straight)


def test_real_joints_are_metres_with_y_up(shared: Path) -> None:
    path = shared / "aistpp" / "annotations" / "keypoints3d" / f"{SEQUENCES[1]}.pkl"
    joints = read_keypoints3d(path)
    assert np.isfinite(joints).all()
    gaps = path.with_name(f"{SEQUENCES[0]}.pkl")
    assert np.isnan(read_keypoints3d(gaps, "keypoints3d")).any()
    upright = joints[:, 0, 1] - joints[:, [15, 16], 1].mean(axis=1)  # nose above the ankles
    assert 1.0 < np.median(upright) < 1.8


def test_real_tasks_are_listed(shared: Path) -> None:
    tasks = AistppSource(shared / "aistpp").list_tasks()
    assert len(tasks) == 18
    assert {(t.subject, t.split) for t in tasks} == {("d04", "train"), ("d03", "test")}
    assert all(t.left_out.startswith("there is no video") for t in tasks)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small folder in the official layout: three dancers, two cameras, grey videos."""
    notes = tmp_path / "annotations"
    for name in ("keypoints3d", "cameras"):
        (notes / name).mkdir(parents=True)
    lines = []
    for dancer in ("d04", "d02", "d03"):
        sequence = f"gBR_sBM_cAll_{dancer}_mBR0_ch01"
        lines.append(f"{sequence} setting1\n")
        joints = 100 * np.repeat((standing() + np.array([0, 0.9, 0]))[None], 12, axis=0)
        content = {"keypoints3d": joints, "keypoints3d_optim": joints}
        (notes / "keypoints3d" / f"{sequence}.pkl").write_bytes(pickle.dumps(content))
        for camera in ("c01", "c02"):
            video = tmp_path / "videos" / f"{sequence.replace('cAll', camera)}.mp4"
            write_video(video, [np.full((240, 320, 3), 120, np.uint8)] * 12, 60)
    (notes / "cameras" / "mapping.txt").write_text("".join(lines))
    (notes / "ignore_list.txt").write_text("gBR_sFM_cAll_d05_mBR5_ch14\n")
    cameras = [
        {
            "name": name,
            "size": [320, 240],
            "matrix": [[300, 0, 160], [0, 300, 120], [0, 0, 1]],
            "rotation": [np.pi, 0, 0],
            "translation": [0, 100, 400],
            "distortions": [0.0, 0, 0, 0, 0],
        }
        for name in ("c01", "c02")
    ]
    (notes / "cameras" / "setting1.json").write_text(json.dumps(cameras))
    return tmp_path


def source(folder: Path, *cameras: str) -> AistppSource:
    return AistppSource(folder, AistppOptions(cameras=cameras or ("c01", "c02")))


def by_name(tasks: list[Task], dancer: str, camera: str = "c01") -> Task:
    return next(t for t in tasks if t.subject == dancer and t.camera == camera)


def outcome(folder: Path, dancer: str = "d04", camera: str = "c01") -> tuple[str, str]:
    made = source(folder, camera)
    ended = convert_one(made, by_name(made.list_tasks(), dancer, camera), "p")
    return ended.status, ended.reason


def test_dancers_are_split_by_the_official_rule(folder: Path) -> None:
    splits = {t.subject: t.split for t in source(folder).list_tasks()}
    assert splits == {"d04": "train", "d02": "validation", "d03": "test"}


def test_the_official_test_list_counts_where_it_is(folder: Path) -> None:
    lists = folder / "annotations" / "splits"
    lists.mkdir()
    (lists / "pose_test.txt").write_text("gBR_sBM_cAll_d04_mBR0_ch01\n")
    (lists / "pose_train.txt").write_text("gBR_sBM_cAll_d03_mBR0_ch01\n")
    splits = {t.subject: t.split for t in source(folder).list_tasks()}
    assert splits == {"d04": "test", "d02": "validation", "d03": "train"}
    (lists / "pose_train.txt").write_text("gBR_sBM_cAll_d04_mBR9_ch09\n")
    with pytest.raises(InputError, match="share the dancers d04"):
        source(folder).list_tasks()


def test_ignored_sequences_and_missing_videos_are_left_out(folder: Path) -> None:
    notes = folder / "annotations"
    (notes / "ignore_list.txt").write_text("gBR_sBM_cAll_d04_mBR0_ch01\n")
    (folder / "videos" / "gBR_sBM_c02_d02_mBR0_ch01.mp4").unlink()
    tasks = source(folder).list_tasks()
    assert "ignore_list" in by_name(tasks, "d04").left_out
    assert (
        by_name(tasks, "d02", "c02").left_out == "there is no video gBR_sBM_c02_d02_mBR0_ch01.mp4"
    )
    assert by_name(tasks, "d02", "c01").left_out == ""
    assert by_name(tasks, "d02", "c01").expected_frames == 12


def test_a_changed_video_makes_another_task(folder: Path) -> None:
    before = source(folder).list_tasks()
    video = folder / "videos" / "gBR_sBM_c01_d04_mBR0_ch01.mp4"
    video.write_bytes(video.read_bytes()[:-100])
    after = source(folder).list_tasks()
    changed = [a.key for a, b in zip(after, before, strict=True) if a.source_hash != b.source_hash]
    assert changed == ["gBR_sBM_cAll_d04_mBR0_ch01__c01"]


def test_nobody_in_the_video_is_left_out(folder: Path) -> None:
    assert outcome(folder) == (
        "left_out",
        "MediaPipe found the person in none of the frames that have a truth",
    )


def test_a_broken_video_is_told(folder: Path) -> None:
    video = folder / "videos" / "gBR_sBM_c01_d04_mBR0_ch01.mp4"
    video.write_bytes(b"not a video at all" * 100)
    status, reason = outcome(folder)
    assert status == "failed"
    assert video.name in reason


def test_a_missing_camera_is_told(folder: Path) -> None:
    cameras = folder / "annotations" / "cameras" / "setting1.json"
    cameras.write_text(json.dumps(json.loads(cameras.read_text())[1:]))
    assert outcome(folder) == ("failed", "setting1.json has no camera c01; it has c02")
    cameras.unlink()
    status, reason = outcome(folder)
    assert status == "failed"
    assert "there is no camera file" in reason


def test_a_sequence_without_a_setting_is_told(folder: Path) -> None:
    mapping = folder / "annotations" / "cameras" / "mapping.txt"
    mapping.write_text("gBR_sBM_cAll_d02_mBR0_ch01 setting1\n")
    status, reason = outcome(folder)
    assert status == "failed"
    assert "does not say which cameras filmed gBR_sBM_cAll_d04_mBR0_ch01" in reason


@pytest.mark.parametrize(
    ("joints", "message"),
    [
        (np.full((12, 17, 3), np.nan), "holds no joint in any frame"),
        (np.zeros((0, 17, 3)), r"shape (0, 17, 3)"),
        (np.zeros((12, 16, 3)), r"shape (12, 16, 3)"),
        (np.array([print], dtype=object), "refused"),
    ],
    ids=["all NaN", "empty", "other joints", "objects"],
)
def test_annotations_that_cannot_be_used_are_told(
    folder: Path, joints: np.ndarray, message: str
) -> None:
    path = folder / "annotations" / "keypoints3d" / "gBR_sBM_cAll_d04_mBR0_ch01.pkl"
    path.write_bytes(pickle.dumps({"keypoints3d_optim": joints, "keypoints3d": joints}))
    status, reason = outcome(folder)
    assert status == "failed"
    assert message in reason


def test_folders_that_are_not_there_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="keypoints3d; unpack"):
        AistppSource(tmp_path / "none").list_tasks()
    shutil.rmtree(folder / "annotations" / "cameras")
    with pytest.raises(MissingFileError, match=r"mapping\.txt"):
        source(folder).list_tasks()


def test_a_damaged_camera_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "setting1.json"
    for content in ("{", "[1, 2]", '[{"name": "c01"}]'):
        path.write_text(content)
        with pytest.raises(InputError, match=r"setting1\.json"):
            read_camera(path, "c01")


def test_names_without_a_dancer_are_refused() -> None:
    assert dancer_of("gBR_sBM_cAll_d04_mBR0_ch01") == "d04"
    with pytest.raises(InputError, match="names no dancer"):
        dancer_of("walk")
