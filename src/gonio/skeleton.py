"""Every name, index, pair and joint table of the project; nothing else defines one.

The first axis of every array in Gonio is time; the second runs over one of the lists below.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Side = Literal["R", "L"]
EulerSequence = Literal["ZXY", "YXZ", "YXY"]
"""Intrinsic rotation sequences that Gonio uses."""

MEDIAPIPE_LANDMARKS: tuple[str, ...] = (
    "nose",
    "left_eye_inner",
    "left_eye",
    "left_eye_outer",
    "right_eye_inner",
    "right_eye",
    "right_eye_outer",
    "left_ear",
    "right_ear",
    "mouth_left",
    "mouth_right",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_pinky",
    "right_pinky",
    "left_index",
    "right_index",
    "left_thumb",
    "right_thumb",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
    "left_heel",
    "right_heel",
    "left_foot_index",
    "right_foot_index",
)
"""The 33 landmarks of MediaPipe Pose, in its order."""

COCO_JOINTS: tuple[str, ...] = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)
"""The 17 joints of COCO, in its order."""

MEDIAPIPE: dict[str, int] = {name: i for i, name in enumerate(MEDIAPIPE_LANDMARKS)}
COCO: dict[str, int] = {name: i for i, name in enumerate(COCO_JOINTS)}

COCO_FROM_MEDIAPIPE: tuple[int, ...] = tuple(MEDIAPIPE[name] for name in COCO_JOINTS)
"""Index into MediaPipe's 33 landmarks for each COCO joint."""


def _mirror(names: tuple[str, ...]) -> tuple[int, ...]:
    def other(name: str) -> str:
        if "left" in name:
            return name.replace("left", "right")
        return name.replace("right", "left")

    return tuple(names.index(other(name)) for name in names)


MEDIAPIPE_MIRROR: tuple[int, ...] = _mirror(MEDIAPIPE_LANDMARKS)
"""Index of the landmark on the other side (itself where there is none)."""
COCO_MIRROR: tuple[int, ...] = _mirror(COCO_JOINTS)
"""Index of the joint on the other side (itself where there is none)."""

LEG_LANDMARKS: tuple[str, ...] = ("hip", "knee", "ankle", "heel", "foot_index")
ARM_LANDMARKS: tuple[str, ...] = ("shoulder", "elbow", "wrist", "pinky", "index", "thumb")


def _coco_joint(landmark: str) -> int:
    side, _, part = landmark.partition("_")
    if landmark in COCO:
        return COCO[landmark]
    if side == "mouth":
        return COCO["nose"]
    if part.startswith("eye"):
        return COCO[f"{side}_eye"]
    return COCO[f"{side}_ankle" if part in LEG_LANDMARKS else f"{side}_wrist"]


COCO_OF_MEDIAPIPE: tuple[int, ...] = tuple(_coco_joint(name) for name in MEDIAPIPE_LANDMARKS)
"""Index of the COCO joint that each of MediaPipe's landmarks is or belongs to."""

COCO_LIMBS: tuple[tuple[str, str], ...] = (
    ("left_hip", "right_hip"),
    ("left_shoulder", "right_shoulder"),
    ("left_hip", "left_shoulder"),
    ("right_hip", "right_shoulder"),
    ("left_hip", "left_knee"),
    ("right_hip", "right_knee"),
    ("left_knee", "left_ankle"),
    ("right_knee", "right_ankle"),
    ("left_shoulder", "left_elbow"),
    ("right_shoulder", "right_elbow"),
    ("left_elbow", "left_wrist"),
    ("right_elbow", "right_wrist"),
    ("left_shoulder", "left_ear"),
    ("right_shoulder", "right_ear"),
)
"""The 14 limbs, (proximal, distal), whose orientation the depth refiner may predict."""

BONES: tuple[tuple[str, str], ...] = COCO_LIMBS[:12]
"""The limbs whose length is constant in a person: the bone-length variation is taken over them."""

