"use strict";
/* A skeleton in a plain 2D canvas: its own small perspective, no WebGL. Lab frame: metres, Y up,
   X towards the camera that filmed, Z to the right of a person who faces it. */

const gonioUnpack = (text, Kind) => {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return new Kind(bytes.buffer);
};

class SkeletonPlayer {
  static VIEWS = { front: [0, 0.06], side: [Math.PI / 2, 0.06], top: [0, 1.5] };
  static FIELD = 0.4; // radians over the height: a long lens keeps proportions honest

  constructor(canvas, data, colours) {
    this.canvas = canvas;
    this.data = data;
    this.colours = colours;
    this.xyz = gonioUnpack(data.positions, Int16Array);
    this.estimated = gonioUnpack(data.estimated, Uint8Array);
    this.count = data.names.length;
    this.duration = Math.max(0, data.frames - 1) * data.step_s;
    this.time = 0; // seconds after the first frame
    this.speed = 1;
    this.playing = false;
    this.augmented = false;
    this.follow = false;
    this.zoom = 1;
    this.listeners = [];
    [this.yaw, this.pitch] = SkeletonPlayer.VIEWS.front;
    this.measure();
    this.listen();
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  /* One marker at a frame, metres; null where it is missing. */
  at(frame, marker) {
    const k = 3 * (frame * this.count + marker), q = this.xyz, d = this.data;
    if (q[k] === d.missing) return null;
    return [0, 1, 2].map((i) => d.origin_m[i] + q[k + i] * d.unit_m);
  }

  /* All markers at the present time, with straight lines between two frames. */
  pose() {
    const exact = this.data.frames > 1 ? this.time / this.data.step_s : 0;
    const a = Math.min(Math.floor(exact + 1e-6), this.data.frames - 1);
    const b = Math.min(a + 1, this.data.frames - 1), share = Math.min(Math.max(exact - a, 0), 1);
    const near = share < 0.5 ? a : b;
    return this.data.names.map((_, m) => {
      const p = this.at(a, m), q = this.at(b, m);
      const xyz = p && q ? p.map((v, i) => v + share * (q[i] - v)) : near === a ? p : q;
      return { m, xyz, guess: this.estimated[near * this.count + m] === 1 };
    });
  }

  /* What the clip covers, so that the view fits it: robust against single wild frames. */
  measure() {
    const axes = [[], [], []], size = []; // size: half height and half width of the person
    const stride = Math.max(1, Math.floor(this.data.frames / 300));
    for (let f = 0; f < this.data.frames; f += stride) {
      const low = [1e9, 1e9, 1e9], high = [-1e9, -1e9, -1e9];
      for (let m = 0; m < this.count; m++) {
        const p = this.data.augmented[m] ? null : this.at(f, m);
        if (p) p.forEach((v, i) => { low[i] = Math.min(low[i], v); high[i] = Math.max(high[i], v); });
      }
      if (low[0] > high[0]) continue;
      low.forEach((v, i) => axes[i].push(v, high[i]));
      size.push(low.map((v, i) => (high[i] - v) / 2));
    }
    const part = (list, share) => list.sort((a, b) => a - b)[Math.round(share * (list.length - 1))];
    if (!size.length) { this.middle = [0, 0.9, 0]; this.reach = this.person = { tall: 1, wide: 0.6 }; return; }
    const low = axes.map((list) => part(list, 0.01)), high = axes.map((list) => part(list, 0.99));
    const half = low.map((v, i) => (high[i] - v) / 2);
    this.middle = low.map((v, i) => v + half[i]);
    this.person = {
      tall: Math.max(0.2, half[1]),
      wide: Math.max(0.2, part(size.map((s) => Math.max(s[0], s[2])), 0.98)),
    };
    this.reach = { tall: this.person.tall, wide: Math.max(0.2, half[0], half[2]) };
    this.follow = this.reach.wide > 1.5 * Math.max(this.person.wide, this.person.tall);
  }

  camera(pose) {
    let centre = this.middle, reach = this.reach;
    if (this.follow) {
      const seen = pose.filter((p) => p.xyz && !this.data.augmented[p.m]).map((p) => p.xyz);
      if (seen.length) {
        const mean = [0, 1, 2].map((i) => seen.reduce((sum, p) => sum + p[i], 0) / seen.length);
        centre = this.centre = [mean[0], this.middle[1], mean[2]];
      } else if (this.centre) centre = this.centre;
      reach = this.person;
    }
    const [sy, cy, sp, cp] = [Math.sin(this.yaw), Math.cos(this.yaw), Math.sin(this.pitch), Math.cos(this.pitch)];
    const back = [cp * cy, sp, cp * sy], right = [sy, 0, -cy];
    const up = [-sp * cy, cp, -sp * sy];
    const width = this.canvas.clientWidth, height = this.canvas.clientHeight;
    // As near as both the height and the width of what moves allow.
    const lens = Math.tan(SkeletonPlayer.FIELD / 2), focal = height / 2 / lens;
    const tall = Math.abs(cp) * reach.tall + Math.abs(sp) * reach.wide;
    const distance = (reach.wide + (1.14 * Math.max(tall, (reach.wide * height) / width)) / lens) / this.zoom;
    const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    return (p) => {
      const d = [p[0] - centre[0], p[1] - centre[1], p[2] - centre[2]];
      const depth = distance - dot(d, back);
      if (depth < 0.1) return null;
      const scale = focal / depth;
      return { x: width / 2 + scale * dot(d, right), y: height / 2 - scale * dot(d, up), depth, scale };
    };
  }

  draw() {
    const { canvas } = this, ratio = window.devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * ratio), height = Math.round(canvas.clientHeight * ratio);
    if (!width || !height) return;
    if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
    const pose = this.pose(), project = this.camera(pose);
    this.drawFloor(pen, project);
    const spots = pose.map((p) => (p.xyz ? { ...p, ...project(p.xyz) } : p)).map((p) => (p.x === undefined ? null : p));
    const parts = [];
    for (const [a, b] of this.data.edges) {
      if (spots[a] && spots[b]) parts.push({ depth: (spots[a].depth + spots[b].depth) / 2, ends: [spots[a], spots[b]] });
    }
    for (const spot of spots) {
      if (spot && (this.augmented || !this.data.augmented[spot.m])) parts.push({ depth: spot.depth - 0.02, spot });
    }
    parts.sort((a, b) => b.depth - a.depth);
    for (const part of parts) part.spot ? this.drawMarker(pen, part.spot) : this.drawBone(pen, part.ends);
    if (!spots.some(Boolean)) {
      pen.fillStyle = "#5b6672";
      pen.font = "14px system-ui, sans-serif";
      pen.textAlign = "center";
      pen.fillText("nobody was found at this time", canvas.clientWidth / 2, canvas.clientHeight / 2);
    }
  }

