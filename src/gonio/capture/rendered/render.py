"""Drawing dressed bodies on a stage with OpenGL, without a screen (EGL; Mesa draws on the CPU)."""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gonio.capture.rendered import shaders
from gonio.capture.rendered.anny_model import INSTALL_HINT
from gonio.capture.rendered.appearance import Dressed
from gonio.capture.rendered.camera import View
from gonio.capture.rendered.scene import Colour, Light
from gonio.errors import GonioError
from gonio.types import FloatArray

NEAR_M, FAR_M = 0.1, 120.0
BONES_A_VERTEX = 4
EGL_LIBRARY = "libEGL.so.1"
EGL_HINT = "on Debian and Ubuntu: apt-get install libegl1 libgl1-mesa-dri"


@lru_cache(maxsize=1)
def opengl_context() -> Any:
    """The OpenGL context of this process.

    Raises:
        GonioError: moderngl is not installed, or the machine has no EGL.
    """
    try:
        import moderngl
    except ImportError as error:
        raise GonioError(
            f"rendering needs the package moderngl, which is not installed: {INSTALL_HINT}"
        ) from error
    _check_egl()
    settings: dict[str, Any] = {"backend": "egl", "libegl": EGL_LIBRARY}
    return moderngl.create_standalone_context(**settings)


def _check_egl() -> None:
    try:
        egl = ctypes.CDLL(EGL_LIBRARY)
    except OSError as error:
        raise GonioError(
            f"rendering needs {EGL_LIBRARY}, which this machine lacks; {EGL_HINT}"
        ) from error
    egl.eglGetProcAddress.restype = ctypes.c_void_p
    address = egl.eglGetProcAddress(b"eglQueryDevicesEXT")
    found = ctypes.c_int(0)
    if address:
        query = ctypes.CFUNCTYPE(
            ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ctypes.c_int)
        )(address)
        query(0, None, ctypes.byref(found))
    if not found.value:
        raise GonioError(f"{EGL_LIBRARY} finds no device to draw with; {EGL_HINT}")


class Renderer:
    """One body on one stage before one camera.

    Args:
        dressed: the body.
        weights: (V, B) skinning weights.
        light: of the scene.
        floor: colour of the floor, on which the shadow falls.
        pattern_scale: of the clothes.
        stage: (M, 13) triangles of `stage.build_stage`.
        view: the camera.

    Raises:
        GonioError: no moderngl or no EGL.
    """

    def __init__(
        self,
        dressed: Dressed,
        weights: FloatArray,
        light: Light,
        floor: Colour,
        pattern_scale: float,
        stage: NDArray[np.float32],
        view: View,
    ):
        self._view, self._light = view, light
        lit = (1 - light.shadow) * np.array(light.ambient) + (0.15 * (1 - light.shadow))
        self._shade = tuple(float(value) for value in np.clip(lit * floor, 0.0, 1.0))
        self._context = opengl_context()
        self._owned: list[Any] = []
        self._frame, self._still = self._framebuffer(), self._framebuffer()
        self._body, self._cast = self._body_programs(dressed, weights, pattern_scale)
        self._draw_stage(stage)

    def draw(self, transforms: FloatArray) -> NDArray[np.uint8]:
        """(H, W, 3) picture of the body with (B, 3, 4) bone transforms, world, metres."""
        bones = np.zeros((shaders.MAX_BONES, 3, 4), dtype="f4")
        bones[: len(transforms)] = transforms
        self._context.copy_framebuffer(self._frame, self._still)
        self._frame.use()
        if self._light.shadow > 0.05 and self._light.direction[1] > 0.2:
            self._draw_shadow(bones)
        self._body.program["bones"].write(bones.tobytes())
        self._context.enable(self._context.DEPTH_TEST)
        self._body.render()
        width, height = self._view.image_size
        raw = self._frame.read(components=3, alignment=1)
        return np.frombuffer(raw, dtype=np.uint8).reshape(height, width, 3)[::-1].copy()

    def close(self) -> None:
        """Give buffers and programs back."""
        for thing in reversed(self._owned):
            thing.release()
        self._owned.clear()

    def _keep(self, thing: Any) -> Any:
        self._owned.append(thing)
        return thing

    def _framebuffer(self) -> Any:
        size = self._view.image_size
        colour = self._keep(self._context.renderbuffer(size, components=4))
        depth = self._keep(self._context.depth_renderbuffer(size))
        return self._keep(self._context.framebuffer([colour], depth))

    def _light_program(self, program: Any) -> None:
        program["light"].value = self._light.direction
        program["light_colour"].value = self._light.colour
        program["ambient"].value = self._light.ambient

    def _body_programs(
        self, dressed: Dressed, weights: FloatArray, pattern_scale: float
    ) -> tuple[Any, Any]:
        context = self._context
        used, faces = np.unique(dressed.faces, return_inverse=True)
        buffer = self._keep(context.buffer(_packed(dressed, weights, used).tobytes()))
        index = self._keep(context.buffer(faces.astype("i4").tobytes()))
        projection = _column_major(projection_matrix(self._view))
        arrays = []
        for fragment in (shaders.BODY_FRAGMENT, shaders.SHADOW_FRAGMENT):
            program = self._keep(
                context.program(vertex_shader=shaders.BODY_VERTEX, fragment_shader=fragment)
            )
            program["projection"].write(projection)
            names = ["in_place", "in_normal", "in_colour", "in_pattern", "in_weights", "in_bones"]
            kinds = ["3f", "3f", "3f", "1f", "4f", "4f"]
            content = [
                (kind if name in program else f"{4 * int(kind[0])}x", name)
                for kind, name in zip(kinds, names, strict=True)
            ]
            layout = " ".join(kind for kind, _ in content)
            present = [name for _, name in content if name in program]
            arrays.append(
                self._keep(context.vertex_array(program, [(buffer, layout, *present)], index))
            )
        body, cast = arrays
        self._light_program(body.program)
        body.program["pattern_scale"].value = pattern_scale
        body.program["squash"].write(_column_major(np.eye(4)))
        cast.program["squash"].write(_column_major(_onto_floor(self._light.direction)))
        cast.program["shade"].value = self._shade
        return body, cast

    def _draw_stage(self, stage: NDArray[np.float32]) -> None:
        context = self._context
        program = self._keep(
            context.program(vertex_shader=shaders.SET_VERTEX, fragment_shader=shaders.SET_FRAGMENT)
        )
        program["projection"].write(_column_major(projection_matrix(self._view)))
        self._light_program(program)
        buffer = self._keep(context.buffer(stage.tobytes()))
        names = ("in_place", "in_normal", "in_colour", "in_local", "in_texture")
        array = self._keep(context.vertex_array(program, [(buffer, "3f 3f 3f 3f 1f", *names)]))
        self._still.use()
        self._still.clear(0.5, 0.5, 0.5, 1.0, depth=1.0)
        context.enable(context.DEPTH_TEST)
        array.render()

    def _draw_shadow(self, bones: NDArray[np.float32]) -> None:
        context = self._context
        self._cast.program["bones"].write(bones.tobytes())
        # The darker of floor and shade: triangles of the shadow that overlap do not add up.
        context.enable(context.BLEND | context.DEPTH_TEST)
        context.blend_equation = context.MIN
        self._cast.render()
        context.blend_equation = context.FUNC_ADD
        context.disable(context.BLEND)


