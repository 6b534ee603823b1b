// The page: shows the view that the address names, and passes the model's changes to it.

import { h, announce, aged, figure, fill, pill, put, seat, tick } from "./dom.js";
import { ask, listen, Model, of, token } from "./feed.js";
import { count, many, setClock, span, STATES } from "./say.js";
import { act } from "./act.js";
import { failures } from "./failures.js";
import { lineage } from "./lineage.js";
import { map } from "./map.js";
import { moves } from "./moves.js";
import { overview } from "./overview.js";
import { records } from "./records.js";
import { shards } from "./shards.js";
import { why } from "./why.js";
import { workers } from "./workers.js";

const VIEWS = { shards, workers, why, map, moves, lineage, failures, records, act };
const TITLES = {
  shards: "Shards", workers: "Workers", why: "Why", map: "Map", moves: "Moves",
  lineage: "Lineage", failures: "Failures", records: "Records", act: "Act",
};

const main = document.getElementById("main");
const bar = document.getElementById("bar");
const nav = document.getElementById("views");
const link = document.getElementById("link");

/** What the server offers: every application in short, and what may be done. */
let site = null;
/** What is open: { application, name, view, model, feed }. */
let open = null;

/** What the address says: an application, a view, and what it is asked. */
function place() {
  const parts = location.pathname.split("/").filter(Boolean).map(decodeURIComponent);
  const [, application = null, view = "shards"] = parts[0] === "app" ? parts : [];
  return { application, view: view in VIEWS ? view : "shards" };
}

/** The query of the address, as a view keeps what it is asked in it. */
const state = {
  get: (name) => new URLSearchParams(location.search).get(name),
  put: (values) => {
    const query = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(values)) {
      if (value === null || value === undefined) query.delete(name);
      else query.set(name, value);
    }
    const text = query.toString();
    history.replaceState(null, "", location.pathname + (text ? `?${text}` : ""));
  },
};

function go(path) {
  history.pushState(null, "", path);
  show();
}

document.addEventListener("click", (event) => {
  const anchor = event.target.closest("a");
  const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  if (!anchor || !plain || anchor.origin !== location.origin || anchor.hash) return;
  if (anchor.pathname.endsWith(".json")) return;
  event.preventDefault();
  go(anchor.pathname + anchor.search);
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input,textarea,select,dialog");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const filter = main.querySelector("input[type=search]");
  if (filter) {
    event.preventDefault();
    filter.focus();
  }
});

window.addEventListener("popstate", () => show());

/** Shows what the address says. */
function show() {
  const { application, view } = place();
  const same = open && open.application === application;
  if (!same) {
    open?.feed.close();
    open = application === null ? overall() : one(application);
  }
  open.view?.close?.();
  open.name = view;
  const context = { application, model: open.model, site: () => site, state, go };
  open.view = (application === null ? overview : VIEWS[view])(context);
  main.replaceChildren(open.view.node);
  document.title = application === null ? "kcl dashboard" : `${application}: ${TITLES[view]} – kcl`;
  head(application, view);
  if (open.ready) open.view.update({ all: true, head: true, tables: {} });
  tell();
}

/** All applications. */
function overall() {
  const self = { application: null, model: null, ready: site !== null };
  self.feed = listen("/events", (kind, value) => {
    if (kind !== "heads") return;
    site = value;
    self.ready = true;
    const newest = Math.max(0, ...value.applications.map((it) => it.at_ms ?? 0));
    if (newest > 0) setClock(newest);
    if (open === self) self.view.update({ all: true, head: true, tables: {} });
  }, linked);
  return self;
}

/** One application. */
function one(application) {
  const self = { application, model: new Model(), ready: false };
  self.feed = listen(of(application, "events"), (kind, value) => {
    if (kind !== "snapshot" && kind !== "delta") return;
    const begun = performance.now();
    const changed = self.model.take(kind, value);
    if (kind === "snapshot") seat(self.model.all("shards").map((it) => it.owner));
    setClock(self.model.head.at_ms);
    self.ready = true;
    if (open !== self) return;
    self.view.update(changed);
    tell();
    performance.measure("kcl update", { start: begun, end: performance.now() });
  }, linked);
  return self;
}

