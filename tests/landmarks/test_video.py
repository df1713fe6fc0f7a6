import struct
from fractions import Fraction

import av
import numpy as np
import pytest

from gonio.capture.demo import demo_video
from gonio.errors import InputError, MissingFileError
from gonio.landmarks.video import CAPTURE_RATE_TAG, probe, read_frames, sample_frames, videos_in


def _gradient(n=12, height=48, width=96):
    """Frames that are bright at the top left and get brighter with time."""
    y, x = np.mgrid[:height, :width]
    base = 180 - 90 * y / height - 90 * x / width
    return [np.repeat((base + k)[..., None], 3, axis=2).astype(np.uint8) for k in range(n)]


def _rotate_in_header(path, degrees):
    """Write a rotation into the display matrix of the MP4's track header."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4
    cos, sin = round(np.cos(np.radians(degrees))), round(np.sin(np.radians(degrees)))
    one = 0x10000
    matrix = (cos * one, sin * one, 0, -sin * one, cos * one, 0, 0, 0, 0x40000000)
    data[at + 40 : at + 76] = struct.pack(">9i", *matrix)
    path.write_bytes(data)


def test_demo_is_read_whole():
    info = probe(demo_video("cam03"))
    assert (info.width, info.height, info.frames) == (1088, 1920, 100)
    assert info.rate_hz == pytest.approx(60)
    assert not info.variable_rate
    frames = list(read_frames(info.path, max_side=192))
    assert len(frames) == 100
    assert frames[0].rgb.shape == (192, 109, 3)
    np.testing.assert_allclose([f.time_s for f in frames], np.arange(100) / 60, atol=1e-4)


def test_presentation_times_of_a_variable_rate_are_kept(tmp_path, write_video):
    times = np.array([0, 33, 66, 133, 150, 300, 320]) / 1000
    path = write_video(tmp_path / "v.mp4", _gradient(7), times)
    np.testing.assert_allclose([f.time_s for f in read_frames(path)], times, atol=1e-3)
    assert probe(path).variable_rate


@pytest.mark.parametrize(("rate", "filmed"), [(30, 240), (29.97, 120), (30, 15), (30, 30)])
def test_a_video_may_be_filmed_at_another_rate_than_it_plays_at(
    tmp_path, write_video, rate, filmed
):
    path = write_video(tmp_path / "v.mp4", _gradient(48), np.arange(48) / rate)
    plain, info = probe(path), probe(path, filmed)
    assert (info.rate_hz, info.frames) == (filmed, 48)
    assert info.duration_s == pytest.approx(48 / filmed, rel=1e-3)
    assert info.time_scale == pytest.approx(rate / filmed, rel=1e-3)
    assert info.played_rate_hz == pytest.approx(rate, rel=1e-3)
    assert (plain.time_scale, plain.played_rate_hz) == (1.0, plain.rate_hz)
    assert not info.variable_rate


def test_slow_motion_of_a_variable_rate_keeps_it(tmp_path, write_video):
    times = np.array([0, 33, 66, 133, 150, 300, 320]) / 1000
    path = write_video(tmp_path / "v.mp4", _gradient(7), times)
    plain, info = probe(path), probe(path, 120.0)
    assert info.variable_rate
    assert info.rate_hz == 120
    assert info.duration_s * 120 == pytest.approx(plain.duration_s * plain.rate_hz, rel=1e-6)


@pytest.mark.parametrize("rate", [0, -30, 1001, np.nan, np.inf])
def test_a_rate_at_which_nobody_films_is_refused(rate):
    with pytest.raises(InputError, match=rf"capture_rate_hz is {rate}; allowed are .* up to 1000"):
        probe(demo_video("cam01"), rate)


def test_one_frame_has_no_rate_whatever_is_said(tmp_path, write_video):
    info = probe(write_video(tmp_path / "v.mp4", _gradient(1), [0.0]), 240)
    assert np.isnan(info.rate_hz)
    assert info.time_scale == 1


def _tagged(path, **tags):
    """The demo video as a phone would have tagged it."""
    options = {"movflags": "use_metadata_tags"}
    with (
        av.open(str(demo_video("cam04"))) as source,
        av.open(str(path), "w", options=options) as copy,
    ):
        copy.metadata.update(tags)
        stream = copy.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                copy.mux(packet)
    return path


@pytest.mark.parametrize(
    ("said", "read"), [("240.000000", 240.0), ("fast", None), ("nan", None), ("0", None)]
)
def test_the_rate_that_android_notes_is_read_and_changes_nothing(tmp_path, said, read):
    info = probe(_tagged(tmp_path / "v.mp4", **{CAPTURE_RATE_TAG: said}))
    assert info.tagged_rate_hz == read
    assert info.rate_hz == pytest.approx(60)
    assert info.time_scale == 1
    assert probe(demo_video("cam04")).tagged_rate_hz is None


@pytest.mark.parametrize("rate", [24, 30, 60, 120, 240])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_the_rate_does_not_depend_on_the_file_format(tmp_path, write_video, suffix, rate):
    """The time stamps of both files are in whole milliseconds, as always in MKV."""
    path = write_video(tmp_path / f"v{suffix}", _gradient(48) * 5, np.arange(240) / rate)
    info = probe(path)
    assert info.rate_hz == pytest.approx(rate, rel=1e-3)
    assert not info.variable_rate
    assert info.duration_s == pytest.approx(240 / rate, abs=0.002)


@pytest.mark.parametrize(
    ("degrees", "brightest"), [(0, (0, 0)), (90, (0, -1)), (180, (-1, -1)), (270, (-1, 0))]
)
def test_rotation_in_the_header_is_applied(tmp_path, write_video, degrees, brightest):
    path = write_video(tmp_path / "v.mp4", _gradient(), np.arange(12) / 30)
    _rotate_in_header(path, degrees)
    rgb = next(read_frames(path)).rgb
    upright = (48, 96) if degrees % 180 == 0 else (96, 48)
    assert rgb.shape[:2] == upright
    assert (probe(path).height, probe(path).width) == upright
    corners = {(i, j): int(rgb[i, j, 0]) for i in (0, -1) for j in (0, -1)}
    assert max(corners, key=corners.get) == brightest


@pytest.mark.parametrize(
    ("pixel_aspect", "size"), [(Fraction(4, 3), (128, 48)), (Fraction(8, 9), (96, 54))]
)
@pytest.mark.parametrize("degrees", [0, 90])
def test_pixels_become_square(tmp_path, write_video, pixel_aspect, size, degrees):
    path = write_video(tmp_path / "v.mp4", _gradient(), np.arange(12) / 30, pixel_aspect)
    _rotate_in_header(path, degrees)
    width, height = size if degrees == 0 else size[::-1]
    info = probe(path)
    assert (info.width, info.height) == (width, height)
    assert next(read_frames(path)).rgb.shape == (height, width, 3)
    assert sample_frames(path, 1)[0].rgb.shape == (height, width, 3)
    small = next(read_frames(path, max_side=64)).rgb.shape[:2]
    assert max(small) == 64
    assert small[1] / small[0] == pytest.approx(width / height, rel=0.03)


def _h264(path, count=60, **options):
    """H.264 at 30 frames a second with B-frames, each frame brighter by 2."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"bf": "3", **options})
        stream.width, stream.height, stream.pix_fmt = 96, 48, "yuv420p"
        for k in range(count):
            rgb = np.full((48, 96, 3), 40 + 2 * k, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode())
    return path


