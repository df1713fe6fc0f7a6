from __future__ import annotations

import hashlib
import subprocess
import sys
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from gonio.errors import InputError, MissingFileError
from gonio.landmarks.pose import pose_without_refiner
from gonio.models import registry
from gonio.models.checkpoint_io import read_header
from gonio.models.registry import (
    TRAINED_BY,
    check_refiners,
    checkpoint_of,
    checkpoint_record,
    default_choice,
    load_refiners,
    no_checkpoint,
    refiners_for,
    shared_refiners,
)
from gonio.options import CHECKPOINTS_OF, DEFAULT_REFINER, CameraOptions
from gonio.skeleton import ANGLE_COLUMNS
from tests.markers.bodies import standing
from tests.models.conftest import write_damaged

LANDMARKS, _ = standing(n=12)
REAL_FOLDER = registry.SHIPPED_FOLDER


@pytest.fixture
def own(tmp_path):
    """Where the user's own checkpoints would be."""
    return {name: tmp_path / "06_models" / f"{name}.safetensors" for name in TRAINED_BY}


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """Where the shipped checkpoints would be."""
    folder = tmp_path / "package"
    monkeypatch.setattr(registry, "SHIPPED_FOLDER", folder)
    return {name: folder / f"{name}.safetensors" for name in TRAINED_BY}


@pytest.fixture
def write(write_depth_refiner, write_joint_refiner, write_main_refiner):
    """A function that writes all three networks, of which the last joins the others."""

    def write_all(places):
        write_depth_refiner(places["depth_refiner"])
        write_joint_refiner(places["joint_refiner"])
        write_main_refiner(places["main_refiner"], places["depth_refiner"], places["joint_refiner"])

    return write_all


def angles():
    """Angles of the frames of the landmarks, one of them missing."""
    values = np.random.default_rng(0).uniform(-30, 60, (len(LANDMARKS), len(ANGLE_COLUMNS)))
    table = pd.DataFrame(values, columns=list(ANGLE_COLUMNS))
    table.insert(0, "time_s", LANDMARKS.time_s)
    table.loc[3, ["knee_R_flexion_deg", "knee_R_adduction_deg", "knee_R_rotation_deg"]] = np.nan
    return table


def test_the_users_own_checkpoint_goes_before_the_shipped_one(own, shipped, write_depth_refiner):
    mine, theirs = own["depth_refiner"], shipped["depth_refiner"]
    assert checkpoint_of("depth_refiner", mine) is None
    write_depth_refiner(theirs)
    assert checkpoint_of("depth_refiner", mine) == theirs
    write_depth_refiner(mine)
    assert checkpoint_of("depth_refiner", mine) == mine


def test_a_folder_in_the_place_of_a_checkpoint_is_refused(own):
    own["depth_refiner"].mkdir(parents=True)
    with pytest.raises(InputError, match=r"depth_refiner\.safetensors is no file"):
        checkpoint_of("depth_refiner", own["depth_refiner"])


def test_a_checkpoint_that_may_not_be_read_says_so(own, write_depth_refiner, monkeypatch):
    path = own["depth_refiner"]
    write_depth_refiner(path)

    def refuse(self, *_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match="cannot be read: Permission denied; change its perm"):
        read_header(path)


@pytest.mark.parametrize("parts", [None, [], {"depth_refiner": None}, {"depth_refiner": 3}])
def test_a_main_refiner_that_does_not_name_what_it_joins_is_refused(own, write, parts):
    write(own)
    header = {"kind": "main_refiner", "parts": parts}
    write_damaged(own["main_refiner"], header, {"a": torch.zeros(1)})
    with pytest.raises(InputError, match="does not say which depth_refiner it joins"):
        default_choice(own)


def test_a_checkpoint_is_told_by_name_owner_and_hash(own, shipped, write_depth_refiner):
    mine, theirs = own["depth_refiner"], shipped["depth_refiner"]
    digest = hashlib.sha256(write_depth_refiner(theirs).read_bytes()).hexdigest()
    assert checkpoint_record(theirs, mine) == {
        "file": "depth_refiner.safetensors",
        "from": "shipped with Gonio",
        "sha256": digest[:12],
    }
    assert checkpoint_record(write_depth_refiner(mine), mine)["from"] == "own, in 06_models"


