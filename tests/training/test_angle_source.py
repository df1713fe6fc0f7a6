import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gonio.capture.conversion import conversion_events
from gonio.capture.executor import ExecutorOptions
from gonio.capture.shards import read_shard
from gonio.capture.store import ShardStore
from gonio.errors import InputError, MissingFileError
from gonio.models import registry
from gonio.options import InferenceOptions
from gonio.skeleton import AUGMENTED_MARKERS, MARKERS
from gonio.training.angle_options import AngleOptions
from gonio.training.angle_source import (
    DETECTOR_ERRORS,
    check_same_chain,
    convention_in,
    detector_errors_in,
    plan_angles,
    sampled_markers,
)
from gonio.training.detector_errors import AS_IN_USE
from tests.training.angle_fakes import known_shard, shard_store

CHAIN = InferenceOptions()
NOWHERE = {
    name: Path(f"nowhere/{name}.safetensors")
    for name in ("depth_refiner", "joint_refiner", "main_refiner")
}


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    made = [
        known_shard(
            {"knee_R_flexion_deg": 20.0 * k},
            count=20 if k != 2 else 1,
            sequence=f"walk{k}",
            subject=f"s{k}",
            noise_m=0.01,
        )
        for k in range(4)
    ]
    return shard_store(tmp_path_factory.mktemp("shards"), made)


def options(**changes):
    values = {
        "sources": ["fake"],
        "refiner": "none",
        "true_markers": "body",
        "executor": "inline",
        **changes,
    }
    return AngleOptions.from_parameters({"angles": values})


def run(shards, root, executor="inline", **changes):
    store = ShardStore(root)
    plans = plan_angles(options(**changes), CHAIN, shards, NOWHERE)
    for plan in plans:
        for event in conversion_events(plan, store, ExecutorOptions(executor)):
            store.save(event)
    return plans, store.manifest()


def test_shards_come_out_with_angles_and_all_that_they_had(shards, tmp_path):
    _, manifest = run(shards, tmp_path)
    before = {r.key: r for r in shards.manifest()}
    done = manifest.with_status("done")
    assert [r.sequence for r in done] == ["walk0", "walk1", "walk3"]
    for record in done:
        old = before[record.key]
        assert (record.subject, record.split, record.view_error) == (old.subject, old.split, 0.02)
        assert record.reason == "true angles: markers on the body"
        extended = read_shard(manifest.path_of(record))
        original = read_shard(shards.manifest().path_of(old))
        assert original.corrupted_angles is None
        np.testing.assert_array_equal(extended.landmarks_world, original.landmarks_world)
        assert extended.corrupted_angles.shape == extended.ground_truth_angles.shape == (20, 12, 3)
        knee = 20.0 * int(record.sequence[-1])
        assert extended.ground_truth_angles[10, 3, 0] == pytest.approx(knee, abs=0.1)


def test_a_sequence_that_cannot_be_used_is_listed_and_stops_nothing(shards, tmp_path):
    _, manifest = run(shards, tmp_path)
    (bad,) = manifest.with_status("left_out")
    assert bad.sequence == "walk2"
    assert "two frames" in bad.reason


