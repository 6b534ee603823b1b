// The view of the lineage: the parents of each shard, and the shards that wait for them.

import { h, badge, colour, pill, put, sheet } from "./dom.js";
import { Grid } from "./grid.js";
import { of } from "./feed.js";
import { fitted, many, SHARDS, span } from "./say.js";
import { owner } from "./shards.js";

const HIGH = 360;

export function lineage({ application, model, state, go }) {
  const columns = [
    { name: "shard", title: "Shard", text: (row) => row.shard,
      fill: (cell, row) => cell.append(h("a", { href: `${of(application, "shards")}?shard=${encodeURIComponent(row.shard)}` }, row.shard)) },
    { name: "state", title: "State", sort: (row) => (row.waits_for.length ? -1 : Object.keys(SHARDS).indexOf(row.state)), text: (row) => row.state,
      fill: (cell, row) => cell.append(pill(row.state, SHARDS)) },
    { name: "owner", title: "Owner", sort: (row) => row.owner, text: (row) => row.owner ?? "nobody", fill: (cell, row) => cell.append(owner(row.owner)) },
    { name: "waits", title: "Waits for", text: (row) => row.waits_for.map((name) => `${name} (${behind(name)})`).join(", ") || "nothing",
      mark: (row) => (row.waits_for.length ? "warn-text" : "") },
    { name: "parents", title: "Came from", text: (row) => row.parents.join(" + ") || "the beginning" },
    { name: "children", title: "Goes on in", text: (row) => (row.next ?? []).join(" + ") || "" },
  ];
  const grid = new Grid({ label: "Splits and merges", columns, sort: "state", state, find: (row) => [row.shard, row.state, row.owner, ...row.parents, ...row.next].join(" ") });
  const picture = h("canvas", { role: "img", "aria-label": "Shards by generation, from left to right; each is as high as the part of the hash keys that it covers. The table below says the same." });
  const said = h("span", { className: "quiet", role: "status" });
  const node = h("div", { className: "stack" },
    h("div", { className: "head" }, h("h1", {}, "Lineage"), said,
      h("span", { className: "end" }, h("a", { href: of(application, "lineage.json") }, "JSON"), h("code", {}, "kcl stream describe"))),
    h("section", { className: "card pad" }, picture,
      h("p", { className: "under" }, "Each column is a generation; a shard is as high as the part of the hash keys that it covers. Grey: read to its end.")),
    grid.node);
  let shards = new Map();
  let places = [];

  /** How far a parent is from its end, as far as is known. */
  function behind(name) {
    const parent = shards.get(name);
    if (!parent) return "not known";
    return parent.lag_ms === null ? "how far behind is unknown" : `${span(parent.lag_ms)} behind`;
  }

  function take() {
    shards = new Map(model.all("shards").filter((it) => it.state !== "other").map((it) => [it.shard, { ...it, next: [] }]));
    for (const it of shards.values()) for (const parent of it.parents) shards.get(parent)?.next.push(it.shard);
    const depth = (it, seen = 0) => {
      if (it.depth === undefined && seen < 500) {
        const parents = it.parents.map((name) => shards.get(name)).filter(Boolean);
        it.depth = parents.length ? 1 + Math.max(...parents.map((parent) => depth(parent, seen + 1))) : 0;
      }
      return it.depth ?? 0;
    };
    for (const it of shards.values()) depth(it);
    const related = [...shards.values()].filter((it) => it.next.length > 0 || it.parents.some((name) => shards.has(name)) || it.waits_for.length > 0);
    const waiting = related.filter((it) => it.waits_for.length > 0).length;
    put(said, related.length === 0 ? "No shard was split or merged." : `${many(related.length, "shard")} from splits and merges, ${waiting} of them waiting`);
    grid.set(new Map(related.map((it) => [it.key, it])));
    for (const it of related) grid.fillRow(it.key);
  }

  function draw() {
    if (!picture.isConnected) return;
    const { ink, width } = sheet(picture, HIGH);
    const known = [...shards.values()].filter((it) => it.from !== null);
    const deepest = Math.max(0, ...known.map((it) => it.depth));
    const wide = Math.min(420, width / (deepest + 1));
    places = known.map((it) => ({ it, x: it.depth * wide, y: it.from * HIGH, wide: wide - 10, high: Math.max(1, (it.to - it.from) * HIGH) }));
    ink.font = "11.5px system-ui, sans-serif";
    ink.textBaseline = "middle";
    for (const { it, x, y, wide: across, high } of places) {
      ink.fillStyle = it.state === "ended" ? colour("line")
        : it.state === "waits" ? colour("warn-back")
        : it.state === "read" ? badge(it.owner).colour : colour("bad");
      ink.fillRect(x, y, across, Math.max(1, high - (high > 4 ? 1 : 0)));
      if (high < 13) continue;
      ink.fillStyle = it.state === "ended" ? colour("quiet") : it.state === "waits" ? colour("warn") : it.state === "read" ? "rgb(0 0 0 / .8)" : colour("card");
      const name = it.shard.replace(/^shardId-0*/, "");
      const text = `${name || "0"}${it.state === "waits" ? " waits" : it.owner ? ` ${it.owner}` : ""}`;
      ink.fillText(fitted(text, Math.floor(across / 6.4)), x + 6, y + high / 2);
    }
    ink.strokeStyle = colour("quiet");
    ink.lineWidth = 1;
    for (const { it, x, y, high } of places) {
      for (const name of it.parents) {
        const parent = places.find((place) => place.it.shard === name);
        if (!parent || places.length > 400) continue;
        ink.beginPath();
        ink.moveTo(parent.x + parent.wide, parent.y + parent.high / 2);
        ink.lineTo(x, y + high / 2);
        ink.stroke();
      }
    }
  }

  picture.addEventListener("click", (event) => {
    const box = picture.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const hit = places.find((it) => x >= it.x && x <= it.x + it.wide && y >= it.y && y <= it.y + it.high);
    if (hit) go(`${of(application, "shards")}?shard=${encodeURIComponent(hit.it.shard)}`);
  });
  const again = () => requestAnimationFrame(draw);
  window.addEventListener("resize", again);
  return {
    node,
    update: (changed) => {
      if (!changed.all && !changed.tables.shards?.has("owner", "state", "waits_for", "parents", "children")) return;
      take();
      again();
    },
    close: () => window.removeEventListener("resize", again),
  };
}
