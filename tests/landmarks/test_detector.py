from itertools import islice

import av
import cv2
import numpy as np
import pytest

from gonio.capture.demo import demo_video
from gonio.errors import InputError, MissingFileError
from gonio.landmarks import detector
from gonio.landmarks.detector import detect_frames, detect_landmarks
from gonio.landmarks.model_files import find_pose_model
from gonio.landmarks.video import VideoFrame, read_frames
from gonio.skeleton import MEDIAPIPE
from tests.markers.bodies import standing


def test_the_demo_person_is_found_in_every_frame(demo_landmarks):
    landmarks = demo_landmarks("cam01")
    assert landmarks.detected.all()
    assert len(landmarks) == 100
    # upright in the picture: the head above the hips above the ankles
    y = landmarks.image[..., 1]
    assert (y[:, MEDIAPIPE["nose"]] < y[:, MEDIAPIPE["left_hip"]]).all()
    assert (y[:, MEDIAPIPE["left_hip"]] < y[:, MEDIAPIPE["left_ankle"]]).all()


def test_the_same_video_twice_gives_the_same_numbers(demo_landmarks):
    again = detect_landmarks(demo_video("cam01"))
    np.testing.assert_array_equal(again.world, demo_landmarks("cam01").world)
    np.testing.assert_array_equal(again.image, demo_landmarks("cam01").image)


def _person(camera, box, height):
    """Frames of a demo camera cut to the person, scaled to a height."""
    left, top, right, bottom = box
    for frame in read_frames(demo_video(camera)):
        h, w = frame.rgb.shape[:2]
        cut = frame.rgb[int(top * h) : int(bottom * h), int(left * w) : int(right * w)]
        yield frame.time_s, cv2.resize(cut, (round(cut.shape[1] * height / cut.shape[0]), height))


def _two_people(count=20):
    """A larger person at the left and a smaller one at the right, from two demo cameras."""
    larger = _person("cam04", (0.08, 0.2, 0.7, 0.78), 600)
    smaller = _person("cam03", (0.2, 0.15, 0.9, 0.85), 450)
    for (time_s, one), (_, two) in islice(zip(larger, smaller, strict=False), count):
        width = one.shape[1]
        picture = np.full((640, width + two.shape[1] + 60, 3), 114, np.uint8)
        picture[20:620, 10 : 10 + width] = one
        picture[170:620, 40 + width : 40 + width + two.shape[1]] = two
        yield VideoFrame(time_s, picture)


@pytest.mark.parametrize(("person", "left"), [("largest", True), (0, True), (1, False)])
def test_one_of_two_people_is_chosen_and_followed(person, left):
    frames = list(_two_people())
    size = frames[0].rgb.shape[1::-1]
    found = detect_frames(frames, size, person=person, max_people=3)
    x = found.image[found.detected][:, MEDIAPIPE["left_hip"], 0]
    assert found.detected.mean() > 0.9
    assert ((x < 0.5) == left).all()


def test_who_leaves_is_not_replaced_by_somebody_else():
    frames = list(_two_people(60))
    height, width = frames[0].rgb.shape[:2]
    for frame in frames[32:50]:
        frame.rgb[:, : width // 2] = 114
    found = detect_frames(frames, (width, height), person="largest", max_people=3)
    away = np.isin(np.arange(60), np.arange(34, 50))
    assert not found.detected[away].any()
    assert found.detected[~away].mean() > 0.9
    assert (found.image[found.detected][:, MEDIAPIPE["left_hip"], 0] < 0.5).all()


def test_a_video_without_a_person_is_an_error(tmp_path, write_video):
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, (120, 160, 3), dtype=np.uint8) for _ in range(8)]
    path = write_video(tmp_path / "noise.mp4", noise, np.arange(8) / 30)
    with pytest.raises(InputError, match=r"no person was found in any of the 8 frames.*noise"):
        detect_landmarks(path)