def test_a_second_run_does_nothing_and_another_setting_makes_another_folder(shards, tmp_path):
    run(shards, tmp_path)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npz")}
    run(shards, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npz")} == files
    run(shards, tmp_path, true_markers="augmented")
    assert len(list(tmp_path.rglob("*.npz"))) == 2 * len(files)
    next(iter(files)).unlink()
    run(shards, tmp_path)
    assert set(tmp_path.rglob("*.npz")) >= set(files)


def test_processes_give_the_same_bytes(shards, tmp_path):
    run(shards, tmp_path / "here")
    run(shards, tmp_path / "pool", executor="pool")
    here, pool = (
        {p.name: p.read_bytes() for p in (tmp_path / n).rglob("*.npz")} for n in ("here", "pool")
    )
    assert here == pool


def test_the_convention_is_taken_from_training_shards_and_part_of_the_hash(shards):
    aligned = plan_angles(options(true_markers="aligned"), CHAIN, shards, NOWHERE)[0]
    assert (
        aligned.parameter_hash != plan_angles(options(), CHAIN, shards, NOWHERE)[0].parameter_hash
    )
    assert set(aligned.parameters["convention_deg"]) >= {"pelvis", "femur_R", "femur_L"}
    _, pair = aligned.source.pair(aligned.tasks[1])
    assert pair.basis == "markers on the body, aligned"


def test_the_convention_of_an_evaluation_is_that_of_the_training(shards, tmp_path):
    """The first of the sources says it, whatever else there is."""
    chain = CHAIN.model_copy(update={"angle_cutoff_hz": 4.0})
    both = options(true_markers="aligned", sources=["fake", "other"])
    planned = plan_angles(options(true_markers="aligned"), chain, shards, NOWHERE)[0]
    found = convention_in(both, chain, shards.manifest())
    assert found.described() == planned.parameters["convention_deg"]
    assert convention_in(options(), chain, shards.manifest()) is None


def test_a_detector_errs_otherwise_in_the_training_split_alone(shards, tmp_path):
    turn = {"tilt_noise_deg": 20.0}
    _, plain = run(shards, tmp_path / "plain")
    _, turned = run(shards, tmp_path / "turned", detector_errors=turn)
    assert detector_errors_in(ShardStore(tmp_path / "turned"), "fake").tilt_noise_deg == 20.0
    assert detector_errors_in(ShardStore(tmp_path / "plain"), "fake") == AS_IN_USE
    assert detector_errors_in(ShardStore(tmp_path / "none"), "fake") == AS_IN_USE
    pairs = list(zip(plain.with_status("done"), turned.with_status("done"), strict=True))
    assert {record.split for record, _ in pairs} > {"train"}
    for before, after in pairs:
        assert before.split == after.split
        one, other = (read_shard(m.path_of(r)) for m, r in ((plain, before), (turned, after)))
        np.testing.assert_allclose(other.ground_truth_angles, one.ground_truth_angles, atol=1e-4)
        moved = np.nanmax(np.abs(other.corrupted_angles - one.corrupted_angles))
        assert (moved > 3) == (before.split == "train")


def test_some_shards_spread_over_all(shards):
    plans = plan_angles(options(max_shards=2), CHAIN, shards, NOWHERE)
    assert [task.sequence for task in plans[0].tasks] == ["walk0", "walk2"]


def test_the_depth_refiner_changes_the_angles(shards, tmp_path, write_depth_refiner):
    depth = write_depth_refiner(tmp_path / "models" / "depth_refiner.safetensors")
    own = NOWHERE | {"depth_refiner": depth}
    with_it = plan_angles(options(refiner="depth"), CHAIN, shards, own)[0]
    without = plan_angles(options(), CHAIN, shards, own)[0]
    assert with_it.parameter_hash != without.parameter_hash
    assert with_it.parameters["checkpoints"][0]["file"] == "depth_refiner.safetensors"
    tilt = [p.source.pair(p.tasks[1])[1].corrupted[10, 0, 0] for p in (with_it, without)]
    assert abs(tilt[0] - tilt[1]) > 2  # it predicts a camera that looks down, and so another up
    truths = [p.source.pair(p.tasks[1])[1].truth for p in (with_it, without)]
    np.testing.assert_allclose(*truths, atol=1e-9)


def test_without_a_checkpoint_it_says_how_to_go_on(shards, monkeypatch):
    monkeypatch.setattr(registry, "SHIPPED_FOLDER", Path("nowhere"))
    with pytest.raises(MissingFileError, match=r"choose angles\.refiner=none"):
        plan_angles(options(refiner="depth"), CHAIN, shards, NOWHERE)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"refiner": "both"}, "angles: parameter refiner is 'both'"),
        ({"workers": 0}, "parameter workers is 0"),
        ({"sources": []}, "one or more"),
        ({"sources": "rendered+rendered"}, "rendered is there more than once"),
        ({"shortest_m": 2.5}, "below the tallest"),
        ({"stature": 1.7}, "parameter stature"),
    ],
)
def test_parameters_that_cannot_be_are_named(values, message):
    with pytest.raises(InputError, match=message):
        AngleOptions.from_parameters({"angles": values})


def test_fewer_shards_than_before_are_all_that_is_used(shards, tmp_path):
    _, everything = run(shards, tmp_path)
    _, few = run(shards, tmp_path, max_shards=2)
    assert (len(everything), len(few)) == (4, 2)
    assert few.planned == {"fake": 2}
    assert len(run(shards, tmp_path)[1]) == 4


def test_damaged_parameters_of_shards_are_named(tmp_path):
    shards = shard_store(tmp_path, [known_shard(count=2)])
    path = shards.manifest().folders["fake"] / "parameters.json"
    for errors in ([1], {"tilt": 2}, {"orientation": "all"}):
        path.write_text(json.dumps({"parameters": {DETECTOR_ERRORS: errors}}))
        with pytest.raises(InputError, match=r"damaged or of an earlier version \(detector_errors"):
            detector_errors_in(shards, "fake")


def test_sources_are_joined_by_a_plus(shards):
    assert options(sources="aistpp+mtc").sources == ("aistpp", "mtc")
    with pytest.raises(InputError, match=r"no shards of mtc.*source=mtc"):
        plan_angles(options(sources="mtc"), CHAIN, shards, NOWHERE)
    with pytest.raises(InputError, match="no shards of nonesuch; converted so far: fake"):
        plan_angles(options(sources="fake+nonesuch"), CHAIN, shards, NOWHERE)