  drawFloor(pen, project) {
    const step = 0.5, [x0, , z0] = (this.follow && this.centre) || this.middle;
    const half = Math.min(12, step * Math.ceil((1.1 * (this.follow ? this.person : this.reach).wide + 0.7) / step));
    const cx = step * Math.round(x0 / step), cz = step * Math.round(z0 / step);
    const line = (a, b, style) => {
      const p = project(a), q = project(b);
      if (!p || !q) return;
      pen.strokeStyle = style;
      pen.beginPath(); pen.moveTo(p.x, p.y); pen.lineTo(q.x, q.y); pen.stroke();
    };
    pen.lineWidth = 1;
    for (let s = -half; s <= half + 1e-6; s += step) {
      line([cx + s, 0, cz - half], [cx + s, 0, cz + half], "#d5dae0");
      line([cx - half, 0, cz + s], [cx + half, 0, cz + s], "#d5dae0");
    }
    const tip = project([cx + half, 0, cz]), root = project([cx + half - step, 0, cz]);
    if (!tip || !root || Math.hypot(tip.x - root.x, tip.y - root.y) < 12) return;
    pen.lineWidth = 2;
    line([cx + half - step, 0, cz], [cx + half, 0, cz], "#8a949f");
    const room = pen.measureText("to camera").width;
    const x = Math.min(Math.max(tip.x, room / 2 + 4), this.canvas.clientWidth - room / 2 - 4);
    pen.fillStyle = "#6a7480";
    pen.font = "11px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.fillText("to camera", x, Math.min(tip.y + 14, this.canvas.clientHeight - 6));
  }

