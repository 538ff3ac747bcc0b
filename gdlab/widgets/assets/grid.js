// The list of messages: only the rows in sight are here; others are asked for as they come into sight.

const ROW = 22;
const TALLEST = 6_000_000; // browsers do not scroll further than some ten million pixels; beyond, the scale shrinks
const PAGE = 120;
const ASK_MS = 40;
const COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b07d00", "#3a9bdc", "#7a5195", "#6b6b6b"];
const COLUMNS = {
  time: { title: "time", width: "max-content", least: "12.5ch", sort: "time" },
  arrow: { title: "", width: "1.5ch", sort: "direction" },
  peer: { title: "peer", least: "17ch", most: "24ch", sort: "peer" },
  size: { title: "bytes", least: "6ch", sort: "size_bytes", number: true },
  text: { title: "message", sort: null },
};
const COPIES = [["hex", "hex"], ["text", "text"], ["json", "JSON"], ["gdscript", "GDScript"], ["python", "Python"]];

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function button(text, title, action) {
  const node = make("button", "", text);
  node.type = "button";
  node.title = title;
  node.onclick = action;
  return node;
}

function clock(ns) { // BigInt-free: [seconds, nanoseconds]
  return new Date(ns[0] * 1000).toISOString().slice(11, 19) + "." + String(Math.floor(ns[1] / 1e6)).padStart(3, "0");
}

function seconds(s) {
  return (s < 0 ? "-" : "+") + Math.abs(s).toFixed(6);
}

class Grid {
  constructor(model, el) {
    this.model = model;
    this.total = 0;
    this.version = 0;
    this.rows = new Map(); // place -> row
    this.follow = true;
    this.selected = null;
    this.place = -1;
    this.sort = null;
    this.timeAs = "clock";
    this.hidden = new Set();
    this.peerWidth = 6;
    this.host = null; // of all peers so far; none if they differ
    this.id = "gdlab-gr-" + Math.random().toString(36).slice(2);
    this.asked = 0;
    this.pending = false;
    this.build(el);
    this.onMessage = (content) => this.receive(content);
    model.on("msg:custom", this.onMessage);
    this.height = 268;
    this.observer = new ResizeObserver(() => { this.height = this.body.clientHeight || 268; this.paint(); });
    this.observer.observe(this.body);
    model.send({ type: "ready", rows: this.inSight() });
  }

  build(el) {
    this.root = make("div", "gdlab-gr");
    const bar = make("div", "gdlab-gr-bar");
    this.filter = make("input");
    this.filter.type = "text";
    this.filter.spellcheck = false;
    this.filter.placeholder = 'filter, such as: size_bytes > 100 and v.seq % 2 == 0, or "CHAT" in text';
    this.filter.setAttribute("aria-label", "filter of the messages");
    this.filter.onkeydown = (event) => { event.stopPropagation(); if (event.key === "Enter") this.sendFilter(); };
    this.filter.onchange = () => this.sendFilter();
    this.tail = button("Follow", "stay at the newest message", () => this.setFollow(!this.follow));
    this.times = make("select");
    this.times.setAttribute("aria-label", "how times are shown");
    for (const [value, text] of [["clock", "time (UTC)"], ["start", "since the first"], ["before", "since the one before"]]) {
      const option = make("option", "", text);
      option.value = value;
      this.times.append(option);
    }
    this.times.onchange = () => { this.timeAs = this.times.value; this.paint(); };
    this.columns = make("select");
    this.columns.setAttribute("aria-label", "columns");
    this.columns.append(make("option", "", "columns…"));
    for (const name of ["time", "peer", "size"]) {
      const option = make("option", "", "");
      option.value = name;
      this.columns.append(option);
    }
    this.columns.onchange = () => {
      const name = this.columns.value;
      if (this.hidden.has(name)) this.hidden.delete(name);
      else this.hidden.add(name);
      this.columns.selectedIndex = 0;
      this.labelColumns();
      this.head();
      this.paint();
    };
    this.labelColumns();
    this.copy = make("select");
    this.copy.setAttribute("aria-label", "copy the chosen message");
    this.copy.append(make("option", "", "copy as…"));
    for (const [value, text] of COPIES) {
      const option = make("option", "", text);
      option.value = value;
      this.copy.append(option);
    }
    this.copy.onchange = () => {
      if (this.copy.selectedIndex) this.model.send({ type: "copy", as: this.copy.value });
      this.copy.selectedIndex = 0;
    };
    bar.append(this.filter, this.tail, this.times, this.columns, this.copy);
    this.note = make("div", "gdlab-gr-note");
    this.note.setAttribute("role", "status");
    this.headRow = make("div", "gdlab-gr-head");
    this.body = make("div", "gdlab-gr-body");
    this.body.tabIndex = 0;
    this.body.dataset.lmSuppressShortcuts = "true";
    this.body.setAttribute("role", "listbox");
    this.body.setAttribute("aria-label", "messages; arrow keys choose one");
    this.space = make("div");
    this.body.append(this.space);
    this.body.addEventListener("scroll", () => this.scrolled());
    this.body.addEventListener("wheel", (event) => event.stopPropagation(), { passive: true });
    this.body.addEventListener("keydown", (event) => this.key(event));
    this.root.append(bar, this.note, this.headRow, this.body);
    el.append(this.root);
    this.pool = [];
    this.head();
    this.state();
  }