def test_projected_motion_is_neither_repaired_nor_filtered_and_keeps_the_convention(tmp_path):
    slow = known_shard({"knee_R_flexion_deg": 40.0}, count=20, rate_hz=10.0, source="projected")
    plain = known_shard({"knee_R_flexion_deg": 20.0}, count=20, source="rendered")
    both = shard_store(tmp_path / "shards", [plain, slow])
    of_both = plan_angles(
        options(sources="rendered+projected", true_markers="aligned"), CHAIN, both, NOWHERE
    )
    alone = plan_angles(options(sources="rendered", true_markers="aligned"), CHAIN, both, NOWHERE)
    assert of_both[0].parameter_hash == alone[0].parameter_hash
    assert of_both[1].parameters["convention_deg"] == of_both[0].parameters["convention_deg"]
    chain = of_both[1].parameters["chain"]
    assert not chain["repair"]["filter"]
    assert not chain["repair"]["swaps"]
    assert chain["angle_cutoff_hz"] is None
    _, manifest = run(both, tmp_path / "angles", sources="projected")
    (record,) = manifest.with_status("done")
    extended = read_shard(manifest.path_of(record))
    assert extended.ground_truth_angles[10, 3, 0] == pytest.approx(40.0, abs=0.1)
    assert np.isfinite(extended.corrupted_angles).all()


def test_markers_of_both_sides_of_a_sample(shards, tmp_path):
    plans, manifest = run(shards, tmp_path)
    markers = sampled_markers(plans, manifest, 2)
    assert set(markers) == {
        f"fake_walk{k}__c01_{side}" for k in (0, 1) for side in ("corrupted", "truth")
    }
    assert markers["fake_walk0__c01_truth"].names[: len(MARKERS)] == MARKERS
    assert markers["fake_walk0__c01_truth"].positions.shape == (20, 65, 3)
    assert sampled_markers(plans, manifest, 0) == {}


def test_the_convention_does_not_know_bodies_that_are_held_out(tmp_path):
    trained, held_out = (known_shard(count=20, sequence=s, subject=s) for s in ("a", "b"))
    knees = ["knee_study" in name for name in AUGMENTED_MARKERS]
    moved = np.where(np.array(knees)[:, None], np.float32([0.0, 0.0, 0.05]), 0)
    held_out = replace(held_out, markers_truth=held_out.markers_truth + moved.astype("<f4"))
    found = []
    for name, made in (("alone", [trained]), ("both", [trained, held_out])):
        manifest = shard_store(tmp_path / name, made).manifest()
        found.append(convention_in(options(true_markers="aligned"), CHAIN, manifest))
    assert {record.split for record in manifest} == {"train", "validation"}
    assert found[0].described() == found[1].described()


@pytest.mark.parametrize("given", [5, "rendered", ["rendered"], False])
def test_the_options_are_a_group(given):
    with pytest.raises(InputError, match=r"parameter angles is .*such as angles\."):
        AngleOptions.from_parameters({"angles": given})
    assert AngleOptions.from_parameters({"angles": None}) == AngleOptions()


def test_the_convention_is_of_the_first_source_that_has_markers_on_the_body(tmp_path):
    bare, marked = (
        [
            known_shard(
                {"knee_R_flexion_deg": 20.0 * k},
                count=20,
                sequence=f"walk{k}",
                subject=f"{source}{k}",
                source=source,
                markers=source == "marked",
                noise_m=0.01,
            )
            for k in range(3)
        ]
        for source in ("bare", "marked")
    )
    manifest = shard_store(tmp_path, [*bare, *marked]).manifest()
    found = [
        convention_in(options(true_markers="aligned", sources=names), CHAIN, manifest).described()
        for names in (["marked"], ["bare", "marked"], ["marked", "bare"])
    ]
    assert found[0] == found[1] == found[2]


def test_angles_of_another_repair_or_depth_refiner_are_told(shards, tmp_path, caplog):
    store = ShardStore(tmp_path / "angles")
    run(shards, tmp_path / "angles")
    check_same_chain(store, "fake", CHAIN.repair)
    assert not [line for line in caplog.records if line.levelname == "WARNING"]
    check_same_chain(store, "fake", CHAIN.repair, "0123456789ab")
    assert "were computed with MediaPipe's own pose" in caplog.text
    other = CHAIN.repair.model_copy(update={"max_gap_s": 0.5})
    with pytest.raises(InputError, match=r"repair\.max_gap_s was 0\.25.*joint_angle_generation"):
        check_same_chain(store, "fake", other)
    check_same_chain(store, "never made", other, "0123456789ab")
