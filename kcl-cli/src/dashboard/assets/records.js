// The view of records: reads records of a shard without a lease, and changes no checkpoint.

import { h, announce, fill, time } from "./dom.js";
import { ask, of } from "./feed.js";
import { many } from "./say.js";

const THEN = {
  more: "There are more.",
  tip: "That is all there is now.",
  end: "The shard ends there.",
  late: "No more came within some seconds: there may be more further on.",
};

export function records({ application, model, site, state }) {
  const shard = h("input", { id: "shard", list: "shards-known", required: true, size: 28, value: state.get("shard") ?? "", autocomplete: "off" });
  const known = h("datalist", { id: "shards-known" });
  const from = h("input", { id: "from", list: "starts", size: 28, value: state.get("from") ?? "checkpoint", autocomplete: "off" });
  const starts = h("datalist", { id: "starts" }, ["checkpoint", "trim-horizon", "latest"].map((value) => h("option", { value })));
  const most = h("input", { id: "most", type: "number", min: 1, max: 200, value: state.get("most") ?? "20" });
  const button = h("button", { className: "main", type: "submit" }, "Read");
  const form = h("form", { className: "fields card pad" },
    h("label", {}, "Shard", shard), known,
    h("label", {}, "From: checkpoint, trim-horizon, latest, a time, a sequence number", from), starts,
    h("label", {}, "At most", most), button);
  const out = h("section", { className: "card", hidden: true, "aria-label": "Records" });
  const node = h("div", { className: "stack" },
    h("div", { className: "head" }, h("h1", {}, "Records"),
      h("span", { className: "quiet" }, "Read beside the fleet: no lease is taken and no checkpoint moves. It takes some of the five reads a second that a shard gives to all.")),
    site().records ? form : h("p", { className: "banner" }, "This dashboard was started with --no-records."), out);

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    state.put({ shard: shard.value, from: from.value, most: most.value });
    button.disabled = true;
    out.hidden = false;
    fill(out, h("p", { className: "empty" }, "Reading…"));
    try {
      const query = new URLSearchParams({ shard: shard.value.trim(), from: from.value.trim(), most: most.value });
      const found = await ask(`${of(application, "records.json")}?${query}`);
      const said = `${many(found.records.length, "record")} of ${found.shard}. ${THEN[found.then] ?? ""}`;
      announce(said);
      fill(out, h("p", { className: "pad" }, h("b", {}, said), found.lost ? h("span", { className: "warn-text" }, " Records before these were trimmed.") : null),
        found.records.map(record));
    } catch (error) {
      fill(out, h("p", { className: "pad bad-text", role: "alert" }, error.message));
    }
    button.disabled = false;
  });

  return {
    node,
    update: (changed) => {
      if (!changed.all && !changed.tables.shards?.moved) return;
      fill(known, model.all("shards").slice(0, 500).map((it) => h("option", { value: it.shard })));
    },
  };
}

function record(it) {
  const fact = (name, ...value) => h("span", {}, `${name} `, ...value);
  return h("article", { className: "record" },
    h("div", { className: "facts" },
      fact("arrived", time(it.arrival_ms)), fact("key", h("b", {}, it.partition_key ?? "none")),
      fact("sequence", h("span", { className: "mono" }, it.sequence + (it.sub > 0 ? `:${it.sub}` : ""))),
      fact("", many(it.bytes, "byte")), it.kpl ? h("span", { className: "pill" }, it.kpl) : null),
    h("pre", { tabindex: 0 }, pretty(it)));
}

/** JSON with its lines, else text as it is, else what stands for bytes. */
function pretty({ text, base64, cut }) {
  const more = cut ? "\n… (cut)" : "";
  if (text === null) return `base64: ${base64}${more}`;
  try {
    if (/^\s*[{[]/.test(text)) return JSON.stringify(JSON.parse(text), null, 2) + more;
  } catch { /* It only begins like JSON. */ }
  return text + more;
}
