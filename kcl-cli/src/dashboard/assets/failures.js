// The view of failures: shards without progress, lost records, and failures in workers' reports.

import { h, fill, keyed, time } from "./dom.js";
import { of } from "./feed.js";
import { span } from "./say.js";
import { short } from "./shards.js";

/** The findings that are about failing, and not about who reads what. */
const KINDS = new Set(["reader-stalled", "records-expired", "records-expire", "row-unreadable", "document-unreadable", "ended-while-open", "lease-without-shard"]);

export function failures({ application, model, site }) {
  const list = h("div", { className: "stack" });
  const told = h("section", { className: "card pad" });
  return {
    node: h("div", { className: "stack" },
      h("div", { className: "head" }, h("h1", {}, "Failures"),
        h("span", { className: "quiet" }, "What workers report of their last errors, and what the rows show."),
        h("span", { className: "end" }, h("a", { href: of(application, "failures.json") }, "JSON"), h("code", {}, `kcl doctor --app ${application}`))),
      told, list),
    update: (changed) => {
      if (changed.all || changed.tables.findings) {
        const found = model.all("findings").filter((it) => KINDS.has(it.kind)).sort((a, b) => a.order - b.order);
        keyed(list, found, (it) => it.key, (it) => JSON.stringify(it), (it) => h("article", { className: `card finding ${it.severity}` },
          h("h2", {}, it.kind), h("p", { className: "says" }, it.says), h("p", {}, h("a", { href: of(application, "why") }, "Why, and what helps"))));
      }
      if (changed.all || changed.head || changed.tables.failures) errors();
    },
  };

  function errors() {
    const all = model.all("failures").sort((a, b) => (b.at_ms ?? 0) - (a.at_ms ?? 0));
    if (all.length === 0) {
      const known = model.head.reporting > 0;
      fill(told, h("h2", {}, "Last errors by shard"), h("p", { className: known ? "" : "unknown" },
        known ? "No worker reports one." : "Unknown: no worker reports its errors. Their logs tell."));
      return;
    }
    const row = (it) => h("tr", {},
      h("td", {}, it.shard === null ? "" : h("a", { href: `${of(application, "records")}?shard=${encodeURIComponent(it.shard)}` }, it.shard)),
      h("td", {}, it.worker), h("td", {}, h("span", { className: `pill ${it.failing_ms === null ? "" : "bad"}` }, it.kind)), h("td", {}, it.says),
      h("td", {}, time(it.at_ms)), h("td", { className: "number" }, it.failing_ms === null ? "no longer" : `${span(it.failing_ms)} and on`),
      h("td", {}, it.fresh ? "now" : "of the past"), h("td", {}, ...stuck(it)));
    fill(told, h("h2", {}, "Last errors by shard"), h("div", { className: "scroll" }, h("table", { "aria-label": "Last errors by shard" },
      h("thead", {}, h("tr", {}, ["Shard", "Worker", "Kind", "What is wrong", "Last", "Failing for", "Told", "Stuck on"].map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, all.map(row)))));
  }

  /** On which records a shard is stuck, and the way on. */
  function stuck(it) {
    if (it.stuck_from === null) return [""];
    const one = it.stuck_from === it.stuck_to;
    const record = one ? `&record=${encodeURIComponent(it.stuck_from)}` : "";
    const skip = `${of(application, "act")}?act=skip&shard=${encodeURIComponent(it.shard)}${record}`;
    const place = (at) => h("span", { className: "mono", title: at }, short(at));
    return [...(site().changes && it.fresh ? [h("a", { href: skip }, one ? "Skip it" : "Skip one of them"), ": "] : []),
      place(it.stuck_from), ...(one ? [] : [" to ", place(it.stuck_to)])];
  }
}
