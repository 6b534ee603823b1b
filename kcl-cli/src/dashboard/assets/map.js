// The view of the hash keys: a strip with the worker of each part, and a field with a cell for each
// shard.

import { h, announce, badge, colour, fill, sheet } from "./dom.js";
import { of } from "./feed.js";
import { count, many, span } from "./say.js";

const STRIP = 44;

/** What nobody reads has no worker's colour. */
function paint(row) {
  if (row.state === "read") return { ...badge(row.owner), kind: "" };
  if (row.owner && row.state !== "unread") return { ...badge(row.owner), kind: "striped" };
  return { colour: colour(row.state === "waits" ? "calm-back" : "bad"), letter: row.state === "waits" ? "·" : "!", kind: "" };
}

export function map({ application, model, go }) {
  const strip = h("canvas", { role: "img", "aria-label": "Hash keys from the lowest to the highest, coloured by who reads them. The table below says the same." });
  const field = h("canvas", { tabindex: 0, role: "application", "aria-label": "One cell for each shard in the order of hash keys. Arrow keys go from one to the next, Enter opens it." });
  const under = h("p", { className: "under", role: "status" }, "Point at a cell, or use the arrow keys.");
  const legend = h("ul", { className: "legend", "aria-label": "Workers" });
  const rows = h("tbody");
  const mirror = h("table", {}, h("thead", {}, h("tr", {}, ["Shard", "Owner", "State", "From", "To"].map((name) => h("th", { scope: "col" }, name)))), rows);
  const node = h("div", { className: "stack" },
    h("div", { className: "head" }, h("h1", {}, "Map"), h("span", { className: "quiet" }, "Open shards in the order of their hash keys, coloured by who reads them."),
      h("span", { className: "end" }, h("a", { href: of(application, "map.json") }, "JSON"), h("code", {}, `kcl leases list --app ${application}`))),
    h("section", { className: "card pad stack" }, h("h2", {}, "Hash keys"), strip, legend),
    h("section", { className: "card pad" }, h("h2", {}, "Shards"), h("p", { className: "quiet" }, "One cell each, whatever part of the keys it covers. ! nobody reads it · it waits for its parents; striped: its worker is silent."), field, under),
    h("details", { className: "card pad" }, h("summary", {}, "The same as a table"), h("div", { className: "scroll" }, mirror)));
  let cells = [];
  let at = -1;
  let grid = { across: 1, size: 24 };
  let told = new Map();

  /** Open shards by their place; of those of unknown place, after the others. */
  function take() {
    cells = model.all("shards").filter((it) => it.state !== "ended" && it.state !== "other");
    cells.sort((a, b) => (a.from ?? 2) - (b.from ?? 2) || (a.shard < b.shard ? -1 : 1));
    // A shard that waits for its parents is drawn over them, because they cover the same keys.
    cells = cells.filter((it) => it.state !== "waits" || it.from === null).concat(cells.filter((it) => it.state === "waits" && it.from !== null));
  }

  function draw() {
    if (!strip.isConnected) return;
    const long = sheet(strip, STRIP);
    for (const it of cells) {
      if (it.from === null || it.state === "waits") continue;
      const [x, wide] = [it.from * long.width, Math.max(0.5, (it.to - it.from) * long.width)];
      block(long.ink, paint(it), x, 0, wide, STRIP, wide > 8 ? 1 : 0, wide > 26);
    }
    const wide = Math.max(200, field.clientWidth);
    const size = cells.length > 800 ? 18 : cells.length > 200 ? 24 : 34;
    grid = { across: Math.max(1, Math.floor(wide / size)), size };
    const high = Math.max(1, Math.ceil(cells.length / grid.across)) * size;
    const { ink } = sheet(field, high);
    cells.forEach((it, index) => {
      const [x, y] = [(index % grid.across) * size, Math.floor(index / grid.across) * size];
      block(ink, paint(it), x, y, size, size, 1, true);
    });
    if (at >= 0 && at < cells.length) {
      ink.strokeStyle = colour("text");
      ink.lineWidth = 2;
      ink.strokeRect((at % grid.across) * size + 1, Math.floor(at / grid.across) * size + 1, size - 3, size - 3);
    }
  }

  function tell(index, aloud) {
    const it = cells[index];
    if (!it) return;
    const text = `${it.shard}: ${it.state}, ${it.owner ?? "nobody"}, lag ${span(it.lag_ms)}`;
    under.textContent = text;
    if (aloud) announce(text);
  }

  function hit(event) {
    const box = field.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const column = Math.floor(x / grid.size);
    return column < grid.across ? Math.floor(y / grid.size) * grid.across + column : -1;
  }

  const openOne = (index) => cells[index] && go(`${of(application, "shards")}?shard=${encodeURIComponent(cells[index].shard)}`);
  field.addEventListener("pointermove", (event) => tell(hit(event), false));
  field.addEventListener("click", (event) => openOne(hit(event)));
  field.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: grid.across, ArrowUp: -grid.across }[event.key];
    if (event.key === "Enter") openOne(at);
    if (step === undefined) return;
    event.preventDefault();
    at = Math.min(cells.length - 1, Math.max(0, at < 0 ? 0 : at + step));
    tell(at, false);
    draw();
  });

  function legendOf() {
    const shares = new Map();
    for (const it of cells) {
      const name = it.state === "waits" ? "waits for parents" : it.state === "unread" || !it.owner ? "nobody" : it.owner;
      const share = shares.get(name) ?? { name, shards: 0, keys: 0, sample: it };
      share.shards += 1;
      share.keys += it.from === null ? 0 : it.to - it.from;
      shares.set(name, share);
    }
    const all = [...shares.values()].sort((a, b) => b.shards - a.shards || (a.name < b.name ? -1 : 1));
    const shown = all.slice(0, 40);
    fill(legend, ...shown.map((it) => {
      const { colour: ground, letter } = paint({ ...it.sample, state: it.name === "nobody" ? "unread" : it.sample.state === "silent" ? "read" : it.sample.state });
      const swatch = h("span", { className: "swatch", "aria-hidden": "true" });
      swatch.style.background = ground;
      return h("li", {}, swatch, h("span", {}, `${letter} `, h("b", {}, it.name), ` ${many(it.shards, "shard")}, ${(it.keys * 100).toFixed(1)} % of the keys`));
    }), all.length > shown.length ? h("li", {}, `and ${count(all.length - shown.length)} more`) : null);
  }

  /** The table says what the canvas shows; only what changed is written. */
  function mirrored() {
    const now = new Map();
    cells.forEach((it, index) => {
      const texts = [it.shard, it.owner ?? "nobody", it.state, it.from === null ? "unknown" : `${(it.from * 100).toFixed(3)} %`, it.to === null ? "unknown" : `${(it.to * 100).toFixed(3)} %`];
      let line = told.get(it.key);
      if (!line) line = { row: h("tr", {}, texts.map((text) => h("td", {}, text))), texts };
      texts.forEach((text, cell) => {
        if (line.texts[cell] !== text) line.row.children[cell].textContent = text;
      });
      line.texts = texts;
      now.set(it.key, line);
      if (rows.children[index] !== line.row) rows.insertBefore(line.row, rows.children[index] ?? null);
    });
    for (const [key, line] of told) if (!now.has(key)) line.row.remove();
    told = now;
  }

  const again = () => requestAnimationFrame(draw);
  window.addEventListener("resize", again);
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", again);

  return {
    node,
    update: (changed) => {
      if (!changed.all && !changed.tables.shards?.has("owner", "state", "from", "to")) return;
      take();
      legendOf();
      again();
      mirrored();
    },
    close: () => {
      window.removeEventListener("resize", again);
      scheme.removeEventListener("change", again);
    },
  };
}

/** A cell: its ground, stripes if its worker is silent, and its letter if there is room. */
function block(ink, { colour: ground, letter, kind }, x, y, wide, high, gap, lettered) {
  ink.fillStyle = ground;
  ink.fillRect(x, y, wide - gap, high - gap);
  if (kind === "striped") {
    ink.save();
    ink.beginPath();
    ink.rect(x, y, wide - gap, high - gap);
    ink.clip();
    ink.strokeStyle = "rgb(0 0 0 / .45)";
    ink.lineWidth = 2;
    for (let line = -high; line < wide; line += 7) {
      ink.beginPath();
      ink.moveTo(x + line, y + high);
      ink.lineTo(x + line + high, y);
      ink.stroke();
    }
    ink.restore();
  }
  if (lettered && wide > 13) {
    ink.fillStyle = letter === "!" ? "#fff" : "rgb(0 0 0 / .75)";
    ink.font = `600 ${high > 30 ? 13 : 10}px system-ui, sans-serif`;
    ink.textAlign = "center";
    ink.textBaseline = "middle";
    ink.fillText(letter, x + (wide - gap) / 2, y + (high - gap) / 2 + 0.5);
  }
}
