// The live plots: draws what the kernel sends for the visible range, and asks for another range when it changes.
// Nothing per packet arrives here. All times are seconds since 1970, UTC.

// Okabe and Ito's colours, told apart by the colour-blind; shapes differ as well. On dark paper lighter ones.
const ON_LIGHT = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b07d00", "#3a9bdc", "#7a5195", "#6b6b6b"];
const ON_DARK = ["#56b4e9", "#ff8c3b", "#2bc48a", "#e6a3cb", "#e6c24c", "#9ad0f5", "#b79ad1", "#b8b8b8"];
let COLORS = ON_LIGHT;
const MARKS = { open: ["#009e73", "▲"], close: ["#6b6b6b", "▼"], error: ["#d55e00", "✕"], gap: ["#cc79a7", "◆"],
  script_error: ["#d55e00", "✕"], warning: ["#b07d00", "▲"], print: ["#0072b2", "•"], break: ["#7a5195", "■"] };
const HEIGHT = { rates: 104, rtt: 104, events: 24, log: 24 };
const LEFT = 62, RIGHT = 12, TITLE = 22, GAP = 8, AXIS = 24;
const FRAME_MS = 62; // sixteen redraws per second while the picture moves
const THEME_MS = 500; // how long colours are taken for the same: asking the page for them costs a layout
const DOUBLE_MS = 300; // two clicks in this time are one double click
const ASK_MS = 60;   // a wheel turns faster than the kernel needs to answer

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function button(text, title) {
  const node = make("button", "", text);
  node.type = "button";
  node.title = title;
  return node;
}

function clock(t, digits = 3) {
  const date = new Date(Math.floor(t) * 1000);
  const fraction = (t - Math.floor(t)).toFixed(digits).slice(1);
  return date.toISOString().slice(11, 19) + (digits ? fraction : "");
}

function number(value) {
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString("en");
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return String(Number(value.toFixed(1)));
  return String(Number(value.toPrecision(3)));
}

function duration(s) {
  if (s < 1e-3) return (s * 1e6).toFixed(0) + " µs";
  if (s < 1) return (s * 1e3).toPrecision(3) + " ms";
  return s < 120 ? s.toPrecision(3) + " s" : (s / 60).toFixed(1) + " min";
}

function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  for (const factor of [1, 2, 5, 10]) if (power * factor >= least * 0.999) return power * factor;
  return power * 10;
}

function timeStep(least) {
  for (const step of [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400])
    if (step >= least) return step;
  return niceStep(least);
}
const smallOrTime = (least) => (least < 1 ? niceStep(least) : timeStep(least));

// Words over several lines around a height, where one line is too long for the width.
function wrapped(c, text, x, y, room, paper) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = (lines[lines.length - 1] + " " + word).trim();
    if (lines[lines.length - 1] && c.measureText(longer).width > room) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  const ink = c.fillStyle;
  lines.forEach((line, i) => {
    const at = y + (i - (lines.length - 1) / 2) * 18;
    c.fillStyle = paper; // no grid through the words
    c.fillRect(x - 3, at - 9, c.measureText(line).width + 6, 18);
    c.fillStyle = ink;
    c.fillText(line, x, at);
  });
}

