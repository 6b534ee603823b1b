// A table with many rows. The page contains only the visible ones. Rows are changed in place: an
// update moves nothing under the reader's eyes or pointer.

import { h, copy, put } from "./dom.js";
import { many, UNKNOWN } from "./say.js";

/** Up to so many rows are all there: the browser then finds text in them, and paper holds them. */
const ALL = 60;
const ROW = 30;
const BEYOND = 8;
/** No column gets wider for its texts than the style sheet lets it. */
const WIDEST = 420;

/**
 * `columns`: { name, title, text(row), sort(row)?, number?, mark?(row), fill?(cell, row), lives? }.
 * `text` says what is shown, `fill` shows it by other elements whenever that text changes, `lives`
 * says that it changes with time alone.
 */
export class Grid {
  constructor({ label, columns, sort, down = false, keep, find, onRow, state }) {
    Object.assign(this, { label, columns, keep, find, onRow, state });
    this.by = state?.get("sort") ?? sort;
    this.down = state?.get("sort") ? state.get("down") === "1" : down;
    this.words = state?.get("q") ?? "";
    this.rows = new Map();
    this.order = [];
    this.made = new Map();
    this.changed = new Set();
    this.natural = columns.map(() => 0);
    this.build();
  }

  build() {
    const head = this.columns.map((column) => {
      const button = h("button", { type: "button", title: column.says }, column.title);
      button.addEventListener("click", () => this.sortBy(column.name));
      column.head = h("th", { scope: "col", className: column.number ? "number" : "" }, button);
      return column.head;
    });
    this.above = h("tr", { className: "space", "aria-hidden": "true" }, h("td", { colspan: head.length }));
    this.below = h("tr", { className: "space", "aria-hidden": "true" }, h("td", { colspan: head.length }));
    this.body = h("tbody", {}, this.above, this.below);
    this.table = h("table", { "aria-label": this.label }, h("thead", {}, h("tr", {}, ...head)), this.body);
    this.scroll = h("div", { className: "scroll card", tabindex: 0, role: "region", "aria-label": this.label }, this.table);
    this.empty = h("p", { className: "empty", hidden: true });
    this.scroll.append(this.empty);
    this.scroll.addEventListener("scroll", () => this.draw(), { passive: true });
    this.filter = h("input", { type: "search", value: this.words, placeholder: "Filter…  ( / )", "aria-label": `Filter ${this.label}` });
    this.filter.addEventListener("input", () => {
      this.words = this.filter.value;
      this.remember();
      this.arrange();
    });
    this.shown = h("span", { className: "quiet", role: "status" });
    this.copied = h("button", { type: "button", className: "small" }, "Copy rows");
    this.copied.addEventListener("click", () => copy(this.tabbed(), this.copied));
    this.tools = h("div", { className: "head" }, this.filter, this.shown, this.copied);
    this.node = h("div", {}, this.tools, this.scroll);
    this.body.addEventListener("click", (event) => {
      const key = event.target.closest("tr")?.dataset.key;
      if (key && this.onRow && !event.target.closest("a,button")) this.onRow(key);
    });
    this.told();
  }

  /** Takes all rows: objects by their keys. */
  set(rows) {
    this.rows = rows;
    this.arrange();
  }

  /** Takes rows that changed; `moved` says that some came or went. */
  patch(rows, keys, moved) {
    this.rows = rows;
    if (moved) {
      this.arrange();
      return;
    }
    for (const key of keys) this.fillRow(key);
  }

  /** Puts rows in order anew, if nobody points at one. */
  settle() {
    if (!this.scroll.matches(":hover") && !this.scroll.contains(document.activeElement)) this.arrange();
  }

  /** Says again what changes with time. */
  tick() {
    for (const key of this.made.keys()) this.fillRow(key, true);
  }

  sortBy(name) {
    const { number } = this.columns.find((column) => column.name === name);
    this.down = this.by === name ? !this.down : Boolean(number);
    this.by = name;
    this.remember();
    this.told();
    this.arrange();
  }

  told() {
    for (const column of this.columns) {
      const is = column.name === this.by;
      if (is) column.head.setAttribute("aria-sort", this.down ? "descending" : "ascending");
      else column.head.removeAttribute("aria-sort");
    }
  }

  remember() {
    this.state?.put({ q: this.words || null, sort: this.by, down: this.down ? "1" : null });
  }

  arrange() {
    const words = this.words.toLowerCase().split(/\s+/).filter(Boolean);
    const column = this.columns.find((it) => it.name === this.by) ?? this.columns[0];
    const value = column.sort ?? column.text;
    const kept = [];
    for (const [key, row] of this.rows) {
      if (this.keep && !this.keep(row)) continue;
      const text = words.length > 0 ? this.find(row).toLowerCase() : "";
      if (words.every((word) => text.includes(word))) kept.push([key, value(row)]);
    }
    const order = this.down ? -1 : 1;
    kept.sort(([a, x], [b, y]) => order * compare(x, y, order) || (a < b ? -1 : 1));
    this.order = kept.map(([key]) => key);
    this.loosen();
    put(this.shown, this.order.length === this.rows.size
      ? many(this.rows.size, "row")
      : `${this.order.length} of ${many(this.rows.size, "row")}`);
    this.table.setAttribute("aria-rowcount", this.order.length + 1);
    this.empty.hidden = this.order.length > 0;
    put(this.empty, this.rows.size > 0 ? "No row is as the filter asks." : "Nothing is known of any.");
    this.draw();
  }

