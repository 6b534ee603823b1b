// The overview of all applications, those with the worst state first.

import { h, pill, put } from "./dom.js";
import { Grid } from "./grid.js";
import { of } from "./feed.js";
import { age, count, rate, span, STATES, UNKNOWN } from "./say.js";

const RANK = Object.keys(STATES);

function lead(row) {
  const state = RANK.indexOf(row.state);
  return -(row.problems ?? 0) * 1e9 + state * 1e7 - (row.warnings ?? 0) * 1e4 - Math.min(9e3, (row.lag?.max_ms ?? 0) / 1e3);
}

const source = (row, name) => row.sources?.find((it) => it.name === name)?.at_ms ?? null;

export function overview({ site, state }) {
  const columns = [
    { name: "worst", title: "Application", sort: lead, text: (row) => row.application,
      fill: (cell, row) => cell.append(h("a", { href: of(row.application, "shards") }, row.application)) },
    { name: "state", title: "State", sort: (row) => RANK.indexOf(row.state), text: (row) => row.state,
      fill: (cell, row) => cell.append(pill(row.state, STATES)) },
    { name: "problems", title: "Problems", number: true, sort: (row) => row.problems, text: (row) => count(row.problems),
      mark: (row) => (row.problems > 0 ? "bad-text" : ""),
      fill: (cell, row) => cell.append(h("a", { href: of(row.application, "why") }, count(row.problems))) },
    { name: "warnings", title: "Warnings", number: true, sort: (row) => row.warnings, text: (row) => count(row.warnings),
      mark: (row) => (row.warnings > 0 ? "warn-text" : "") },
    { name: "workers", title: "Workers", number: true, sort: (row) => row.counts?.workers,
      text: (row) => count(row.counts?.workers) + (row.counts?.silent ? ` +${row.counts.silent} silent` : "") },
    { name: "shards", title: "Shards read", number: true, sort: (row) => row.counts?.open,
      text: (row) => (row.counts?.read === null || row.counts?.read === undefined ? UNKNOWN : `${row.counts.read} of ${row.counts.open}`) },
    { name: "lag", title: "Lag, at most", number: true, sort: (row) => row.lag?.max_ms, text: (row) => span(row.lag?.max_ms) },
    { name: "sum", title: "Lag, sum", number: true, sort: (row) => row.lag?.sum_ms, text: (row) => span(row.lag?.sum_ms),
      says: "Of the shards whose lag is known" },
    { name: "rate", title: "Arriving", number: true, sort: (row) => row.bytes_per_second, text: (row) => rate(row.bytes_per_second) },
    { name: "changed", title: "Last move", number: true, lives: true, sort: (row) => row.changed_ms,
      text: (row) => (row.changed_ms ? age(row.changed_ms) : "none seen") },
    { name: "read", title: "Store read", number: true, lives: true, sort: (row) => source(row, "leases"), text: (row) => age(source(row, "leases")) },
    { name: "stream", title: "Stream read", number: true, lives: true, sort: (row) => source(row, "stream"), text: (row) => age(source(row, "stream")) },
  ];
  const grid = new Grid({ label: "Applications", columns, sort: "worst", state, find: (row) => `${row.application} ${row.state} ${row.store ?? ""}` });
  const version = h("span", { className: "quiet" });
  grid.tools.prepend(h("h1", {}, "Applications"));
  grid.tools.append(h("span", { className: "end" }, h("a", { href: "/apps.json" }, "JSON"), version));
  return {
    node: grid.node,
    update: () => {
      put(version, `kcl ${site().kcl}`);
      grid.set(new Map(site().applications.map((it) => [it.application, it])));
      for (const it of site().applications) grid.fillRow(it.application);
    },
    tick: () => grid.tick(),
  };
}
