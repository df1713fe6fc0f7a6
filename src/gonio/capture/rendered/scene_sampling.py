"""Sampling scenes: everything from one seed, varied, and no harder than people's own videos."""

from __future__ import annotations

import numpy as np

from gonio.capture.rendered.scene import (
    Background,
    Box,
    CameraSpec,
    Clothes,
    Colour,
    Light,
    Occluder,
    Picture,
    SceneSpec,
)
from gonio.types import FloatArray

SKIN_TONES: tuple[Colour, ...] = (
    (0.95, 0.80, 0.70),
    (0.88, 0.69, 0.56),
    (0.80, 0.60, 0.45),
    (0.66, 0.46, 0.33),
    (0.48, 0.32, 0.22),
    (0.31, 0.20, 0.14),
)
HAIR_TONES: tuple[Colour, ...] = (
    (0.06, 0.05, 0.05),
    (0.17, 0.11, 0.08),
    (0.35, 0.22, 0.13),
    (0.62, 0.47, 0.28),
    (0.62, 0.62, 0.62),
    (0.88, 0.87, 0.85),
)
IMAGE_SIZES: tuple[tuple[int, int], ...] = (
    (480, 360),
    (360, 480),
    (480, 270),
    (270, 480),
    (416, 416),
    (448, 336),
    (336, 448),
)
"""(width, height) in pixels; multiples of 2, as video compression needs."""


def sample_scene(seed: int) -> SceneSpec:
    """The scene of that seed; the same seed gives the same scene."""
    rng = np.random.default_rng([0x5CE4E, seed])
    return SceneSpec(
        seed=seed,
        clothes=_clothes(rng),
        light=_light(rng),
        background=_background(rng),
        camera=_camera(rng),
        occluders=_occluders(rng),
        picture=_picture(rng),
    )


def _pick(rng: np.random.Generator, options: dict[str, float]) -> str:
    return str(rng.choice(list(options), p=list(options.values())))


def _colour(rng: np.random.Generator) -> Colour:
    """Any colour, greys and dark tones as often as bright ones."""
    grey = rng.uniform(0.03, 0.97)
    saturation = rng.choice([0.0, 0.3, 1.0], p=[0.35, 0.35, 0.3])
    red, green, blue = grey + saturation * (rng.uniform(0, 1, 3) - grey)
    return float(red), float(green), float(blue)


def _near(rng: np.random.Generator, colour: Colour, spread: float) -> Colour:
    red, green, blue = np.clip(np.array(colour) + rng.normal(0, spread, 3), 0.02, 0.98)
    return float(red), float(green), float(blue)


def _clothes(rng: np.random.Generator) -> Clothes:
    skin = _near(rng, SKIN_TONES[rng.integers(len(SKIN_TONES))], 0.03)
    shirt = _colour(rng)
    one_piece = rng.random() < 0.12
    loose = rng.random() < 0.45
    return Clothes(
        skin=skin,
        hair=_near(rng, HAIR_TONES[rng.integers(len(HAIR_TONES))], 0.03),
        shirt=shirt,
        trousers=shirt if one_piece else _colour(rng),
        shoes=skin if rng.random() < 0.15 else _colour(rng),
        sleeve=float(rng.choice([0.35, 0.6, 1.3, 2.0]) + rng.uniform(-0.1, 0.1)),
        trouser_leg=float(rng.choice([0.45, 0.9, 1.4, 2.0], p=[0.2, 0.2, 0.1, 0.5])),
        shirt_loose_m=float(rng.uniform(0.012, 0.05) if loose else rng.uniform(0.0, 0.012)),
        trousers_loose_m=float(rng.uniform(0.01, 0.045) if loose else rng.uniform(0.0, 0.01)),
        folds_m=float(rng.uniform(0.004, 0.014) if loose else rng.uniform(0.0, 0.004)),
        shirt_pattern=int(rng.choice(5, p=[0.6, 0.1, 0.1, 0.1, 0.1])),
        trousers_pattern=int(rng.choice(5, p=[0.76, 0.06, 0.06, 0.06, 0.06])),
        pattern_scale=float(rng.uniform(4, 25)),
        hair_style=_pick(rng, {"bald": 0.12, "short": 0.6, "long": 0.28}),
        skirt=bool(rng.random() < 0.08),
        face_hidden=_pick(rng, {"none": 0.78, "mask": 0.08, "glasses": 0.08, "hood": 0.06}),
    )


def _light(rng: np.random.Generator) -> Light:
    bearing, height = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(15, 85))
    level = np.cos(height)
    strength, around = rng.uniform(0.25, 0.8), rng.uniform(0.4, 0.8)
    tint = rng.normal(0, 0.06, 3)
    return Light(
        direction=(
            float(level * np.sin(bearing)),
            float(np.sin(height)),
            float(level * np.cos(bearing)),
        ),
        colour=_tinted(strength, tint),
        ambient=_tinted(around, -tint),
        shadow=float(rng.uniform(0.0, 0.6)),
    )