MEDIAPIPE_EDGES: tuple[tuple[str, str], ...] = (
    *BONES,
    ("left_ankle", "left_heel"),
    ("left_heel", "left_foot_index"),
    ("left_ankle", "left_foot_index"),
    ("right_ankle", "right_heel"),
    ("right_heel", "right_foot_index"),
    ("right_ankle", "right_foot_index"),
    ("nose", "left_ear"),
    ("nose", "right_ear"),
)
"""The lines that draw a body on an image."""

MARKERS: tuple[str, ...] = (
    "Neck",
    "RShoulder",
    "LShoulder",
    "RHip",
    "LHip",
    "RKnee",
    "LKnee",
    "RAnkle",
    "LAnkle",
    "RHeel",
    "LHeel",
    "RSmallToe",
    "LSmallToe",
    "RBigToe",
    "LBigToe",
    "RElbow",
    "LElbow",
    "RWrist",
    "LWrist",
    "Hip",
    "Nose",
    "Head",
)
"""The 22 markers made from a pose."""

MARKER_EDGES: tuple[tuple[str, str], ...] = (
    ("Hip", "Neck"),
    ("Neck", "Head"),
    ("Head", "Nose"),
    *(
        (parent.format(side), child.format(side))
        for side in ("R", "L")
        for parent, child in (
            ("Neck", "{}Shoulder"),
            ("{}Shoulder", "{}Elbow"),
            ("{}Elbow", "{}Wrist"),
            ("Hip", "{}Hip"),
            ("{}Shoulder", "{}Hip"),
            ("{}Hip", "{}Knee"),
            ("{}Knee", "{}Ankle"),
            ("{}Ankle", "{}Heel"),
            ("{}Ankle", "{}BigToe"),
            ("{}Heel", "{}BigToe"),
            ("{}Heel", "{}SmallToe"),
            ("{}BigToe", "{}SmallToe"),
        )
    ),
)
"""The lines that draw a body from the 22 markers."""

AUGMENTER_LOWER_INPUT: tuple[str, ...] = MARKERS[:15]
"""Input of the lower-body LSTM, relative to Hip, in its order."""
AUGMENTER_UPPER_INPUT: tuple[str, ...] = (
    "Neck",
    "RShoulder",
    "LShoulder",
    "RElbow",
    "LElbow",
    "RWrist",
    "LWrist",
)
"""Input of the upper-body LSTM, relative to Hip, in its order."""

AUGMENTED_LOWER: tuple[str, ...] = (
    "r.ASIS_study",
    "L.ASIS_study",
    "r.PSIS_study",
    "L.PSIS_study",
    "r_knee_study",
    "r_mknee_study",
    "r_ankle_study",
    "r_mankle_study",
    "r_toe_study",
    "r_5meta_study",
    "r_calc_study",
    "L_knee_study",
    "L_mknee_study",
    "L_ankle_study",
    "L_mankle_study",
    "L_toe_study",
    "L_calc_study",
    "L_5meta_study",
    "r_shoulder_study",
    "L_shoulder_study",
    "C7_study",
    "r_thigh1_study",
    "r_thigh2_study",
    "r_thigh3_study",
    "L_thigh1_study",
    "L_thigh2_study",
    "L_thigh3_study",
    "r_sh1_study",
    "r_sh2_study",
    "r_sh3_study",
    "L_sh1_study",
    "L_sh2_study",
    "L_sh3_study",
    "RHJC_study",
    "LHJC_study",
)
"""The 35 markers that Pose2Sim's lower-body LSTM (v0.3) gives, with its names, in its order."""
AUGMENTED_UPPER: tuple[str, ...] = (
    "r_lelbow_study",
    "r_melbow_study",
    "r_lwrist_study",
    "r_mwrist_study",
    "L_lelbow_study",
    "L_melbow_study",
    "L_lwrist_study",
    "L_mwrist_study",
)
"""The 8 markers that Pose2Sim's upper-body LSTM (v0.3) gives, with its names, in its order."""
AUGMENTED_MARKERS: tuple[str, ...] = AUGMENTED_LOWER + AUGMENTED_UPPER
"""All 43 augmented markers."""
ALL_MARKERS: tuple[str, ...] = MARKERS + AUGMENTED_MARKERS
"""All 65 markers."""