@pytest.mark.parametrize(
    ("choice", "pose", "changes_angles"),
    [
        ("none", "none", False),
        ("depth", "depth", False),
        ("joint", "none", True),
        ("both", "depth", True),
        ("main", "main", True),
    ],
)
def test_each_choice_changes_what_it_says(own, shipped, write, choice, pose, changes_angles):
    write(own)
    refiners = load_refiners(choice, own)
    assert refiners.used == {name: own[name] for name in CHECKPOINTS_OF[choice]}
    refined = refiners.pose(LANDMARKS, CameraOptions())
    assert refined.refiner == pose
    assert np.isfinite(refined.sigma).all() == (pose != "none")
    computed = angles()
    result = refiners.angles(computed, LANDMARKS, CameraOptions())
    assert refiners.change_angles == changes_angles
    assert list(result.columns) == list(computed.columns)
    np.testing.assert_array_equal(result["time_s"], computed["time_s"])
    np.testing.assert_array_equal(result.isna(), computed.isna())
    change = (result - computed).drop(columns="time_s").abs().to_numpy()
    assert np.nanmax(change) == 0 if not changes_angles else 0.1 < np.nanmax(change) < 60


def test_shipped_networks_are_used_where_there_are_no_others(own, shipped, write):
    write(shipped)
    refiners = load_refiners("both", own)
    assert set(refiners.used.values()) == {shipped["depth_refiner"], shipped["joint_refiner"]}


def test_the_default_without_a_checkpoint_is_mediapipes_pose(own, shipped):
    camera = CameraOptions(pitch_deg=10)
    refiners = refiners_for(DEFAULT_REFINER, own)
    assert refiners.used == {}
    pose = refiners.pose(LANDMARKS, camera)
    np.testing.assert_array_equal(pose.positions, pose_without_refiner(LANDMARKS, camera).positions)
    assert pose.refiner == "none"


def test_what_to_do_without_a_checkpoint_is_said(own):
    said = no_checkpoint("depth_refiner", own["depth_refiner"])
    assert "06_models/depth_refiner.safetensors" in said
    assert "kedro run --pipeline depth_training" in said


@pytest.mark.parametrize("choice", ["joint", "main"])
def test_a_network_without_its_checkpoint_is_refused(own, shipped, write_depth_refiner, choice):
    with pytest.raises(MissingFileError, match="there is no checkpoint of the"):
        load_refiners(choice, own)
    write_depth_refiner(own["depth_refiner"])
    last = CHECKPOINTS_OF[choice][-1]
    with pytest.raises(MissingFileError, match=f"06_models/{last}.safetensors"):
        load_refiners(choice, own)


def test_a_main_refiner_with_another_depth_refiner_than_its_own_is_refused(own, shipped, write):
    write(own)
    own["depth_refiner"].unlink()
    with pytest.raises(InputError, match="was trained with a depth_refiner of hash"):
        load_refiners("main", own)


def test_a_checkpoint_of_another_network_is_refused(own, shipped, write_depth_refiner):
    write_depth_refiner(own["joint_refiner"])
    with pytest.raises(InputError, match="holds a network of kind 'depth_refiner'"):
        load_refiners("joint", own)


def test_a_broken_checkpoint_is_an_error_and_no_fallback(own, shipped, write):
    write(shipped)
    write(own)
    for choice, name in (("depth", "depth_refiner"), ("joint", "joint_refiner")):
        own[name].write_bytes(own[name].read_bytes()[:-500])
        with pytest.raises(InputError, match="is broken"):
            load_refiners(choice, own)


def test_the_default_goes_as_far_as_its_checkpoints_are_there(
    own, shipped, write_depth_refiner, write_joint_refiner
):
    write_joint_refiner(own["joint_refiner"])
    assert refiners_for(DEFAULT_REFINER, own).used == {}
    with pytest.raises(MissingFileError, match="choose refiner=none"):
        load_refiners("depth", own)
    write_depth_refiner(own["depth_refiner"])
    assert set(refiners_for(DEFAULT_REFINER, own).used) == {"depth_refiner", "joint_refiner"}
    own["joint_refiner"].unlink()
    refiners = refiners_for(DEFAULT_REFINER, own)
    assert set(refiners.used) == {"depth_refiner"}
    assert not refiners.change_angles