  labelColumns() {
    for (const option of [...this.columns.options].slice(1))
      option.textContent = (this.hidden.has(option.value) ? "show " : "hide ") + COLUMNS[option.value].title;
  }

  shown() { return Object.keys(COLUMNS).filter((name) => !this.hidden.has(name)); }

  template() {
    const widths = { time: "13ch", arrow: "1.5ch", peer: this.peerWidth + "ch", size: "6ch", text: "minmax(0, 1fr)" };
    return this.shown().map((name) => widths[name]).join(" ");
  }

  head() {
    this.headRow.style.gridTemplateColumns = this.template();
    this.headRow.replaceChildren(...this.shown().map((name) => {
      const column = COLUMNS[name];
      const mark = this.sort && this.sort.column === column.sort ? (this.sort.descending ? "▾" : "▴") : "";
      if (!column.sort) return make("span", "", column.title);
      const title = column.title ? `sort by ${column.title}` : "sort by direction";
      const node = button((column.title || "⇅") + mark, title, () => this.sortBy(column.sort));
      if (column.number) node.className = "n";
      return node;
    }));
  }

  state() {
    this.tail.setAttribute("aria-pressed", String(this.follow));
    this.copy.disabled = this.selected === null;
  }

  // ---- the kernel

  sendFilter() {
    if (this.filter.value === this.sentFilter) return;
    this.sentFilter = this.filter.value;
    this.model.send({ type: "filter", text: this.filter.value });
  }

  sortBy(column) {
    if (this.sort && this.sort.column === column) {
      this.sort = this.sort.descending ? null : { column, descending: true };
    } else this.sort = { column, descending: false };
    if (this.sort) this.setFollow(false);
    this.head();
    this.model.send({ type: "sort", ...(this.sort || { column: null, descending: false }) });
  }

  receive(content) {
    if (content.type === "rows") {
      this.pending = false;
      if (content.version !== this.version) { this.rows.clear(); this.version = content.version; }
      content.rows.forEach((row, index) => this.rows.set(content.first + index, row));
      this.setTotal(content.total);
      this.trim();
      this.paint();
    } else if (content.type === "total") {
      if (content.version !== this.version) { this.version = content.version; this.rows.clear(); }
      this.note.textContent = content.note;
      this.note.classList.toggle("bad", Boolean(content.problem));
      if (content.begin) this.begin = content.begin;
      // While the newest are followed they come with the number: no question, and no list of dots meanwhile.
      (content.rows || []).forEach((row, index) => this.rows.set(content.first + index, row));
      this.trim();
      this.setTotal(content.total);
      this.paint();
    } else if (content.type === "choose") {
      this.setTotal(Math.max(this.total, content.total));
      this.choose(content.place, false);
    } else if (content.type === "copied") this.put(content.text);
  }