def marker_on_other_side(name: str) -> str:
    """Name of the marker on the other side of the body; the same name on the mid-line.

    >>> marker_on_other_side("RHJC_study"), marker_on_other_side("r.ASIS_study")
    ('LHJC_study', 'L.ASIS_study')
    """
    swaps = {"R": "L", "L": "R", "r_": "L_", "L_": "r_", "r.": "L.", "L.": "r."}
    for prefix in sorted(swaps, key=len, reverse=True):
        other = swaps[prefix] + name[len(prefix) :]
        if name.startswith(prefix) and other in ALL_MARKERS:
            return other
    return name


COLUMN_AXES = "ZXY"
"""Axis of the first, second and third column of every joint: the first angle turns about Z (to
the right), the second about X (forward), the third about Y (up), whatever the sequence."""


@dataclass(frozen=True)
class Joint:
    """One of the 12 joints and its three angles.

    Attributes:
        name: as in the columns, with the side where it has one.
        angles: names of the three angles, in column order; they turn about the axes
            `COLUMN_AXES` of the segment frames (X forward, Y up, Z to the right, both sides).
        sequence: order in which the rotations are applied, intrinsic (each about the axis that
            the ones before have turned), from the parent segment's frame to the child's.
        signs: of the three columns: column = sign x right-handed rotation about its axis.
        parent: segment whose frame the angles start from; `lab` for the pelvis.
        child: segment whose frame they lead to.
        side: R, L or None.
        typical: degrees, in column order: of the equal triples of one orientation, the one nearest
            to these is the likely one.
    """

    name: str
    angles: tuple[str, str, str]
    sequence: EulerSequence
    signs: tuple[int, int, int]
    parent: str
    child: str
    side: Side | None = None
    typical: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def columns(self) -> tuple[str, str, str]:
        """The three column names, e.g. `hip_R_flexion_deg`."""
        first, second, third = (f"{self.name}_{angle}_deg" for angle in self.angles)
        return first, second, third

    @property
    def title(self) -> str:
        """The joint without its side, e.g. `hip`."""
        return self.name.removesuffix("_R").removesuffix("_L")


_USUAL = ("flexion", "adduction", "rotation")