/** Says whether the server is there. */
function linked(is, error) {
  link.classList.toggle("cut", !is);
  if (is) {
    put(link, "live");
    return;
  }
  if (error.status === 401) {
    login();
    return;
  }
  put(link, error.status ? error.message : "connection lost; trying again");
  announce(link.textContent);
  if (error.status === 404) main.replaceChildren(h("p", { className: "banner bad" }, error.message));
}

/** The names of views, and of the application. */
function head(application, view) {
  const where = document.getElementById("where");
  put(where, application ?? "applications");
  where.title = application ?? "";
  if (application === null) {
    nav.replaceChildren();
    bar.replaceChildren();
    return;
  }
  const links = Object.entries(TITLES)
    .filter(([name]) => (name !== "records" || site.records) && (name !== "act" || site.changes))
    .map(([name, title]) => {
      const is = name === view;
      const counted = name === "why" ? h("span", { className: "count" }) : null;
      return h("a", { href: of(application, name), "aria-current": is ? "page" : null }, title, counted);
    });
  nav.replaceChildren(...links);
}

/** What there is to say of the whole, above each view. */
function tell() {
  const said = open?.model?.head;
  if (!said) {
    bar.replaceChildren();
    return;
  }
  const { counts, lag, problems, warnings } = said;
  const wrong = nav.querySelector(".count");
  if (wrong) {
    wrong.className = `count pill ${problems > 0 ? "bad" : warnings > 0 ? "warn" : "good"}`;
    put(wrong, String(problems + warnings));
    wrong.title = `${many(problems, "problem")}, ${many(warnings, "warning")}`;
  }
  const part = (name, ...parts) => h("span", {}, `${name} `, ...parts);
  const source = (name) => said.sources.find((it) => it.name === name);
  const read = (name, of_what) => {
    const it = source(of_what);
    const late = it.why ? h("span", { className: "warn-text", title: it.why }, " (fails)") : null;
    return part(name, aged(it.at_ms), late);
  };
  fill(bar,
    h("span", {}, pill(said.state, STATES)),
    part("Workers", figure(count(counts.workers)), counts.silent ? ` and ${counts.silent} silent` : null),
    part("Shards read", figure(count(counts.read)), " of ", figure(count(counts.open))),
    part("Lag", figure(span(lag?.max_ms)), " at most"),
    part("Planner", said.planner ?? "nobody"),
    said.frozen ? h("span", { className: "pill warn", title: said.frozen.by }, "frozen") : null,
    said.closed ? h("span", { className: "pill bad", title: said.closed.by }, "closed") : null,
    h("span", { className: "quiet" }, read("store read", "leases"), " · ", read("stream read", "stream")),
  );
}

/** Asks for the token. */
function login() {
  open?.feed.close();
  open = null;
  bar.replaceChildren();
  nav.replaceChildren();
  put(link, "");
  const field = h("input", { type: "password", id: "token", autocomplete: "current-password", required: true });
  const refused = h("p", { className: "bad-text", role: "alert" });
  const form = h("form", { className: "card pad stack" },
    h("h1", {}, "This dashboard needs its token"),
    h("p", { className: "quiet" }, "Whoever started it has it. It is kept for this tab alone."),
    h("label", { for: "token" }, "Token "), field, " ",
    h("button", { className: "main", type: "submit" }, "Open"), refused);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    // What is typed before the answer would be lost.
    if (field.readOnly) return;
    field.readOnly = true;
    put(refused, "");
    token.set(field.value.trim());
    await begin(() => put(refused, "That is not its token."));
    field.readOnly = false;
    field.select();
  });
  main.replaceChildren(form);
  field.focus();
}

/** Asks what there is, and shows it. Without the right token it is `refused`. */
async function begin(refused = login) {
  try {
    site = await ask("/apps.json");
  } catch (error) {
    if (error.status === 401) refused();
    else main.replaceChildren(h("p", { className: "banner bad", role: "alert" }, error.message));
    return;
  }
  const { applications } = site;
  if (location.pathname === "/" && applications.length === 1 && !state.get("all")) {
    history.replaceState(null, "", of(applications[0].application, "shards"));
  }
  show();
}

// A hidden tab closes its connection, because browsers allow six to a host.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) open?.feed.close();
  else open?.feed.again();
});

setInterval(() => {
  tick(bar);
  open?.view?.tick?.();
}, 1000);
setInterval(() => open?.view?.settle?.(), 15_000);

begin();
