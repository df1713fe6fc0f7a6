from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gonio.capture.projected.detector_model import (
    NEAREST,
    POINTS,
    DetectorModel,
    Seen,
    fit_detector_model,
    load_detector_model,
    projected_points,
    save_detector_model,
)
from gonio.errors import InputError
from gonio.skeleton import COCO_JOINTS, MEDIAPIPE
from tests.capture.fakes import standing

CLIPS, FRAMES = 12, 40


def seen(seed: int = 0) -> Seen:
    """Clips of standing bodies, seen with depths that are a third too short and some noise."""
    rng = np.random.default_rng(seed)
    joints = np.concatenate([standing(), np.zeros((POINTS - len(COCO_JOINTS), 3))])
    truth = joints + 0.15 * rng.normal(size=(CLIPS * FRAMES, POINTS, 3))
    truth = truth.astype(np.float32)
    distance = np.full(len(truth), 4.0, dtype=np.float32)
    landmarks = np.full((len(truth), 33, 6), 0.8, dtype=np.float32)
    landmarks[..., :3] = truth[:, list(NEAREST)] * [1, 1, 0.667]
    landmarks[..., 3:5] = projected_points(truth, distance)[:, list(NEAREST)]
    landmarks[..., :5] += 0.01 * rng.normal(size=(*landmarks.shape[:2], 5))
    up = np.tile(np.float32([0, -1, 0]), (len(truth), 1))
    return Seen(truth, up, distance, landmarks, np.repeat(np.arange(CLIPS), FRAMES))


@pytest.fixture(scope="module")
def model() -> DetectorModel:
    return fit_detector_model(seen(), hidden=96, epochs=150, batch=64)


def test_every_landmark_has_a_true_point_near_it() -> None:
    assert len(NEAREST) == 33
    assert NEAREST[MEDIAPIPE["left_pinky"]] == COCO_JOINTS.index("left_wrist")
    assert NEAREST[MEDIAPIPE["right_heel"]] == len(COCO_JOINTS)


def test_what_is_nearer_to_the_camera_is_larger() -> None:
    points = np.float32([[[0.5, 0.0, 0.0], [0.5, 0.0, -1.0], [0.5, 0.0, 1.0]]])
    image = projected_points(points, np.float32([4.0]))
    np.testing.assert_allclose(image[0, :, 0], [0.5, 0.5 * 4 / 3, 0.5 * 4 / 5], rtol=1e-6)


def test_systematic_errors_are_learned(model: DetectorModel) -> None:
    new = seen(1)
    average = model.average(new.truth, new.up, new.distance)
    depth = np.abs(average[..., 2] - new.landmarks[..., 2]).mean()
    naive = np.abs(new.truth[:, list(NEAREST), 2] - new.landmarks[..., 2]).mean()
    assert depth < 0.75 * naive


def test_a_clip_that_was_measured_can_be_said_again(model: DetectorModel) -> None:
    """Average and error of the same frames together are what was measured."""
    old = seen()
    rows = slice(int(model.start[2]), int(model.start[3]))
    again = model.average(old.truth[rows], old.up[rows], old.distance[rows]) + model.errors[rows]
    np.testing.assert_allclose(again[..., :5], old.landmarks[rows][..., :5], atol=1e-3)


def test_what_it_says_depends_on_the_generator_alone(model: DetectorModel) -> None:
    new = seen(1)
    clip = slice(0, 60)  # longer than any clip whose errors it can borrow
    said = [
        model.say(new.truth[clip], new.up[clip], new.distance[clip], np.random.default_rng(k))
        for k in (1, 1, 2)
    ]
    np.testing.assert_array_equal(said[0], said[1])
    assert np.abs(said[0] - said[2]).max() > 1e-3
    assert said[0].shape == (60, 33, 6)
    assert ((said[0][..., 5] >= 0) & (said[0][..., 5] <= 1)).all()


def test_a_model_is_kept(model: DetectorModel, tmp_path: Path) -> None:
    path = tmp_path / "models" / "a.npz"
    save_detector_model(path, model)
    loaded = load_detector_model(path)
    new = seen(1)
    np.testing.assert_array_equal(
        loaded.average(new.truth, new.up, new.distance),
        model.average(new.truth, new.up, new.distance),
    )
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=r"a\.npz is damaged"):
        load_detector_model(path)