  drawBone(pen, [a, b]) {
    const sides = this.data.sides, side = sides[a.m] === "M" ? sides[b.m] : sides[a.m];
    pen.strokeStyle = this.colours[side];
    pen.lineCap = "round";
    pen.lineWidth = Math.min(7, Math.max(1.5, 0.017 * (a.scale + b.scale) / 2));
    if (a.guess || b.guess) { pen.setLineDash([1, 1.9 * pen.lineWidth]); pen.globalAlpha = 0.75; }
    pen.beginPath(); pen.moveTo(a.x, a.y); pen.lineTo(b.x, b.y); pen.stroke();
    pen.setLineDash([]);
    pen.globalAlpha = 1;
  }

  drawMarker(pen, spot) {
    const extra = this.data.augmented[spot.m], colour = this.colours[this.data.sides[spot.m]];
    const radius = Math.min(9, Math.max(1.6, spot.scale * (extra ? 0.0085 : 0.017)));
    pen.beginPath();
    pen.arc(spot.x, spot.y, radius, 0, 2 * Math.PI);
    pen.fillStyle = spot.guess ? "#fff" : colour;
    pen.strokeStyle = spot.guess ? colour : "#fff";
    pen.lineWidth = spot.guess ? 1.8 : 1;
    pen.globalAlpha = extra && !spot.guess ? 0.72 : 1;
    pen.fill(); pen.stroke();
    pen.globalAlpha = 1;
  }

  setTime(seconds) {
    this.time = Math.min(Math.max(seconds, 0), this.duration);
    this.draw();
    for (const heard of this.listeners) heard(this.time);
  }

  setView(name) {
    [this.yaw, this.pitch] = SkeletonPlayer.VIEWS[name];
    this.zoom = 1;
    this.draw();
  }

  play(on) {
    this.playing = on && this.duration > 0;
    if (this.playing && this.time >= this.duration - 1e-6) this.time = 0;
    let last = null;
    const tick = (now) => {
      if (!this.playing) return;
      if (last !== null) {
        const next = this.time + (this.speed * Math.min(now - last, 250)) / 1000;
        this.setTime(next > this.duration ? 0 : next); // round and round
      }
      last = now;
      requestAnimationFrame(tick);
    };
    if (this.playing) requestAnimationFrame(tick);
  }

  turn(yaw, pitch) {
    this.yaw += yaw;
    this.pitch = Math.min(Math.max(this.pitch + pitch, -0.3), 1.5);
    this.turned?.();
    this.draw();
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (down) => {
      canvas.setPointerCapture(down.pointerId);
      let { clientX: x, clientY: y } = down;
      const move = (e) => { this.turn((e.clientX - x) * 0.008, (e.clientY - y) * 0.006); x = e.clientX; y = e.clientY; };
      const stop = () => { canvas.removeEventListener("pointermove", move); };
      canvas.addEventListener("pointermove", move);
      canvas.addEventListener("pointerup", stop, { once: true });
      canvas.addEventListener("pointercancel", stop, { once: true });
    });
    canvas.addEventListener("wheel", (e) => {
      if (!e.ctrlKey) return; // the page scrolls; with Ctrl, or two fingers, the view zooms
      e.preventDefault();
      this.zoom = Math.min(Math.max(this.zoom * Math.exp(-e.deltaY / 300), 0.4), 6);
      this.draw();
    }, { passive: false });
    canvas.addEventListener("keydown", (e) => {
      const turns = { ArrowLeft: [-0.12, 0], ArrowRight: [0.12, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] };
      if (turns[e.key]) this.turn(...turns[e.key]);
      else if (e.key === " ") this.toggle?.();
      else return;
      e.preventDefault();
    });
  }
}
