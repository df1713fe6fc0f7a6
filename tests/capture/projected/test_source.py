from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gonio.capture.conversion import ConversionOptions, plan_conversion
from gonio.capture.manifest import Manifest, Record
from gonio.capture.pairs import Truth, build_shard
from gonio.capture.projected.detector_model import DetectorModel, fit_detector_model
from gonio.capture.projected.measured import measured_detector, seen_in_shard
from gonio.capture.projected.source import (
    ProjectedOptions,
    _check_held_out,
    _errors_of,
    projected_landmarks,
    tilted,
)
from gonio.capture.reference_body import reference_scale
from gonio.capture.shards import ShardLabels, read_shard
from gonio.errors import InputError
from gonio.options import RepairOptions
from gonio.skeleton import COCO_FROM_MEDIAPIPE
from gonio.types import FloatArray
from tests.capture.converting import convert
from tests.capture.fakes import FakeSource, seen_by_mediapipe, small_shard, walking_truth
from tests.capture.projected.test_detector_model import seen
from tests.training.angle_fakes import shard_store

NAN, INF = float("nan"), float("inf")


def test_it_needs_rendered_pairs(tmp_path: Path) -> None:
    pytest.importorskip("anny", reason="the optional body model anny is not installed")
    options = ConversionOptions(source="projected", executor="inline")
    with pytest.raises(InputError, match=r"rendered"):
        plan_conversion(options, {"rendered": tmp_path / "none", "shards": tmp_path})


def test_a_rendered_pair_that_is_gone_is_told_with_its_source(tmp_path: Path) -> None:
    manifest = shard_store(tmp_path, [replace(small_shard(20), source="rendered")]).manifest()
    manifest.shards("train")[0].unlink()
    with pytest.raises(InputError, match=r"there is no shard .*source=rendered"):
        measured_detector(manifest, tmp_path / "model.npz")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"seed": -1}, r"seed is -1: .*greater than or equal to 0"),
        ({"made_share": NAN}, "made_share is nan: .*finite"),
        ({"mix_share": 2}, "mix_share is 2: .*less than or equal to 1"),
        ({"offset_share": -0.1}, r"offset_share is -0\.1"),
        ({"tilt_share": NAN}, "tilt_share is nan"),
        ({"offset_factor": NAN}, "offset_factor is nan"),
        ({"offset_factor": -1}, "offset_factor is -1"),
        ({"offset_factor": 11}, "offset_factor is 11: .*less than or equal to 10"),
        ({"cameras": 0}, "cameras is 0"),
        ({"balanced_share": 1.5}, "balanced_share is 1.5"),
        ({"cameras": True}, "cameras is True: .*no numbers"),
        ({"made_kinds": {"walk": True}}, "made_kinds is .*no numbers"),
        ({"elevation_deg": (False, 45)}, "elevation_deg is .*no numbers"),
        ({"tilt_deg": NAN}, "tilt_deg is nan"),
        ({"tilt_deg": -20}, "tilt_deg is -20"),
        ({"elevation_deg": (NAN, 45)}, r"elevation_deg\.0 is nan"),
        ({"elevation_deg": (45, -15)}, r"elevation_deg is \(45, -15\): .*in this order"),
        ({"elevation_deg": (-15, 90)}, r"elevation_deg\.1 is 90: .*equal to 80"),
        ({"made_kinds": {"poses": NAN}}, r"made_kinds\.poses is nan"),
        ({"made_kinds": {"poses": INF}}, r"made_kinds\.poses is inf"),
        ({"made_kinds": {"walk": 1, "poses": NAN}}, r"made_kinds\.poses is nan"),
        ({"made_kinds": {"fly": 1}}, "made_kinds is .*one_leg"),
    ],
)
def test_each_option_out_of_range_is_named_as_one_of_projected(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=rf"^parameter projected\.{message}") as error:
        ConversionOptions.from_parameters({"projected": values})
    assert "rendered" not in str(error.value)


def test_options_at_the_ends_of_their_ranges() -> None:
    least = dict.fromkeys(("tilt_deg", "offset_factor", "tilt_share", "made_share"), 0)
    options = ProjectedOptions(**least, seed=0, elevation_deg=(20, 20))
    assert options.rendered().seed == 0


def test_the_image_lies_where_the_camera_sees_the_body() -> None:
    walking = walking_truth(12)
    feet = np.repeat(walking.joints[:, [16, 15]], 3, axis=1)
    truth = replace(walking, feet=feet)
    model = fit_detector_model(seen(), hidden=16, epochs=2, batch=64)
    landmarks = projected_landmarks(truth, model, np.random.default_rng(0))
    true = truth.camera.project(truth.joints)
    said = landmarks.image[:, list(COCO_FROM_MEDIAPIPE)] * landmarks.image_size
    size = np.ptp(true, axis=1).max()
    centre = np.abs(said.mean(axis=1) - true.mean(axis=1)).max()
    assert centre < 0.35 * size
    assert landmarks.rate_hz == pytest.approx(10)