class Timeline {
  constructor(model, el) {
    this.model = model;
    this.follow = true;
    this.seconds = 30;
    this.view = [0, 30];
    this.data = null;
    this.clockOffset = 0;
    this.marked = null;
    this.hover = null;
    this.drag = null;
    this.marking = false;
    this.asked = 0;
    this.dirty = true;
    this.due = 0;
    this.rate = { frames: 0, since: performance.now() };
    this.build(el);
    this.onMessage = (content, buffers) => this.receive(content, buffers);
    model.on("msg:custom", this.onMessage);
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.stage);
    // Nothing is drawn behind a tab or beyond the edge of the page.
    this.inSight = true;
    this.sight = new IntersectionObserver((seen) => { this.inSight = seen[seen.length - 1].isIntersecting; this.touch(); });
    this.sight.observe(this.stage);
    // Another theme: its colours may come a little later than its name.
    this.recolor = () => { for (const ms of [0, 300, 1500]) setTimeout(() => { this.inkAt = 0; this.touch(); }, ms); };
    this.themes = new MutationObserver(this.recolor);
    this.themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-name", "data-jp-theme-light", "class"] });
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.dark.addEventListener("change", this.recolor);
    this.running = true;
    this.tick = this.tick.bind(this);
    this.model.send({ type: "ready", width: this.plotWidth() });
    // Where the kernel's threads cannot send (marimo), the page asks.
    if (model.get("pull")) this.puller = setInterval(() => { if (this.follow) this.model.send({ type: "pull" }); }, 250);
  }

  // ---- parts

  build(el) {
    this.root = make("div", "gdlab-tl");
    this.bar = make("div", "gdlab-tl-bar");
    this.bar.setAttribute("role", "toolbar");
    this.bar.setAttribute("aria-label", "time axis");
    this.followButton = button("Follow", "show the newest messages as they arrive (F)");
    this.followButton.onclick = () => this.setFollow(!this.follow);
    this.span = make("select");
    this.span.title = "how much time is shown while following";
    this.span.setAttribute("aria-label", "time shown while following");
    for (const [value, text] of [[5, "5 s"], [30, "30 s"], [120, "2 min"], [600, "10 min"], [3600, "1 h"]]) {
      const option = make("option", "", text);
      option.value = value;
      option.selected = value === 30;
      this.span.append(option);
    }
    this.span.onchange = () => { this.seconds = Number(this.span.value); this.setFollow(true); };
    this.all = button("All", "show everything that is kept (A)");
    this.all.onclick = () => this.showAll();
    this.markButton = button("Mark", "mark a range: drag over the plots, or hold Shift and drag (M)");
    this.markButton.onclick = () => { if (this.marked) this.mark(null); else { this.marking = !this.marking; this.state(); } };
    this.peers = button("By peer", "a line for each peer");
    this.peers.onclick = () => { this.model.set("by_peer", !this.model.get("by_peer")); this.model.save_changes(); this.state(); };
    this.png = button("PNG", "save the plots as a picture");
    this.png.onclick = () => this.save();
    this.words = make("div", "gdlab-tl-words");
    this.bar.append(this.followButton, this.span, this.all, this.markButton, this.peers, this.png, this.words);
    this.stage = make("div", "gdlab-tl-stage");
    this.stage.tabIndex = 0;
    this.stage.dataset.lmSuppressShortcuts = "true";
    this.stage.setAttribute("role", "application");
    this.stage.setAttribute("aria-label",
      "plots over time; arrow keys move, plus and minus zoom, F follows, A shows all, M marks what is in view");
    this.canvas = make("canvas");
    this.over = make("canvas");
    this.stage.append(this.canvas, this.over);
    this.details = make("details");
    this.details.append(make("summary", "", "What is in view, as a table"));
    this.table = make("table");
    this.details.append(this.table);
    this.details.ontoggle = () => this.fillTable();
    this.root.append(this.bar, this.stage, this.details);
    el.append(this.root);
    this.listen();
    this.state();
  }

  listen() {
    const stage = this.stage;
    stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    stage.addEventListener("pointerdown", (event) => this.down(event));
    stage.addEventListener("pointermove", (event) => this.move(event));
    stage.addEventListener("pointerup", (event) => this.up(event));
    stage.addEventListener("pointercancel", () => { this.drag = null; this.overlay(); });
    stage.addEventListener("pointerleave", () => { if (!this.drag) { this.hover = null; this.overlay(); this.say(); } });
    stage.addEventListener("dblclick", () => {
      clearTimeout(this.picking);
      if (this.kernelRuns()) this.setFollow(true);
      else this.showAll();
    });
    stage.addEventListener("keydown", (event) => this.key(event));
  }

  state() {
    const now = [this.follow, this.marking, this.model.get("by_peer"), Boolean(this.marked)].join();
    if (now === this.stated) return;
    this.stated = now;
    this.followButton.setAttribute("aria-pressed", String(this.follow));
    this.markButton.setAttribute("aria-pressed", String(this.marking));
    this.peers.setAttribute("aria-pressed", String(this.model.get("by_peer")));
    this.markButton.textContent = this.marked ? "Clear mark" : "Mark";
    this.stage.style.cursor = this.marking ? "col-resize" : "crosshair";
  }

  // ---- the kernel

  kernelRuns() { return Boolean(this.data && this.data.running); }

  plotWidth() { return Math.max(64, Math.round((this.stage.clientWidth || 640) - LEFT - RIGHT)); }

  ask(soon = true) {
    if (this.follow) {
      this.model.send({ type: "follow", seconds: this.seconds, width: this.plotWidth() });
      return;
    }
    const now = performance.now();
    clearTimeout(this.later);
    const wait = soon ? 0 : Math.max(0, this.asked + ASK_MS - now);
    this.later = setTimeout(() => {
      this.asked = performance.now();
      this.askedView = performance.now();
      this.model.send({ type: "view", t0: this.view[0], t1: this.view[1], width: this.plotWidth() });
    }, wait);
  }

  receive(content, buffers) {
    if (content.type !== "data") return;
    const view = buffers[0];
    const bytes = view ? new Uint8Array(view.buffer || view, view.byteOffset || 0, view.byteLength) : new Uint8Array(0);
    const values = new Float32Array(bytes.slice().buffer);
    let at = 0;
    const take = (n) => values.subarray(at, (at += n));
    for (const lane of content.lanes) {
      for (const series of lane.series) {
        series.x = take(series.n);
        series.low = take(series.n);
        series.high = series.single ? series.low : take(series.n);
      }
    }
    this.data = content;
    this.clockOffset = content.now - performance.now() / 1000;
    if (this.askedView) { this.root.dataset.answeredMs = (performance.now() - this.askedView).toFixed(1); this.askedView = 0; }
    if (this.follow && !content.running) this.follow = content.followed && this.follow;
    if (this.follow && !content.running && content.span) {
      this.view = [content.t0, content.t1];
    }
    const keys = content.lanes.map((lane) => lane.key).join(" ");
    if (this.root.dataset.lanes !== keys) this.root.dataset.lanes = keys;
    this.layout();
    this.told = true;
    this.touch();
    this.state();
  }

  // ---- what is shown

  domain() {
    if (this.follow && this.kernelRuns()) {
      const now = performance.now() / 1000 + this.clockOffset;
      return [now - this.seconds, now];
    }
    return this.view;
  }

  setFollow(follow) {
    if (follow === this.follow && !follow) return;
    if (!follow) this.view = this.domain();
    this.follow = follow;
    this.state();
    this.ask();
    this.touch();
  }

  show(t0, t1) {
    const least = 1e-4;
    if (t1 - t0 < least) { const middle = (t0 + t1) / 2; t0 = middle - least / 2; t1 = middle + least / 2; }
    this.follow = false;
    this.view = [t0, t1];
    this.state();
    this.touch();
    this.ask(false);
  }

  showAll() {
    const span = this.data && this.data.span;
    if (!span) return;
    const width = Math.max(span[1] - span[0], 0.1);
    this.show(span[0] - width * 0.01, span[1] + width * 0.01);
  }

  zoom(factor, around) {
    const [t0, t1] = this.domain();
    const at = around === undefined ? (t0 + t1) / 2 : around;
    const widest = 10 * 86400;
    if ((t1 - t0) * factor > widest) return;
    this.show(at - (at - t0) * factor, at + (t1 - at) * factor);
  }

  pan(share) {
    const [t0, t1] = this.domain();
    this.show(t0 + (t1 - t0) * share, t1 + (t1 - t0) * share);
  }

  mark(range) {
    this.marked = range;
    this.marking = false;
    this.model.send({ type: "mark", range });
    this.state();
    this.overlay();
    this.say();
  }

  // ---- mouse and keys

  timeAt(event) {
    const box = this.stage.getBoundingClientRect();
    const x = event.clientX - box.left, y = event.clientY - box.top;
    const [t0, t1] = this.domain();
    return { x, y, t: t0 + ((x - LEFT) / (box.width - LEFT - RIGHT)) * (t1 - t0) };
  }

  wheel(event) {
    event.preventDefault();
    event.stopPropagation();
    const at = this.timeAt(event);
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.pan(event.deltaX / 1000);
    else this.zoom(Math.exp(Math.max(-200, Math.min(200, event.deltaY)) * 0.0022), at.t);
  }

  down(event) {
    if (event.button !== 0) return;
    this.stage.setPointerCapture(event.pointerId);
    const at = this.timeAt(event);
    this.drag = { from: at, to: at, mark: this.marking || event.shiftKey, pan: event.altKey, view: this.domain() };
  }

  move(event) {
    const at = this.timeAt(event);
    this.hover = at;
    if (this.drag) {
      this.drag.to = at;
      if (this.drag.pan) {
        const [t0, t1] = this.drag.view;
        const moved = ((this.drag.from.x - at.x) / this.plotWidth()) * (t1 - t0);
        this.show(t0 + moved, t1 + moved);
      }
    }
    this.overlay();
    this.say();
  }

  up(event) {
    const drag = this.drag;
    this.drag = null;
    if (!drag) return;
    const far = Math.abs(drag.to.x - drag.from.x) > 4;
    const range = [drag.from.t, drag.to.t].sort((a, b) => a - b);
    if (drag.pan) { /* done while moving */ }
    else if (far && drag.mark) this.mark(range);
    else if (far) this.show(range[0], range[1]);
    else this.pick(this.timeAt(event));
    this.overlay();
  }

  pick(at) {
    const found = this.nearest(at, 12);
    if (!found) return;
    clearTimeout(this.picking);
    // Not at once: it may be the first of two clicks, which go back and choose nothing.
    this.picking = setTimeout(() => this.model.send({ type: "pick", lane: found.lane.key, series: found.series.name, t: found.t, value: found.value }), DOUBLE_MS);
  }

  key(event) {
    const actions = {
      ArrowLeft: () => this.pan(-0.2), ArrowRight: () => this.pan(0.2),
      "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2),
      f: () => this.setFollow(true), a: () => this.showAll(), Home: () => this.showAll(), End: () => this.setFollow(true),
      m: () => this.mark([...this.domain()]), Escape: () => this.mark(null),
    };
    const action = actions[event.key] || actions[event.key.toLowerCase()];
    if (!action || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }

  // ---- drawing

  resize() {
    if (this.stage.clientWidth === this.width) return;
    this.width = this.stage.clientWidth;
    this.layout();
    this.touch();
    if (this.width) this.ask(false);
  }

  layout() {
    const lanes = this.data ? this.data.lanes : [];
    let top = 0;
    this.tops = lanes.map((lane) => {
      const at = top;
      top += TITLE + (HEIGHT[lane.key] || 96) + GAP;
      return at;
    });
    const height = (top || 300) + AXIS;
    const ratio = window.devicePixelRatio || 1;
    for (const canvas of [this.canvas, this.over]) {
      const [w, h] = [Math.round((this.width || 640) * ratio), Math.round(height * ratio)];
      if (canvas.width !== w || canvas.height !== h) {
        canvas.width = w;
        canvas.height = h;
        canvas.style.height = height + "px";
      }
    }
    this.height = height;
  }

  // Have it drawn soon. A timer and no chain of animation frames: those would have the whole page composed sixty times
  // per second, also where nothing has changed.
  touch() {
    this.dirty = true;
    if (!this.timer) this.timer = setTimeout(this.tick, Math.max(0, FRAME_MS - (performance.now() - (this.drawnAt || 0))));
  }

  tick() {
    this.timer = 0;
    if (!this.running || !this.inSight || !this.stage.isConnected) return;
    const now = performance.now(), moves = this.follow && this.kernelRuns();
    if (this.dirty || moves) {
      this.drawnAt = now;
      this.dirty = false;
      this.draw();
      if (moves) this.overlay();
      if (this.told) { // with the picture: words that change by themselves would have the page composed once more
        this.told = false;
        this.fillTable();
        this.say();
      }
      this.rate.frames += 1;
    }
    if (moves) { // from when it was due, and not from when a busy page came to it
      this.due = (now - this.due < FRAME_MS ? this.due : now) + FRAME_MS;
      this.timer = setTimeout(this.tick, Math.max(5, this.due - performance.now()));
    }
    if (now - this.rate.since > 2000) {
      this.root.dataset.redrawsHz = ((this.rate.frames * 1000) / (now - this.rate.since)).toFixed(1);
      this.rate = { frames: 0, since: now };
    }
  }

  theme() {
    const now = performance.now();
    if (this.ink && this.inkAt && now - this.inkAt < THEME_MS) return this.ink;
    this.inkAt = now;
    return (this.ink = this.colors());
  }

  colors() {
    const style = getComputedStyle(this.root);
    const get = (name) => style.getPropertyValue(name).trim();
    COLORS = get("--tl-on") === "#111" ? ON_DARK : ON_LIGHT;
    return { ink: get("--tl-ink"), dim: get("--tl-dim"), line: get("--tl-line"), brand: get("--tl-brand"), paper: get("--tl-paper"), font: "600 14px " + style.fontFamily, small: "14px " + style.fontFamily };
  }

  context(canvas) {
    const context = canvas.getContext("2d");
    const ratio = window.devicePixelRatio || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, canvas.width / ratio, canvas.height / ratio);
    return context;
  }

  draw() {
    if (!this.data || !this.width) return;
    const c = this.context(this.canvas), ink = this.theme();
    const width = this.width;
    const [t0, t1] = this.domain();
    const toX = (t) => LEFT + ((t - t0) / (t1 - t0)) * (width - LEFT - RIGHT);
    this.drawTimeAxis(c, ink, t0, t1, toX, width);
    this.data.lanes.forEach((lane, index) => {
      const top = this.tops[index] + TITLE, height = HEIGHT[lane.key] || 96;
      c.font = ink.font;
      c.fillStyle = ink.ink;
      c.textAlign = "left";
      c.textBaseline = "alphabetic";
      const title = lane.title + (lane.unit ? `, ${lane.unit}` : "");
      c.fillText(title, LEFT, top - 6);
      this.legend(c, ink, lane, LEFT + c.measureText(title).width + 18, top - 6, width);
      c.save();
      if (lane.shape === "marks") this.drawMarks(c, ink, lane, top, height, toX, width);
      else this.drawValues(c, ink, lane, top, height, toX, width, t0, t1);
      c.restore();
    });
  }

  legend(c, ink, lane, x, y, width) {
    c.font = ink.small;
    const some = lane.series.length > 1 || lane.shape === "marks" || (lane.series[0] && lane.series[0].name !== lane.title);
    if (some) {
      // Peers of one machine are told apart by their ports; who is silent in this range needs no name.
      const hosts = new Set(lane.series.filter((each) => each.name.includes(":")).map((each) => each.name.slice(0, each.name.lastIndexOf(":"))));
      for (const [index, series] of lane.series.entries()) {
        if (lane.shape === "steps" && lane.series.length > 1 && !series.high.some((value) => value > 0)) continue;
        const name = hosts.size === 1 && lane.series.length > 1 && series.name.includes(":") ? series.name.slice(series.name.lastIndexOf(":")) : series.name;
        const [color, sign] = lane.shape === "marks" ? MARKS[series.name] || [ink.dim, "•"] : [COLORS[index % COLORS.length], lane.shape === "dots" ? "●" : "━"];
        const text = `${sign} ${name}`;
        if (x + c.measureText(text).width > width - RIGHT) break;
        c.fillStyle = color;
        c.fillText(sign, x, y);
        c.fillStyle = ink.dim;
        c.fillText(name, x + c.measureText(sign + " ").width, y);
        x += c.measureText(text).width + 16;
      }
    }
    if (lane.note && lane.series.some((series) => series.n) && x + c.measureText(lane.note).width < width - RIGHT) {
      c.fillStyle = ink.dim;
      c.textAlign = "right";
      c.fillText(lane.note, width - RIGHT, y);
      c.textAlign = "left";
    }
  }

  drawTimeAxis(c, ink, t0, t1, toX, width) {
    const bottom = this.height - AXIS;
    const step = smallOrTime((t1 - t0) / Math.max(2, (width - LEFT) / 130));
    const digits = step >= 1 ? 0 : Math.min(6, Math.ceil(-Math.log10(step)));
    c.font = ink.small;
    c.fillStyle = ink.dim;
    c.strokeStyle = ink.line;
    c.lineWidth = 1;
    c.textAlign = "center";
    c.textBaseline = "top";
    for (let t = Math.ceil(t0 / step) * step; t <= t1; t += step) {
      const x = Math.round(toX(t)) + 0.5;
      c.beginPath();
      c.moveTo(x, 2);
      c.lineTo(x, bottom);
      c.stroke();
      if (x > LEFT + 20 && x < width - 24) c.fillText(clock(t + 1e-9, digits), x, bottom + 5);
    }
    c.textAlign = "left";
    c.fillText("UTC", 4, bottom + 5);
  }

  scale(lane, t0, t1) {
    let low = Infinity, high = -Infinity;
    for (const series of lane.series) {
      for (let i = 0; i < series.n; i++) {
        const t = this.data.t0 + series.x[i];
        if (t + lane.step_s < t0 || t > t1) continue;
        if (series.low[i] < low) low = series.low[i];
        if (series.high[i] > high) high = series.high[i];
      }
    }
    if (low > high) return [0, 1];
    if (low >= 0 && (lane.key === "rates" || lane.key === "rtt" || lane.key === "frames" || low < 0.5 * high)) low = 0;
    if (high === low) { high += Math.abs(high) * 0.1 || 1; if (low) low -= Math.abs(low) * 0.1; }
    const step = niceStep((high - low) / 3);
    // It only shrinks when much room is left: an axis that jumps with every value cannot be read.
    const wanted = [Math.floor(low / step) * step, Math.ceil((high / step) * 1.0001) * step];
    const before = lane.key in (this.scales ||= {}) ? this.scales[lane.key] : null;
    if (before && this.follow && before[0] === wanted[0] && wanted[1] < before[1] && wanted[1] > before[1] * 0.5) return before;
    return (this.scales[lane.key] = wanted);
  }

  drawValues(c, ink, lane, top, height, toX, width, t0, t1) {
    const [low, high] = this.scale(lane, t0, t1);
    const toY = (value) => top + height - ((value - low) / (high - low)) * (height - 4);
    const step = niceStep((high - low) / 3);
    c.font = ink.small;
    c.textAlign = "right";
    c.textBaseline = "middle";
    const seen = (series) => series.x.some((x) => this.data.t0 + x + lane.step_s >= t0 && this.data.t0 + x <= t1);
    const any = lane.series.some(seen); // where nothing is, a scale would be made up
    for (let value = Math.ceil(low / step) * step; any && value <= high * 1.0001; value += step) {
      const y = Math.round(toY(value)) + 0.5;
      c.strokeStyle = ink.line;
      c.beginPath();
      c.moveTo(LEFT, y);
      c.lineTo(width - RIGHT, y);
      c.stroke();
      c.fillStyle = ink.dim;
      c.fillText(number(value), LEFT - 6, Math.max(y, top + 6));
    }
    c.beginPath();
    c.rect(LEFT, top - 3, width - LEFT - RIGHT, height + 6);
    c.clip();
    lane.series.forEach((series, index) => {
      c.strokeStyle = c.fillStyle = COLORS[index % COLORS.length];
      if (lane.shape === "steps") this.drawSteps(c, series, lane.step_s, toX, toY, index);
      else this.drawDots(c, series, toX, toY);
    });
    if (!any) {
      c.fillStyle = ink.dim;
      c.textAlign = "left";
      const words = lane.shape === "steps" ? "nothing in this range" : lane.note || "nothing in this range";
      wrapped(c, words, LEFT + 10, top + height / 2, width - LEFT - RIGHT - 12, ink.paper);
    }
  }

  drawSteps(c, series, step_s, toX, toY, index) {
    c.lineWidth = 1.8;
    c.setLineDash([[], [7, 3], [2, 3], [9, 3, 2, 3]][index % 4]);
    c.beginPath();
    for (let i = 0; i < series.n; i++) {
      const x = toX(this.data.t0 + series.x[i]), y = toY(series.high[i]);
      if (i === 0) c.moveTo(x, y);
      else c.lineTo(x, y);
      c.lineTo(toX(this.data.t0 + series.x[i] + step_s), y);
    }
    c.stroke();
    c.setLineDash([]);
  }

  drawDots(c, series, toX, toY) {
    const many = series.n > 1500;
    c.lineWidth = 1;
    for (let i = 0; i < series.n; i++) {
      const x = toX(this.data.t0 + series.x[i]), high = toY(series.high[i]), low = toY(series.low[i]);
      if (low - high > 1) c.fillRect(x - 0.6, high, 1.4, low - high + 1);
      else if (many) c.fillRect(x - 1, high - 1, 2, 2);
      else { c.beginPath(); c.arc(x, high, 2.4, 0, 7); c.fill(); }
    }
  }

  drawMarks(c, ink, lane, top, height, toX, width) {
    c.beginPath();
    c.rect(LEFT, top - 2, width - LEFT - RIGHT, height);
    c.clip();
    c.font = ink.font;
    c.textAlign = "center";
    c.textBaseline = "middle";
    if (!lane.series.some((series) => series.n)) {
      c.font = ink.small;
      c.textAlign = "left";
      c.fillStyle = ink.dim;
      wrapped(c, lane.note || "none in this range", LEFT + 10, top + height / 3, width - LEFT - RIGHT - 12, ink.paper);
    }
    for (const series of lane.series) {
      const [color, sign] = MARKS[series.name] || [ink.dim, "•"];
      c.fillStyle = color;
      for (let i = 0; i < series.n; i++) c.fillText(sign, toX(this.data.t0 + series.x[i]), top + height / 3);
    }
  }

  overlay() {
    if (!this.data) return;
    // A second layer over the first costs as much as the first; mostly there is nothing on it.
    const empty = !this.marked && !this.drag && !this.hover;
    if (empty && this.over.hidden) return;
    this.over.hidden = empty;
    if (empty) return;
    const c = this.context(this.over), ink = this.theme();
    const width = this.width, bottom = this.height - AXIS;
    const [t0, t1] = this.domain();
    const toX = (t) => Math.max(LEFT, Math.min(width - RIGHT, LEFT + ((t - t0) / (t1 - t0)) * (width - LEFT - RIGHT)));
    const band = (from, to, color, alpha) => {
      c.globalAlpha = alpha;
      c.fillStyle = color;
      c.fillRect(from, 0, Math.max(1, to - from), bottom);
      c.globalAlpha = 1;
    };
    if (this.marked) band(toX(this.marked[0]), toX(this.marked[1]), COLORS[4], 0.22);
    if (this.drag && !this.drag.pan && Math.abs(this.drag.to.x - this.drag.from.x) > 4) {
      const xs = [this.drag.from.x, this.drag.to.x].sort((a, b) => a - b);
      band(Math.max(LEFT, xs[0]), Math.min(width - RIGHT, xs[1]), this.drag.mark ? COLORS[4] : ink.brand, 0.25);
    }
    if (this.hover && this.hover.x >= LEFT && this.hover.x <= width - RIGHT) {
      c.strokeStyle = ink.ink;
      c.lineWidth = 1;
      c.setLineDash([4, 3]);
      c.beginPath();
      c.moveTo(Math.round(this.hover.x) + 0.5, 0);
      c.lineTo(Math.round(this.hover.x) + 0.5, bottom);
      c.stroke();
      c.setLineDash([]);
    }
  }

  // ---- words

  nearest(at, reach) {
    const width = this.width;
    const [t0, t1] = this.domain();
    const index = this.tops.findIndex((top, i) => at.y >= top && at.y < top + TITLE + (HEIGHT[this.data.lanes[i].key] || 96) + GAP);
    if (index < 0) return null;
    const lane = this.data.lanes[index], top = this.tops[index] + TITLE, height = HEIGHT[lane.key] || 96;
    const [low, high] = lane.shape === "marks" ? [0, 1] : this.scale(lane, t0, t1);
    let best = null;
    for (const series of lane.series) {
      for (let i = 0; i < series.n; i++) {
        const t = this.data.t0 + series.x[i];
        const dx = LEFT + ((t - t0) / (t1 - t0)) * (width - LEFT - RIGHT) - at.x;
        if (Math.abs(dx) > reach) continue;
        const y = lane.shape === "marks" ? at.y : top + height - ((series.high[i] - low) / (high - low)) * (height - 4);
        const far = lane.shape === "dots" ? Math.hypot(dx, y - at.y) : Math.abs(dx);
        if (far <= (lane.shape === "steps" ? Infinity : reach) && (!best || far < best.far)) best = { far, lane, series, t, value: series.high[i] };
      }
    }
    return best;
  }

  valueAt(lane, series, t, reach) {
    let best = -1, distance = Infinity;
    for (let i = 0; i < series.n; i++) {
      const from = this.data.t0 + series.x[i];
      if (lane.shape === "steps") { if (t >= from && t < from + lane.step_s) return series.high[i]; continue; }
      const far = Math.abs(from - t);
      if (far < distance) { distance = far; best = i; }
    }
    return best >= 0 && distance <= reach ? series.high[best] : null;
  }

  say() {
    if (!this.data) return;
    const parts = [];
    const [t0, t1] = this.domain();
    if (this.marked) parts.push(`marked: ${duration(this.marked[1] - this.marked[0])}${this.data.selection ? ", " + this.data.selection : ""}`);
    if (this.hover && this.hover.x >= LEFT) {
      const reach = ((t1 - t0) / this.plotWidth()) * 8;
      parts.push(clock(this.hover.t));
      for (const lane of this.data.lanes) {
        for (const series of lane.series) {
          const value = this.valueAt(lane, series, this.hover.t, reach);
          if (value === null) continue;
          if (lane.shape === "marks") parts.push(series.name);
          else if (lane.shape === "steps") parts.push(`${series.name} ${number(value)} per second`);
          else parts.push(`${lane.title.toLowerCase()} ${number(value)}${lane.unit ? " " + lane.unit : ""} (${series.name})`);
        }
      }
    } else if (this.data.words) parts.push(this.data.words);
    const text = parts.join(" · ");
    if (this.words.textContent !== text) this.words.textContent = text;
  }

  fillTable() {
    if (!this.details.open || !this.data) return;
    const [t0, t1] = this.domain();
    const rows = [["", "values", "least", "largest", "last"]];
    for (const lane of this.data.lanes) {
      for (const series of lane.series) {
        let n = 0, low = Infinity, high = -Infinity, last = NaN;
        for (let i = 0; i < series.n; i++) {
          const t = this.data.t0 + series.x[i];
          if (t < t0 || t > t1) continue;
          n += 1;
          low = Math.min(low, series.low[i]);
          high = Math.max(high, series.high[i]);
          last = series.high[i];
        }
        const unit = lane.unit ? ` (${lane.unit})` : "";
        rows.push([`${lane.title}${unit}: ${series.name}`, String(n), ...(n && lane.shape !== "marks" ? [low, high, last].map(number) : ["", "", ""])]);
      }
    }
    this.table.replaceChildren(...rows.map((cells, index) => {
      const row = make("tr");
      row.append(...cells.map((cell) => make(index ? "td" : "th", "", cell)));
      return row;
    }));
  }

  save() {
    const out = make("canvas");
    out.width = this.canvas.width;
    out.height = this.canvas.height;
    const c = out.getContext("2d");
    c.fillStyle = this.theme().paper || "#fff";
    c.fillRect(0, 0, out.width, out.height);
    c.drawImage(this.canvas, 0, 0);
    const link = make("a");
    link.download = "gdlab-timeline.png";
    link.href = out.toDataURL("image/png");
    link.click();
  }

  end() {
    this.running = false;
    clearTimeout(this.timer);
    this.sight.disconnect();
    this.themes.disconnect();
    this.dark.removeEventListener("change", this.recolor);
    clearTimeout(this.later);
    clearInterval(this.puller);
    this.observer.disconnect();
    this.model.off("msg:custom", this.onMessage);
  }
}

function render({ model, el }) {
  const view = new Timeline(model, el);
  return () => view.end();
}

export default { render };
