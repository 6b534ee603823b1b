// The view of shards: the owner and the lag of each.

import { h, badge, command, fill, markList, marks, pill, time } from "./dom.js";
import { Grid } from "./grid.js";
import { of } from "./feed.js";
import { age, count, rate, SHARDS, span, UNKNOWN } from "./say.js";

const RANK = Object.keys(SHARDS);

/** Which way the lag goes. */
function arrow(grows) {
  if (grows === null) return "";
  if (grows > 100) return " ↑";
  return grows < -100 ? " ↓" : " →";
}

const WHOSE = {
  record: "the age of the oldest unread record, read for this",
  report: "as its worker reported it",
  checkpoint: "as it was when the checkpoint was written",
};

/** The worker's name beside its colour. */
export function owner(name) {
  if (!name) return h("span", { className: "quiet" }, "nobody");
  const { colour } = badge(name);
  const swatch = h("span", { className: "swatch beside" });
  swatch.style.background = colour;
  return h("span", {}, swatch, name);
}

/** Who holds a shard, in words: nobody only where that is known. */
const whose = (row) => row.owner ?? (row.state === "unseen" ? UNKNOWN : row.state === "ended" ? "" : "nobody");

/** A number of many digits in short. */
export const short = (text) => (text && text.length > 22 ? `${text.slice(0, 6)}…${text.slice(-10)}` : text);

/** What the operator has said of a row, in single words. */
export const words = (row) => (row.marks ?? []).map((it) => it.what);

const columns = (choose) => [
  { name: "shard", title: "Shard", text: (row) => row.shard,
    fill: (cell, row) => cell.append(h("button", { type: "button", className: "plain", onclick: () => choose(row.key) }, row.shard)) },
  { name: "state", title: "State", sort: (row) => RANK.indexOf(row.state), text: (row) => [row.state, ...words(row)].join(" "),
    fill: (cell, row) => cell.append(pill(row.state, SHARDS), ...marks(row.marks)) },
  { name: "owner", title: "Owner", sort: (row) => row.owner, text: (row) => whose(row),
    fill: (cell, row) => cell.append(row.owner ? owner(row.owner) : whose(row)) },
  { name: "lag", title: "Lag", number: true, sort: (row) => row.lag_ms,
    text: (row) => (row.state === "ended" ? "" : span(row.lag_ms) + arrow(row.grows_ms_a_second)),
    mark: (row) => (row.lag_ms > 300_000 ? "warn-text" : row.lag_ms === null && row.state !== "ended" ? "unknown" : "") },
  { name: "rate", title: "Arriving", number: true, sort: (row) => row.bytes_per_second,
    text: (row) => (row.state === "ended" ? "" : rate(row.bytes_per_second)) },
  { name: "checked", title: "Last record processed", says: "When it arrived at the stream", number: true, lives: true,
    sort: (row) => row.processed_ms, text: (row) => (row.processed_ms ? `${age(row.processed_ms)} ago` : UNKNOWN) },
  { name: "checkpoint", title: "Checkpoint", text: (row) => short(row.checkpoint) ?? "no lease" },
  { name: "unread", title: "Unread for", number: true, lives: true, sort: (row) => row.unread_since_ms,
    text: (row) => (row.unread_since_ms ? age(row.unread_since_ms) : ""), mark: () => "warn-text" },
  { name: "rule", title: "Rule", number: true, sort: (row) => row.rule, text: (row) => (row.rule ? `#${row.rule}` : "") },
];

