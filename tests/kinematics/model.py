"""Driving the OpenSim model by coordinates, without OpenSim, for tests."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gonio.kinematics.osim import OsimModel
from gonio.types import FloatArray


def marker_positions(model: OsimModel, values: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """(T, 3) metres of each marker for coordinate values (T,) in radians and metres."""
    count = len(next(iter(values.values())))
    poses = {"ground": (np.tile(np.eye(3), (count, 1, 1)), np.zeros((count, 3)))}
    for joint in model.joints:
        own = {c.name: values[c.name] for c in joint.coordinates}
        turn, shift = joint.child_in_parent(own)
        rotation, origin = poses[joint.parent]
        place = origin + np.einsum("tij,tj->ti", rotation, np.broadcast_to(shift, (count, 3)))
        poses[joint.child] = (rotation @ turn, place)
    return {
        name: poses[owner][1] + poses[owner][0] @ location
        for name, (owner, location) in model.markers.items()
    }
