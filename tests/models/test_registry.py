from __future__ import annotations

import hashlib
import logging

import numpy as np
import pytest

from gonio.errors import InputError, MissingFileError
from gonio.landmarks.pose import pose_without_refiner
from gonio.models import depth_refiner
from gonio.models.registry import (
    check_refiner,
    checkpoint_record,
    depth_checkpoint,
    refined_pose,
)
from gonio.options import CHECKPOINTS_OF, CameraOptions
from tests.markers.bodies import standing


@pytest.fixture
def own(tmp_path):
    """Where the user's own checkpoint would be."""
    return tmp_path / "06_models" / "depth_refiner.safetensors"


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """Where the shipped checkpoint would be."""
    path = tmp_path / "package" / "depth_refiner.safetensors"
    monkeypatch.setattr(depth_refiner, "SHIPPED_CHECKPOINT", path)
    return path


def test_the_users_own_checkpoint_goes_before_the_shipped_one(own, shipped, write_depth_refiner):
    assert depth_checkpoint(own) is None
    write_depth_refiner(shipped)
    assert depth_checkpoint(own) == shipped
    write_depth_refiner(own)
    assert depth_checkpoint(own) == own


def test_depth_refines_with_what_is_there(own, shipped, write_depth_refiner):
    landmarks, _ = standing()
    write_depth_refiner(shipped)
    pose, checkpoint = refined_pose("depth", own, landmarks, CameraOptions())
    assert checkpoint == shipped
    assert pose.refiner == "depth"
    assert np.isfinite(pose.sigma).all()
    digest = hashlib.sha256(shipped.read_bytes()).hexdigest()
    assert checkpoint_record(shipped, own) == {
        "file": "depth_refiner.safetensors",
        "from": "shipped with Gonio",
        "sha256": digest[:12],
    }
    assert checkpoint_record(write_depth_refiner(own), own)["from"] == "own, in 06_models"


def test_depth_without_a_checkpoint_is_mediapipes_pose_and_logged(own, shipped, caplog):
    landmarks, _ = standing()
    camera = CameraOptions(pitch_deg=10)
    check_refiner("depth", {"depth_refiner": own})
    with caplog.at_level(logging.WARNING):
        pose, checkpoint = refined_pose("depth", own, landmarks, camera)
    assert checkpoint is None
    np.testing.assert_array_equal(pose.positions, pose_without_refiner(landmarks, camera).positions)
    assert pose.refiner == "none"
    assert "06_models/depth_refiner.safetensors" in caplog.text
    assert "kedro run --pipeline depth_training" in caplog.text


@pytest.mark.parametrize("refiner", ["none", "joint"])
def test_other_refiners_leave_the_pose_alone(own, shipped, write_depth_refiner, refiner):
    write_depth_refiner(own)
    pose, checkpoint = refined_pose(refiner, own, standing()[0], CameraOptions())
    assert (pose.refiner, checkpoint) == ("none", None)


@pytest.mark.parametrize("refiner", ["joint", "both", "main"])
def test_a_network_without_its_checkpoint_is_refused(own, shipped, write_depth_refiner, refiner):
    places = {name: own.with_stem(name) for name in CHECKPOINTS_OF[refiner]}
    with pytest.raises(MissingFileError, match="there is no checkpoint"):
        check_refiner(refiner, places)
    write_depth_refiner(own)
    with pytest.raises(MissingFileError, match=f"{list(places)[-1]}.safetensors"):
        check_refiner(refiner, places)


def test_both_does_without_neither(own, shipped):
    with pytest.raises(MissingFileError, match="no checkpoint of a depth refiner"):
        refined_pose("both", own, standing()[0], CameraOptions())


def test_a_checkpoint_of_another_network_is_refused(own, shipped, write_depth_refiner):
    joint = write_depth_refiner(own.with_stem("joint_refiner"))
    with pytest.raises(InputError, match="holds a network of kind 'depth_refiner'"):
        check_refiner("joint", {"joint_refiner": joint})


def test_a_broken_checkpoint_is_an_error_and_no_fallback(own, shipped, write_depth_refiner):
    write_depth_refiner(shipped)
    write_depth_refiner(own)
    own.write_bytes(own.read_bytes()[:-500])
    for use in (
        lambda: check_refiner("depth", {"depth_refiner": own}),
        lambda: refined_pose("depth", own, standing()[0], CameraOptions()),
    ):
        with pytest.raises(InputError, match="is broken"):
            use()
