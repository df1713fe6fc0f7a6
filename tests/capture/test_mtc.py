"""CMU MTC and Panoptic: both layouts, one person, on the image."""

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gonio.capture.executor import convert_one
from gonio.capture.fabricator import coco19_from_coco
from gonio.capture.mtc import MtcOptions, MtcSource
from gonio.capture.panoptic import (
    COCO19_JOINTS,
    COCO_FROM_COCO19,
    coco_from_coco19,
    read_a4,
    read_toolbox,
)
from gonio.errors import InputError, MissingFileError
from gonio.skeleton import COCO_JOINTS
from tests.capture.fakes import standing

# World: x right of the subject, y down, centimetres, the floor at 0.
BODY = 100 * coco19_from_coco(standing() + np.array([0, 0.9, 0])) * [1, -1, -1]
CAMERA = {
    "resolution": [640, 480],
    "K": np.array([[600.0, 0, 320], [0, 600.0, 240], [0, 0, 1]]),
    "R": np.eye(3),
    "t": np.array([[0.0], [90.0], [350.0]]),
    "distCoef": np.zeros(5),
}
NAME = "171026_pose1"


def sample(frame: int, person: int = 0, body: np.ndarray = BODY) -> dict[str, Any]:
    flags = {"insideImg": [True] * 19, "occluded": [False] * 19}
    return {
        "seqName": NAME,
        "frame_str": f"{frame:08d}",
        "id": person,
        "body": {"landmarks": body.reshape(-1).tolist(), "2D": {0: flags}},
    }


def write_a4(root: Path, samples: list[dict[str, Any]], images: bool = True) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    data = {"training_data": samples, "testing_data": []}
    (root / "annotation.pkl").write_bytes(pickle.dumps(data))
    (root / "camera_data.pkl").write_bytes(pickle.dumps({NAME: {0: CAMERA, 7: CAMERA}}))
    for frame in {s["frame_str"] for s in samples} if images else ():
        path = root / "hdImgs" / NAME / frame / f"00_00_{frame}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((480, 640, 3), 120, np.uint8)).save(path)
    return root


def write_toolbox(root: Path, name: str, bodies: dict[int, list[np.ndarray]]) -> Path:
    folder = root / name
    (folder / "hdPose3d_stage1_coco19").mkdir(parents=True)
    camera = {k: np.asarray(v).tolist() for k, v in CAMERA.items()}
    entry = {"name": "00_00", "type": "hd", "panel": 0, "node": 0, **camera}
    vga = {**entry, "panel": 1, "node": 1, "type": "vga"}
    (folder / f"calibration_{name}.json").write_text(json.dumps({"cameras": [entry, vga]}))
    for frame, people in bodies.items():
        found = [
            {"id": k, "joints19": np.c_[p, np.full(19, 0.9)].reshape(-1).tolist()}
            for k, p in enumerate(people)
        ]
        path = folder / "hdPose3d_stage1_coco19" / f"body3DScene_{frame:08d}.json"
        path.write_text(json.dumps({"bodies": found}))
    return folder


def test_nineteen_joints_become_seventeen_and_back() -> None:
    for name, index in zip(COCO_JOINTS, COCO_FROM_COCO19, strict=True):
        assert COCO19_JOINTS[index] == name
    joints = np.random.default_rng(0).normal(size=(4, 17, 3))
    np.testing.assert_array_equal(coco_from_coco19(coco19_from_coco(joints)), joints)


def test_the_a4_release_is_read_in_metres(tmp_path: Path) -> None:
    recording = read_a4(write_a4(tmp_path, [sample(20), sample(10)]))[NAME]
    assert recording.frames.tolist() == [10, 20]
    assert sorted(recording.cameras) == ["00_00", "00_07"]
    np.testing.assert_allclose(recording.joints[0, 0], coco_from_coco19(BODY)[0] / 100)
    np.testing.assert_allclose(recording.cameras["00_00"][1].translation, [0, 0.9, 3.5])


def test_the_toolbox_layout_is_read_in_metres(tmp_path: Path) -> None:
    unsure = BODY.copy()
    folder = write_toolbox(tmp_path, "171204_pose1", {3: [unsure], 4: []})
    path = folder / "hdPose3d_stage1_coco19" / "body3DScene_00000003.json"
    content = json.loads(path.read_text())
    content["bodies"][0]["joints19"][4 * 5 + 3] = 0.05  # the left wrist
    path.write_text(json.dumps(content))
    recording = read_toolbox(folder, 0.1)
    assert recording.frames.tolist() == [3, 4]
    assert sorted(recording.cameras) == ["00_00"]
    missing = np.isnan(recording.joints[0]).any(axis=1)
    assert [COCO_JOINTS[k] for k in np.flatnonzero(missing)] == ["left_wrist"]
    assert np.isnan(recording.joints[1]).all()


