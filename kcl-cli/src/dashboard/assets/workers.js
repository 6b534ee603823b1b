// The view of workers: the leases that each holds and should hold, and its last beat.

import { h, marks, pill } from "./dom.js";
import { Grid } from "./grid.js";
import { of } from "./feed.js";
import { age, count, rate, span, UNKNOWN, WORKERS } from "./say.js";
import { feed, owner, words } from "./shards.js";

const RANK = Object.keys(WORKERS);
const OVER = new Set(["left", "replaced", "fenced"]);

const drains = (row) => (words(row).includes("drained") ? "Undrain" : "Drain");

const columns = (application, changes) => [
  { name: "worker", title: "Worker", text: (row) => row.worker, fill: (cell, row) => cell.append(owner(row.worker)) },
  { name: "state", title: "State", sort: (row) => RANK.indexOf(row.state), text: (row) => [row.state, ...words(row)].join(" "),
    fill: (cell, row) => cell.append(pill(row.state, WORKERS), ...marks(row.marks)) },
  { name: "role", title: "Role", text: (row) => row.role ?? "" },
  { name: "held", title: "Holds", number: true, sort: (row) => row.held, text: (row) => count(row.held) },
  { name: "due", title: "Should hold", says: "As a planner would plan it now", number: true, sort: (row) => row.due,
    text: (row) => (OVER.has(row.state) ? "" : count(row.due)),
    mark: (row) => (row.due !== null && row.held !== row.due ? "warn-text" : row.due === null && !OVER.has(row.state) ? "unknown" : "") },
  { name: "rate", title: "Arriving", number: true, sort: (row) => row.bytes_per_second,
    text: (row) => (OVER.has(row.state) ? "" : rate(row.bytes_per_second)) },
  { name: "beat", title: "Last beat", says: "Since when its beat is where it is, as far as was seen", number: true, lives: true,
    sort: (row) => row.beat_ms, text: (row) => (OVER.has(row.state) ? "" : row.beat_ms ? `${age(row.beat_ms)} ago` : UNKNOWN),
    mark: (row) => (row.state === "dead" ? "bad-text" : row.state === "silent" ? "warn-text" : row.beat_ms || OVER.has(row.state) ? "" : "unknown") },
  { name: "interval", title: "Beats every", number: true, sort: (row) => row.interval_ms, text: (row) => span(row.interval_ms) },
  { name: "timeout", title: "Session", number: true, sort: (row) => row.timeout_ms, text: (row) => span(row.timeout_ms) },
  { name: "late", title: "Beat late by", says: "How much later than it wanted it beat last, as it reports", number: true, sort: (row) => row.late_ms, text: (row) => (OVER.has(row.state) ? "" : span(row.late_ms)) },
  { name: "version", title: "Version", text: (row) => (OVER.has(row.state) ? "" : row.version ?? UNKNOWN) },
  { name: "zone", title: "Zone", text: (row) => row.zone ?? "not said" },
  { name: "capacity", title: "At most", number: true, sort: (row) => row.capacity, text: (row) => (row.capacity === null ? "no limit" : count(row.capacity)) },
  { name: "lives", title: "Life", says: "Which of its lives this is", number: true, sort: (row) => row.lives, text: (row) => count(row.lives) },
  ...(changes ? [{ name: "act", title: "Act", text: (row) => (OVER.has(row.state) ? "" : drains(row)),
    fill: (cell, row) => !OVER.has(row.state) && cell.append(h("a", { href: `${of(application, "act")}?act=${drains(row).toLowerCase()}&worker=${encodeURIComponent(row.worker)}`, "aria-label": `${drains(row)} ${row.worker}` }, drains(row))) }] : []),
];

export function workers({ application, model, site, state }) {
  const over = h("input", { type: "checkbox", checked: state.get("over") === "1" });
  const grid = new Grid({
    label: "Workers", columns: columns(application, site().changes), sort: "state", state,
    keep: (row) => over.checked || !OVER.has(row.state),
    find: (row) => [row.worker, row.session, row.state, row.role, row.zone, ...words(row)].join(" "),
  });
  over.addEventListener("change", () => {
    state.put({ over: over.checked ? "1" : null });
    grid.arrange();
  });
  grid.tools.prepend(h("h1", {}, "Workers"));
  grid.tools.append(h("label", { className: "check" }, over, "sessions that are over"),
    h("span", { className: "end" }, h("a", { href: of(application, "workers.json") }, "JSON"), h("code", {}, "kcl leases list")));
  return {
    node: grid.node,
    update: (changed) => {
      if (!changed.all && !changed.tables.workers) return;
      feed(grid, model, "workers", changed);
    },
    tick: () => grid.tick(),
    settle: () => grid.settle(),
  };
}
