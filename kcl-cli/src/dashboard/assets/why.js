// The view of findings: what is wrong, why, and the command that helps.

import { h, command, fill, keyed } from "./dom.js";
import { of } from "./feed.js";
import { many } from "./say.js";

export function why({ application, model }) {
  const list = h("div", { className: "stack" });
  const well = h("p", { className: "card pad", hidden: true });
  const unknown = h("section", { className: "card pad", hidden: true });
  const rights = h("section", { className: "card pad", hidden: true });
  const head = h("div", { className: "head" }, h("h1", {}, "Why"),
    h("span", { className: "quiet" }, "What is wrong, where it comes from, and what helps: the worst first."),
    h("span", { className: "end" }, h("a", { href: of(application, "why.json") }, "JSON"), h("code", {}, `kcl doctor --app ${application}`)));
  return {
    node: h("div", { className: "stack" }, head, well, list, unknown, rights),
    update: (changed) => {
      if (changed.all || changed.tables.findings) {
        const found = model.all("findings").sort((a, b) => a.order - b.order);
        keyed(list, found, (it) => it.key, (it) => JSON.stringify(it), (it) => finding(application, it));
        well.hidden = found.length > 0;
      }
      if (!changed.all && !changed.head) return;
      const said = model.head.unknown;
      fill(well, h("span", { className: `pill ${said.length ? "warn" : "good"}` }, said.length ? "not everything is known" : "healthy"),
        said.length ? " Nothing wrong was seen, but not everything could be judged." : " Everything was judged, and nothing is wrong.");
      unknown.hidden = said.length === 0;
      fill(unknown, h("h2", {}, "What could not be judged"),
        h("ul", { className: "lines" }, byCause(said).map(([cause, alike]) => h("li", {},
          ...(alike.length === 1 ? [h("b", {}, alike[0].what), `: ${alike[0].why}`]
            : [...alike.flatMap((it) => [h("b", {}, it.what), h("br")]), `because ${cause}`])))));
      rights.hidden = model.head.rights.length === 0;
      fill(rights, h("h2", {}, "Rights of whoever runs this dashboard"),
        h("p", { className: "quiet" }, `${model.head.identity ?? "whose is unknown"}; those of the workers may be others.`),
        h("ul", { className: "lines" }, model.head.rights.map((it) => h("li", {},
          h("code", {}, it.action), ` ${it.outcome} (${it.how})${it.why ? `: ${it.why}` : ""}`))));
    },
  };
}

/** What could not be judged, by what was in the way: a store that is away fails all its calls alike. */
function byCause(unknown) {
  const groups = new Map();
  for (const it of unknown) groups.set(it.cause, [...(groups.get(it.cause) ?? []), it]);
  return [...groups];
}

function finding(application, it) {
  const shard = (name) => h("a", { href: `${of(application, "shards")}?shard=${encodeURIComponent(name)}` }, name);
  const named = it.shards.slice(0, 8).flatMap((name, at) => [at > 0 ? ", " : "", shard(name)]);
  const more = it.shards.length + it.shards_more - Math.min(8, it.shards.length);
  return h("article", { className: `card finding ${it.severity}` },
    h("h2", {}, h("span", { className: `pill ${it.severity === "problem" ? "bad" : "warn"}` }, it.severity), " ", it.kind),
    h("p", { className: "says" }, it.says),
    it.because.length ? h("ol", { "aria-label": "Because" }, it.because.map((text) => h("li", {}, text))) : null,
    named.length ? h("p", { className: "quiet" }, "Shards: ", ...named, more > 0 ? ` and ${many(more, "more", "more")}` : "") : null,
    h("ul", { "aria-label": "What helps" }, it.remedies.map((remedy) => h("li", {}, remedy.does, command(remedy.command)))));
}
