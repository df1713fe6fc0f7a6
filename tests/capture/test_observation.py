"""Views that do not fit are found, with the figure; frames are watched as they pass."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from gonio.capture import observation
from gonio.capture.observation import ObservationOptions, check_view, observe
from gonio.capture.pairs import Truth
from gonio.capture.tasks import LeftOutError, Task
from gonio.errors import InputError
from gonio.landmarks.video import VideoFrame
from gonio.skeleton import MEDIAPIPE_MIRROR
from gonio.types import LandmarkSequence
from tests.capture.fakes import CAMERA, SIZE, seen_by_mediapipe, standing

TASK = Task("fake", "s", "c01", "p", "train", "h", 60)


def dancing(frames: int = 60) -> Truth:
    """Fast limbs: an arm swing of 0.4 m at 1.5 Hz."""
    phase = 2 * np.pi * 1.5 * np.arange(frames) / 60
    place = np.array([0.5, 0, 4.0])
    joints = np.repeat((standing() * [1, -1, -1] + place)[None], frames, axis=0)
    joints[:, ::2, 1] += 0.4 * np.sin(phase)[:, None]
    joints[:, 1::2, 0] += 0.4 * np.cos(phase)[:, None]
    return Truth(joints, np.array([0.0, -1, 0]), CAMERA)


def mirrored(seen: LandmarkSequence) -> LandmarkSequence:
    image = (seen.image * [-1, 1] + [1, 0])[:, list(MEDIAPIPE_MIRROR)]
    return replace(seen, image=image)


def late(seen: LandmarkSequence, frames: int) -> LandmarkSequence:
    image = np.concatenate([seen.image[:1].repeat(frames, axis=0), seen.image[:-frames]])
    return replace(seen, image=image)


def noisy(truth: Truth) -> LandmarkSequence:
    seen = seen_by_mediapipe(truth)
    random = np.random.default_rng(1)
    return replace(seen, image=seen.image + random.normal(scale=0.004, size=seen.image.shape))


def test_a_view_that_fits_is_taken() -> None:
    truth = dancing()
    fit = check_view(noisy(truth), truth)
    assert fit.error < 0.02
    assert fit.frames == 60
    assert fit.objection(0.08) == ""


def test_a_mirrored_view_is_named_with_its_figure() -> None:
    truth = dancing()
    fit = check_view(mirrored(noisy(truth)), truth)
    assert "the view is mirrored" in fit.objection(0.08)
    assert f"{fit.error:.3f}" in fit.objection(0.08)
    assert fit.mirrored < 0.02


@pytest.mark.parametrize("frames", [5, 12])
def test_a_late_view_is_named_with_its_shift(frames: int) -> None:
    truth = dancing()
    fit = check_view(late(noisy(truth), frames), truth)
    assert fit.shift == frames
    assert f"at a shift of {frames} frames" in fit.objection(1.0)
    assert "out of step" in fit.objection(1.0)


def test_a_frame_or_two_are_not_held_against_a_view() -> None:
    truth = dancing()
    assert check_view(late(noisy(truth), 1), truth).objection(0.08) == ""


def test_another_person_is_not_the_truth() -> None:
    truth = dancing()
    seen = noisy(truth)
    elsewhere = replace(seen, image=seen.image * 0.5)
    assert "does not fit" in check_view(elsewhere, truth).objection(0.08)


def test_swapped_sides_for_a_stretch_do_not_condemn_a_view() -> None:
    truth = dancing()
    seen = noisy(truth)
    image = seen.image.copy()
    image[:20] = image[:20][:, list(MEDIAPIPE_MIRROR)]
    assert check_view(replace(seen, image=image), truth).objection(0.08) == ""


def test_nobody_found_is_said() -> None:
    truth = dancing()
    nobody = replace(noisy(truth), image=np.full((60, 33, 2), np.nan))
    assert "in none of the frames" in check_view(nobody, truth).objection(0.08)


def frames(count: int, size: tuple[int, int] = SIZE) -> list[VideoFrame]:
    return [VideoFrame(k / 60, np.full((size[1], size[0], 3), k, np.uint8)) for k in range(count)]


@pytest.fixture
def seen_without_mediapipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Detection that reads every frame and then knows the truth; only the flow is under test."""

    def detect(
        shown: Iterable[VideoFrame], image_size: tuple[int, int], **_: object
    ) -> LandmarkSequence:
        return noisy(dancing().first(len(list(shown))))

    monkeypatch.setattr(observation, "detect_frames", detect)


@pytest.mark.usefixtures("seen_without_mediapipe")
def test_a_short_video_gives_a_short_shard_and_a_note() -> None:
    converted = observe(TASK, frames(50), dancing(), 60.0, ObservationOptions(previews=3))
    assert len(converted.shard) == 50
    assert converted.note == "the video ends 10 frames before the truth"
    assert converted.shard.detector == "mediapipe full VIDEO"
    assert len(converted.previews) <= 3
    assert converted.previews[0].shape == (240, 240, 3)


@pytest.mark.usefixtures("seen_without_mediapipe")
def test_a_long_video_is_read_as_far_as_the_truth() -> None:
    converted = observe(TASK, frames(90), dancing(), 60.0, ObservationOptions())
    assert len(converted.shard) == 60
    assert converted.note == ""


@pytest.mark.usefixtures("seen_without_mediapipe")
def test_a_scaled_video_is_refused() -> None:
    with pytest.raises(InputError, match="frame 0 is 320 x 240 pixels"):
        observe(TASK, frames(60, (320, 240)), dancing(), 60.0, ObservationOptions())


@pytest.mark.usefixtures("seen_without_mediapipe")
def test_a_view_that_does_not_fit_is_left_out() -> None:
    with pytest.raises(LeftOutError, match="median 2D error"):
        observe(TASK, frames(60), dancing(), 60.0, ObservationOptions(max_view_error=1e-4))
    unchecked = ObservationOptions(max_view_error=float("inf"))
    assert len(observe(TASK, frames(60), dancing(), 60.0, unchecked).shard) == 60


def test_an_empty_video_is_refused() -> None:
    with pytest.raises(InputError, match="no frames"):
        observe(TASK, [], dancing(), 60.0, ObservationOptions())
