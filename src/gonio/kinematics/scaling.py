"""How big each body of the OpenSim model is in this subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from xml.etree import ElementTree

import numpy as np
from scipy.stats import trim_mean

from gonio.errors import InputError, MissingFileError
from gonio.kinematics.osim import SCALING_FILE, OsimModel, setup_folder
from gonio.types import FloatArray

MarkerPair = tuple[str, str]

TRIMMED_SHARE = 0.25
"""Share of the shortest and of the longest distances that a mean leaves out, as Pose2Sim does."""

SUBSTITUTES: dict[str, tuple[MarkerPair, ...]] = {
    "torsoXY": (("r_shoulder_study", "r.PSIS_study"), ("L_shoulder_study", "L.PSIS_study")),
    "torsoZ": (("r_shoulder_study", "L_shoulder_study"),),
    "humerus": (("r_shoulder_study", "r_melbow_study"), ("L_shoulder_study", "L_melbow_study")),
    "femur_r": (("r.ASIS_study", "r_knee_study"),),
    "femur_l": (("L.ASIS_study", "L_knee_study"),),
    "pelvisZ": (("r.ASIS_study", "L.ASIS_study"),),
}
"""Pairs for recordings without the video markers or the hip joint centres that a measurement of
Pose2Sim's set-up uses."""


@dataclass(frozen=True)
class Measurement:
    """A size of the body that scales some axes of some bodies.

    Attributes:
        name: as in Pose2Sim's set-up file.
        pairs: markers whose distances are compared with the model's.
        axes: body -> axes (0 X, 1 Y, 2 Z) that it scales.
    """

    name: str
    pairs: tuple[MarkerPair, ...]
    axes: Mapping[str, tuple[int, ...]]


@cache
def measurements() -> tuple[Measurement, ...]:
    """The measurements of Pose2Sim's scaling set-up for the augmented markers.

    Raises:
        MissingFileError: Pose2Sim is not installed, or without the file.
    """
    file = setup_folder() / SCALING_FILE
    if not file.is_file():
        raise MissingFileError(f"there is no {file.name} in the installed Pose2Sim package")
    found = []
    for element in ElementTree.parse(file).getroot().iter("Measurement"):
        pairs = [(pair.findtext("markers") or "").split() for pair in element.iter("MarkerPair")]
        axes = {
            scale.get("name", ""): tuple(
                "XYZ".index(axis) for axis in (scale.findtext("axes") or "").split()
            )
            for scale in element.iter("BodyScale")
        }
        name = element.get("name", "")
        found.append(Measurement(name, tuple((first, second) for first, second in pairs), axes))
    return tuple(found)


def scale_factors(paths: Mapping[str, FloatArray], model: OsimModel) -> dict[str, FloatArray]:
    """Factors that scale the generic model's bodies to the subject.

    For each measurement the mean over its pairs of (trimmed mean distance in the clip / distance
    in the model's neutral pose). A body without any measured pair gets the median factor.

    Args:
        paths: (T, 3) metres for each recognised marker.
        model: unscaled.

    Returns:
        (3,) for each body of the model, along its axes.

    Raises:
        InputError: too few markers to scale anything, or a factor that no human body has.
    """
    neutral = model.neutral_markers()
    ratios = {m.name: _ratio(m, paths, neutral) for m in measurements()}
    known = [ratio for ratio in ratios.values() if np.isfinite(ratio)]
    if len(known) < 3:
        raise InputError(
            f"only {len(known)} of {len(ratios)} body sizes can be measured from these markers; "
            "scaling the model needs markers on the pelvis, legs and shoulders"
        )
    typical = float(np.median(known))
    factors = {joint.child: np.full(3, typical) for joint in model.joints}
    for measurement in measurements():
        ratio = ratios[measurement.name]
        for body, axes in measurement.axes.items():
            if body in factors and np.isfinite(ratio):
                factors[body][list(axes)] = ratio
    _check(factors)
    return factors


def _ratio(
    measurement: Measurement, paths: Mapping[str, FloatArray], neutral: Mapping[str, FloatArray]
) -> float:
    for pairs in (measurement.pairs, SUBSTITUTES.get(measurement.name, ())):
        ratios = [
            _typical_distance(paths[a], paths[b]) / float(np.linalg.norm(neutral[a] - neutral[b]))
            for a, b in pairs
            if a in paths and b in paths and a in neutral and b in neutral
        ]
        finite = [ratio for ratio in ratios if np.isfinite(ratio)]
        if finite:
            return float(np.mean(finite))
    return float("nan")


def _typical_distance(first: FloatArray, second: FloatArray) -> float:
    distance = np.linalg.norm(first - second, axis=1)
    known = distance[np.isfinite(distance)]
    return float(trim_mean(known, TRIMMED_SHARE)) if len(known) else float("nan")


def _check(factors: Mapping[str, FloatArray]) -> None:
    for body, factor in factors.items():
        if not ((factor > 0.2) & (factor < 3)).all():
            raise InputError(
                f"the markers make {body} {factor.max():.2f} times as large as an adult's; "
                "allowed are 0.2 to 3. Are marker names exchanged?"
            )
