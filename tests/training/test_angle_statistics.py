from dataclasses import replace

import numpy as np
import pytest

from gonio.capture.shards import read_shard, write_shard
from gonio.kinematics.normal_ranges import NORMAL_RANGES
from gonio.skeleton import ANGLE_COLUMNS
from gonio.training.angle_statistics import (
    EDGES_DEG,
    angle_statistics,
    circular_mean_deg,
    outside_percent,
    summary,
)
from tests.training.angle_fakes import known_shard, shard_store

KNEE = ANGLE_COLUMNS.index("knee_R_flexion_deg")
TURN = ANGLE_COLUMNS.index("pelvis_rotation_deg")


@pytest.fixture
def manifest(tmp_path):
    """Two clips with angles: in each the knee errs by a constant and by one degree to and fro."""
    shards = [known_shard(count=20, sequence=f"w{k}", subject=f"s{k}") for k in range(2)]
    found = shard_store(tmp_path, shards).manifest()
    for k, record in enumerate(found):
        truth = np.zeros((20, 36))
        truth[:, TURN] = 179
        corrupted = truth.copy()
        corrupted[:, KNEE] += (10, -6)[k] + np.tile([1, -1], 10)
        corrupted[:, TURN] = -179  # two degrees on
        corrupted[3] = truth[3] = np.nan
        path = found.path_of(record)
        angles = (a.reshape(20, 12, 3) for a in (corrupted, truth))
        names = ("corrupted_angles", "ground_truth_angles")
        write_shard(path, replace(read_shard(path), **dict(zip(names, angles, strict=True))))
    notes = ("markers on the body; 4 frames of ankle_R no body can have", "augmented")
    records = [
        replace(r, reason=f"true angles: {note}") for r, note in zip(found, notes, strict=True)
    ]
    return replace(found, records=tuple(records))


def row(table, angle, by="all", name="all"):
    return table[(table["angle"] == angle) & (table["by"] == by) & (table["name"] == name)].iloc[0]


def test_errors_are_on_the_circle_with_and_without_the_offset_of_each_clip(manifest):
    errors = angle_statistics(manifest).errors
    knee = row(errors, "knee_R_flexion")
    assert knee["frames"] == 38
    assert knee["mean_absolute_deg"] == pytest.approx((10 + 6) / 2, abs=0.1)
    assert knee["without_clip_offset_deg"] == pytest.approx(1, abs=0.1)
    assert knee["mean_signed_deg"] == pytest.approx(2, abs=0.1)
    turn = row(errors, "pelvis_rotation")
    assert turn["mean_absolute_deg"] == pytest.approx(2)
    assert turn["without_clip_offset_deg"] == pytest.approx(0, abs=1e-6)
    assert row(errors, "knee_R_flexion", "split", "train")["mean_absolute_deg"] == pytest.approx(
        10, abs=0.1
    )
    assert row(errors, "knee_R_flexion", "basis", "augmented")["frames"] == 19


def test_the_summary_says_what_the_truth_rests_on(manifest):
    statistics = angle_statistics(manifest)
    said = summary(manifest, statistics)
    assert said["true_angles_rest_on"] == {"fake": {"markers on the body": 1, "augmented": 1}}
    assert said["true_angles_taken_out_frames"] == {"ankle_R": 4}
    assert said["frames"] == 40
    assert said["clips_with_a_jump"] == {"truth": 0, "corrupted": 0}
    assert statistics.problems.empty


def test_histograms_count_every_frame_once(manifest):
    histograms = angle_statistics(manifest).histograms
    assert histograms["truth"].sum(axis=1).tolist() == [38] * 36
    filled = EDGES_DEG[:-1][histograms["corrupted"][KNEE] > 0]
    assert filled.min() == -8
    assert filled.max() == 8


def test_shares_outside_of_the_normal_range():
    histogram = np.zeros((36, len(EDGES_DEG) - 1), dtype=int)
    inside, outside = np.searchsorted(EDGES_DEG, [20, 150])
    histogram[KNEE, inside], histogram[KNEE, outside] = 3, 1
    shares = outside_percent(histogram)
    assert shares[KNEE] == 25
    assert np.isnan(shares[TURN])
    assert ANGLE_COLUMNS[TURN] not in NORMAL_RANGES


def test_the_mean_of_angles_about_180_is_180():
    angles = np.tile(np.array([170.0, -170.0, np.nan])[:, None], 36)
    assert np.abs(circular_mean_deg(angles)) == pytest.approx(180)