  // A list that stands still does so while others arrive: where its scale shrinks, the same place is another height.
  setTotal(total) {
    const top = this.follow ? null : this.range()[2];
    this.total = total;
    if (top !== null && total * ROW > TALLEST) this.anchor(top);
  }

  anchor(top) {
    const tall = this.tall();
    this.grow();
    this.body.scrollTop = (top / Math.max(1, this.total - this.height / ROW)) * (tall - this.height);
    this.anchored = { at: this.body.scrollTop, top };
  }

  grow() {
    const tall = this.tall();
    if (this.spaceTall !== tall) { this.spaceTall = tall; this.space.style.height = tall + "px"; }
  }

  inSight() { return Math.ceil(this.height / ROW) + 1; }

  tall() { return Math.min(this.total * ROW, TALLEST); }

  trim() {
    if (this.rows.size < 4000) return;
    const [first, last] = this.range();
    for (const place of this.rows.keys()) if (place < first - 1000 || place > last + 1000) this.rows.delete(place);
  }

  fetch(first, last) {
    let from = -1, to = -1;
    for (let place = first; place < last; place++) {
      if (!this.rows.has(place)) { if (from < 0) from = place; to = place; }
    }
    if (from < 0) return;
    const now = performance.now();
    if (this.pending && now - this.asked < 2000) return;
    if (now - this.asked < ASK_MS) {
      clearTimeout(this.later);
      this.later = setTimeout(() => this.paint(), ASK_MS);
      return;
    }
    this.pending = true;
    this.asked = now;
    const start = Math.max(0, from - 20);
    this.model.send({ type: "rows", first: start, count: Math.min(Math.max(to + 20 - start, 40), PAGE) });
  }

  // ---- what is in sight

  range() {
    const height = this.height;
    const real = this.total * ROW, tall = this.tall();
    const at = this.follow ? Math.max(0, tall - height) : this.body.scrollTop;
    let top = at / ROW;
    if (real > tall) {
      top = (at / Math.max(1, tall - height)) * Math.max(0, this.total - height / ROW);
      if (!this.follow && this.anchored && Math.abs(at - this.anchored.at) < 1) top = this.anchored.top;
      else if (!this.follow) this.anchored = { at, top };
    }
    const first = Math.max(0, Math.min(Math.floor(top), this.total - Math.floor(height / ROW)));
    return [first, Math.min(this.total, first + Math.ceil(height / ROW) + 1), top, at];
  }

  scrolled() {
    const end = this.body.scrollHeight - this.body.clientHeight - this.body.scrollTop;
    if (this.follow && end > ROW * 2 && !this.own) this.setFollow(false);
    this.paint();
  }

  setFollow(follow) {
    this.follow = follow;
    this.state();
    if (follow) {
      this.own = true;
      this.scrolledTo = null;
      requestAnimationFrame(() => requestAnimationFrame(() => { this.own = false; }));
    }
    this.model.send({ type: "follow", follow, rows: this.inSight() });
    this.paint();
  }

  paint() {
    if (this.painting) return;
    this.painting = true;
    requestAnimationFrame(() => { this.painting = false; this.draw(); });
  }

  // As wide as the longest name so far, so that the message has the rest. Where all peers are of one machine, their
  // ports tell them apart.
  makeRoom() {
    for (const row of this.rows.values()) {
      const host = row.peer.slice(0, row.peer.lastIndexOf(":"));
      if (row.peer && host !== this.host) this.host = this.host === null ? host : "";
    }
    let longest = this.peerWidth;
    for (const row of this.rows.values()) longest = Math.max(longest, Math.min(22, this.peer(row).length));
    if (longest > this.peerWidth) { this.peerWidth = longest; this.head(); }
  }

  peer(row) { return this.host && row.peer.startsWith(this.host + ":") ? row.peer.slice(this.host.length) : row.peer; }

