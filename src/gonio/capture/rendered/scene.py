"""What a scene is: clothes, light, background, camera, occluders and quality of the picture."""

from __future__ import annotations

from dataclasses import dataclass

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Clothes:
    """What the body wears.

    Attributes:
        skin, hair, shirt, trousers, shoes: colours, 0..1.
        sleeve: end of the sleeve along the arm, 0 shoulder, 1 elbow, 2 wrist.
        trouser_leg: end of the trousers along the leg, 0 hip, 1 knee, 2 ankle.
        shirt_loose_m, trousers_loose_m: how far the cloth stands off the skin, metres.
        folds_m: height of the folds, metres.
        shirt_pattern, trousers_pattern: 0 plain, 1 stripes across, 2 stripes along, 3 checks,
            4 blots.
        pattern_scale: stripes a metre.
        hair_style: `bald`, `short` or `long`.
        skirt: whether a long skirt is worn.
        face_hidden: `none`, `mask`, `glasses` or `hood`.
    """

    skin: Colour
    hair: Colour
    shirt: Colour
    trousers: Colour
    shoes: Colour
    sleeve: float
    trouser_leg: float
    shirt_loose_m: float
    trousers_loose_m: float
    folds_m: float
    shirt_pattern: int
    trousers_pattern: int
    pattern_scale: float
    hair_style: str
    skirt: bool
    face_hidden: str


@dataclass(frozen=True)
class Light:
    """Light from one direction and from all around.

    Attributes:
        direction: unit vector towards the light, world.
        colour: of the directed light.
        ambient: of the light from everywhere.
        shadow: darkness of the shadow on the floor, 0..1.
    """

    direction: tuple[float, float, float]
    colour: Colour
    ambient: Colour
    shadow: float


@dataclass(frozen=True)
class Box:
    """A box with sides along the axes of the world, turned about the vertical.

    Attributes:
        centre, size: metres; the centre is relative to the subject's mean place on the floor.
        yaw_deg: turn about the vertical.
        colour: 0..1.
        texture: as `Background.textures`.
    """

    centre: tuple[float, float, float]
    size: tuple[float, float, float]
    yaw_deg: float
    colour: Colour
    texture: int


@dataclass(frozen=True)
class Background:
    """What is behind the body.

    Attributes:
        kind: `room` (floor, walls and boxes), `open` (floor to the horizon and sky) or `flat`
            (a picture without depth).
        colours: of the floor, the walls and the sky.
        textures: of floor and walls: 0 plain, 1 planks, 2 tiles, 3 noise, 4 bricks, 5 stripes.
        scale: of the textures, repeats a metre.
        wall_m: distance of the walls from the subject, metres.
        yaw_deg: turn of the room.
        boxes: furniture behind and beside the subject.
    """

    kind: str
    colours: tuple[Colour, Colour, Colour]
    textures: tuple[int, int]
    scale: float
    wall_m: float
    yaw_deg: float
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class CameraSpec:
    """Where the camera is, relative to the subject.

    Attributes:
        image_size: (width, height), pixels.
        field_of_view_deg: over the longer side.
        azimuth_deg: bearing of the camera from the subject, about the vertical of the world.
        elevation_deg: of the camera above the horizontal through the subject.
        roll_deg: turn about the view, positive clockwise as seen from behind the camera.
        fill: share of the image that the body's path takes, in the tighter direction.
        aim: where the middle of the path lies in the image, -1..1 across and down, as a share of
            the room that is left.
    """

    image_size: tuple[int, int]
    field_of_view_deg: float
    azimuth_deg: float
    elevation_deg: float
    roll_deg: float
    fill: float
    aim: tuple[float, float]


@dataclass(frozen=True)
class Occluder:
    """A box between the camera and the body.

    Attributes:
        place: where in the body's picture its middle is, 0..1 across and down.
        size: its width and height as shares of the body's picture.
        nearness: where between body (0) and camera (1) it stands.
        colour: 0..1.
        texture: as `Background.textures`.
    """

    place: tuple[float, float]
    size: tuple[float, float]
    nearness: float
    colour: Colour
    texture: int


@dataclass(frozen=True)
class Picture:
    """What camera and file do to the picture.

    Attributes:
        shutter: share of the frame time that the shutter is open; 0 for no motion blur.
        exposures: pictures that are averaged over the open shutter.
        defocus_px: standard deviation of the blur, pixels; 0 for none.
        contrast: 1 leaves it; smaller draws it to grey.
        brightness: added, -0.3..0.3.
        gamma: exponent.
        noise: standard deviation of the sensor's noise, 0..1.
        codec: `none`, `h264` or `jpeg`.
        quality: constant rate factor of h264 (higher is worse) or the quality of jpeg.
    """

    shutter: float
    exposures: int
    defocus_px: float
    contrast: float
    brightness: float
    gamma: float
    noise: float
    codec: str
    quality: int


@dataclass(frozen=True)
class SceneSpec:
    """Everything about a scene but the body and its motion."""

    seed: int
    clothes: Clothes
    light: Light
    background: Background
    camera: CameraSpec
    occluders: tuple[Occluder, ...]
    picture: Picture