@pytest.mark.parametrize(
    ("people", "person", "says"),
    [
        (1, 3, "no frame of .*people.mp4 shows more than 1 person; allowed are 0 to 0, counted"),
        (2, 2, "no frame of .*people.mp4 shows more than 2 people; allowed are 0 to 1, counted"),
    ],
)
def test_a_number_that_no_person_has_is_told(tmp_path, write_video, people, person, says):
    frames = list(_two_people(6))
    if people == 1:
        for frame in frames:
            frame.rgb[:, : frame.rgb.shape[1] // 2] = 114
    even = [frame.rgb[:, : frame.rgb.shape[1] // 2 * 2] for frame in frames]
    path = write_video(tmp_path / "people.mp4", even, [frame.time_s for frame in frames])
    with pytest.raises(InputError, match=f"person is {person}, but {says} from the left"):
        detect_landmarks(path, person=person)


def test_who_comes_in_after_the_only_key_frame_is_noticed(tmp_path, write_video):
    frames = list(_two_people(10))
    for frame in frames[:4]:
        frame.rgb[:, : frame.rgb.shape[1] // 2] = 114
    even = [frame.rgb[:, : frame.rgb.shape[1] // 2 * 2] for frame in frames]
    times = [frame.time_s for frame in frames]
    model = find_pose_model("full")
    both = write_video(tmp_path / "both.mp4", even, times)
    with av.open(str(both)) as container:
        assert sum(packet.is_keyframe for packet in container.demux(video=0)) == 1
    assert not detector._alone(both, model)
    assert detector._alone(write_video(tmp_path / "one.mp4", even[:4], times[:4]), model)


def test_nobody_is_said_to_be_alone_where_no_frame_was_seen(monkeypatch):
    monkeypatch.setattr(detector, "sample_frames", lambda *_: [])
    assert not detector._alone("none.mp4", find_pose_model("full"))


@pytest.mark.parametrize("times", [np.arange(8) / 30, np.cumsum([0, 1, 2, 1, 5, 1, 1, 1]) / 30])
def test_slow_motion_is_seen_at_the_times_of_the_motion(tmp_path, write_video, monkeypatch, times):
    """By MediaPipe too, which smooths over time; who watches gets the file's own times."""
    seen, watched = [], []

    def followed(frames, *_):
        seen.extend(frame.time_s for frame in frames)
        return standing(n=len(seen))[0]

    monkeypatch.setattr(detector, "_followed", followed)
    grey = [np.full((48, 64, 3), 100, np.uint8)] * len(times)
    path = write_video(tmp_path / "slow.mp4", grey, times)
    detect_landmarks(path, capture_rate_hz=240, watch=lambda frame: watched.append(frame.time_s))
    np.testing.assert_allclose(watched, times, atol=1e-3)
    np.testing.assert_allclose(seen, times * 30 / 240, atol=5e-4)


def test_no_frames():
    with pytest.raises(InputError, match="no frames"):
        detect_frames([], (10, 10))


@pytest.mark.parametrize("model", ["medium", "full.tflite"])
def test_unknown_models_are_refused(model):
    with pytest.raises(InputError, match="lite, full, heavy"):
        find_pose_model(model)


def test_a_missing_model_says_both_ways(tmp_path):
    with pytest.raises(MissingFileError, match=r"download .*heavy.task.*or give model="):
        find_pose_model("heavy", tmp_path)
    with pytest.raises(MissingFileError, match="there is no pose model"):
        find_pose_model(str(tmp_path / "mine.task"))


def test_a_broken_model_is_refused(tmp_path):
    path = tmp_path / "pose_landmarker_lite.task"
    path.write_text("not found")
    with pytest.raises(InputError, match="ZIP"):
        find_pose_model("lite", tmp_path)


def test_a_zip_that_is_no_model_is_refused(tmp_path):
    import zipfile

    path = tmp_path / "x.task"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "nothing")
    with pytest.raises(InputError, match="cannot load"):
        detect_frames([], (10, 10), model=str(path))