def test_an_avi_with_b_frames_keeps_every_frame_in_its_order_and_time(tmp_path):
    """AVI has no presentation times: those of FFmpeg run 1, 4, 3, 5, 2 ..."""
    path = _h264(tmp_path / "v.avi")
    with av.open(str(path)) as container:
        stamps = [frame.pts for frame in container.decode(video=0)]
    assert stamps != sorted(stamps)
    frames = list(read_frames(path))
    np.testing.assert_allclose([f.time_s for f in frames], np.arange(60) / 30, atol=1e-6)
    assert (np.diff([f.rgb.mean() for f in frames]) > 0.5).all()
    info = probe(path)
    assert (info.frames, info.variable_rate) == (60, False)
    assert info.rate_hz == pytest.approx(30)


def test_time_stamps_that_go_backwards_are_refused(tmp_path):
    """The packets of a file are copied as those of a format without presentation times are."""
    path = tmp_path / "copied.mkv"
    with av.open(str(_h264(tmp_path / "v.mp4"))) as source, av.open(str(path), "w") as copy:
        stream = copy.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream, packet.pts = stream, packet.dts
                copy.mux(packet)
    says = r"copied\.mkv: its time stamps go backwards after 0\.\d+ s.*ffmpeg -i copied\.mkv"
    with pytest.raises(InputError, match=says):
        list(read_frames(path))


def test_a_single_wrong_time_stamp_costs_its_frame_alone(monkeypatch, tmp_path):
    from gonio.landmarks import video

    decoded = video._decoded

    def one_wrong(container, stream):
        for number, frame in enumerate(decoded(container, stream)):
            if number == 20:
                frame.pts -= round(2 / 30 / frame.time_base)
            yield frame

    monkeypatch.setattr(video, "_decoded", one_wrong)
    times = [frame.time_s for frame in read_frames(_h264(tmp_path / "v.mp4"))]
    np.testing.assert_allclose(times, np.delete(np.arange(60), 20) / 30, atol=1e-6)


def _trimmed(path, untrimmed, frames):
    """A copy whose edit list hides the first frames, as phones write it."""
    with av.open(str(untrimmed)) as source, av.open(str(path), "w") as copy:
        stream = copy.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                off = round(frames / 30 / packet.time_base)
                packet.stream, packet.pts, packet.dts = stream, packet.pts - off, packet.dts - off
                copy.mux(packet)
    return path


