"""What the nodes of `inference` make of a refiner's uncertainty."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gonio.datasets.checkpoint import CheckpointFile
from gonio.landmarks.repair import repair_landmarks
from gonio.pipelines.inference import nodes
from tests.markers.bodies import standing

PARAMETERS = {"subject": {"height": 1.75}, "sigma_samples": 3}


@pytest.fixture(scope="module")
def refined(tmp_path_factory, write_depth_refiner):
    """Landmarks, pose, marker record and angles of a standing body, refined."""
    path = write_depth_refiner(tmp_path_factory.mktemp("models") / "depth_refiner.safetensors")
    landmarks = repair_landmarks(standing(n=40)[0])
    pose, _ = nodes.refine_pose(landmarks, CheckpointFile(path), PARAMETERS)
    markers, record = nodes.make_markers(pose, landmarks, PARAMETERS)
    angles, _ = nodes.compute_angles(nodes.augment(markers, record, PARAMETERS), PARAMETERS)
    return pose, landmarks, record, angles


def test_the_band_has_the_columns_and_frames_of_the_angles(refined):
    band = nodes.propagate_sigma(*refined, PARAMETERS)
    angles = refined[-1]
    assert list(band.columns) == list(angles.columns)
    np.testing.assert_array_equal(band["time_s"], angles["time_s"])
    assert (band.drop(columns="time_s").to_numpy() > 0).all()


def test_the_band_of_the_isb_shoulder_has_its_names(refined):
    pose, landmarks, record, _ = refined
    parameters = PARAMETERS | {"shoulder_sequence": "YXY"}
    markers, _ = nodes.make_markers(pose, landmarks, parameters)
    angles, _ = nodes.compute_angles(nodes.augment(markers, record, parameters), parameters)
    band = nodes.propagate_sigma(pose, landmarks, record, angles, parameters)
    assert "shoulder_R_elevation_deg" in band


def test_a_long_clip_is_done_in_parts_with_the_same_result(refined, monkeypatch):
    together = nodes.propagate_sigma(*refined, PARAMETERS)
    monkeypatch.setattr(nodes, "SAMPLED_FRAMES", 1)
    apart = nodes.propagate_sigma(*refined, PARAMETERS)
    pd.testing.assert_frame_equal(together, apart, atol=1e-3)


def test_there_is_no_band_where_none_is_wanted_or_nothing_is_known(refined, tmp_path):
    assert nodes.propagate_sigma(*refined, PARAMETERS | {"sigma_samples": 0}).empty
    _, landmarks, record, angles = refined
    parameters = PARAMETERS | {"refiner": "none"}
    pose, told = nodes.refine_pose(landmarks, CheckpointFile(tmp_path / "none"), parameters)
    assert told == {"refiner": "none", "depth_corrected": False}
    assert nodes.propagate_sigma(pose, landmarks, record, angles, parameters).empty
