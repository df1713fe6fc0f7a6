"""The programs of the renderer (OpenGL 3.3).

The vertex program of the body skins each vertex by up to four bones; the fragment programs light
it and draw patterns from the place on the unposed body, so that patterns move with the cloth.
"""

from __future__ import annotations

MAX_BONES = 32

NOISE = """
float hash(vec3 p) { p = fract(p * 0.3183099 + vec3(0.1, 0.23, 0.37)); p *= 17.0;
    return fract(p.x * p.y * p.z * (p.x + p.y + p.z)); }
float noise(vec3 x) { vec3 i = floor(x), f = fract(x); f = f * f * (3.0 - 2.0 * f);
    return mix(mix(mix(hash(i), hash(i + vec3(1, 0, 0)), f.x),
                   mix(hash(i + vec3(0, 1, 0)), hash(i + vec3(1, 1, 0)), f.x), f.y),
               mix(mix(hash(i + vec3(0, 0, 1)), hash(i + vec3(1, 0, 1)), f.x),
                   mix(hash(i + vec3(0, 1, 1)), hash(i + vec3(1, 1, 1)), f.x), f.y), f.z); }
"""

BODY_VERTEX = f"""
#version 330
uniform mat4 projection;
uniform mat4 squash;
uniform vec4 bones[{3 * MAX_BONES}];
in vec3 in_place; in vec3 in_normal; in vec3 in_colour; in float in_pattern;
in vec4 in_weights; in vec4 in_bones;
out vec3 normal; out vec3 colour; out vec3 place; flat out float pattern;
void main() {{
    vec4 x = vec4(0), y = vec4(0), z = vec4(0);
    for (int k = 0; k < 4; k++) {{
        int b = 3 * int(in_bones[k]);
        x += in_weights[k] * bones[b]; y += in_weights[k] * bones[b + 1];
        z += in_weights[k] * bones[b + 2];
    }}
    vec4 p = vec4(in_place, 1.0), n = vec4(in_normal, 0.0);
    vec4 world = vec4(dot(x, p), dot(y, p), dot(z, p), 1.0);
    normal = vec3(dot(x, n), dot(y, n), dot(z, n));
    colour = in_colour; place = in_place; pattern = in_pattern;
    gl_Position = projection * squash * world;
}}
"""

BODY_FRAGMENT = (
    """
#version 330
uniform vec3 light; uniform vec3 light_colour; uniform vec3 ambient; uniform float pattern_scale;
in vec3 normal; in vec3 colour; in vec3 place; flat in float pattern;
out vec3 rgb;
"""
    + NOISE
    + """
float cloth(int kind, vec3 p) {
    if (kind == 1) return step(0.5, fract(p.y));
    if (kind == 2) return step(0.5, fract(p.x + 0.3 * p.z));
    if (kind == 3) return 0.5 * (step(0.5, fract(p.y)) + step(0.5, fract(p.x)));
    if (kind == 4) return smoothstep(0.4, 0.6, noise(2.0 * p));
    return 0.0;
}
void main() {
    vec3 n = normalize(normal);
    vec3 base = colour;
    if (pattern > 0.5) base = mix(base, vec3(0.85) - 0.7 * base, 0.8 * cloth(int(pattern + 0.5),
        pattern_scale * place));
    float facing = max(dot(n, light), 0.0);
    vec3 sky = ambient * (0.75 + 0.25 * n.y);
    rgb = base * (sky + light_colour * facing);
}
"""
)

SHADOW_FRAGMENT = """
#version 330
uniform vec3 shade;
out vec4 rgba;
void main() { rgba = vec4(shade, 1.0); }
"""

SET_VERTEX = """
#version 330
uniform mat4 projection;
in vec3 in_place; in vec3 in_normal; in vec3 in_colour; in vec3 in_local; in float in_texture;
out vec3 normal; out vec3 colour; out vec3 local; flat out float texture_kind;
void main() {
    normal = in_normal; colour = in_colour; local = in_local; texture_kind = in_texture;
    gl_Position = projection * vec4(in_place, 1.0);
}
"""

SET_FRAGMENT = (
    """
#version 330
uniform vec3 light; uniform vec3 light_colour; uniform vec3 ambient;
in vec3 normal; in vec3 colour; in vec3 local; flat in float texture_kind;
out vec3 rgb;
"""
    + NOISE
    + """
float surface(int kind, vec3 p) {
    float grain = noise(7.0 * p) * 0.5 + noise(23.0 * p) * 0.3 + noise(2.0 * p) * 0.4;
    if (kind == 1) return 0.5 * step(0.94, fract(3.0 * p.x))
        + 0.5 * noise(vec3(20.0 * p.x, p.y, p.z));
    if (kind == 2) return max(step(0.95, fract(p.x)),
        max(step(0.95, fract(p.y)), step(0.95, fract(p.z))));
    if (kind == 3) return grain;
    if (kind == 4) { float row = floor(3.0 * p.y); return max(step(0.9, fract(3.0 * p.y)),
        step(0.94, fract(1.5 * (p.x + p.z) + 0.5 * mod(row, 2.0)))) + 0.2 * grain; }
    if (kind == 5) return step(0.5, fract(2.0 * (p.x + p.z)));
    return 0.15 * grain;
}
void main() {
    float share = 0.55 * surface(int(texture_kind + 0.5), local);
    vec3 base = mix(colour, vec3(0.9) - 0.8 * colour, share);
    float facing = max(dot(normalize(normal), light), 0.0);
    rgb = base * (ambient + 0.8 * light_colour * facing);
}
"""
)
