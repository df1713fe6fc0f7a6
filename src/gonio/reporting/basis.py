"""What the numbers of a report rest on, in a few words each: networks, camera, scale, estimates."""

from __future__ import annotations

from typing import Any

from gonio.types import MarkerTrajectories

NO_REFINER = "no depth refiner: MediaPipe's own depth"
SEEN_FROM = (
    "the front",
    "the front right",
    "the right",
    "the back right",
    "the back",
    "the back left",
    "the left",
    "the front left",
)
"""Azimuths in eighths of a turn, the first about 0 degrees."""
LEVEL_WITHIN_DEG = 0.5


def basis_of(
    pose: dict[str, Any],
    angles: dict[str, Any],
    gravity: dict[str, Any],
    scale: str,
    markers: MarkerTrajectories,
) -> tuple[tuple[str, str], ...]:
    """Headings and texts, in the order of the page.

    Args:
        pose: as `gonio.models.record.pose_record` gives it, with `checkpoint` where there is one.
        angles: as `gonio.models.record.angle_record` gives it, with `checkpoint`; empty for none.
        gravity: as `gonio.markers.gravity.Gravity.record` gives it.
        scale: where metres come from.
        markers: with their `estimated` flags.
    """
    told = [("Depth", _depth(pose))]
    if angles.get("angles_corrected"):
        told.append(("Angles", _angles(angles)))
    told.append(("Camera", _camera(gravity)))
    if pose.get("viewpoint"):
        told.append(("Seen from", _viewpoint(pose["viewpoint"])))
    told += [("Scale", scale), ("Estimated markers", _estimated(markers))]
    if pose.get("mean_sigma_cm"):
        told.append(("Uncertainty of a joint, ±1 SD", _sigma(pose["mean_sigma_cm"])))
    return tuple(told)


def _depth(pose: dict[str, Any]) -> str:
    if not pose.get("depth_corrected"):
        return NO_REFINER
    words = f"corrected by {_network(pose)}"
    if pose.get("mean_change_cm") is not None:
        words += f"; joints moved by {pose['mean_change_cm']:.1f} cm in the mean"
    return words


def _angles(record: dict[str, Any]) -> str:
    words = f"corrected by {_network(record)}"
    if record["mean_change_deg"] is not None:
        words += f"; changed by {record['mean_change_deg']:.1f}° in the mean"
    return words


def _network(record: dict[str, Any]) -> str:
    """`depth_refiner.safetensors (shipped with Gonio, 0123456789ab)`, or the network's name."""
    checkpoint = record.get("checkpoint")
    if not checkpoint:
        return str(record["refiner"])
    return f"{checkpoint['file']} ({checkpoint['from']}, {checkpoint['sha256']})"


def _camera(gravity: dict[str, Any]) -> str:
    pitch, roll = gravity["camera_pitch_deg"], gravity["camera_roll_deg"]
    looks = "level"
    if abs(pitch) >= LEVEL_WITHIN_DEG:
        looks = f"looks {'down' if pitch > 0 else 'up'} by {abs(pitch):.0f}°"
    if abs(roll) >= LEVEL_WITHIN_DEG:
        way = "clockwise" if roll > 0 else "counter-clockwise"
        looks += f", turned {abs(roll):.0f}° {way}"
    return f"{looks}: {gravity['source']}"


def _viewpoint(viewpoint: dict[str, dict[str, float | None]]) -> str:
    """`the front right: azimuth 40° (20° to 55°), elevation 10° (8° to 12°)`."""
    mean = viewpoint["azimuth"]["mean_deg"]
    if viewpoint["azimuth"]["from_deg"] is None:
        return "not known"
    place = "all around" if mean is None else SEEN_FROM[round(mean / 45) % len(SEEN_FROM)]
    return f"{place}: {', '.join(_with_range(name, **told) for name, told in viewpoint.items())}"


def _with_range(
    name: str, mean_deg: float | None, from_deg: float | None, to_deg: float | None
) -> str:
    words = name if mean_deg is None else f"{name} {mean_deg:.0f}°"
    return words if None in (from_deg, to_deg) else f"{words} ({from_deg:.0f}° to {to_deg:.0f}°)"


def _sigma(sigma_cm: dict[str, float | None]) -> str:
    known = [
        f"{value:.1f} cm {'in depth' if axis == 'depth' else axis}"
        for axis, value in sigma_cm.items()
        if value is not None
    ]
    if not known:
        return "not known: this refiner does not say"
    return f"{', '.join(known)}; the bands of the curves come from it"


def _estimated(markers: MarkerTrajectories) -> str:
    flags = markers.estimated
    if not flags.any():
        return "no marker was estimated; all were seen"
    whole = [n for n, column in zip(markers.names, flags.T, strict=True) if column.all()]
    words = f"{100 * flags.mean():.2g} % of all marker samples"
    if whole:
        named = ", ".join(whole[:4]) + (f" and {len(whole) - 4} more" if len(whole) > 4 else "")
        words += f"; throughout: {named}"
    return words