def test_a_tilted_body_keeps_its_shape_its_place_and_gravity() -> None:
    walking = walking_truth(5)
    truth = replace(walking, markers=np.repeat(walking.joints[:, :1], 43, axis=1) + 0.1)
    turn = Rotation.from_euler("xyz", [20, 40, -10], degrees=True).as_matrix()
    other = tilted(truth, turn)
    np.testing.assert_allclose(other.mid_hip, truth.mid_hip)
    np.testing.assert_allclose(other.up, truth.up)
    bones = np.linalg.norm(np.diff(truth.joints, axis=1), axis=2)
    np.testing.assert_allclose(np.linalg.norm(np.diff(other.joints, axis=1), axis=2), bones)
    relative = truth.joints - truth.mid_hip[:, None]
    np.testing.assert_allclose(other.joints - other.mid_hip[:, None], relative @ turn.T)
    markers = truth.markers - truth.mid_hip[:, None]
    np.testing.assert_allclose(other.markers - truth.mid_hip[:, None], markers @ turn.T)


@pytest.mark.slow
def test_rendered_pairs_lend_their_errors_to_projected_ones(tmp_path: Path) -> None:
    pytest.importorskip("anny", reason="the optional body model anny is not installed")
    rendered = {"frames": 720, "sequence_frames": 24, "frame_rates": [30.0], "seed": 3}
    folders = {"rendered": tmp_path / "none"}
    shares = {"split_shares": (1.0, 0.0, 0.0)}
    convert(
        ConversionOptions(source="rendered", executor="inline", rendered={**rendered, **shares}),
        folders,
        tmp_path,
    )
    projected = {"sequences": 3, "cameras": 2, "sequence_frames": 12}
    manifest = convert(
        ConversionOptions(source="projected", executor="inline", projected=projected),
        folders,
        tmp_path,
    )
    shards = [read_shard(path) for path in manifest.select(["projected"]).shards("train")]
    assert len(shards) == 6
    for shard in shards:
        assert shard.paired.all()
        assert shard.detector == "mediapipe modelled"
        error = np.abs(shard.corrupted - shard.ground_truth).mean()
        assert 0.01 < error < 0.3


@dataclass
class Listening:
    """A detector model that notes how far away it is told that the body is."""

    heard_m: list[FloatArray] = field(default_factory=list)

    def say(
        self, truth: FloatArray, up: FloatArray, distance: FloatArray, rng: np.random.Generator
    ) -> FloatArray:
        self.heard_m.append(distance)
        return np.full((len(truth), 33, 6), 0.5)


def with_feet(factor: float = 1.0) -> Truth:
    """Somebody who walks; another size, as far away in proportion, looks the same."""
    walking = walking_truth(30)
    feet = np.repeat(walking.joints[:, [16, 15]], 3, axis=1)
    return replace(walking, joints=factor * walking.joints, feet=factor * feet)


def test_a_body_is_as_far_away_as_its_size_makes_it() -> None:
    """Bodies are scaled to one size, and their distance with them."""
    detector = Listening()
    for factor in (1.0, 1.5):
        projected_landmarks(
            with_feet(factor), cast("DetectorModel", detector), np.random.default_rng(0)
        )
    mid_hip, scale = with_feet().mid_hip, reference_scale(with_feet().joints)
    np.testing.assert_allclose(
        detector.heard_m[0], scale * np.linalg.norm(mid_hip, axis=1), rtol=1e-5
    )
    np.testing.assert_allclose(detector.heard_m[1], detector.heard_m[0], rtol=1e-5)


def test_errors_are_measured_at_the_distance_of_a_body_of_one_size() -> None:
    labels = ShardLabels("rendered", "s", "c01", "p", 30.0, "mediapipe full VIDEO")
    small, large = (
        seen_in_shard(build_shard(seen_by_mediapipe(truth), truth, labels), 0)
        for truth in (with_feet(), with_feet(1.5))
    )
    assert small is not None
    assert large is not None
    np.testing.assert_allclose(large.truth, small.truth, atol=1e-5)
    np.testing.assert_allclose(large.distance, small.distance, rtol=1e-5)


def test_pairs_that_were_rendered_otherwise_teach_another_detector() -> None:
    record = Record.of(FakeSource(1).list_tasks()[0], "p1", "done", file="a.npz")
    repair = RepairOptions()
    first, again, other = (
        _errors_of(Manifest((replace(record, parameter_hash=made),), {}, {}), repair)
        for made in ("p1", "p1", "p2")
    )
    assert first == again != other


def test_who_is_held_out_of_the_rendered_pairs_is_not_projected() -> None:
    task = replace(FakeSource(1).list_tasks()[0], subject="cmu02+body1", split="test")
    rendered = Manifest((Record.of(task, "p1", "done", file="a.npz"),), {}, {})
    _check_held_out(rendered, [replace(task, subject="cmu03+body7", split="train")])
    with pytest.raises(InputError, match="otherwise: cmu02 for train, rendered for test"):
        _check_held_out(rendered, [replace(task, subject="cmu02+body7", split="train")])


def test_a_rendered_pair_that_is_too_slow_is_told(tmp_path: Path) -> None:
    shard = small_shard(20)
    slow = replace(shard, source="rendered", time_s=3 * shard.time_s, fps=10.0)
    manifest = shard_store(tmp_path, [slow]).manifest()
    with pytest.raises(InputError, match=r"rendered shard walk.*10 frames/s") as error:
        measured_detector(manifest, tmp_path / "model.npz")
    assert "source=rendered first" not in str(error.value)
