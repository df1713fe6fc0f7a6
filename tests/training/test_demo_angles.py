import numpy as np
import pandas as pd
import pytest

from gonio.capture.cameras import Camera, PlacedCamera, Placement
from gonio.capture.demo import DEMO_CAMERAS, coco_truth_world, demo_shard
from gonio.errors import InputError
from gonio.kinematics import read_mot
from gonio.options import InferenceOptions
from gonio.pipelines.evaluation.nodes import demo_cameras
from gonio.skeleton import ANGLE_COLUMNS, COCO_JOINTS
from gonio.training.angle_pairs import AngleSettings
from gonio.training.angle_record import angle_record
from gonio.training.angle_scoring import angle_rows, score_angles
from gonio.training.angle_tables import camera_angle_table
from gonio.training.demo_angles import (
    DemoAngles,
    camera_heading_deg,
    demo_angles_of,
    demo_clip_angles,
)
from gonio.trc import read_trc
from tests.training.angle_fakes import known_shard

RUN = InferenceOptions()
NAMES = [name.removesuffix("_deg") for name in ANGLE_COLUMNS]


def camera_at(*position):
    inside = Camera(np.eye(3), (640, 480))
    return PlacedCamera("c", inside, Placement(np.eye(3), -np.array(position, dtype=float)))


def told(angles, time_s):
    return DemoAngles(angles, time_s, "x")


def test_columns_that_the_model_does_not_have_are_nan():
    motion = pd.DataFrame({"time": [0.0, 0.1], "knee_angle_r": [10.0, 20.0]})
    demo = demo_angles_of(motion, None, RUN)
    flat = demo.angles.reshape(2, 36)
    assert flat[:, NAMES.index("knee_R_flexion")].tolist() == [10, 20]
    assert np.isfinite(flat).sum() == 2
    assert "OpenSim" in demo.source


def test_without_any_reference_there_are_no_angles_and_the_record_says_so():
    demo = demo_angles_of(None, None, RUN)
    assert len(demo.angles) == 0
    scores = score_angles({}, {}, {})
    (_, note) = angle_record(scores, demo, AngleSettings(RUN), {})["notes"]
    assert note.startswith("The demo has no angle rows")
    assert "demo_angles=" in note


@pytest.mark.parametrize(
    ("position", "heading"),
    [((0, 3, 1), 0), ((-3, 0, 1), 90), ((-3, -3, 1), 135), ((3, 0, 1), -90)],
)
def test_heading_of_a_camera_about_the_vertical_from_the_trial_s_x(position, heading):
    """The world's y is the trial's X, its x the trial's Z; turns about Y lead from Z to X."""
    joints = np.zeros((4, len(COCO_JOINTS), 3))
    assert camera_heading_deg(joints, camera_at(*position)) == pytest.approx(heading)


def test_the_heading_of_the_pelvis_is_told_from_the_camera():
    shard = known_shard(count=10)
    angles = np.arange(360.0).reshape(10, 12, 3)
    joints = np.zeros((10, len(COCO_JOINTS), 3))
    truth = demo_clip_angles(shard, told(angles, shard.time_s), joints, camera_at(-3, 0, 1), RUN)
    turned = angles - truth.angles
    assert turned[:, 0, 2] == pytest.approx(np.full(10, 90.0))
    assert np.abs(turned).sum() == pytest.approx(900)
    assert truth.options.subject.height == 1.72


def test_a_motion_of_another_length_is_refused():
    shard = known_shard(count=10)
    demo = told(np.zeros((8, 12, 3)), shard.time_s[:8])
    joints = np.zeros((10, len(COCO_JOINTS), 3))
    with pytest.raises(InputError, match="tell 8 of the 10 frames"):
        demo_clip_angles(shard, demo, joints, camera_at(1, 0, 0), RUN)


@pytest.fixture(scope="module")
def demo_clips(shared, demo_landmarks):
    """Skipped where the folder `shared` with the reference trial is not there."""
    trial = read_trc(shared / "balancing_trial" / "balancing.trc")
    joints = coco_truth_world(trial, demo_landmarks(DEMO_CAMERAS[0]).time_s)
    cameras = demo_cameras()
    shards = [
        demo_shard(demo_landmarks(name), joints, cameras[name], "full") for name in DEMO_CAMERAS
    ]
    return trial, joints, cameras, shards


def test_the_demo_against_opensim(shared, demo_clips):
    _, joints, cameras, shards = demo_clips
    motion = read_mot(shared / "balancing_trial" / "balancing_LSTM.mot")
    demo = demo_angles_of(motion, None, RUN)

    def truth(shard):
        return demo_clip_angles(shard, demo, joints, cameras[shard.camera], RUN)

    scores = score_angles({"demo": shards}, {"demo": truth}, angle_rows({}))
    table = camera_angle_table(scores.clips).set_index(["camera", "row"])
    assert (table["frames"] == 99).all()  # the trial begins with the video's second frame
    for camera in DEMO_CAMERAS:
        assert 5 < table.loc[(camera, "repaired"), "without_offset_deg"] < 14
    # Swapped sides are what repair puts right in this camera.
    swapped = table.loc["cam02"]["without_offset_deg"]
    assert swapped["repaired"] < 0.75 * swapped["raw"]
    knee = NAMES.index("knee_R_flexion")
    assert scores.clips[0].errors["repaired"].frames[knee] == 99
    # Of 36 angles the model has 22.
    assert (scores.clips[0].errors["raw"].frames > 0).sum() == 22


def test_our_own_kinematics_of_the_trial_agree_with_opensim(shared, demo_clips):
    """The same heading, hips and knees, whichever truth a user has."""
    trial, joints, cameras, shards = demo_clips
    motion = read_mot(shared / "balancing_trial" / "balancing_LSTM.mot")
    found = []
    for demo in (demo_angles_of(motion, None, RUN), demo_angles_of(None, trial, RUN)):
        clip = demo_clip_angles(shards[0], demo, joints, cameras["cam01"], RUN)
        found.append(clip.angles[1:].reshape(99, 36))
    for name in ("pelvis_rotation", "hip_R_flexion", "hip_L_adduction", "knee_L_flexion"):
        k = NAMES.index(name)
        assert np.abs(found[0][:, k] - found[1][:, k]).mean() < 8, name
    assert np.isfinite(found[1]).all()


def test_angles_are_those_of_the_frames_times():
    """A trial that begins a frame late, as the demo's does, tells nothing of the first."""
    shard = known_shard(count=20)
    angles = np.repeat(np.arange(20.0)[:, None], 36, axis=1).reshape(20, 12, 3)
    joints = np.zeros((20, len(COCO_JOINTS), 3))
    later = shard.time_s + shard.time_s[1]
    truth = demo_clip_angles(shard, told(angles, later), joints, camera_at(0, 3, 0), RUN)
    assert np.isnan(truth.angles[0]).all()
    assert truth.angles[1:, 5, 0].tolist() == list(range(19))