@pytest.mark.parametrize("every", [250, 12])
def test_a_trimmed_video_has_the_frames_that_are_shown(tmp_path, every):
    """With key frames that are rare, and with such that most hidden frames are not needed."""
    whole = _h264(tmp_path / "whole.mp4", 100, g=str(every))
    info = probe(_trimmed(tmp_path / "v.mp4", whole, 40))
    times = [frame.time_s for frame in read_frames(info.path)]
    np.testing.assert_allclose(times, np.arange(60) / 30, atol=1e-3)
    assert (info.frames, info.variable_rate) == (60, False)
    assert info.duration_s == pytest.approx(2)
    assert info.rate_hz == pytest.approx(30)


def test_frames_come_one_at_a_time():
    frames = read_frames(demo_video("cam01"))
    assert next(frames).time_s == 0
    frames.close()


@pytest.mark.parametrize("every", [6, 250])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi", ".mts"])
def test_samples_are_spread_evenly_wherever_the_key_frames_are(tmp_path, suffix, every):
    """A key frame every 0.2 s, and one for the whole video."""
    path = _h264(tmp_path / f"v{suffix}", g=str(every))
    samples = sample_frames(path, 6)
    times = np.array([frame.time_s for frame in samples])
    np.testing.assert_allclose(times, (np.arange(6) + 0.5) / 3, atol=0.2)
    frames = list(read_frames(path))
    for sample, number in zip(samples, np.round(times * 30).astype(int), strict=True):
        assert frames[number].time_s == pytest.approx(sample.time_s, abs=1e-3)
        np.testing.assert_array_equal(frames[number].rgb, sample.rgb)


def test_a_video_of_fewer_frames_than_wanted_is_sampled_whole(tmp_path, write_video):
    times = np.arange(3) / 30
    path = write_video(tmp_path / "v.mp4", _gradient(3), times)
    np.testing.assert_allclose([f.time_s for f in sample_frames(path, 6)], times, atol=1e-3)


@pytest.fixture
def bad_video(tmp_path, write_video):
    def make(kind):
        path = tmp_path / f"{kind}.mp4"
        whole = demo_video("cam01").read_bytes()
        if kind == "empty":
            path.write_bytes(b"")
        elif kind == "text":
            path.write_text("not a video")
        elif kind == "half":
            path.write_bytes(whole[: len(whole) // 2])
        elif kind == "audio":
            _write_audio(path)
        elif kind == "folder":
            path.mkdir()
        return path

    return make


def _write_audio(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 2048), np.float32), "fltp", "mono")
        frame.rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode())


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("empty", "not a video"),
        ("text", "not a video"),
        ("half", "cut off"),
        ("audio", "has no picture, only audio"),
        ("folder", "is a folder"),
    ],
)
def test_what_is_no_video_is_refused_with_its_reason(bad_video, kind, says):
    path = bad_video(kind)
    with pytest.raises(InputError, match=says) as error:
        probe(path)
    assert str(path) in str(error.value)


def test_a_video_whose_end_is_missing_is_refused(tmp_path):
    """The index stands in front here, so the header still promises every frame."""
    path = tmp_path / "fast.mp4"
    with (
        av.open(str(demo_video("cam04"))) as source,
        av.open(str(path), "w", options={"movflags": "faststart"}) as copy,
    ):
        stream = copy.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                copy.mux(packet)
    assert probe(path).frames == 100
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    with pytest.raises(InputError, match=r"cut off|cannot be|damaged"):
        probe(path)


def _damaged(path, whole):
    """A copy without the content of all but the first 30 frames; by its index it is whole."""
    content = bytearray(whole.read_bytes())
    with av.open(str(whole)) as container:
        packets = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    for start, size in packets[30:]:
        content[start : start + size] = bytes(size)
    path.write_bytes(content)
    return path


def test_a_video_damaged_in_the_middle_is_refused(tmp_path):
    path = _damaged(tmp_path / "damaged.mp4", demo_video("cam02"))
    assert probe(path).frames == 100
    says = r"damaged\.mp4 cannot be decoded after 0\.\d+ s.*copy"
    with pytest.raises(InputError, match=says):
        list(read_frames(path))
    with pytest.raises(InputError, match=says):
        sample_frames(path, 6)


def test_a_damaged_video_is_refused_where_it_is_sought(tmp_path):
    path = _damaged(tmp_path / "damaged.mp4", _h264(tmp_path / "whole.mp4", g="6"))
    with pytest.raises(InputError, match=r"damaged\.mp4 cannot be decoded near 1\.\d+ s.*copy"):
        sample_frames(path, 6)


def test_missing_and_empty_places(tmp_path):
    with pytest.raises(MissingFileError, match="there is no video"):
        probe(tmp_path / "none.mp4")
    (tmp_path / "._a.mp4").touch()
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(InputError, match="holds no video"):
        videos_in(tmp_path)
    (tmp_path / "b.MOV").touch()
    (tmp_path / "a.mp4").touch()
    (tmp_path / "notes.txt").touch()
    assert [path.name for path in videos_in(tmp_path)] == ["a.mp4", "b.MOV"]
