// The view of moves: which leases got another owner, when, and for how long no worker read them.

import { h, badge, colour, sheet, time } from "./dom.js";
import { Grid } from "./grid.js";
import { of } from "./feed.js";
import { fitted, local, now, span, UNKNOWN } from "./say.js";
import { feed, owner } from "./shards.js";

const LANE = 26;
const NAMES = 150;
const LANES = 40;

const columns = () => [
  { name: "at", title: "When", number: true, sort: (row) => row.at_ms, text: (row) => local(row.at_ms), fill: (cell, row) => cell.append(time(row.at_ms)) },
  { name: "shard", title: "Shard", text: (row) => row.shard },
  { name: "from", title: "From", sort: (row) => row.from, text: (row) => row.from ?? "nobody", fill: (cell, row) => cell.append(owner(row.from)) },
  { name: "to", title: "To", text: (row) => row.to, fill: (cell, row) => cell.append(owner(row.to)) },
  { name: "why", title: "Why", text: (row) => row.why },
  { name: "unread", title: "Unread for", says: "As far as the looks show", number: true, sort: (row) => row.unread_ms ?? -1,
    text: (row) => (row.unread_ms !== null ? span(row.unread_ms) : row.how === "seen" ? "less than a look" : UNKNOWN), mark: (row) => (row.unread_ms > 10_000 ? "warn-text" : "") },
  { name: "how", title: "Told by", text: (row) => (row.how === "seen" ? "what was seen" : "the planner") },
  { name: "epoch", title: "Epoch", number: true, sort: (row) => row.epoch, text: (row) => (row.epoch === null ? UNKNOWN : String(row.epoch)) },
];

export function moves({ application, model, state }) {
  const grid = new Grid({ label: "Moves", columns: columns(), sort: "at", down: true, state, find: (row) => [row.shard, row.from, row.to, row.why].join(" ") });
  const choice = h("select", { "aria-label": "How far back" }, [[2, "2 minutes"], [10, "10 minutes"], [60, "1 hour"], [360, "6 hours"]]
    .map(([minutes, text]) => h("option", { value: minutes }, text)));
  choice.value = state.get("minutes") ?? "10";
  choice.addEventListener("change", () => {
    state.put({ minutes: choice.value });
    draw();
  });
  const picture = h("canvas", { role: "img", "aria-label": "Moves over time: a line leads from the worker that held a lease to the one that took it. The table below says the same." });
  const node = h("div", { className: "stack" },
    h("div", { className: "head" }, h("h1", {}, "Moves"), choice,
      h("span", { className: "quiet" }, "Leases that changed hands, as was seen here and as the planner tells, and for how long each shard went unread."),
      h("span", { className: "end" }, h("a", { href: of(application, "moves.json") }, "JSON"), h("code", {}, `kcl leases watch --app ${application}`))),
    h("section", { className: "card pad" }, picture), grid.node);

  function draw() {
    if (!picture.isConnected) return;
    const until = now();
    const reach = Number(choice.value) * 60_000;
    const recent = model.all("moves").filter((it) => it.at_ms > until - reach);
    const names = new Set(recent.flatMap((it) => [it.from ?? "nobody", it.to]));
    const nobody = names.delete("nobody") ? ["nobody"] : [];
    const lanes = [...[...names].sort().slice(0, LANES - nobody.length), ...nobody];
    const high = Math.max(2, lanes.length) * LANE + 26;
    const { ink, width } = sheet(picture, high);
    const x = (at) => NAMES + (1 - (until - at) / reach) * (width - NAMES - 10);
    const y = (name) => lanes.indexOf(name ?? "nobody") * LANE + LANE / 2;
    ink.font = "12.5px system-ui, sans-serif";
    ink.textBaseline = "middle";
    for (const name of lanes) {
      ink.fillStyle = colour("text");
      ink.fillText(fitted(name, 20), 0, y(name));
      ink.strokeStyle = colour("line");
      ink.lineWidth = 1;
      ink.beginPath();
      ink.moveTo(NAMES, y(name));
      ink.lineTo(width, y(name));
      ink.stroke();
    }
    ink.fillStyle = colour("quiet");
    for (let part = 0; part <= 4; part += 1) {
      const at = until - reach + (reach * part) / 4;
      ink.textAlign = ["left", "center", "center", "center", "right"][part];
      ink.fillText(local(at), x(at), high - 10);
    }
    ink.textAlign = "left";
    if (recent.length === 0) ink.fillText("nothing moved in this time", NAMES, LANE / 2);
    for (const it of recent) {
      const [from, to, mid] = [y(it.from), y(it.to), x(it.at_ms)];
      if (lanes.indexOf(it.to) < 0) continue;
      ink.strokeStyle = badge(it.to).colour;
      ink.fillStyle = ink.strokeStyle;
      ink.lineWidth = 1.5;
      ink.beginPath();
      ink.moveTo(mid, from);
      ink.lineTo(mid, to);
      ink.stroke();
      if (it.unread_ms > 0) {
        const start = Math.max(NAMES, x(it.at_ms - it.unread_ms));
        ink.fillStyle = colour("bad");
        ink.fillRect(start, from - 2, Math.max(1, mid - start), 4);
        ink.fillStyle = ink.strokeStyle;
      }
      ink.beginPath();
      ink.arc(mid, to, 3.5, 0, 7);
      ink.fill();
    }
  }

  const again = () => requestAnimationFrame(draw);
  window.addEventListener("resize", again);
  return {
    node,
    update: (changed) => {
      if (!changed.all && !changed.tables.moves) return;
      feed(grid, model, "moves", changed);
      again();
    },
    tick: () => {
      draw();
      grid.tick();
    },
    close: () => window.removeEventListener("resize", again),
  };
}
