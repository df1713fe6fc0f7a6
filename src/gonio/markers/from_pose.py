"""The 22 markers of a pose, in metres in the lab frame, scaled to the subject's stature."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gonio.frames import normalised, ray_from_camera
from gonio.landmarks.pose import mid_hip_rays, scale_between
from gonio.markers.gravity import Gravity, gravity_of
from gonio.markers.missing import mirror_missing
from gonio.markers.placement import body_path, head_up, lab_rotations
from gonio.markers.proportions import (
    CROWN_ABOVE_EARS,
    SMALL_TOE_FORWARD,
    SMALL_TOE_OUTWARD,
    head_on_trunk,
)
from gonio.markers.stature import Stature, estimate_stature
from gonio.options import CameraOptions
from gonio.skeleton import (
    COCO,
    COCO_FROM_MEDIAPIPE,
    MARKERS,
    MEDIAPIPE,
    MEDIAPIPE_LANDMARKS,
)
from gonio.types import (
    BoolArray,
    FloatArray,
    LandmarkSequence,
    MarkerTrajectories,
    RefinedPose,
    Subject,
    known,
)

FLOOR_PERCENTILE = 5.0
"""The floor is where the lowest foot marker is in the lowest 5 % of the frames."""

_PARTS = ("Shoulder", "Hip", "Knee", "Ankle", "Elbow", "Wrist")
_FEET = ("RHeel", "LHeel", "RBigToe", "LBigToe", "RSmallToe", "LSmallToe")


@dataclass(frozen=True)
class MarkerOptions:
    """How the 22 markers are made.

    Attributes:
        camera: field of view, and pitch and roll where the user knows them: they win over the
            pose's gravity.
        estimate_missing: mirror what is not seen from the other side, and build nose, head and
            toes from what is there.
        min_visibility: landmarks less visible than this in MediaPipe's eyes are not seen.
    """

    camera: CameraOptions = field(default_factory=CameraOptions)
    estimate_missing: bool = True
    min_visibility: float = 0.1


@dataclass(frozen=True)
class ScaledMarkers:
    """The 22 markers and how their scale was found.

    Attributes:
        markers: (T, 22, 3) metres, lab frame.
        stature: estimate from the pose, before scaling.
        scale: factor from the metres of the pose, the refiner's or MediaPipe's, to metres.
        gravity: where up was taken to be.
        record: for the quality record.
    """

    markers: MarkerTrajectories
    stature: Stature
    scale: float
    gravity: Gravity
    record: dict[str, Any]


def markers_from_pose(
    pose: RefinedPose,
    landmarks: LandmarkSequence,
    subject: Subject | None = None,
    options: MarkerOptions | None = None,
    *,
    estimated: BoolArray | None = None,
) -> MarkerTrajectories:
    """The 22 markers in the lab frame, scaled to stature.

    Args:
        pose: (T, 17, 3) joints, metres, ray frame, with gravity.
        landmarks: the repaired landmarks of the same frames.
        subject: stature for the scale; without it the pose keeps its own.
        options: what is estimated, and the camera (the same as the refiner was given).
        estimated: (T, 33) landmarks that repair filled (`RepairedLandmarks.flags`): their markers
            are flagged.

    Returns:
        (T, 22, 3) markers, metres: Y up, lowest foot at y = 0, X to the camera. `scaled_markers`
        also says how they were scaled.

    Raises:
        InputError: no frame shows both hips, or none the trunk or a leg.
    """
    return scaled_markers(pose, landmarks, subject, options, estimated=estimated).markers


def scaled_markers(
    pose: RefinedPose,
    landmarks: LandmarkSequence,
    subject: Subject | None = None,
    options: MarkerOptions | None = None,
    *,
    estimated: BoolArray | None = None,
) -> ScaledMarkers:
    """The 22 markers in the lab frame, scaled to stature.

    Heel and big toe are MediaPipe's, moved with the ankle of the pose. The small toe, the crown of
    the head and, with `estimate_missing`, limbs that are not seen are estimated and flagged.

    Args:
        pose: (T, 17, 3) joints, metres, ray frame, with gravity.
        landmarks: the repaired landmarks of the same frames.
        subject: stature for the scale; without it the pose keeps its own, the refiner's or
            MediaPipe's.
        options: what is estimated, and the camera.
        estimated: (T, 33) landmarks that repair filled: their markers are flagged too.

    Returns:
        (T, 22, 3) markers, metres, lab frame: Y up, lowest foot at y = 0, X to the camera.

    Raises:
        InputError: no frame shows both hips, or none the trunk or a leg.
    """
    options, subject = options or MarkerOptions(), subject or Subject()
    world = _merged(pose, landmarks)
    filled = np.zeros(world.shape[:2], dtype=bool) if estimated is None else estimated
    world[landmarks.visibility < options.min_visibility] = np.nan
    mirrored = np.zeros(world.shape[:2], dtype=bool)
    if options.estimate_missing:
        world, mirrored = mirror_missing(world)
    gravity = gravity_of(pose, landmarks, options.camera)
    joints = world[:, list(COCO_FROM_MEDIAPIPE)]
    up = ray_from_camera(mid_hip_rays(landmarks, options.camera)) @ gravity.up
    stature = estimate_stature(replace(pose, positions=joints, up=up))
    scale = 1.0 if subject.height_m is None else subject.height_m / stature.height_m
    body, flags = build_markers(
        world * scale,
        mirrored | filled,
        subject.height_m or stature.height_m,
        options.estimate_missing,
    )
    turns, to_lab = lab_rotations(gravity.up, landmarks, options.camera)
    path = body_path(joints * scale, landmarks, options.camera) @ to_lab.T
    positions = np.einsum("tij,tkj->tki", turns, body) + start_at_origin(path)[:, None]
    markers = MarkerTrajectories(
        names=MARKERS,
        positions=_on_the_floor(positions),
        rate_hz=landmarks.rate_hz if len(landmarks) > 1 else 1.0,
        estimated=flags & known(positions),
        start_s=float(landmarks.time_s[0]),
    )
    record = _record(markers, stature, scale, mirrored)
    record["scale"] = _scale_source(subject, pose)
    return ScaledMarkers(markers, stature, scale, gravity, record | {"gravity": gravity.record()})


def _scale_source(subject: Subject, pose: RefinedPose) -> str:
    if subject.height_m is not None:
        return "subject.height"
    return "MediaPipe" if pose.refiner == "none" else "refiner"


def _record(
    markers: MarkerTrajectories,
    stature: Stature,
    scale: float,
    mirrored: BoolArray,
) -> dict[str, Any]:
    return {
        "scale_factor": scale,
        "stature_estimate_m": stature.height_m,
        "stature_from": stature.parts,
        "stature_frames": stature.frames,
        "stature_from_upright_frames": stature.upright,
        "mirrored_samples": int(mirrored.sum()),
        "estimated_marker_samples": int(markers.estimated.sum()),
        "missing_marker_samples": int((~known(markers.positions)).sum()),
    }


def _merged(pose: RefinedPose, landmarks: LandmarkSequence) -> FloatArray:
    """MediaPipe's 33 landmarks, as large as the pose, with its joints in place.

    Hands and feet are moved along with wrists and ankles; heels and toes that the pose knows are
    its own.
    """
    world = landmarks.world * scale_between(pose, landmarks)
    before = world.copy()
    for end in ("ankle", "wrist"):
        attached = ("heel", "foot_index") if end == "ankle" else ("pinky", "index", "thumb")
        for side in ("left", "right"):
            joint = MEDIAPIPE[f"{side}_{end}"]
            shift = pose.positions[:, COCO[f"{side}_{end}"]] - before[:, joint]
            for part in attached:
                world[:, MEDIAPIPE[f"{side}_{part}"]] += shift
    world[:, list(COCO_FROM_MEDIAPIPE)] = pose.positions
    for foot, side in enumerate(("right", "left")):
        ankle = pose.positions[:, COCO[f"{side}_ankle"]]
        for point, part in enumerate(("heel", "foot_index")):
            place = ankle + pose.feet[:, foot, point]
            here = MEDIAPIPE[f"{side}_{part}"]
            world[:, here] = np.where(known(place)[:, None], place, world[:, here])
    return world


def build_markers(
    body: FloatArray, estimated: BoolArray, height_m: float, estimate_missing: bool
) -> tuple[FloatArray, BoolArray]:
    """All 22 markers from landmarks.

    Args:
        body: (T, 33, 3) landmarks, metres, any axes; NaN where unknown.
        estimated: (T, 33) landmarks that were not seen.
        height_m: stature, metres.
        estimate_missing: build nose and crown from the trunk where the face is not known.

    Returns:
        (T, 22, 3) metres, same origin and axes, and a mask (T, 22) of those that are estimated.
    """
    at = {name: body[:, i] for i, name in enumerate(MEDIAPIPE_LANDMARKS)}
    guess = {name: estimated[:, i] for i, name in enumerate(MEDIAPIPE_LANDMARKS)}
    made: dict[str, FloatArray] = {}
    flag: dict[str, BoolArray] = {}
    for letter, side in (("R", "right"), ("L", "left")):
        for part in _PARTS:
            made[letter + part] = at[f"{side}_{part.lower()}"]
            flag[letter + part] = guess[f"{side}_{part.lower()}"]
        made[letter + "Heel"], flag[letter + "Heel"] = at[f"{side}_heel"], guess[f"{side}_heel"]
        toe = f"{side}_foot_index"
        made[letter + "BigToe"], flag[letter + "BigToe"] = at[toe], guess[toe]
        made[letter + "SmallToe"] = _small_toe(made, letter, height_m)
        flag[letter + "SmallToe"] = np.ones(len(body), dtype=bool)
    for middle, part in (("Neck", "Shoulder"), ("Hip", "Hip")):
        made[middle] = (made["R" + part] + made["L" + part]) / 2
        flag[middle] = flag["R" + part] | flag["L" + part]
    made["Nose"], flag["Nose"] = at["nose"], guess["nose"]
    made["Head"], flag["Head"] = _crown(at, height_m), np.ones(len(body), dtype=bool)
    if estimate_missing:
        _head_from_trunk(made, flag, height_m)
    positions = np.stack([made[name] for name in MARKERS], axis=1)
    flags = np.stack([flag[name] for name in MARKERS], axis=1)
    return positions, flags & known(positions)


def _small_toe(made: dict[str, FloatArray], letter: str, height_m: float) -> FloatArray:
    """The fifth toe: along the line from heel to big toe, outward in the plane of the sole."""
    heel, toe, ankle = (made[letter + part] for part in ("Heel", "BigToe", "Ankle"))
    forward = toe - heel
    right = normalised(np.cross(forward, ankle - heel))
    outward = right if letter == "R" else -right
    return heel + SMALL_TOE_FORWARD * forward + SMALL_TOE_OUTWARD * height_m * outward


def _crown(at: dict[str, FloatArray], height_m: float) -> FloatArray:
    up = head_up(at["nose"], at["left_ear"], at["right_ear"])
    return (at["left_ear"] + at["right_ear"]) / 2 + CROWN_ABOVE_EARS * height_m * up


def _head_from_trunk(
    made: dict[str, FloatArray], flag: dict[str, BoolArray], height_m: float
) -> None:
    """Nose and crown where the face is not seen."""
    across = made["RShoulder"] - made["LShoulder"]
    crown, nose = head_on_trunk(made["Neck"], made["Hip"], across, height_m)
    for name, stand_in in (("Head", crown), ("Nose", nose)):
        gap = ~known(made[name])
        made[name] = np.where(gap[:, None], stand_in, made[name])
        flag[name] = flag[name] | gap


def start_at_origin(path: FloatArray) -> FloatArray:
    """The path with its first known point over the origin; a step unknown is no step."""
    there = np.flatnonzero(known(path))
    if len(there) == 0:
        return np.zeros_like(path)
    index = np.arange(len(path))
    whole = np.stack([np.interp(index, there, path[there, i]) for i in range(3)], axis=1)
    return np.asarray(whole - whole[0])


def _on_the_floor(positions: FloatArray) -> FloatArray:
    """The body raised or lowered by one constant so that its feet stand at y = 0."""
    return np.asarray(positions - [0.0, floor_height(positions), 0.0])


def floor_height(positions: FloatArray) -> float:
    """Height y of the floor under (T, 22, 3) markers, metres, lab axes; 0 where none is known."""
    feet = positions[:, [MARKERS.index(name) for name in _FEET], 1]
    heights = feet if np.isfinite(feet).any() else positions[..., 1]
    lowest = np.min(np.where(np.isnan(heights), np.inf, heights), axis=1)
    lowest = lowest[np.isfinite(lowest)]
    return float(np.percentile(lowest, FLOOR_PERCENTILE)) if len(lowest) else 0.0
