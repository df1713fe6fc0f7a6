"""OpenSim's own scaling and inverse kinematics on Pose2Sim's model.

Everything runs in a temporary folder; only finished files are moved beside the other results.
The scaled model names its bone meshes without a folder, so it can be moved to another machine.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd

from gonio.errors import GonioError, InputError
from gonio.files import replacing
from gonio.kinematics.coordinates import model_coordinates
from gonio.kinematics.landmarks import check_body_size, recognised_paths
from gonio.kinematics.mot import read_mot, write_mot
from gonio.kinematics.osim import IK_FILE, MARKERS_FILE, MODEL_FILE, generic_model, setup_folder
from gonio.kinematics.scaling import scale_factors
from gonio.markers.proportions import DEFAULT_MASS_KG
from gonio.trc import write_trc
from gonio.types import BoolArray, FloatArray, MarkerTrajectories, Subject

FEWEST_MARKERS = 10
"""Frames with fewer are not solved."""

MODEL_NAME, MOTION_NAME, ERRORS_NAME = (
    "scaled.osim",
    "inverse_kinematics.mot",
    "inverse_kinematics_marker_errors.csv",
)


class OpenSimError(GonioError, RuntimeError):
    """OpenSim is missing, or one of its tools failed."""


@dataclass(frozen=True)
class OpenSimResult:
    """What OpenSim made.

    Attributes:
        model: scaled.osim.
        motion: inverse_kinematics.mot.
        errors: table of marker errors.
        coordinates: content of the motion: `time`, degrees and metres.
        marker_errors: `time_s`, `rms_m`, `max_m` per frame, over the markers that OpenSim tracks.
        mass_kg: of the scaled model.
        mass_is_default: true where the subject's mass was unknown.
    """

    model: Path
    motion: Path
    errors: Path
    coordinates: pd.DataFrame
    marker_errors: pd.DataFrame
    mass_kg: float
    mass_is_default: bool

    def quality(self) -> dict[str, float | bool]:
        """Marker errors for the quality record, centimetres."""
        rms, worst = self.marker_errors["rms_m"], self.marker_errors["max_m"]
        return {
            "marker_error_rms_cm": round(float(np.sqrt((rms**2).mean()) * 100), 3),
            "marker_error_worst_frame_rms_cm": round(float(rms.max() * 100), 3),
            "marker_error_max_cm": round(float(worst.max() * 100), 3),
            "mass_kg": self.mass_kg,
            "mass_is_default": self.mass_is_default,
        }


def scale_and_solve(
    markers: MarkerTrajectories, subject: Subject, folder: str | Path
) -> OpenSimResult:
    """Scale Pose2Sim's model to the subject and run OpenSim's inverse kinematics.

    The factors are those of `scaling.scale_factors`; marker weights are those of Pose2Sim's set-up
    for the augmented markers. Marker paths are taken as they are (filter them before if wished);
    a missing sample is left out of the fit of its frame, and a frame with fewer than
    `FEWEST_MARKERS` is NaN in the motion. So is a coordinate in the frames in which the markers
    that show it are missing: OpenSim leaves it there as it was last. `model_coordinates` tells
    which these are, so that both motions have the same gaps in what markers show.

    Args:
        markers: (T, M, 3) metres, lab.
        subject: its mass goes into the model; 70 kg where it is unknown.
        folder: receives `scaled.osim`, `inverse_kinematics.mot` and the table of marker errors.

    Raises:
        OpenSimError: the package `opensim` is missing or cannot be loaded, or a tool failed.
        InputError: no known marker, markers not in metres or too few to scale the model or to
            solve any frame.
        MissingFileError: Pose2Sim is not installed.
        OutputError: the folder cannot be written; what was in it is unchanged.
    """
    check_body_size(markers)
    paths = recognised_paths(markers)
    generic = generic_model()
    factors = scale_factors(paths, generic)
    mass = DEFAULT_MASS_KG if subject.mass_kg is None else subject.mass_kg
    names = tuple(name for name in paths if name in generic.markers)
    recorded = np.stack([paths[name] for name in names], axis=1)
    empty = np.isfinite(recorded).all(axis=2).sum(axis=1) < FEWEST_MARKERS
    bridged = MarkerTrajectories(
        names, _bridged(recorded, empty), markers.rate_hz, start_s=markers.start_s
    )
    with _quiet_opensim() as opensim, tempfile.TemporaryDirectory(prefix="gonio-") as scratch:
        made = Path(scratch)
        write_trc(made / "markers.trc", bridged)
        _scale(opensim, factors, mass, made / MODEL_NAME)
        _solve(opensim, made, bridged.time_s)
        errors, coordinates = _marker_errors(made), read_mot(made / MOTION_NAME)
        errors.loc[empty, ["rms_m", "max_m"]] = np.nan
        coordinates.loc[empty, coordinates.columns != "time"] = np.nan
        coordinates = coordinates.mask(_unseen(markers)[coordinates.columns])
        target = Path(folder)
        with replacing(target / MODEL_NAME) as path:
            shutil.copyfile(made / MODEL_NAME, path)
    write_mot(target / MOTION_NAME, coordinates)
    with replacing(target / ERRORS_NAME) as path:
        errors.to_csv(path, index=False, float_format="%.6f")
    return OpenSimResult(
        model=target / MODEL_NAME,
        motion=target / MOTION_NAME,
        errors=target / ERRORS_NAME,
        coordinates=coordinates,
        marker_errors=errors,
        mass_kg=mass,
        mass_is_default=subject.mass_kg is None,
    )


def _bridged(recorded: FloatArray, empty: BoolArray) -> FloatArray:
    """Markers with a straight line through frames that have too few: OpenSim stops at these.

    Raises:
        InputError: no frame has enough markers.
    """
    frames = np.arange(len(recorded))
    if empty.all():
        raise InputError(
            f"no frame has {FEWEST_MARKERS} markers; inverse kinematics needs them at once"
        )
    positions = recorded.copy()
    for index in range(recorded.shape[1]):
        known = np.isfinite(recorded[:, index]).all(axis=1) & ~empty
        if known.any():
            for axis in range(3):
                path = recorded[known, index, axis]
                positions[empty, index, axis] = np.interp(frames[empty], frames[known], path)
    return positions


def _unseen(markers: MarkerTrajectories) -> pd.DataFrame:
    """T rows: which coordinates of the model no marker shows in a frame, `time` never."""
    return model_coordinates(markers, cutoff_hz=None).isna()


@contextmanager
def _quiet_opensim() -> Iterator[ModuleType]:
    """The module `opensim` without its log file and console output; its errors made ours."""
    try:
        import opensim
    except (ImportError, OSError) as error:
        raise OpenSimError(
            f"the package opensim cannot be loaded ({error}): pip install opensim, "
            "or run without opensim"
        ) from error
    opensim.Logger.removeFileSink()
    try:
        with _console_muted():
            level = opensim.Logger.getLevelString()
            opensim.Logger.setLevelString("Off")
            try:
                yield opensim
            finally:
                opensim.Logger.setLevelString(level)
    except RuntimeError as error:
        if isinstance(error, GonioError):
            raise
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise OpenSimError(
            f"OpenSim failed: {reason}. Our own joint angles do not depend on it; check the "
            "markers in OpenSim's own program, or run without opensim"
        ) from error


@contextmanager
def _console_muted() -> Iterator[None]:
    """Send standard output to nowhere: the tools write there past their own log level."""
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def _scale(
    opensim: ModuleType, factors: Mapping[str, FloatArray], mass_kg: float, path: Path
) -> None:
    setup = setup_folder()
    opensim.ModelVisualizer.addDirToGeometrySearchPaths(str(setup / "Geometry"))
    model = opensim.Model(str(setup / MODEL_FILE))
    model.set_MarkerSet(opensim.MarkerSet(str(setup / MARKERS_FILE)))
    state = model.initSystem()
    scales = opensim.ScaleSet()
    for body, factor in factors.items():
        scale = opensim.Scale()
        scale.setSegmentName(body)
        scale.setScaleFactors(opensim.Vec3(*(float(value) for value in factor)))
        scale.setApply(True)
        scales.cloneAndAppend(scale)
    if not model.scale(state, scales, True, float(mass_kg)):
        raise OpenSimError("OpenSim could not scale the model to these markers")
    model.setName("scaled")
    model.printToXML(str(path))


def _solve(opensim: ModuleType, folder: Path, time_s: FloatArray) -> None:
    """Inverse kinematics with Pose2Sim's marker weights; files in `folder`."""
    tool = opensim.InverseKinematicsTool(str(setup_folder() / IK_FILE), False)
    model = opensim.Model(str(folder / MODEL_NAME))
    model.initSystem()
    tool.setModel(model)
    tool.setMarkerDataFileName(str(folder / "markers.trc"))
    tool.setStartTime(float(time_s[0]))
    tool.setEndTime(float(time_s[-1]))
    tool.setResultsDir(str(folder))
    tool.setOutputMotionFileName(str(folder / MOTION_NAME))
    tool.set_report_errors(True)
    tool.set_report_marker_locations(False)
    if not tool.run() or not (folder / MOTION_NAME).is_file():
        raise OpenSimError("OpenSim's inverse kinematics did not finish on these markers")


def _marker_errors(folder: Path) -> pd.DataFrame:
    """OpenSim's report of marker errors: `time_s`, `rms_m`, `max_m`."""
    report = next(iter(folder.glob("*_ik_marker_errors.sto")), None)
    if report is None:
        raise OpenSimError("OpenSim's inverse kinematics gave no report of its marker errors")
    # The report says inDegrees=no, but errors are metres: they must not be turned.
    table = read_mot(report, convert=False)
    names = {"time": "time_s", "marker_error_RMS": "rms_m", "marker_error_max": "max_m"}
    return table[list(names)].rename(columns=names)
