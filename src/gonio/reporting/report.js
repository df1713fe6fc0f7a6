"use strict";
/* The page: the skeleton's controls, the curves, and the time that they share. */

(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const by = (id) => document.getElementById(id);
  const press = (group, chosen) => {
    for (const button of group.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button === chosen));
  };
  const capital = (word) => word[0].toUpperCase() + word.slice(1);

  /* --- skeleton --- */
  const player = new SkeletonPlayer(by("skeleton"), data.skeleton, data.colours);
  const start = data.skeleton.start_s;
  const toggle = () => {
    player.play(!player.playing);
    by("play").textContent = player.playing ? "❚❚" : "▶";
    by("play").setAttribute("aria-label", player.playing ? "Pause" : "Play");
  };
  player.toggle = toggle;
  player.turned = () => press(by("views"), null);
  by("play").addEventListener("click", toggle);
  by("seek").max = String(player.duration);
  by("seek").addEventListener("input", (e) => player.setTime(Number(e.target.value)));
  by("speed").addEventListener("change", (e) => { player.speed = Number(e.target.value); });
  by("augmented").addEventListener("change", (e) => { player.augmented = e.target.checked; player.draw(); });
  by("augmented").parentElement.hidden = !data.skeleton.augmented.some(Boolean);
  by("follow").checked = player.follow;
  by("follow").addEventListener("change", (e) => { player.follow = e.target.checked; player.draw(); });
  by("views").addEventListener("click", (e) => {
    if (!e.target.dataset.view) return;
    press(by("views"), e.target);
    player.setView(e.target.dataset.view);
  });

  /* --- curves --- */
  const plot = by("plot"), cursor = by("cursor");
  const state = { row: 0, table: "absolute" };
  const unpacked = new Map();
  const curve = (table, column) => {
    const key = `${table} ${column}`, packed = data.tables[table]?.[column];
    if (!packed) return null;
    if (!unpacked.has(key)) {
      unpacked.set(key, Object.fromEntries(Object.entries(packed).map(([k, v]) => [k, gonioUnpack(v, Float32Array)])));
    }
    return unpacked.get(key);
  };
  const faded = (colour, alpha) => `rgba(${[1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16)).join(",")},${alpha})`;
  const sideName = { R: "right", L: "left", M: "mid-line" };
  const axisName = (k) => (k ? `y${k + 1}` : "y");

  /* The outline of the band (one standard deviation to either side), a ring for each stretch without a gap. */
  const bandOf = ({ t, y, s }) => {
    const ring = { x: [], y: [] };
    for (let from = 0, to; from < y.length; from = to + 1) {
      for (to = from; to < y.length && !Number.isNaN(y[to] + s[to]);) to++;
      for (let i = from; i < to; i++) { ring.x.push(t[i]); ring.y.push(y[i] + s[i]); }
      for (let i = to - 1; i >= from; i--) { ring.x.push(t[i]); ring.y.push(y[i] - s[i]); }
      if (to > from) { ring.x.push(null); ring.y.push(null); }
    }
    return ring;
  };

  /* One joint, one angle: our curve and its band, before and after the refiner, OpenSim's. NaN stays a gap. */
  const tracesOf = (joint, k, row) => {
    const column = joint.columns[k], colour = data.colours[joint.side], found = [];
    const common = { xaxis: "x", yaxis: axisName(k), mode: "lines", type: "scatter", connectgaps: false };
    const beside = (name) => (by(name).checked && state.table === "absolute" ? curve(name, column) : null);
    const push = (ours, shade, look) => {
      if (ours?.s) found.push({ ...common, ...bandOf(ours), fill: "toself", fillcolor: faded(colour, shade), line: { width: 0 }, hoverinfo: "skip", showlegend: false });
      if (!ours) return;
      found.push({
        ...common, x: ours.t, y: ours.y, showlegend: k === 0, mode: ours.t.length > 1 ? "lines" : "markers", ...look,
        customdata: ours.s, hovertemplate: `${row.angles[k].replaceAll("_", " ")} %{y:.1f}°${ours.s ? " ± %{customdata:.1f}°" : ""}`,
      });
    };
    push(beside("computed"), 0.08, { name: `${sideName[joint.side]}, as computed`, legendgroup: `${joint.side}c`, line: { color: colour, width: 1.5, dash: "5px,3px" }, opacity: 0.6 });
    push(curve(state.table, column), 0.17, { name: sideName[joint.side], legendgroup: joint.side, line: { color: colour, width: 2 } });
    const theirs = beside("opensim");
    if (theirs) {
      found.push({
        ...common, x: theirs.t, y: theirs.y, name: `${sideName[joint.side]}, OpenSim`, legendgroup: `${joint.side}o`,
        showlegend: k === 0, line: { color: colour, width: 1.6, dash: data.tables.computed ? "dashdot" : "dash" }, opacity: 0.8,
        hovertemplate: `${row.angles[k].replaceAll("_", " ")} %{y:.1f}°`,
      });
    }
    return found;
  };

  const shapesOf = (row) => {
    const shapes = [];
    for (const kind of ["estimated", "singular"]) {
      row.joints.forEach((joint, level) => {
        for (const [x0, x1] of data[kind][joint.name] ?? []) {
          row.angles.forEach((_, k) => {
            const span = { type: "rect", x0, x1, xref: "x", yref: `${axisName(k)} domain`, line: { width: 0 }, layer: "below" };
            shapes.push({ ...span, y0: 0, y1: 1, fillcolor: data.colours[kind] });
            shapes.push({ ...span, y0: 0.045 * level, y1: 0.045 * level + 0.028, fillcolor: data.colours[joint.side] });
          });
        }
      });
    }
    if (by("events").checked) {
      for (const times of Object.values(data.events)) {
        for (const x of times) {
          shapes.push({ type: "line", x0: x, x1: x, xref: "x", yref: "paper", y0: 0, y1: 1, layer: "below", line: { color: "#9aa4ae", width: 1, dash: "dot" } });
        }
      }
    }
    return shapes;
  };

  /* At least 20 degrees high, so that noise does not look like movement. */
  const rangeOf = (traces, axis) => {
    let low = Infinity, high = -Infinity;
    for (const trace of traces) {
      if (trace.yaxis !== axis) continue;
      for (const v of trace.y) { if (v === null) continue; if (v < low) low = v; if (v > high) high = v; }
    }
    if (low > high) return [-10, 10];
    const middle = (low + high) / 2, half = Math.max(((high - low) / 2) * 1.1, 10);
    return [middle - half, middle + half];
  };

  const layoutOf = (row, traces) => {
    const narrow = plot.clientWidth < 560;
    // Six names take two lines, a side of the body each, beside the buttons at the right edge.
    const many = !narrow && traces.filter((trace) => trace.showlegend).length > 4;
    const layout = {
      margin: { l: 50, r: 8, t: many ? 56 : 34, b: 40 }, paper_bgcolor: "#fff", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', Arial, sans-serif", size: 12, color: "#1d242c" },
      hovermode: "x unified", hoversubplots: "axis", hoverlabel: { bgcolor: "rgba(255,255,255,0.94)", bordercolor: "#cfd5db", font: { size: 12 } },
      legend: { orientation: "h", x: 0, y: 1.015, yanchor: "bottom", font: { size: 12 }, ...(many ? { entrywidth: 0.28, entrywidthmode: "fraction" } : {}) },
      xaxis: { anchor: "y3", title: { text: "time (s)", standoff: 4 }, gridcolor: "#eceff2", zeroline: false, ticks: "outside", ticklen: 4, tickcolor: "#9aa4ae", linecolor: "#9aa4ae", hoverformat: ".3f", unifiedhovertitle: { text: "%{x} s" } },
      shapes: shapesOf(row), annotations: [], dragmode: "zoom",
    };
    row.angles.forEach((angle, k) => {
      const edge = 1 - k * 0.345;
      layout[k ? `yaxis${k + 1}` : "yaxis"] = {
        domain: [Math.max(0, edge - 0.285), edge - 0.028], range: rangeOf(traces, axisName(k)), gridcolor: "#e6e9ed",
        zerolinecolor: "#aab3bc", zerolinewidth: 1, linecolor: "#9aa4ae", showline: true, nticks: 8, ticksuffix: "°",
      };
      const name = row.joints.length > 1 ? `${row.title}_{R,L}_${angle}_deg` : `${row.title}_${angle}_deg`;
      const small = `<span style="color:#5b6672;font-size:11px">`;
      const text = { xref: "paper", yref: "paper", y: edge - 0.026, yanchor: "bottom", showarrow: false };
      layout.annotations.push(
        { ...text, x: 0, xanchor: "left", text: `<b>${capital(row.title)} ${angle.replaceAll("_", " ")}</b>${narrow ? "" : `  ${small}${name}</span>`}` },
        { ...text, x: 1, xanchor: "right", text: `${small}${row.positive[k]} +</span>` },
      );
    });
    return layout;
  };

  /* Nothing leaves this page: Plotly's button that sends a chart to its makers is off. */
  const config = {
    displaylogo: false, responsive: true, showSendToCloud: false, plotlyServerURL: "", displayModeBar: plot.clientWidth < 560 ? false : "hover",
    modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]],
    toImageButtonOptions: { format: "svg", filename: "joint_angles" },
  };
  let drawn = false;
  const show = async () => {
    const row = data.rows[state.row];
    const traces = row.joints.flatMap((joint) => row.angles.flatMap((_, k) => tracesOf(joint, k, row)));
    await Plotly.react(plot, traces, layoutOf(row, traces), config);
    if (!drawn) {
      drawn = true;
      plot.on("plotly_click", (e) => player.setTime(e.points[0].x - start));
      plot.on("plotly_relayout", () => moveCursor(player.time));
      plot.on("plotly_afterplot", () => moveCursor(player.time));
    }
    moveCursor(player.time);
  };

  /* The cursor is an element of its own: moving it does not draw the curves again. */
  const moveCursor = (time) => {
    const size = plot._fullLayout?._size, axis = plot._fullLayout?.xaxis;
    if (!size || !axis) return;
    const x = axis.d2p(start + time);
    cursor.style.display = x >= 0 && x <= size.w ? "block" : "none";
    cursor.style.transform = `translateX(${size.l + x}px)`;
    cursor.style.top = `${size.t}px`;
    cursor.style.height = `${size.h}px`;
  };
  player.listeners.push((time) => {
    by("seek").value = String(time);
    by("clock").textContent = `${(start + time).toFixed(2)} / ${(start + player.duration).toFixed(2)} s`;
    moveCursor(time);
  });

  data.rows.forEach((row, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = capital(row.title);
    button.addEventListener("click", () => { state.row = index; press(by("joints"), button); show(); });
    by("joints").append(button);
  });
  by("zero").hidden = !data.tables.zeroed;
  by("zero").addEventListener("click", (e) => {
    if (!e.target.dataset.table) return;
    state.table = e.target.dataset.table;
    press(by("zero"), e.target);
    show();
  });
  for (const [id, there] of [["computed", data.tables.computed], ["opensim", data.tables.opensim], ["events", Object.keys(data.events).length]]) {
    by(`${id}-label`).hidden = !there;
    by(id).addEventListener("change", show);
  }
  const marks = [["singular", "near a singularity"], ["estimated", "rests on estimated markers"]];
  for (const [kind, words] of marks.filter(([kind]) => Object.keys(data[kind]).length)) {
    const swatch = document.createElement("span");
    swatch.className = "swatch";
    swatch.style.background = data.colours[kind];
    by("shade-key").append(swatch, words);
  }

  /* On paper the page of all joints stands for the one that is chosen, and nothing is folded. */
  if (document.querySelector(".overview")) document.body.classList.add("has-figure");
  const folded = [...document.querySelectorAll("details")];
  let open = [];
  addEventListener("beforeprint", () => { open = folded.map((fold) => fold.open); folded.forEach((fold) => { fold.open = true; }); });
  addEventListener("afterprint", () => folded.forEach((fold, k) => { fold.open = open[k]; }));

  by("thinned").hidden = !data.thinned;
  state.row = data.rows.findIndex((row) => row.title === "knee");
  press(by("joints"), by("joints").children[state.row]);
  player.setTime(0);
  show();
})();
