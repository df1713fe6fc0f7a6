"""Small data sets in the layouts of AIST++ and CMU MTC, made from rendered bodies.

With them both converters can be tried from end to end by anybody, without a licence or a download:
real videos, pickles and cameras, exactly as the releases lay them out, of people who do not exist.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.spatial.transform import Rotation

from gonio.capture.fabricated_scene import (
    FabricationOptions,
    Scene,
    View,
    render_scene,
    write_video,
)
from gonio.capture.panoptic import COCO19_JOINTS, POSE_FOLDER
from gonio.files import write_text
from gonio.frames import mid_hip_of
from gonio.skeleton import COCO
from gonio.types import FloatArray

CM = 100.0


def fabricate_aistpp(
    root: Path,
    dancers: Sequence[str] = ("d04", "d02", "d03"),
    cameras: Sequence[str] = ("c01", "c02"),
    options: FabricationOptions | None = None,
) -> list[str]:
    """Write a data set in the layout of AIST++, one sequence for each dancer.

    Args:
        root: the folder; `annotations` and `videos` are made in it.
        dancers: `dNN`; by the official rule those divisible by 3 are for testing.
        cameras: of `c01` to `c09`.
        options: size, motion, seed, faults.

    Returns:
        Names of the sequences.
    """
    options = options or FabricationOptions()
    notes = root / "annotations"
    names = [f"gBR_sBM_cAll_{dancer}_mBR0_ch{k + 1:02d}" for k, dancer in enumerate(dancers)]
    for number, name in enumerate(names):
        scene = render_scene(cameras, number, 60.0, options)
        for camera, view in scene.views.items():
            video = root / "videos" / f"{name.replace('cAll', camera)}.mp4"
            write_video(video, view.images, Fraction(60))
        joints = CM * scene.joints
        _dump(
            notes / "keypoints3d" / f"{name}.pkl",
            {"keypoints3d": joints, "keypoints3d_optim": joints},
        )
        write_text(notes / "cameras" / f"setting{number + 1}.json", _aist_cameras(scene))
    lines = [f"{name} setting{k + 1}" for k, name in enumerate(names)]
    write_text(notes / "cameras" / "mapping.txt", "\n".join(lines) + "\n")
    write_text(notes / "ignore_list.txt", "gBR_sFM_cAll_d05_mBR5_ch14\n")
    test = [name for name, dancer in zip(names, dancers, strict=True) if int(dancer[1:]) % 3 == 0]
    train = [name for name in names if name not in test]
    write_text(notes / "splits" / "pose_test.txt", "\n".join(test) + "\n")
    write_text(notes / "splits" / "pose_train.txt", "\n".join(train) + "\n")
    return names


def _aist_cameras(scene: Scene) -> str:
    return json.dumps(
        [
            {
                "name": name,
                "size": list(view.camera.image_size),
                "matrix": view.camera.matrix.tolist(),
                "rotation": Rotation.from_matrix(view.placement.rotation).as_rotvec().tolist(),
                "translation": (CM * view.placement.translation).tolist(),
                "distortions": view.camera.distortion.tolist(),
            }
            for name, view in scene.views.items()
        ]
    )


def fabricate_a4(
    root: Path,
    sequences: Sequence[str] = ("171026_pose1", "171204_pose5"),
    cameras: Sequence[int] = (0, 5),
    options: FabricationOptions | None = None,
    step: int = 1,
) -> None:
    """Write a data set in the layout of the a4 release of Monocular Total Capture.

    Args:
        root: the folder.
        sequences: names; the second and later ones are the release's test data.
        cameras: numbers of the HD cameras.
        options: size, motion, seed, faults (by `00_05`).
        step: frames between two annotated ones.
    """
    options = options or FabricationOptions()
    data: dict[str, list[Any]] = {"training_data": [], "testing_data": []}
    calibration: dict[str, Any] = {}
    for number, name in enumerate(sequences):
        scene = render_scene([f"00_{c:02d}" for c in cameras], 50 + number, 30.0, options)
        calibration[name] = {
            int(camera[3:]): {key: np.array(value) for key, value in _panoptic(view).items()}
            for camera, view in scene.views.items()
        }
        part = data["testing_data" if number else "training_data"]
        for k in range(0, len(scene.joints), step):
            frame = f"{100 + k:08d}"
            part.append(_a4_sample(name, frame, coco19_from_coco(scene.joints[k]), cameras))
            for camera, view in scene.views.items():
                path = root / "hdImgs" / name / frame / f"{camera}_{frame}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(view.images[k]).save(path, quality=92)
    _dump(root / "annotation.pkl", data)
    _dump(root / "camera_data.pkl", calibration)


def _a4_sample(name: str, frame: str, joints: FloatArray, cameras: Sequence[int]) -> dict[str, Any]:
    flags = {"insideImg": [True] * len(joints), "occluded": [False] * len(joints)}
    return {
        "seqName": name,
        "frame_str": frame,
        "id": 0,
        "body": {
            "landmarks": (CM * _y_down(joints)).reshape(-1).tolist(),
            "2D": dict.fromkeys(cameras, flags),
        },
    }


def fabricate_toolbox(
    root: Path,
    sequence: str = "171204_pose1_sample",
    cameras: Sequence[int] = (0, 5),
    options: FabricationOptions | None = None,
) -> None:
    """Write one sequence in the layout of the Panoptic Studio toolbox, with videos."""
    options = options or FabricationOptions()
    scene = render_scene([f"00_{c:02d}" for c in cameras], 80, 30.0, options)
    folder = root / sequence
    entries = [
        {"name": name, "type": "hd", "panel": 0, "node": int(name[3:]), **_panoptic(view)}
        for name, view in scene.views.items()
    ]
    calibration = {"calibDataSource": "fabricated", "cameras": entries}
    write_text(folder / f"calibration_{sequence}.json", json.dumps(calibration))
    for k, joints in enumerate(scene.joints):
        sure = np.full((len(COCO19_JOINTS), 1), 0.9)
        rows = np.concatenate([CM * _y_down(coco19_from_coco(joints)), sure], axis=1)
        body = {"id": 0, "joints19": rows.reshape(-1).tolist()}
        text = json.dumps({"version": 0.7, "univTime": k / 29.97, "bodies": [body]})
        write_text(folder / POSE_FOLDER / f"body3DScene_{k:08d}.json", text)
    for name, view in scene.views.items():
        video = folder / "hdVideos" / f"hd_{name}.mp4"
        write_video(video, view.images, Fraction(30000, 1001))


def _panoptic(view: View) -> dict[str, Any]:
    """K, R, t, distCoef and resolution in centimetres, for a world whose y points down."""
    return {
        "resolution": list(view.camera.image_size),
        "K": view.camera.matrix.tolist(),
        "R": _y_down(view.placement.rotation).tolist(),
        "t": (CM * view.placement.translation).reshape(3, 1).tolist(),
        "distCoef": view.camera.distortion.tolist(),
    }


def _y_down(rows: FloatArray) -> FloatArray:
    """Vectors (..., 3) with y turned down, by half a turn about x."""
    return np.asarray(rows * [1.0, -1.0, -1.0])


def coco19_from_coco(joints: FloatArray) -> FloatArray:
    """(..., 19, 3) Panoptic joints of (..., 17, 3) COCO joints; the neck is mid-shoulder."""
    shoulders = joints[..., [COCO["left_shoulder"], COCO["right_shoulder"]], :]
    made = {"neck": shoulders.mean(axis=-2), "mid_hip": mid_hip_of(joints)}
    rows = [made[n] if n in made else joints[..., COCO[n], :] for n in COCO19_JOINTS]
    return np.stack(rows, axis=-2)


def _dump(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(content, protocol=2))
