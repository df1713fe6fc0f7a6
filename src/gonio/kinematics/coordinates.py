"""Coordinates of Pose2Sim's OpenSim model from marker paths, for a MOT file.

The model is scaled to the subject and fitted to the markers from the pelvis outward, all frames at
once: each body is turned about the joint that carries it (its place follows from the bodies before
it) so that its markers come nearest to the recorded ones in the least-squares sense. Hip and knee,
and the joints of the arm, are fitted together by Gauss-Newton steps, because knee, elbow and
forearm have one axis each in the model. The foot is turned like its markers, whatever the distance
left between them: the model's ankle lies lower than its malleolus markers say, and knee and ankle
would have to bend to make up for it. So the model, driven by these coordinates, carries its markers
to where ours are, as near as its joints and proportions allow. They are other numbers than the ISB
angles: other axes, other zero poses, other sequences.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

import numpy as np
import pandas as pd

from gonio.kinematics.angles import PATIENCE_S, filtered
from gonio.kinematics.fitting import gauss_newton, turned_onto
from gonio.kinematics.landmarks import (
    check_body_size,
    has_samples,
    path_or_nan,
    recognised_paths,
)
from gonio.kinematics.osim import ModelJoint, OsimModel, generic_model
from gonio.kinematics.scaling import scale_factors
from gonio.kinematics.unwrapping import continuous_deg, euler_deg
from gonio.skeleton import COLUMN_AXES, JOINTS, EulerSequence
from gonio.types import FloatArray, MarkerTrajectories

ROOT_TRANSLATIONS = ("pelvis_tx", "pelvis_ty", "pelvis_tz")
TYPICAL_SHOULDER = next(joint.typical for joint in JOINTS if joint.title == "shoulder")
"""Degrees, flexion, adduction, rotation: the model's arm has our sequence and signs."""


def model_coordinates(
    markers: MarkerTrajectories, *, cutoff_hz: float | None = 6.0
) -> pd.DataFrame:
    """Coordinates of Pose2Sim's simple model that put its markers where ours are.

    Args:
        markers: (T, M, 3) metres, lab; names as in `landmarks.recognised_name`.
        cutoff_hz: low-pass of the marker paths as in `joint_angles`; None filters nothing.

    Returns:
        `time` in seconds and the model's coordinates in its order: degrees, `pelvis_tx..tz` in
        metres. NaN where the markers of a body, or of one that carries it, are missing.
        Coordinates that no marker shows (toes, neck, wrists) are 0. Coordinates that the model
        clamps stay in its ranges.

    Raises:
        InputError: no known marker, markers that are not in metres or too few to scale the model.
        MissingFileError: Pose2Sim is not installed.
    """
    check_body_size(markers)
    paths = recognised_paths(filtered(markers, cutoff_hz))
    generic = generic_model()
    model = generic.scaled(scale_factors(paths, generic))
    fit = _Fit(model, paths, len(markers), max(1, round(PATIENCE_S * markers.rate_hz)))
    fit.pelvis()
    fit.trunk()
    for side, prefix in (("r", "r"), ("l", "L")):
        fit.leg(side, prefix)
        fit.arm(side, prefix)
    return fit.table(markers.time_s)


