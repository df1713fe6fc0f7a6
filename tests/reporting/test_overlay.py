from __future__ import annotations

import logging
import struct
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from gonio.errors import InputError, MissingFileError, OutputError
from gonio.reporting import encoding as encoding_module
from gonio.reporting.overlay import OverlayVideo, draw_skeleton, write_overlay
from gonio.reporting.style import LEFT_COLOUR, MARKED_COLOUR, RIGHT_COLOUR, rgb_of
from gonio.skeleton import MEDIAPIPE

_FAR = np.full((33, 2), np.nan)


def _one(name: str, at: tuple[float, float]) -> np.ndarray:
    points = _FAR.copy()
    points[MEDIAPIPE[name]] = at
    return points


def _decoded(path: Path) -> list[tuple[float, np.ndarray]]:
    with av.open(str(path)) as container:
        return [(f.time, f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]


def _even(seconds: float, rate_hz: float) -> np.ndarray:
    return np.arange(round(seconds * rate_hz)) / rate_hz


def test_joints_stand_where_they_were_seen_in_the_colour_of_their_side():
    grey = np.full((240, 320, 3), 128, dtype=np.uint8)
    for name, colour in (("right_wrist", RIGHT_COLOUR), ("left_wrist", LEFT_COLOUR)):
        drawn = draw_skeleton(grey, _one(name, (100, 50)), np.ones(33))
        assert tuple(drawn[50, 100]) == rgb_of(colour)
        changed = np.argwhere((drawn != grey).any(axis=2))
        assert np.abs(changed - [50, 100]).max() <= 5
    assert (grey == 128).all()


def test_a_hardly_visible_joint_is_hollow():
    grey = np.full((240, 320, 3), 128, dtype=np.uint8)
    drawn = draw_skeleton(grey, _one("right_knee", (100, 50)), np.full(33, 0.2))
    assert tuple(drawn[50, 100]) == (128, 128, 128)
    assert (drawn[45:56, 95:106] == rgb_of(RIGHT_COLOUR)).all(axis=2).any()


def test_a_marked_joint_wears_an_amber_ring():
    grey = np.full((720, 404, 3), 128, dtype=np.uint8)
    marked = np.zeros(33, bool)
    marked[MEDIAPIPE["left_hip"]] = True
    points = _one("left_hip", (200, 300))
    amber = rgb_of(MARKED_COLOUR)
    assert (draw_skeleton(grey, points, np.ones(33), marked=marked) == amber).all(axis=2).any()
    assert not (draw_skeleton(grey, points, np.ones(33)) == amber).all(axis=2).any()


def test_bones_join_the_joints_that_were_seen_and_no_others():
    grey = np.full((240, 320, 3), 128, dtype=np.uint8)
    points = _one("right_hip", (100, 50))
    points[MEDIAPIPE["right_knee"]] = (100, 150)
    drawn = draw_skeleton(grey, points, np.ones(33))
    assert np.abs(drawn[100, 100].astype(int) - rgb_of(RIGHT_COLOUR)).max() < 30
    points[MEDIAPIPE["right_knee"]] = np.nan
    assert tuple(draw_skeleton(grey, points, np.ones(33))[100, 100]) == (128, 128, 128)


def test_points_far_outside_the_picture_do_no_harm():
    grey = np.full((240, 320, 3), 128, dtype=np.uint8)
    points = np.full((33, 2), 1e12)
    np.testing.assert_array_equal(draw_skeleton(grey, points, np.ones(33)), grey)


def test_wrong_shapes_are_refused():
    with pytest.raises(InputError, match=r"\(17, 2\)"):
        draw_skeleton(np.zeros((8, 8, 3), np.uint8), np.zeros((17, 2)), np.ones(17))


def test_the_video_has_all_frames_the_skeleton_and_the_format(make_video, make_landmarks, tmp_path):
    times = _even(1.0, 25.0)
    landmarks = make_landmarks(times)
    target = tmp_path / "out" / "overlay.mp4"
    write_overlay(target, OverlayVideo(make_video(times), landmarks))
    with av.open(str(target)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert float(stream.duration * stream.time_base) == pytest.approx(1.0, abs=0.01)
    frames = _decoded(target)
    np.testing.assert_allclose([time for time, _ in frames], times, atol=1e-4)
    x, y = np.rint(landmarks.image[0, MEDIAPIPE["left_elbow"]] * [320, 240]).astype(int)
    for _, image in frames:
        assert image.shape == (240, 320, 3)
        red, _, blue = image[y, x].astype(int)
        assert blue - red > 60  # the left elbow's blue
        assert np.ptp(image[:20].astype(int)) < 12  # nothing is drawn at the upper edge
    assert target.read_bytes().find(b"moov") < target.read_bytes().find(b"mdat")


def test_a_fast_video_loses_frames_but_not_its_pace(make_video, make_landmarks, tmp_path):
    times = _even(1.0, 120.0)
    write_overlay(
        tmp_path / "o.mp4", OverlayVideo(make_video(times, (64, 48)), make_landmarks(times))
    )
    kept = [time for time, _ in _decoded(tmp_path / "o.mp4")]
    np.testing.assert_allclose(kept, np.arange(30) / 30, atol=1e-4)


@pytest.mark.parametrize("filmed", [240.0, 10.0])
def test_slow_motion_plays_as_the_file_does_with_the_skeleton_of_each_frame(
    make_video, make_landmarks, filmed
):
    times = _even(0.4, 25.0)
    landmarks = make_landmarks(np.arange(10) / filmed)
    landmarks.image[5:] = np.nan
    overlay = OverlayVideo(make_video(times), landmarks, time_scale=25.0 / filmed)
    frames = list(overlay.frames())
    np.testing.assert_allclose([frame.time_s for frame in frames], times, atol=1e-4)
    assert [np.ptp(frame.rgb.astype(int)) > 50 for frame in frames] == [True] * 5 + [False] * 5


def test_a_variable_frame_rate_is_kept(make_video, make_landmarks, tmp_path):
    times = np.cumsum([0.0, 0.04, 0.05, 0.2, 0.04, 0.11, 0.04])
    write_overlay(
        tmp_path / "o.mp4", OverlayVideo(make_video(times, (64, 48)), make_landmarks(times))
    )
    kept = [time for time, _ in _decoded(tmp_path / "o.mp4")]
    np.testing.assert_allclose(kept, times, atol=1e-4)


def test_a_large_video_is_scaled_and_the_skeleton_with_it(make_video, make_landmarks):
    times = _even(0.2, 25.0)
    source = make_video(times, (1920, 1080))
    landmarks = make_landmarks(times, (1920, 1080))
    frame = next(OverlayVideo(source, landmarks).frames())
    assert frame.rgb.shape in {(404, 720, 3), (405, 720, 3)}
    x, y = np.rint(landmarks.image[0, MEDIAPIPE["right_ankle"]] * [720, 405]).astype(int)
    assert np.abs(frame.rgb[y, x].astype(int) - rgb_of(RIGHT_COLOUR)).max() < 12


def test_an_odd_size_becomes_even(make_video, make_landmarks, tmp_path):
    times = _even(0.2, 25.0)
    source = make_video(times, (322, 242))
    overlay = OverlayVideo(source, make_landmarks(times, (322, 242)), max_side=161)
    write_overlay(tmp_path / "o.mp4", overlay)
    assert _decoded(tmp_path / "o.mp4")[0][1].shape == (120, 160, 3)


def _turn(path: Path) -> None:
    """Write a quarter turn into the display matrix of an MP4's track header."""
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 4 + 40
    content[at : at + 36] = struct.pack(
        ">9i", 0, 0x10000, 0, -0x10000, 0, 0, 240 << 16, 0, 0x40000000
    )
    path.write_bytes(bytes(content))


def test_a_turned_recording_is_shown_upright(make_video, make_landmarks, tmp_path):
    times = _even(0.2, 25.0)
    source = make_video(times, (320, 240))
    _turn(source)
    landmarks = make_landmarks(times, (240, 320))
    write_overlay(tmp_path / "o.mp4", OverlayVideo(source, landmarks))
    _, image = _decoded(tmp_path / "o.mp4")[0]
    assert image.shape == (320, 240, 3)
    x, y = np.rint(landmarks.image[0, MEDIAPIPE["left_knee"]] * [240, 320]).astype(int)
    red, _, blue = image[y, x].astype(int)
    assert blue - red > 60


def test_a_squeezed_recording_is_shown_with_square_pixels(write_video, make_landmarks, tmp_path):
    times = _even(0.2, 25.0)
    grey = np.full((240, 240, 3), 128, np.uint8)
    source = write_video(tmp_path / "v.mp4", [grey] * len(times), times, Fraction(4, 3))
    landmarks = make_landmarks(times, (320, 240))
    write_overlay(tmp_path / "o.mp4", OverlayVideo(source, landmarks))
    with av.open(str(tmp_path / "o.mp4")) as container:
        assert container.streams.video[0].sample_aspect_ratio in (None, 1)
    _, image = _decoded(tmp_path / "o.mp4")[0]
    assert image.shape == (240, 320, 3)
    x, y = np.rint(landmarks.image[0, MEDIAPIPE["left_knee"]] * [320, 240]).astype(int)
    red, _, blue = image[y, x].astype(int)
    assert blue - red > 60


def test_frames_without_a_person_or_beyond_the_landmarks_are_shown_as_they_are(
    make_video, make_landmarks
):
    times = _even(0.4, 25.0)
    landmarks = make_landmarks(times[:6])
    image, visibility = landmarks.image.copy(), landmarks.visibility.copy()
    image[2], visibility[2] = np.nan, np.nan
    absent = replace(landmarks, image=image, visibility=visibility)
    drawn = [
        np.ptp(f.rgb.astype(int)) > 50 for f in OverlayVideo(make_video(times), absent).frames()
    ]
    assert drawn == [True, True, False, True, True, True, False, False, False, False]


def test_without_x264_another_encoder_is_taken_and_named(
    make_video, make_landmarks, tmp_path, monkeypatch, caplog
):
    others = (("libx264_that_is_not_there", {}), encoding_module.ENCODERS[-1])
    monkeypatch.setattr(encoding_module, "ENCODERS", others)
    times = _even(0.4, 25.0)
    with caplog.at_level(logging.WARNING):
        write_overlay(tmp_path / "o.mp4", OverlayVideo(make_video(times), make_landmarks(times)))
    assert "mpeg4" in caplog.text
    assert len(_decoded(tmp_path / "o.mp4")) == len(times)


def test_without_any_encoder_it_says_so(make_video, make_landmarks, tmp_path, monkeypatch):
    monkeypatch.setattr(encoding_module, "ENCODERS", (("none_such", {}),))
    times = _even(0.2, 25.0)
    with pytest.raises(OutputError, match="none_such"):
        write_overlay(tmp_path / "o.mp4", OverlayVideo(make_video(times), make_landmarks(times)))
    assert list(tmp_path.glob("*o*.mp4")) == []


def test_what_cannot_be_read_leaves_the_old_video_alone(make_landmarks, make_video, tmp_path):
    target = tmp_path / "o.mp4"
    target.write_bytes(b"old")
    landmarks = make_landmarks(_even(0.2, 25.0))
    with pytest.raises(MissingFileError, match="gone"):
        write_overlay(target, OverlayVideo(tmp_path / "gone.mp4", landmarks))
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(InputError, match="not a video"):
        write_overlay(target, OverlayVideo(tmp_path / "text.mp4", landmarks))
    assert target.read_bytes() == b"old"
    assert not list(tmp_path.glob(".o-*"))


def test_options_without_sense_are_refused(make_landmarks, tmp_path):
    landmarks = make_landmarks(_even(0.2, 25.0))
    with pytest.raises(InputError, match="marked"):
        OverlayVideo(tmp_path / "a.mp4", landmarks, marked=np.zeros((2, 33), bool))
    with pytest.raises(InputError, match="max_side"):
        OverlayVideo(tmp_path / "a.mp4", landmarks, max_side=0)
    with pytest.raises(InputError, match="max_rate_hz"):
        OverlayVideo(tmp_path / "a.mp4", landmarks, max_rate_hz=0)