def _tinted(strength: float, tint: FloatArray) -> Colour:
    red, green, blue = np.clip(strength * (1 + tint), 0.0, 1.2)
    return float(red), float(green), float(blue)


def _background(rng: np.random.Generator) -> Background:
    wall_m = float(rng.uniform(1.6, 7.0))
    boxes = tuple(_furniture(rng, wall_m) for _ in range(rng.integers(0, 9)))
    return Background(
        kind=_pick(rng, {"room": 0.6, "open": 0.25, "flat": 0.15}),
        colours=(_colour(rng), _colour(rng), _near(rng, (0.6, 0.75, 0.9), 0.15)),
        textures=(int(rng.integers(6)), int(rng.integers(6))),
        scale=float(rng.uniform(0.4, 4.0)),
        wall_m=wall_m,
        yaw_deg=float(rng.uniform(0, 90)),
        boxes=boxes,
    )


def _furniture(rng: np.random.Generator, wall_m: float) -> Box:
    width, height, depth = rng.uniform([0.2, 0.2, 0.2], [1.6, 2.2, 0.8])
    bearing, distance = rng.uniform(0, 2 * np.pi), rng.uniform(0.75, 1.0) * wall_m + 0.5
    lift = rng.choice([0.0, rng.uniform(0.6, 1.8)], p=[0.7, 0.3])
    return Box(
        centre=(
            float(distance * np.sin(bearing)),
            float(lift + height / 2),
            float(distance * np.cos(bearing)),
        ),
        size=(float(width), float(height), float(depth)),
        yaw_deg=float(rng.uniform(0, 360)),
        colour=_colour(rng),
        texture=int(rng.integers(6)),
    )


def _camera(rng: np.random.Generator) -> CameraSpec:
    cropped = rng.random() < 0.1
    return CameraSpec(
        image_size=IMAGE_SIZES[rng.integers(len(IMAGE_SIZES))],
        field_of_view_deg=float(rng.uniform(30, 75)),
        azimuth_deg=float(rng.uniform(0, 360)),
        elevation_deg=float(np.clip(rng.normal(9, 12), -10, 40)),
        roll_deg=float(rng.normal(0, 3) if rng.random() < 0.6 else 0.0),
        fill=float(rng.uniform(1.02, 1.2) if cropped else rng.uniform(0.55, 0.95)),
        aim=(float(rng.uniform(-0.9, 0.9)), float(rng.uniform(-0.9, 0.9))),
    )


def _occluders(rng: np.random.Generator) -> tuple[Occluder, ...]:
    if rng.random() > 0.25:
        return ()
    return tuple(_occluder(rng) for _ in range(rng.integers(1, 3)))


def _occluder(rng: np.random.Generator) -> Occluder:
    """A table or a wall across the legs, a post, or a small thing anywhere."""
    kind = _pick(rng, {"low": 0.45, "post": 0.3, "small": 0.25})
    if kind == "low":
        height = rng.uniform(0.2, 0.6)
        place, size = (rng.uniform(0.2, 0.8), 1.02 - height / 2), (rng.uniform(0.5, 2.5), height)
    elif kind == "post":
        place, size = (rng.uniform(0.1, 0.9), 0.5), (rng.uniform(0.05, 0.2), 1.6)
    else:
        place, size = tuple(rng.uniform(0.1, 0.9, 2)), tuple(rng.uniform(0.1, 0.35, 2))
    return Occluder(
        place=(float(place[0]), float(place[1])),
        size=(float(size[0]), float(size[1])),
        nearness=float(rng.uniform(0.15, 0.5)),
        colour=_colour(rng),
        texture=int(rng.integers(6)),
    )


def _picture(rng: np.random.Generator) -> Picture:
    blurred = rng.random() < 0.15
    codec = _pick(rng, {"none": 0.1, "h264": 0.65, "jpeg": 0.25})
    quality = rng.integers(18, 33) if codec == "h264" else rng.integers(30, 92)
    return Picture(
        shutter=float(rng.uniform(0.3, 1.0)) if blurred else 0.0,
        exposures=4 if blurred else 1,
        defocus_px=float(rng.uniform(0.4, 1.3)) if rng.random() < 0.35 else 0.0,
        contrast=float(rng.uniform(0.45, 0.7) if rng.random() < 0.12 else rng.uniform(0.8, 1.15)),
        brightness=float(rng.normal(0, 0.06)),
        gamma=float(np.exp(rng.normal(0, 0.18))),
        noise=float(rng.uniform(0.015, 0.035) if rng.random() < 0.2 else rng.uniform(0, 0.01)),
        codec=codec,
        quality=int(quality),
    )