def test_the_default_is_the_main_refiner_while_it_joins_what_is_there(own, shipped, write):
    write(shipped)
    assert default_choice(own) == ("main", "")
    write(own)
    assert refiners_for(DEFAULT_REFINER, own).used == {"main_refiner": own["main_refiner"]}


@pytest.mark.parametrize("mine", ["depth_refiner", "joint_refiner"])
def test_the_default_gives_way_to_a_network_that_main_does_not_join(own, shipped, write, mine):
    write(shipped)
    own[mine].parent.mkdir(parents=True)
    own[mine].write_bytes((REAL_FOLDER / f"{mine}.safetensors").read_bytes())
    refiners = refiners_for(DEFAULT_REFINER, own)
    assert refiners.choice == "both"
    assert refiners.used[mine] == own[mine]
    assert f"06_models/{mine}.safetensors" in refiners.instead
    assert "kedro run --pipeline main_refiner" in refiners.instead


def test_a_check_before_a_run_refuses_what_the_run_would_refuse(own, shipped, write):
    with pytest.raises(MissingFileError, match="no checkpoint of the depth refiner"):
        check_refiners("both", own)
    check_refiners(DEFAULT_REFINER, own)  # the default goes as far as there are networks
    check_refiners("none", own)
    write(shipped)
    check_refiners("both", own)
    write(own)
    check_refiners("both", own)
    own["joint_refiner"].write_bytes(own["joint_refiner"].read_bytes()[:-500])
    with pytest.raises(InputError, match="is broken"):
        check_refiners("both", own)


def test_shipped_networks_are_not_loaded_to_check_them():
    """PyTorch is imported beside the detection, which a run would have to wait for here."""
    script = """
import sys
from pathlib import Path
from gonio.models.registry import TRAINED_BY, check_refiners
for choice in ("main", "both"):
    check_refiners(choice, {name: Path("nowhere") / name for name in TRAINED_BY})
print("torch" in sys.modules)
"""
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "False"


def test_networks_are_loaded_once_until_a_file_changes(own, shipped, write):
    write(shipped)
    first = shared_refiners("both", own)
    assert shared_refiners("both", own) is first
    write(own)
    second = shared_refiners("both", own)
    assert second.used["depth_refiner"] == own["depth_refiner"]
    own["joint_refiner"].write_bytes(own["joint_refiner"].read_bytes()[:-500])
    with pytest.raises(InputError, match="is broken"):
        shared_refiners("both", own)


def test_main_sees_equal_landmarks_as_the_same_clip(own, shipped, write, monkeypatch):
    write(own)
    main = load_refiners("main", own).main
    main.refine(LANDMARKS)
    monkeypatch.setattr(main.depth, "predict", None)  # a second look would call it
    assert len(main.refine_angles(angles(), deepcopy(LANDMARKS))) == len(LANDMARKS)
    other = replace(LANDMARKS, world=LANDMARKS.world + 0.01)
    with pytest.raises(TypeError):
        main.refine_angles(angles(), other)


def test_loading_and_refining_import_no_compiler():
    """PyTorch imports it, for seconds, where a tensor without memory is drawn or multiplied."""
    code = (
        "import sys; from pathlib import Path; import numpy as np; import pandas as pd\n"
        "from gonio.models.registry import load_refiners\n"
        "from gonio.options import CameraOptions\n"
        "from gonio.skeleton import ANGLE_COLUMNS\n"
        "from tests.markers.bodies import standing\n"
        "names = ('depth_refiner', 'joint_refiner', 'main_refiner')\n"
        "main = load_refiners('main', {name: Path('nowhere', name) for name in names})\n"
        "landmarks, _ = standing(n=12)\n"
        "main.pose(landmarks, CameraOptions())\n"
        "table = pd.DataFrame(np.zeros((12, 36)), columns=list(ANGLE_COLUMNS))\n"
        "main.angles(table.assign(time_s=landmarks.time_s), landmarks, CameraOptions())\n"
        "print('torch._dynamo' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.strip() == "False"