  /** Makes the rows in sight, and no others. */
  draw() {
    const total = this.order.length;
    let [first, last] = [0, total];
    if (total > ALL) {
      first = Math.max(0, Math.floor(this.scroll.scrollTop / ROW) - BEYOND);
      last = Math.min(total, first + Math.ceil((this.scroll.clientHeight || 600) / ROW) + 2 * BEYOND);
    }
    const wanted = this.order.slice(first, last);
    const stay = new Set(wanted);
    for (const [key, made] of this.made) {
      if (!stay.has(key)) {
        made.row.remove();
        this.made.delete(key);
      }
    }
    this.space(this.above, first * ROW);
    this.space(this.below, (total - last) * ROW);
    let next = this.above.nextElementSibling;
    wanted.forEach((key, index) => {
      let made = this.made.get(key);
      if (!made) {
        made = this.make(key);
        this.made.set(key, made);
        this.fillRow(key);
      }
      made.row.setAttribute("aria-rowindex", first + index + 2);
      if (made.row === next) next = next.nextElementSibling;
      else this.body.insertBefore(made.row, next);
    });
    if (!this.fastened) requestAnimationFrame(() => this.fasten());
  }

  /**
   * Columns are as wide as their widest text was by now, and what is left of the room is theirs in
   * proportion. They stay so: a text that changes moves nothing, unless it needs more room.
   */
  fasten() {
    if (this.fastened || this.made.size === 0 || !this.table.isConnected) return;
    this.table.style.width = "max-content";
    const widths = this.columns.map((column) => column.head.getBoundingClientRect().width);
    const room = this.scroll.clientWidth;
    this.table.style.width = "";
    if (widths.every((width) => width === 0)) return;
    this.natural = widths.map((width, at) => Math.max(width, this.natural[at]));
    const all = this.natural.reduce((sum, width) => sum + width, 0);
    const share = Math.max(1, (room - 0.5) / all);
    this.columns.forEach((column, at) => { column.head.style.width = `${this.natural[at] * share}px`; });
    this.table.style.tableLayout = "fixed";
    this.fastened = true;
  }

  /** There is more room, or less, or more is needed: columns are made as wide as they have to be. */
  refit() {
    this.loosen();
    this.fasten();
  }

  /** A text that was changed may have become too long for its column: all are looked at together. */
  watch(cell) {
    if (this.changed.size === 0) requestAnimationFrame(() => this.outgrown());
    this.changed.add(cell);
  }

  outgrown() {
    const cells = [...this.changed];
    this.changed.clear();
    const isCut = (cell) => cell.scrollWidth > cell.clientWidth && cell.offsetWidth < WIDEST;
    if (this.fastened && cells.some(isCut)) this.refit();
  }

  loosen() {
    if (!this.fastened) return;
    this.fastened = false;
    this.table.style.tableLayout = "";
    for (const column of this.columns) column.head.style.width = "";
  }

  space(row, height) {
    row.firstElementChild.style.height = `${height}px`;
    row.hidden = height === 0;
  }

  make(key) {
    const cells = this.columns.map((column) => h("td", { className: column.number ? "number" : "" }));
    const row = h("tr", {}, ...cells);
    row.dataset.key = key;
    return { row, cells, texts: [] };
  }

  fillRow(key, living = false) {
    const made = this.made.get(key);
    const row = this.rows.get(key);
    if (!made || !row) return;
    this.columns.forEach((column, at) => {
      if (living && !column.lives) return;
      const text = column.text(row);
      const mark = column.mark?.(row) ?? (text === UNKNOWN ? "unknown" : "");
      const stamp = `${mark} ${text}`;
      if (made.texts[at] === stamp) return;
      made.texts[at] = stamp;
      const cell = made.cells[at];
      if (column.fill) {
        cell.replaceChildren();
        column.fill(cell, row);
      } else {
        cell.textContent = text;
      }
      cell.className = `${column.number ? "number" : ""} ${mark}`.trim();
      cell.title = text.length > 40 ? text : "";
      if (this.fastened) this.watch(cell);
    });
    made.row.classList.toggle("chosen", key === this.chosen);
  }

  choose(key) {
    const before = this.chosen;
    this.chosen = key;
    for (const it of [before, key]) if (it) this.fillRow(it);
  }

  tabbed() {
    const head = this.columns.map((column) => column.title).join("\t");
    const line = (key) => this.columns.map((column) => column.text(this.rows.get(key))).join("\t");
    return [head, ...this.order.map(line)].join("\n");
  }
}

/** What is not known comes last, whichever way it is sorted. */
function compare(x, y, order) {
  const [a, b] = [x === null || x === undefined, y === null || y === undefined];
  if (a || b) return a === b ? 0 : (a ? 1 : -1) * order;
  if (typeof x === "number" && typeof y === "number") return x - y;
  return String(x).localeCompare(String(y), "en", { numeric: true });
}
