"""Pose2Sim's OpenSim model, read from the installed package: joints, coordinates, markers.

Only what kinematics needs is read, with the standard library: `opensim` itself is not needed.
The conventions are OpenSim's (CustomJoint, PinJoint, UniversalJoint, WeldJoint): a joint takes
its parent body's frame to its child's by the parent's offset frame, the spatial transform and the
inverse of the child's offset frame.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation

from gonio.errors import InputError, MissingFileError
from gonio.types import FloatArray

MODEL_FILE = "Model_Pose2Sim_simple.osim"
MARKERS_FILE = "Markers_LSTM.xml"
SCALING_FILE = "Scaling_Setup_Pose2Sim_LSTM.xml"
IK_FILE = "IK_Setup_Pose2Sim_withoutHands_LSTM.xml"

_TRANSFORM_AXES = tuple(f"{kind}{i}" for kind in ("rotation", "translation") for i in (1, 2, 3))


@dataclass(frozen=True)
class Coordinate:
    """A generalised coordinate: radians or metres.

    Attributes:
        name: as in OpenSim.
        low: least allowed value.
        high: greatest allowed value.
        clamped: whether OpenSim keeps it within these.
    """

    name: str
    low: float
    high: float
    clamped: bool


@dataclass(frozen=True)
class TransformAxis:
    """One of six steps of a joint: rotation about, or translation along, an axis.

    Attributes:
        axis: (3,) unit vector.
        coordinate: that drives it, None for a constant.
        function: value of the step from the coordinate's value.
    """

    axis: FloatArray
    coordinate: str | None
    function: Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class ModelJoint:
    """A joint between two bodies.

    Attributes:
        name: as in the model.
        parent: body, or `ground`.
        child: body.
        parent_offset: (3,) metres, position of the joint in the parent.
        parent_rotation: (3, 3) parent from joint.
        child_offset: (3,) metres, position of the joint in the child.
        child_rotation: (3, 3) child from joint.
        rotations: applied in this order, each in the frame that the ones before have turned.
        translations: along the joint's axes in the parent.
        coordinates: in the model's order.
        translation_scale: (3,) factor of the translations.
    """

    name: str
    parent: str
    child: str
    parent_offset: FloatArray
    parent_rotation: FloatArray
    child_offset: FloatArray
    child_rotation: FloatArray
    rotations: tuple[TransformAxis, ...]
    translations: tuple[TransformAxis, ...]
    coordinates: tuple[Coordinate, ...]
    translation_scale: FloatArray

    def child_in_parent(self, values: Mapping[str, FloatArray]) -> tuple[FloatArray, FloatArray]:
        """Pose of the child body in the parent body.

        Args:
            values: (T,) radians or metres for each coordinate of the joint.

        Returns:
            (T, 3, 3) parent from child, and (T, 3) metres; NaN where a value is.
        """
        count = len(next(iter(values.values()))) if values else 1
        missing = np.zeros(count, dtype=bool)
        for value in values.values():
            missing |= np.isnan(value)
        values = {name: np.nan_to_num(value) for name, value in values.items()}
        turn = np.broadcast_to(np.eye(3), (count, 3, 3))
        for step in self.rotations:  # as matrices: SciPy's product of rotations is far slower
            turn = turn @ Rotation.from_rotvec(_amount(step, values, count) * step.axis).as_matrix()
        shift = np.zeros((count, 3))
        for step, scale in zip(self.translations, self.translation_scale, strict=False):
            shift += scale * _amount(step, values, count) * step.axis
        rotation = self.parent_rotation @ turn @ self.child_rotation.T
        origin = self.parent_offset + shift @ self.parent_rotation.T
        rotation[missing] = np.nan
        return rotation, origin - rotation @ self.child_offset


def _amount(step: TransformAxis, values: Mapping[str, FloatArray], count: int) -> FloatArray:
    driver = np.zeros(count) if step.coordinate is None else values[step.coordinate]
    return np.asarray(step.function(driver))[:, None]


@dataclass(frozen=True)
class OsimModel:
    """Joints in the order of the file (parents before children) and markers on bodies.

    Attributes:
        joints: all of them.
        markers: name -> (body, (3,) metres in that body).
    """

    joints: tuple[ModelJoint, ...]
    markers: Mapping[str, tuple[str, FloatArray]]

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """All coordinates in the model's order."""
        return tuple(c for joint in self.joints for c in joint.coordinates)

    def joint_of(self, child: str) -> ModelJoint:
        """The joint that carries a body."""
        return next(joint for joint in self.joints if joint.child == child)

    def marker_in(self, body: str, name: str) -> FloatArray:
        """(3,) metres in `body`.

        Raises:
            InputError: the model has no such marker on that body.
        """
        owner, location = self.markers.get(name, ("", np.zeros(3)))
        if owner != body:
            raise InputError(f"the model has no marker {name} on {body}")
        return location

    def scaled(self, factors: Mapping[str, FloatArray]) -> OsimModel:
        """The model with each body scaled along its axes, as OpenSim's ScaleTool does it.

        Args:
            factors: (3,) for each body that is scaled.
        """

        def of(body: str) -> FloatArray:
            return factors.get(body, np.ones(3))

        joints = tuple(
            replace(
                joint,
                parent_offset=joint.parent_offset * of(joint.parent),
                child_offset=joint.child_offset * of(joint.child),
                translation_scale=joint.translation_scale * of(joint.parent),
            )
            if joint.parent != "ground"
            else joint
            for joint in self.joints
        )
        markers = {
            name: (body, location * of(body)) for name, (body, location) in self.markers.items()
        }
        return OsimModel(joints, markers)

    def neutral_markers(self) -> dict[str, FloatArray]:
        """Marker positions, (3,) metres in the ground, with every coordinate at 0."""
        poses = {"ground": (np.eye(3), np.zeros(3))}
        for joint in self.joints:
            zero = {c.name: np.zeros(1) for c in joint.coordinates}
            rotation, origin = joint.child_in_parent(zero)
            parent_rotation, parent_origin = poses[joint.parent]
            poses[joint.child] = (
                parent_rotation @ rotation[0],
                parent_origin + parent_rotation @ origin[0],
            )
        return {
            name: poses[body][1] + poses[body][0] @ location
            for name, (body, location) in self.markers.items()
        }