def test_frames_with_two_people_have_no_truth(tmp_path: Path) -> None:
    samples = [sample(1), sample(1, person=1), sample(2)]
    recording = read_a4(write_a4(tmp_path, samples))[NAME]
    assert np.isnan(recording.joints[0]).all()
    assert np.isfinite(recording.joints[1]).all()


def test_gravity_points_down_on_the_image(tmp_path: Path) -> None:
    source = MtcSource(write_a4(tmp_path, [sample(1)]))
    recording = read_a4(tmp_path)[NAME]
    truth = source._truth(recording, "00_00", np.array([True]))
    np.testing.assert_allclose(truth.up[0], [0, -1, 0])
    pixels = truth.camera.project(truth.joints)[0]
    assert pixels[COCO_JOINTS.index("nose"), 1] < pixels[COCO_JOINTS.index("left_ankle"), 1]
    assert truth.camera.contains(pixels).all()


def test_a_body_off_the_image_has_no_truth(tmp_path: Path) -> None:
    samples = [sample(1), sample(2, body=BODY + np.array([300, 0, 0]))]
    source = MtcSource(write_a4(tmp_path, samples))
    truth = source._truth(read_a4(tmp_path)[NAME], "00_00", np.array([True, True]))
    assert np.isfinite(truth.joints[0]).all()
    assert np.isnan(truth.joints[1]).all()


def test_tasks_name_the_sequence_as_the_subject(tmp_path: Path) -> None:
    write_a4(tmp_path, [sample(1), sample(2)])
    write_toolbox(tmp_path, "171204_pose5", {1: [BODY]})
    write_toolbox(tmp_path, "171026_pose3", {1: [BODY]})
    tasks = MtcSource(tmp_path).list_tasks()
    said = {(t.sequence, t.camera): (t.subject, t.split, bool(t.left_out)) for t in tasks}
    assert said == {
        (NAME, "00_00"): (NAME, "train", False),
        (NAME, "00_07"): (NAME, "train", True),
        ("171026_pose3", "00_00"): ("171026_pose3", "validation", True),
        ("171204_pose5", "00_00"): ("171204_pose5", "test", True),
    }
    assert next(t for t in tasks if not t.left_out).expected_frames == 2


def ended(root: Path, options: MtcOptions | None = None) -> tuple[str, str]:
    source = MtcSource(root, options or MtcOptions())
    task = replace(source.list_tasks()[0], left_out="")
    outcome = convert_one(source, task, "p")
    return outcome.status, outcome.reason


def test_nobody_on_the_images_is_left_out(tmp_path: Path) -> None:
    status, reason = ended(write_a4(tmp_path, [sample(1), sample(2)]))
    assert (status, "in none of the frames" in reason) == ("left_out", True)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([sample(1), sample(1, person=1)], "shows exactly one person"),
        ([sample(1, body=BODY * np.nan)], "shows exactly one person"),
        ([sample(1, body=BODY + np.array([0, 0, -900]))], "shows exactly one person"),
    ],
    ids=["two people", "NaN", "behind the camera"],
)
def test_no_usable_truth_is_told(
    tmp_path: Path, samples: list[dict[str, Any]], message: str
) -> None:
    status, reason = ended(write_a4(tmp_path, samples))
    assert status == "failed"
    assert message in reason


def test_a_broken_image_is_told(tmp_path: Path) -> None:
    root = write_a4(tmp_path, [sample(1), sample(2)])
    path = next((root / "hdImgs").rglob("*00000002.jpg"))
    path.write_bytes(path.read_bytes()[:200])
    status, reason = ended(root)
    assert status == "failed"
    assert path.name in reason


def test_missing_images_and_cameras_are_told(tmp_path: Path) -> None:
    root = write_a4(tmp_path, [sample(1)], images=False)
    assert ended(root) == ("failed", "there is no image of camera 00_00")
    status, reason = ended(root, MtcOptions(cameras=("00_30",)))
    assert status == "failed"
    assert "no calibration of camera 00_30" in reason


def test_damaged_annotations_are_named(tmp_path: Path) -> None:
    write_a4(tmp_path, [sample(1)])
    (tmp_path / "camera_data.pkl").write_bytes(pickle.dumps({"other": {}}))
    with pytest.raises(InputError, match="a4 release"):
        MtcSource(tmp_path).list_tasks()
    other = tmp_path / "b"
    folder = write_toolbox(other, "s", {1: [BODY]})
    (folder / "hdPose3d_stage1_coco19" / "body3DScene_00000001.json").write_text("{")
    with pytest.raises(InputError, match="body3DScene_00000001"):
        MtcSource(other).list_tasks()


def test_an_empty_folder_says_what_belongs_there(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"annotation\.pkl.*calibration_<sequence>"):
        MtcSource(tmp_path).list_tasks()
