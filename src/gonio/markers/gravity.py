"""Where up is: one direction for a whole clip, from the refiner, the user, or a level camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gonio.frames import camera_angles_from_up, normalised, ray_from_camera, up_from_camera_angles
from gonio.landmarks.pose import mid_hip_rays
from gonio.options import CameraOptions
from gonio.types import FloatArray, LandmarkSequence, RefinedPose, known

PREDICTED = "predicted by the refiner"
LEVEL = "assumed"
GIVEN = "given by the user"


@dataclass(frozen=True)
class Gravity:
    """Gravity in the frame of a camera that stands still.

    Attributes:
        up: (3,) unit vector against gravity, camera frame.
        pitch_deg: how far the camera looks down, degrees.
        roll_deg: how far the camera is turned clockwise, degrees.
        source: in words, where the two come from.
        spread_deg: median angle between `up` and what single frames say, degrees; NaN where no
            frame says anything.
    """

    up: FloatArray
    pitch_deg: float
    roll_deg: float
    source: str
    spread_deg: float

    def record(self) -> dict[str, float | str]:
        """What the quality record tells of it."""
        return {
            "source": self.source,
            "camera_pitch_deg": self.pitch_deg,
            "camera_roll_deg": self.roll_deg,
            "spread_of_frames_deg": self.spread_deg,
        }


def gravity_of(pose: RefinedPose, landmarks: LandmarkSequence, camera: CameraOptions) -> Gravity:
    """Up in the camera frame: what the user gave, else the constant that most frames agree on.

    Args:
        pose: T frames with gravity in the ray frame, NaN where unknown.
        landmarks: the same T frames; they say where the ray points.
        camera: field of view, and the pitch and roll that the user gave: each wins by itself.

    Returns:
        One direction for the clip. A pose that nobody gave gravity to is taken as level.
    """
    turns = ray_from_camera(mid_hip_rays(landmarks, camera))
    each = np.einsum("tij,ti->tj", turns, pose.up)
    each = normalised(each[known(each)])
    found = steady_direction(each) if len(each) else up_from_camera_angles(0.0, 0.0)
    spread = np.degrees(np.arccos(np.clip(each @ found, -1, 1)))
    angles = camera_angles_from_up(found)
    source = _source(pose.refiner != "none" and len(each) > 0, angles)
    given = (camera.pitch_deg, camera.roll_deg)
    pitch, roll = (a if g is None else g for a, g in zip(angles, given, strict=True))
    return Gravity(
        up=found if given == (None, None) else up_from_camera_angles(pitch, roll),
        pitch_deg=pitch,
        roll_deg=roll,
        source=_with_given(source, given),
        spread_deg=float(np.median(spread)) if len(each) else float("nan"),
    )


def steady_direction(directions: FloatArray) -> FloatArray:
    """The direction that most of many agree on.

    The mean of the half that is nearest to the median direction (least trimmed squares in one
    step, Rousseeuw 1984): frames in which a network errs, up to half of them, do not move it.

    Args:
        directions: (N, 3) unit vectors, N at least 1, any frame.

    Returns:
        (3,) unit vector, same frame.
    """
    middle = normalised(np.median(directions, axis=0))
    nearness = directions @ middle
    nearest = directions[nearness >= np.median(nearness)]
    return normalised(nearest.mean(axis=0))


def _source(refined: bool, angles: tuple[float, float]) -> str:
    if np.allclose(angles, 0.0, atol=1e-6):  # no network predicts it so exactly
        return LEVEL
    return PREDICTED if refined else GIVEN


def _with_given(source: str, given: tuple[float | None, float | None]) -> str:
    """The source, with the names of the parameters that the user gave."""
    names = ("camera.pitch_deg", "camera.roll_deg")
    told = [name for name, value in zip(names, given, strict=True) if value is not None]
    if not told:
        return source
    if len(told) == len(names) or source == GIVEN:
        return f"{GIVEN} ({' and '.join(told)})"
    other = "roll" if told == [names[0]] else "pitch"
    rest = PREDICTED if source == PREDICTED else "taken as 0"
    return f"{GIVEN} ({told[0]}); {other} {rest}"