def setup_folder() -> Path:
    """Folder of Pose2Sim's OpenSim files in the installed package.

    Raises:
        MissingFileError: Pose2Sim is not installed.
    """
    spec = importlib.util.find_spec("Pose2Sim")
    if spec is None or not spec.submodule_search_locations:
        raise MissingFileError(
            "Pose2Sim is not installed, and with it its OpenSim model: pip install pose2sim"
        )
    return Path(next(iter(spec.submodule_search_locations))) / "OpenSim_Setup"


@cache
def generic_model() -> OsimModel:
    """Pose2Sim's simple model with the markers of its augmenter, unscaled.

    Raises:
        MissingFileError: Pose2Sim is not installed, or without the model.
    """
    folder = setup_folder()
    model, markers = folder / MODEL_FILE, folder / MARKERS_FILE
    for file in (model, markers):
        if not file.is_file():
            raise MissingFileError(f"there is no {file.name} in the installed Pose2Sim package")
    joints = ElementTree.parse(model).getroot().find(".//JointSet/objects")
    if joints is None:
        raise InputError(f"{model.name} has no joints")
    return OsimModel(tuple(_joint(element) for element in joints), _markers(markers))


def _markers(path: Path) -> dict[str, tuple[str, FloatArray]]:
    found = {}
    for marker in ElementTree.parse(path).getroot().iter("Marker"):
        body = _text(marker, "socket_parent_frame").rsplit("/", 1)[-1]
        found[marker.get("name", "")] = (body, _numbers(marker, "location"))
    return found