  draw() {
    this.makeRoom();
    this.grow();
    const [first, last, top, at] = this.range();
    if (this.follow && this.scrolledTo !== at) { this.scrolledTo = at; this.body.scrollTop = at; }
    const offset = at - (top - first) * ROW;
    const template = this.template();
    const count = last - first;
    while (this.pool.length < count) {
      const node = make("div", "gdlab-gr-row");
      node.setAttribute("role", "option");
      node.id = `${this.id}-${this.pool.length}`;
      node.addEventListener("mousedown", () => this.choose(Number(node.dataset.place), true));
      this.pool.push(node);
      this.body.append(node);
    }
    this.pool.forEach((node, index) => {
      node.hidden = index >= count;
      if (!node.hidden) this.fill(node, first + index, offset + index * ROW, template);
    });
    this.fetch(first, last);
  }

  when(place, row) {
    if (this.timeAs === "clock") return clock(row.t);
    const from = this.timeAs === "start" ? this.begin : (this.rows.get(place - 1) || {}).t;
    if (!from) return this.timeAs === "start" ? clock(row.t) : "";
    return seconds(row.t[0] - from[0] + (row.t[1] - from[1]) / 1e9);
  }

  fill(node, place, top, template) {
    const row = this.rows.get(place);
    node.style.top = top + "px";
    node.style.gridTemplateColumns = template;
    node.dataset.place = place;
    const chosen = this.selected !== null && Boolean(row) && row.key === this.selected;
    node.setAttribute("aria-selected", String(chosen));
    node.setAttribute("aria-posinset", place + 1);
    node.setAttribute("aria-setsize", this.total);
    if (chosen) this.body.setAttribute("aria-activedescendant", node.id);
    node.className = "gdlab-gr-row" + (row && row.event !== "message" ? " event" : "");
    node.style.borderLeftColor = row && row.peer ? COLORS[row.color % COLORS.length] : "transparent";
    const names = this.shown();
    if (node.children.length !== names.length || node.names !== names.join()) {
      node.names = names.join();
      node.replaceChildren(...names.map((name) => make("span", name === "size" ? "n" : "")));
    }
    node.title = row ? row.peer : "";
    names.forEach((name, index) => {
      const text = this.cell(name, place, row), cell = node.children[index];
      if (cell.textContent !== text) cell.textContent = text;
    });
  }

  cell(name, place, row) {
    if (!row) return name === "text" ? "…" : "";
    if (name === "time") return this.when(place, row);
    if (name === "arrow") return row.dir === "in" ? "←" : "→";
    if (name === "peer") return this.peer(row);
    if (name === "size") return row.event === "message" ? String(row.size) : "·";
    return row.text;
  }

  choose(place, tell) {
    const row = this.rows.get(place);
    this.place = place;
    if (this.follow) this.setFollow(false);
    this.selected = row ? row.key : null;
    this.state();
    if (tell && row) this.model.send({ type: "choose", key: row.key });
    const [first, last] = this.range();
    if (place < first || place >= last - 1) this.toPlace(place);
    this.paint();
    clearTimeout(this.again); // it may have to be fetched first
    if (!row) this.again = setTimeout(() => { if (this.place === place) this.choose(place, tell); }, 150);
  }

  toPlace(place) {
    const middle = Math.max(0, place - Math.floor(this.height / ROW / 2));
    if (this.total * ROW > TALLEST) this.anchor(middle);
    else { this.grow(); this.body.scrollTop = middle * ROW; }
  }

  key(event) {
    const page = Math.floor(this.height / ROW) - 1;
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page };
    let place = null;
    if (event.key in steps) place = (this.place < 0 ? this.range()[0] : this.place) + steps[event.key];
    else if (event.key === "Home") place = 0;
    else if (event.key === "End") { event.preventDefault(); this.setFollow(true); return; }
    if (place === null || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.choose(Math.max(0, Math.min(this.total - 1, place)), true);
  }

  async put(text) {
    this.root.dataset.copied = text.slice(0, 200);
    try { await navigator.clipboard.writeText(text); } catch {
      const area = make("textarea");
      area.value = text;
      this.root.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  }

  end() {
    clearTimeout(this.later);
    clearTimeout(this.again);
    this.observer.disconnect();
    this.model.off("msg:custom", this.onMessage);
  }
}

function render({ model, el }) {
  const view = new Grid(model, el);
  return () => view.end();
}

export default { render };
