"""Places that a parameter names: they must be there, and be a text."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from kedro.framework.project import configure_project
from kedro.io import DatasetError

from gonio.config_loader import configuration
from gonio.datasets.motion import OptionalMotDataset
from gonio.datasets.shards import FolderDataset
from gonio.datasets.trc import OptionalTrcDataset
from gonio.errors import InputError, MissingFileError
from gonio.kinematics import write_mot
from gonio.trc import write_trc
from gonio.types import MarkerTrajectories


@pytest.mark.parametrize("kind", [OptionalTrcDataset, OptionalMotDataset])
def test_a_file_may_be_missing_unless_a_parameter_names_it(
    tmp_path: Path, kind: type[OptionalTrcDataset | OptionalMotDataset]
) -> None:
    path = str(tmp_path / "nowhere.trc")
    assert kind(path).load() is None
    assert kind(path, parameter={"demo_truth": None}).load() is None
    with pytest.raises(DatasetError, match=r"nowhere\.trc.*parameter demo_truth") as error:
        kind(path, parameter={"demo_truth": path}).load()
    assert isinstance(error.value.__cause__, MissingFileError)


def test_a_file_that_a_parameter_names_is_read(tmp_path: Path) -> None:
    named = {"demo_truth": "x"}
    trc, mot = tmp_path / "a.trc", tmp_path / "a.mot"
    write_trc(trc, MarkerTrajectories(("Hip",), np.ones((3, 1, 3)), 30.0))
    write_mot(mot, pd.DataFrame({"time": [0.0, 0.1], "pelvis_tilt": [1.0, 2.0]}))
    markers = OptionalTrcDataset(str(trc), parameter=named).load()
    motion = OptionalMotDataset(str(mot), parameter=named).load()
    assert markers is not None
    assert motion is not None
    assert (markers.names, len(motion)) == (("Hip",), 2)


@pytest.mark.parametrize("place", [5, True, {"a": 1}, ["a", "b"]])
def test_a_place_is_a_text(place: object) -> None:
    with pytest.raises(InputError, match=r"parameter motion_folder is .*allowed is a path"):
        FolderDataset(place, parameter={"motion_folder": place})  # type: ignore[arg-type]


def test_the_catalog_knows_which_places_parameters_name(project: Path) -> None:
    configure_project("gonio")
    given = {
        "demo_truth": "a.trc",
        "demo_angles": "a.mot",
        "shards_folder": "shards",
        "motion_folder": "motion",
        "aistpp_folder": "aistpp",
        "mtc_folder": "mtc",
    }
    for values in (given, dict.fromkeys(given)):
        catalog = configuration(project / "conf", "base", values)["catalog"]
        for name in given:
            entry = catalog["evaluation_shards" if name == "shards_folder" else name]
            assert entry["parameter"] == {name: values[name]}
