// The view of changes. It first shows the effect of a change; the user then types the application's
// name to confirm it.

import { h, announce, command, fill } from "./dom.js";
import { of, post } from "./feed.js";
import { many } from "./say.js";

export function act({ application, model, site, state }) {
  const lists = { shard: h("datalist", { id: "act-shards" }), worker: h("datalist", { id: "act-workers" }) };
  const dialog = h("dialog", { "aria-labelledby": "act-title" });
  const forms = site().acts.map((it) => form(it));
  const chosen = forms[site().acts.findIndex((it) => it.name === state.get("act"))];
  const node = h("div", { className: "stack" },
    h("div", { className: "head" }, h("h1", {}, "Act"), h("span", { className: "quiet" }, "Nothing is changed before you saw what would be, and typed the application's name.")),
    site().changes ? h("div", { className: "acts" }, forms) : h("p", { className: "banner" }, "This dashboard shows and changes nothing: it was started without --allow-changes."),
    lists.shard, lists.worker, dialog);

  function form(it) {
    const fields = it.fields.map((field) => {
      const given = state.get("act") === it.name ? state.get(field.name) : null;
      const id = `${it.name}-${field.name}`;
      const words = field.offers.filter((word) => !lists[word]);
      const input = words.length
        ? h("select", { id }, words.map((word) => h("option", { value: word }, word)))
        : h("input", { id, size: 26, list: lists[field.offers[0]]?.id, required: !field.optional, value: given ?? "", autocomplete: "off" });
      input.name = field.name;
      return h("label", {}, field.title + (field.optional ? " (may be left out)" : ""), input);
    });
    const said = h("p", { role: "alert", className: "bad-text", hidden: true });
    const made = h("form", { className: "card pad stack" },
      h("h2", {}, it.title), h("p", { className: "quiet" }, it.says),
      h("div", { className: "fields" }, ...fields, h("button", { type: "submit" }, "Show what it would do")), said);
    made.addEventListener("submit", async (event) => {
      event.preventDefault();
      said.hidden = true;
      const button = made.querySelector("button[type=submit]");
      button.disabled = true;
      const values = Object.fromEntries([...new FormData(made)].map(([name, value]) => [name, String(value)]));
      try {
        const shown = await post(of(application, `act/${it.name}/preview`), { fields: values });
        confirm(it, values, shown);
      } catch (error) {
        said.hidden = false;
        said.textContent = error.message;
      }
      button.disabled = false;
    });
    return made;
  }

  /** What it would do, and the last question. */
  function confirm(it, values, shown) {
    const typed = h("input", { id: "confirm", autocomplete: "off", spellcheck: "false", size: 30 });
    const go = h("button", { className: "main", type: "submit", disabled: true }, it.title);
    const said = h("p", { role: "alert" });
    const close = h("button", { type: "button" }, "Close");
    close.addEventListener("click", () => dialog.close());
    typed.addEventListener("input", () => { go.disabled = typed.value !== shown.confirm || Boolean(shown.refused); });
    const ask = h("form", { className: "stack" },
      h("label", { for: "confirm" }, `Type ${shown.confirm} to confirm `), typed,
      h("div", { className: "head" }, go, close), said);
    ask.addEventListener("submit", async (event) => {
      event.preventDefault();
      go.disabled = true;
      said.textContent = "Working…";
      try {
        const done = await post(of(application, `act/${it.name}`), { fields: values, confirm: typed.value });
        said.textContent = done.became ? `Done: ${done.became}.` : "Done. The log of this dashboard says so, too.";
        announce("Done");
      } catch (error) {
        said.className = "bad-text";
        said.textContent = error.message;
      }
    });
    fill(dialog, h("div", { className: "stack" }, h("h2", { id: "act-title" }, it.title), effect(shown),
      h("div", {}, h("p", { className: "quiet" }, "The same as a command:"), command(shown.command)),
      shown.refused ? h("p", { className: "banner bad" }, `Refused: ${shown.refused}.`) : null, ask));
    dialog.showModal();
    typed.focus();
  }

  // A link may name one change: its form is scrolled into view.
  if (chosen && site().changes) {
    queueMicrotask(() => {
      chosen.scrollIntoView({ block: "nearest" });
      (chosen.querySelector("input:placeholder-shown, input:not([value]), select, button") ?? chosen).focus();
    });
  }

  return {
    node,
    update: (changed) => {
      if (changed.all || changed.tables.shards?.moved) {
        fill(lists.shard, model.all("shards").filter((it) => it.state !== "ended").slice(0, 500).map((it) => h("option", { value: it.shard })));
      }
      if (changed.all || changed.tables.workers?.moved) {
        fill(lists.worker, [...new Set(model.all("workers").map((it) => it.worker))].map((value) => h("option", { value })));
      }
    },
    close: () => dialog.open && dialog.close(),
  };
}

/** What would move, be read again, or be read by nobody. */
function effect(shown) {
  const lines = (title, all, line) => (all?.length
    ? h("div", {}, h("h3", {}, title), h("ul", { className: "lines" }, all.slice(0, 20).map((it) => h("li", {}, line(it))),
      all.length > 20 ? h("li", {}, `and ${many(all.length - 20, "more", "more")}`) : null))
    : null);
  const parts = [
    shown.already ? h("p", {}, "It is so already: nothing is to be changed.") : null,
    shown.says && !shown.already ? h("p", {}, `It would ${shown.says}.`) : null,
    lines("Would move", shown.moves, (it) => `${it.shard}: ${it.from ?? "nobody"} → ${it.to}`),
    lines("Would be read by nobody", shown.unread, (it) => `${it.shard}: ${it.reason}`),
    lines("Would go", shown.leases, (it) => `${it.shard}: ${it.from ?? "no lease"} → ${it.to}`),
    lines("To know", shown.notes, (it) => it),
    lines("To be seen to", shown.findings, (it) => it.what),
    lines("Not known", shown.unknown, (it) => it),
  ].filter(Boolean);
  return h("div", { className: "stack" }, parts.length ? parts : h("p", {}, "Nothing would move."));
}