def _pair(
    title: str,
    parent: str,
    child: str,
    flexion_sign: int = 1,
    angles: tuple[str, str, str] = _USUAL,
    typical: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> tuple[Joint, Joint]:
    """A joint on both sides; `{side}` in a segment's name stands for R and L."""

    def joint(side: Side) -> Joint:
        # A left limb mirrors the right one: rotations about X and Y change their sign.
        signs = (flexion_sign, 1, 1) if side == "R" else (flexion_sign, -1, -1)
        segments = (parent.format(side=side), child.format(side=side))
        return Joint(f"{title}_{side}", angles, "ZXY", signs, *segments, side, typical)

    return joint("R"), joint("L")


JOINTS: tuple[Joint, ...] = (
    Joint("pelvis", ("tilt", "list", "rotation"), "YXZ", (1, 1, 1), "lab", "pelvis"),
    *_pair("hip", "pelvis", "femur_{side}"),
    *_pair("knee", "femur_{side}", "shank_{side}", flexion_sign=-1),
    *_pair("ankle", "shank_{side}", "foot_{side}"),
    Joint("trunk", _USUAL, "ZXY", (-1, 1, 1), "pelvis", "trunk"),
    *_pair("shoulder", "trunk", "humerus_{side}", typical=(30.0, -45.0, 0.0)),
    *_pair(
        "elbow",
        "humerus_{side}",
        "forearm_{side}",
        angles=("flexion", "deviation", "pronation"),
        typical=(60.0, 0.0, 85.0),  # half pronated: zero is palm forward
    ),
)
"""The 12 joints in column order. Pelvis: rotation, list, tilt of the pelvis in the lab frame;
trunk: the trunk in the pelvis frame. Flexion, adduction (at the ankle: inversion), internal
rotation (at the ankle: of the foot), dorsiflexion and pronation are positive on both sides;
pelvis tilt is positive backward (posterior) as in OpenSim, list with the right side down, pelvis
and trunk rotation to the left; trunk flexion is positive forward, trunk adduction to the right."""

ANGLE_COLUMNS: tuple[str, ...] = tuple(column for joint in JOINTS for column in joint.columns)
"""The 36 columns of joint angles, degrees."""


def mirrored_joint(joint: Joint) -> Joint:
    """The same joint on the other side; pelvis and trunk give themselves."""
    if joint.side is None:
        return joint
    name = joint.title + ("_L" if joint.side == "R" else "_R")
    return next(other for other in JOINTS if other.name == name)


def _joint_markers(joint: Joint) -> tuple[str, ...]:
    parts = {
        "pelvis": (),
        "hip": ("Knee",),
        "knee": ("Knee", "Ankle"),
        "ankle": ("Knee", "Ankle", "Heel", "BigToe"),
        "trunk": (),
        "shoulder": ("Shoulder", "Elbow"),
        "elbow": ("Shoulder", "Elbow", "Wrist"),
    }[joint.title]
    hips, shoulders = ("RHip", "LHip"), ("RShoulder", "LShoulder")
    common = {
        "pelvis": hips,
        "hip": hips,
        "knee": (f"{joint.side}Hip",),
        "trunk": hips + shoulders,
        "shoulder": shoulders,
    }.get(joint.title, ())
    return tuple(dict.fromkeys([*common, *(f"{joint.side}{part}" for part in parts)]))


JOINT_MARKERS: dict[str, tuple[str, ...]] = {joint.name: _joint_markers(joint) for joint in JOINTS}
"""Those of the 22 markers that the angles of each joint rest on, through augmentation."""


def _joint_landmarks(joint: Joint) -> tuple[int, ...]:
    side = {"R": "right", "L": "left"}
    parts = {"BigToe": "foot_index"}
    return tuple(
        MEDIAPIPE[f"{side[marker[0]]}_{parts.get(marker[1:], marker[1:].lower())}"]
        for marker in JOINT_MARKERS[joint.name]
    )


JOINT_LANDMARKS: tuple[tuple[int, ...], ...] = tuple(_joint_landmarks(joint) for joint in JOINTS)
"""MediaPipe's landmarks that the angles of each joint rest on."""

JOINT_MIRROR: tuple[int, ...] = tuple(JOINTS.index(mirrored_joint(joint)) for joint in JOINTS)
"""Index of the joint on the other side; pelvis and trunk give themselves."""
MIRROR_SIGNS: tuple[tuple[int, int, int], ...] = tuple(
    (1, -1, -1) if joint.side is None else (1, 1, 1) for joint in JOINTS
)
"""Signs of the three angles of each joint in a mirror image, after `JOINT_MIRROR`."""
JOINT_CHAIN: tuple[tuple[str, str], ...] = (
    ("pelvis", "trunk"),
    *(
        (f"{a}_{side}", f"{b}_{side}")
        for side in "RL"
        for a, b in (("hip", "knee"), ("knee", "ankle"))
    ),
    *(("pelvis", f"hip_{side}") for side in "RL"),
    *(("trunk", f"shoulder_{side}") for side in "RL"),
    *((f"shoulder_{side}", f"elbow_{side}") for side in "RL"),
)
"""Neighbours along the kinematic chain."""