class _Fit:
    """One body after the other; `values` (radians, metres) and `poses` grow from the pelvis."""

    def __init__(
        self, model: OsimModel, paths: Mapping[str, FloatArray], count: int, patience: int
    ) -> None:
        self.model, self.paths = model, paths
        self.count, self.patience = count, patience
        self.values: dict[str, FloatArray] = {}
        self.rotation: dict[str, FloatArray] = {}  # (T, 3, 3) lab from body
        self.origin: dict[str, FloatArray] = {}  # (T, 3) metres, lab

    def pelvis(self) -> None:
        names = ["r.ASIS", "L.ASIS", "r.PSIS", "L.PSIS"]
        names += [hip for hip in ("RHJC", "LHJC") if has_samples(self.paths, f"{hip}_study")]
        points, targets = self._markers("pelvis", names)
        middle, centre = points.mean(axis=0), targets.mean(axis=1)
        rotation = turned_onto(points - middle, targets - centre[:, None])
        origin = centre - rotation @ middle
        self._solve_ball(self.model.joint_of("pelvis"), rotation, heading=True)
        self.values.update(zip(ROOT_TRANSLATIONS, origin.T, strict=True))
        self.rotation["pelvis"], self.origin["pelvis"] = rotation, origin

    def trunk(self) -> None:
        names = ("C7", "r_shoulder", "L_shoulder")
        self._fit_ball("torso", *self._markers("torso", names))

    def leg(self, side: str, prefix: str) -> None:
        thigh, shank, foot = (f"{body}_{side}" for body in ("femur", "tibia", "calcn"))
        on_thigh = (f"{prefix}_knee", f"{prefix}_mknee")
        on_shank = (f"{prefix}_ankle", f"{prefix}_mankle")
        on_foot = tuple(f"{prefix}_{name}" for name in ("calc", "toe", "5meta"))
        self._fit_ball(thigh, *self._markers(thigh, on_thigh))
        self._fit_chain((shank,), {shank: on_shank}, {f"knee_angle_{side}": 0.3})
        talus = f"talus_{side}"
        self._fit_chain((thigh, shank), {thigh: on_thigh, shank: on_shank})
        self._fit_chain((talus, foot), {foot: on_foot}, direction_only=True)

    def arm(self, side: str, prefix: str) -> None:
        upper, ulna, radius = (f"{body}_{side}" for body in ("humerus", "ulna", "radius"))
        on_upper = (f"{prefix}_lelbow", f"{prefix}_melbow")
        on_radius = (f"{prefix}_lwrist", f"{prefix}_mwrist")
        self._fit_ball(upper, *self._markers(upper, on_upper))
        start = {f"elbow_flex_{side}": 0.8, f"pro_sup_{side}": 0.8}
        self._fit_chain((ulna, radius), {radius: on_radius}, start)
        self._fit_chain((upper, ulna, radius), {upper: on_upper, radius: on_radius})

    def table(self, time_s: FloatArray) -> pd.DataFrame:
        """All coordinates in the model's order; what was not fitted is 0."""
        columns: dict[str, FloatArray] = {"time": time_s}
        for coordinate in self.model.coordinates:
            value = self.values.get(coordinate.name, np.zeros(self.count))
            if coordinate.clamped:
                value = np.clip(value, coordinate.low, coordinate.high)
            is_length = coordinate.name in ROOT_TRANSLATIONS
            columns[coordinate.name] = value if is_length else np.degrees(value)
        return pd.DataFrame(columns)

    def _markers(self, body: str, names: Sequence[str]) -> tuple[FloatArray, FloatArray]:
        """Model points (M, 3) and recorded paths (T, M, 3), NaN where there is no such marker."""
        full = [f"{name}_study" for name in names]
        points = np.stack([self.model.marker_in(body, name) for name in full])
        return points, np.stack([path_or_nan(self.paths, name) for name in full], axis=1)

    def _pivot(self, joint: ModelJoint) -> FloatArray:
        """Place of a joint in the lab, (T, 3) metres."""
        parent = self.rotation[joint.parent]
        return np.asarray(self.origin[joint.parent] + parent @ joint.parent_offset)

    def _place(self, joint: ModelJoint) -> None:
        """Pose of a body from its parent's and the joint's values."""
        values = {c.name: self.values[c.name] for c in joint.coordinates}
        turn, shift = joint.child_in_parent(values)
        parent = self.rotation[joint.parent]
        self.rotation[joint.child] = parent @ turn
        self.origin[joint.child] = self.origin[joint.parent] + np.einsum(
            "tij,tj->ti", parent, shift
        )

    def _fit_ball(self, body: str, points: FloatArray, targets: FloatArray) -> None:
        """Turn a body about the joint that carries it onto its markers."""
        joint = self.model.joint_of(body)
        rotation = turned_onto(points, targets - self._pivot(joint)[:, None])
        in_parent = np.swapaxes(self.rotation[joint.parent], 1, 2) @ rotation
        self._solve_ball(joint, in_parent)
        self._place(joint)

    def _solve_ball(self, joint: ModelJoint, rotation: FloatArray, heading: bool = False) -> None:
        """Values of a joint with three rotations from the child's rotation in the parent."""
        steps = joint.rotations
        letters = "".join("XYZ"[int(np.argmax(np.abs(step.axis)))] for step in steps)
        signs = [_slope(step.function) * step.axis.sum() for step in steps]
        known = np.isfinite(rotation).all(axis=(1, 2))
        angles = np.full((self.count, 3), np.nan)
        euler = euler_deg(rotation[known], cast(EulerSequence, letters))
        free, patience = ((2,), None) if heading else ((), self.patience)
        columns = TYPICAL_SHOULDER if joint.child.startswith("humerus") else (0.0, 0.0, 0.0)
        typical = [columns[COLUMN_AXES.index(i)] * s for i, s in zip(letters, signs, strict=True)]
        euler = continuous_deg(euler, free=free, patience=patience, typical=typical)
        angles[known] = np.radians(euler)
        for step, sign, angle in zip(steps, signs, angles.T, strict=True):
            self.values[str(step.coordinate)] = angle * sign

    def _fit_chain(
        self,
        bodies: Sequence[str],
        names: Mapping[str, Sequence[str]],
        start: Mapping[str, float] | None = None,
        *,
        direction_only: bool = False,
    ) -> None:
        """Values of successive joints that bring the markers of their bodies to their places.

        Args:
            bodies: carried by the joints that move, from the trunk outward.
            names: body -> markers on it.
            start: first values, radians; 0 or what was found before where not given.
            direction_only: fit how the markers lie to each other, not where they are.
        """
        joints = [self.model.joint_of(body) for body in bodies]
        moving = [c for joint in joints for c in joint.coordinates]
        marked = {body: self._markers(body, on_body) for body, on_body in names.items()}
        targets = np.concatenate([paths for _, paths in marked.values()], axis=1)
        seen = np.isfinite(targets)

        def residual(values: FloatArray) -> FloatArray:
            by_name = {c.name: value for c, value in zip(moving, values.T, strict=True)}
            carried = self._carried(
                joints, by_name, {b: points for b, (points, _) in marked.items()}
            )
            apart = np.where(seen, carried - targets, 0.0)
            if direction_only:
                apart = apart - apart.mean(axis=1, keepdims=True)
            return np.asarray(apart.reshape(self.count, -1))

        first = np.zeros(self.count)
        begin = [self.values.get(c.name, first + (start or {}).get(c.name, 0.0)) for c in moving]
        low = np.array([c.low if c.clamped else -np.inf for c in moving])
        high = np.array([c.high if c.clamped else np.inf for c in moving])
        values = gauss_newton(residual, np.stack(begin, axis=1), low, high)
        self.values.update((c.name, value) for c, value in zip(moving, values.T, strict=True))
        self._forget_unseen(joints, {body: paths for body, (_, paths) in marked.items()})
        for joint in joints:
            self._place(joint)

    def _carried(
        self,
        joints: Sequence[ModelJoint],
        values: Mapping[str, FloatArray],
        points: Mapping[str, FloatArray],
    ) -> FloatArray:
        """Markers of the bodies that successive joints carry, (T, M, 3) metres, lab."""
        root = joints[0].parent
        rotation, origin, carried = self.rotation[root], self.origin[root], []
        for joint in joints:
            own = {c.name: values[c.name] for c in joint.coordinates}
            turn, shift = joint.child_in_parent(own)
            origin = origin + np.einsum("tij,tj->ti", rotation, shift)
            rotation = rotation @ turn
            if joint.child in points:
                on_body = points[joint.child] @ np.swapaxes(rotation, 1, 2)
                carried.append(on_body + origin[:, None])
        return np.concatenate(carried, axis=1)

    def _forget_unseen(self, joints: Sequence[ModelJoint], paths: Mapping[str, FloatArray]) -> None:
        """NaN for the joints that lead to a body in the frames where a marker of it is missing."""
        unseen, leading = np.zeros(self.count, dtype=bool), []
        for joint in joints:
            leading.append(joint)
            if joint.child not in paths:
                continue
            unseen = unseen | ~np.isfinite(paths[joint.child]).all(axis=(1, 2))
            for coordinate in (c for lead in leading for c in lead.coordinates):
                self.values[coordinate.name][unseen] = np.nan
            leading = []


def _slope(function: Callable[[FloatArray], FloatArray]) -> float:
    low, high = function(np.array([0.0, 1.0]))
    return float(high - low)
