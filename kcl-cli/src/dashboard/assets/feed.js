// Receives the server's events: first a snapshot of the model, then the cells that changed.
//
// It reads the events by fetch and not by EventSource, which can send no headers: one header has
// the token, and another the last event that the page has received.

const SECRET = "kcl-token";

/** The token of this tab, if one was given. */
export const token = {
  get: () => sessionStorage.getItem(SECRET),
  set: (text) => sessionStorage.setItem(SECRET, text),
};

function headers(more = {}) {
  const secret = token.get();
  return secret ? { ...more, authorization: `Bearer ${secret}` } : more;
}

/** Why a request was refused. */
export class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

async function refused(answer) {
  let text = `the server answered ${answer.status}`;
  try {
    text = (await answer.json()).error ?? text;
  } catch { /* It was no JSON. */ }
  return new Refused(answer.status, text);
}

/** Asks for a value. */
export async function ask(path) {
  const answer = await fetch(path, { headers: headers() });
  if (!answer.ok) throw await refused(answer);
  return answer.json();
}

/** Asks for a change. */
export async function post(path, value) {
  const answer = await fetch(path, {
    method: "POST",
    headers: headers({ "content-type": "application/json" }),
    body: JSON.stringify(value),
  });
  if (!answer.ok) throw await refused(answer);
  return answer.json();
}

/** The path of something of an application. */
export function of(application, what) {
  return `/app/${encodeURIComponent(application)}/${what}`;
}

/**
 * Listens until it is closed, and comes back by itself: `told(kind, value)` for each event,
 * `linked(is, why)` when the connection comes or goes.
 */
export function listen(path, told, linked) {
  let end = new AbortController();
  let last = null;
  let pause = 1000;
  const run = async (signal) => {
    while (!signal.aborted) {
      try {
        const more = last ? { "last-event-id": last } : {};
        const answer = await fetch(path, { headers: headers(more), signal });
        if (!answer.ok) throw await refused(answer);
        linked(true, "");
        await read(answer.body, (event) => {
          if (event.id) last = event.id;
          if (event.retry) pause = event.retry;
          if (event.data) told(event.kind, JSON.parse(event.data));
        });
        throw new Error("the server closed the connection");
      } catch (error) {
        if (signal.aborted) return;
        linked(false, error);
        if (error.status === 401 || error.status === 404) return;
      }
      await new Promise((done) => setTimeout(done, pause));
    }
  };
  run(end.signal);
  return {
    close: () => end.abort(),
    /** Listens again from where it was closed. */
    again: () => {
      end = new AbortController();
      run(end.signal);
    },
  };
}

/** Reads server-sent events. */
async function read(body, each) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    let end = rest.indexOf("\n\n");
    while (end >= 0) {
      each(parsed(rest.slice(0, end)));
      rest = rest.slice(end + 2);
      end = rest.indexOf("\n\n");
    }
  }
}

export function parsed(block) {
  const event = { kind: "message", id: null, data: "", retry: null };
  for (const line of block.split("\n")) {
    const at = line.indexOf(":");
    if (at <= 0) continue;
    const [field, value] = [line.slice(0, at), line.slice(at + 1).trimStart()];
    if (field === "event") event.kind = value;
    else if (field === "id") event.id = value;
    else if (field === "data") event.data += value;
    else if (field === "retry") event.retry = Number(value);
  }
  return event;
}

/** One application as this page knows it. Rows are arrays; `at` says which cell a column is. */
export class Model {
  constructor() {
    this.head = null;
    this.tables = {};
  }

  /**
   * Takes an event, and says what changed: the head, and by table which rows, whether some came or
   * went, and whether a cell of these columns did.
   */
  take(kind, value) {
    const changed = { all: kind === "snapshot", head: Boolean(value.head), tables: {} };
    if (kind === "snapshot") {
      this.head = value.head;
      this.tables = {};
      for (const [name, { columns, rows }] of Object.entries(value.tables)) {
        const at = Object.fromEntries(columns.map((column, index) => [column, index]));
        this.tables[name] = { at, rows: new Map(Object.entries(rows)) };
      }
      return changed;
    }
    Object.assign(this.head, value.head ?? {});
    for (const [name, { set = {}, new: made = {}, gone = [] }] of Object.entries(value.tables ?? {})) {
      const { at: columns, rows } = this.tables[name];
      const touched = new Set();
      for (const [key, cells] of Object.entries(set)) {
        const row = rows.get(key);
        for (const [at, cell] of cells) {
          row[at] = cell;
          touched.add(at);
        }
      }
      for (const [key, row] of Object.entries(made)) rows.set(key, row);
      for (const key of gone) rows.delete(key);
      const moved = gone.length > 0 || Object.keys(made).length > 0;
      const has = (...names) => moved || names.some((it) => touched.has(columns[it]));
      changed.tables[name] = { keys: new Set(Object.keys(set)), moved, has };
    }
    return changed;
  }

  /** A row as an object. */
  row(table, key) {
    const { at, rows } = this.tables[table] ?? { at: {}, rows: new Map() };
    const cells = rows.get(key);
    return cells && Object.fromEntries(Object.entries(at).map(([name, index]) => [name, cells[index]]));
  }

  /** Every row as an object. */
  all(table) {
    return [...(this.tables[table]?.rows.keys() ?? [])].map((key) => ({ key, ...this.row(table, key) }));
  }
}