def _joint(element: Element) -> ModelJoint:
    frames = {frame.get("name", ""): frame for frame in element.iter("PhysicalOffsetFrame")}
    parent, child = (frames[_text(element, f"socket_{end}_frame")] for end in ("parent", "child"))
    coordinates = tuple(_coordinate(c) for c in element.iter("Coordinate"))
    rotations, translations = _steps(element, coordinates)
    parent_offset, parent_rotation = _offset(parent)
    child_offset, child_rotation = _offset(child)
    return ModelJoint(
        name=element.get("name", ""),
        parent=_text(parent, "socket_parent").rsplit("/", 1)[-1],
        child=_text(child, "socket_parent").rsplit("/", 1)[-1],
        parent_offset=parent_offset,
        parent_rotation=parent_rotation,
        child_offset=child_offset,
        child_rotation=child_rotation,
        rotations=rotations,
        translations=translations,
        coordinates=coordinates,
        translation_scale=np.ones(3),
    )


def _offset(frame: Element) -> tuple[FloatArray, FloatArray]:
    turn = Rotation.from_euler("XYZ", _numbers(frame, "orientation"))
    return _numbers(frame, "translation"), turn.as_matrix()


def _coordinate(element: Element) -> Coordinate:
    low, high = _numbers(element, "range")
    clamped = _text(element, "clamped") == "true"
    return Coordinate(element.get("name", ""), float(low), float(high), clamped)


def _steps(
    element: Element, coordinates: tuple[Coordinate, ...]
) -> tuple[tuple[TransformAxis, ...], tuple[TransformAxis, ...]]:
    """Rotations and translations of a joint."""
    if element.tag == "CustomJoint":
        by_name = {axis.get("name"): axis for axis in element.iter("TransformAxis")}
        steps = [_transform_axis(by_name[name]) for name in _TRANSFORM_AXES]
        return tuple(steps[:3]), tuple(steps[3:])
    axes = {"PinJoint": "Z", "UniversalJoint": "XY", "WeldJoint": ""}
    if element.tag not in axes:
        raise InputError(f"joint {element.get('name')} is a {element.tag}, which is not supported")
    units = {"X": np.eye(3)[0], "Y": np.eye(3)[1], "Z": np.eye(3)[2]}
    turns = tuple(
        TransformAxis(units[letter], coordinate.name, np.asarray)
        for letter, coordinate in zip(axes[element.tag], coordinates, strict=True)
    )
    return turns, ()


def _transform_axis(element: Element) -> TransformAxis:
    axis = _numbers(element, "axis")
    driver = (element.findtext("coordinates") or "").split()
    function = next(child for child in element if child.tag not in ("coordinates", "axis"))
    return TransformAxis(
        axis / np.linalg.norm(axis), driver[0] if driver else None, _function(function)
    )


def _function(element: Element) -> Callable[[FloatArray], FloatArray]:
    """A function of OpenSim as one of arrays."""
    if element.tag == "Constant":
        value = float(_text(element, "value"))
        return lambda x: np.full_like(x, value)
    if element.tag == "LinearFunction":
        slope, intercept = _numbers(element, "coefficients")
        return lambda x: slope * x + intercept
    if element.tag == "SimmSpline":
        spline = CubicSpline(_numbers(element, "x"), _numbers(element, "y"))
        return lambda x: np.asarray(spline(x))
    if element.tag == "MultiplierFunction":
        scale = float(_text(element, "scale"))
        inner = _function(next(iter(next(iter(element.iter("function"))))))
        return lambda x: scale * inner(x)
    raise InputError(f"the model uses a {element.tag}, which is not supported")


def _text(element: Element, tag: str) -> str:
    return (element.findtext(tag) or "").strip()


def _numbers(element: Element, tag: str) -> FloatArray:
    return np.array([float(value) for value in _text(element, tag).split()])