export function shards({ application, model, site, state }) {
  const ended = h("input", { type: "checkbox", checked: state.get("ended") === "1" });
  const grid = new Grid({
    label: "Shards", columns: columns((key) => choose(key)), sort: "state", state,
    keep: (row) => ended.checked || row.state !== "ended",
    find: (row) => [row.shard, row.state, row.owner ?? "nobody", row.checkpoint, row.reason, ...words(row)].join(" "),
    onRow: (key) => choose(key),
  });
  ended.addEventListener("change", () => {
    state.put({ ended: ended.checked ? "1" : null });
    grid.arrange();
  });
  grid.tools.prepend(h("h1", {}, "Shards"));
  grid.tools.append(h("label", { className: "check" }, ended, "those that have ended"),
    h("span", { className: "end" }, h("a", { href: of(application, "shards.json") }, "JSON"), h("code", {}, "kcl leases list")));
  const aside = h("aside", { className: "card pad", "aria-label": "The shard in full", hidden: true });
  const node = h("div", { className: "split" }, grid.node, aside);
  let chosen = state.get("shard");

  function choose(key) {
    chosen = key;
    state.put({ shard: key });
    grid.choose(key);
    detail();
  }

  function detail() {
    const row = chosen && model.row("shards", chosen);
    const toggles = node.classList.toggle("open", Boolean(row)) === aside.hidden;
    aside.hidden = !row;
    if (toggles) grid.refit();
    if (!row) return;
    const fact = (name, ...value) => [h("dt", {}, name), h("dd", {}, ...value)];
    const links = (names) => (names?.length ? names.map((name) => h("button", { type: "button", className: "small", onclick: () => choose(name) }, name)) : ["none"]);
    const share = row.from === null ? UNKNOWN : `${((row.to - row.from) * 100).toFixed(3)} % of all, from ${(row.from * 100).toFixed(3)} %`;
    const busy = row.busy_permille === null ? UNKNOWN : `${(row.busy_permille / 10).toFixed(1)} % of the time`;
    fill(aside,
      h("div", { className: "head" }, h("h2", {}, row.shard), h("button", { type: "button", className: "small", onclick: () => choose(null) }, "Close")),
      h("p", {}, pill(row.state, SHARDS), " ", h("span", { className: "quiet" }, SHARDS[row.state]?.[1] ?? "")),
      row.reason ? h("p", { className: "warn-text" }, row.reason) : null,
      h("dl", {},
        ...fact("Owner", row.owner ? owner(row.owner) : whose(row)),
        ...fact("Lag", row.state === "ended" ? "none: it has ended" : span(row.lag_ms), row.lag_from ? h("span", { className: "quiet" }, `, ${WHOSE[row.lag_from]}`) : null),
        ...fact("Arriving", row.records_per_second === null ? rate(row.bytes_per_second) : `${rate(row.bytes_per_second)}, ${count(row.records_per_second)} records/s`),
        ...fact("In the processor", busy),
        ...fact("Last processed", time(row.processed_ms)),
        ...fact("Checkpoint", h("span", { className: "mono" }, row.checkpoint ?? "no lease")),
        ...fact("Epoch", h("span", { className: "mono" }, count(row.epoch))),
        ...fact("Hash keys", share),
        ...fact("Rule", row.rule ? `number ${row.rule}` : "none"),
        ...(row.marks?.length ? fact("The operator says", markList(row.marks)) : []),
        ...fact("Waits for", ...links(row.waits_for)),
        ...fact("Parents", ...links(row.parents)),
        ...fact("Children", ...links(row.children))),
      h("p", {}, site().records ? h("a", { href: `${of(application, "records")}?shard=${encodeURIComponent(row.shard)}` }, "Look at its records") : null,
        site().changes ? ["pin", "move", words(row).includes("paused") ? "resume" : "pause", "skip"].flatMap((name) => [" · ", act(name, row.shard)]) : null),
      command(`kcl leases list --app ${application}`));
  }

  function act(name, shard) {
    const title = name[0].toUpperCase() + name.slice(1);
    return h("a", { href: `${of(application, "act")}?act=${name}&shard=${encodeURIComponent(shard)}` }, name === "skip" ? "Skip a record" : `${title} it`);
  }

  return {
    node,
    update: (changed) => {
      const table = changed.tables.shards;
      if (changed.all || table) feed(grid, model, "shards", changed);
      if (changed.all) grid.choose(chosen);
      const typing = aside.contains(document.activeElement);
      if (changed.all || (!typing && chosen && (table?.moved || table?.keys.has(chosen)))) detail();
    },
    tick: () => grid.tick(),
    settle: () => grid.settle(),
  };
}

/** Takes a table's rows into a grid: all of them, or those that changed. */
export function feed(grid, model, name, changed) {
  const table = changed.tables[name];
  if (changed.all || table?.moved) {
    const rows = new Map();
    for (const key of model.tables[name]?.rows.keys() ?? []) rows.set(key, { key, ...model.row(name, key) });
    grid.set(rows);
    for (const key of table?.keys ?? grid.made.keys()) grid.fillRow(key);
  } else if (table) {
    for (const key of table.keys) grid.rows.set(key, { key, ...model.row(name, key) });
    grid.patch(grid.rows, table.keys, false);
  }
}