def projection_matrix(view: View) -> FloatArray:
    """(4, 4) from homogeneous world points to OpenGL's clip space, for `view`."""
    width, height = view.image_size
    focal = view.focal_px
    clip_from_camera = np.zeros((4, 4))
    clip_from_camera[0, 0] = 2 * focal / width
    clip_from_camera[1, 1] = -2 * focal / height  # OpenGL's y is up
    clip_from_camera[2, 2] = (FAR_M + NEAR_M) / (FAR_M - NEAR_M)
    clip_from_camera[2, 3] = -2 * FAR_M * NEAR_M / (FAR_M - NEAR_M)
    clip_from_camera[3, 2] = 1.0
    camera_from_world = np.eye(4)
    camera_from_world[:3, :3] = view.rotation
    camera_from_world[:3, 3] = -view.rotation @ view.position
    return clip_from_camera @ camera_from_world


def _onto_floor(light: tuple[float, float, float]) -> FloatArray:
    """(4, 4) that casts a point along the light onto the floor, a centimetre above it."""
    x, y, z = light
    cast = np.eye(4)
    cast[0, 1], cast[2, 1] = -x / y, -z / y
    cast[1, 1], cast[1, 3] = 0.0, 0.01
    return cast


def _packed(dressed: Dressed, weights: FloatArray, used: NDArray[np.int64]) -> NDArray[np.float32]:
    """(U, 18) place, normal, colour, pattern, four weights and their bones of the used vertices."""
    mine = weights[used]
    bones = np.argpartition(-mine, BONES_A_VERTEX, axis=1)[:, :BONES_A_VERTEX]
    strongest = np.take_along_axis(mine, bones, axis=1)
    strongest = strongest / strongest.sum(axis=1, keepdims=True)
    columns = [
        dressed.vertices[used],
        dressed.normals[used],
        dressed.colours[used],
        dressed.patterns[used, None],
        strongest,
        bones,
    ]
    return np.hstack(columns).astype(np.float32)


def _column_major(matrix: FloatArray) -> bytes:
    return np.ascontiguousarray(matrix.T, dtype=np.float32).tobytes()
