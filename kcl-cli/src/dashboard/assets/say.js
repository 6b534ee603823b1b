// Writes times, sizes and states as text. An unknown value is written as unknown, never as zero.

let ahead = 0;

/** Takes the server's clock, so that ages do not depend on this machine's. */
export function setClock(serverMillis) {
  ahead = serverMillis - Date.now();
}

/** The server's time. */
export function now() {
  return Date.now() + ahead;
}

export const UNKNOWN = "unknown";

const isKnown = (value) => value !== null && value !== undefined;

/** A span, as people read it. */
export function span(millis) {
  if (!isKnown(millis)) return UNKNOWN;
  const ms = Math.max(0, millis);
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} d`;
}

/** How long ago a time was: whole seconds, since it is said again and again. */
export function ago(at) {
  if (!isKnown(at)) return UNKNOWN;
  const ms = Math.max(0, now() - at);
  return ms < 10_000 ? `${Math.floor(ms / 1000)} s ago` : `${span(ms)} ago`;
}

/** How long ago a time was, without the word: for columns whose heads say it. */
export function age(at) {
  return isKnown(at) ? ago(at).replace(" ago", "") : UNKNOWN;
}

export function rate(bytes) {
  if (!isKnown(bytes)) return UNKNOWN;
  const units = ["B/s", "KiB/s", "MiB/s", "GiB/s"];
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

export function count(number) {
  return isKnown(number) ? number.toLocaleString("en") : UNKNOWN;
}

export function many(number, one, more = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : more}`;
}

/** In the viewer's zone; the title says it in UTC. */
export function local(at) {
  const date = new Date(at);
  const sameDay = date.toDateString() === new Date(now()).toDateString();
  const time = date.toLocaleTimeString([], { hour12: false });
  return sameDay ? time : `${date.toLocaleDateString()} ${time}`;
}

export function utc(at) {
  return new Date(at).toISOString().replace("T", " ").replace("Z", " UTC");
}

/** What an application's state means, and how bad it is: the worst first. */
export const STATES = {
  dead: ["bad", "no worker lives"],
  closed: ["bad", "closed while its rows are rewritten: workers wait"],
  unread: ["bad", "shards that could be read are read by nobody"],
  empty: ["bad", "nothing of it is in the store"],
  unknown: ["warn", "the store does not tell"],
  draining: ["warn", "every worker is leaving"],
  rebalancing: ["warn", "leases are changing hands"],
  silent: ["warn", "a worker's beat stands still: what it holds may not be read"],
  looking: ["", "it is being looked at for the first time"],
  stable: ["good", "every lease is where it belongs"],
};

/** What a shard's state means, and how bad it is. */
export const SHARDS = {
  unread: ["bad", "nobody reads it"],
  missing: ["bad", "it has no lease yet"],
  silent: ["warn", "its worker's beat stands still"],
  unseen: ["warn", "whether its worker lives is not known"],
  other: ["", "of another stream, or of another life of it"],
  waits: ["", "its parents have to end first"],
  read: ["good", "a live worker reads it"],
  ended: ["", "it was read to its end"],
};

/** What a mark of the operator's means. */
export const MARKS = {
  paused: ["warn", "nobody reads it until it is resumed"],
  moved: ["", "it was sent to a worker for a while"],
  released: ["", "its worker is to hand it over"],
  skip: ["warn", "a record of it is given up if it fails once more"],
  drained: ["warn", "it hands over what it holds, and gets nothing until it is undrained"],
};

/** What a worker's state means, and how bad it is. */
export const WORKERS = {
  dead: ["bad", "silent for longer than its session"],
  silent: ["warn", "its beat stands still: no proof of death yet"],
  unseen: ["warn", "it was not looked at for long enough to tell"],
  unknown: ["warn", "the sessions could not be read"],
  leaves: ["warn", "it hands its leases over"],
  beats: ["good", "its beat moves"],
  left: ["", "it left"],
  replaced: ["", "a newer life of the same worker took its place"],
  fenced: ["", "its session was ended by others: it had fallen silent"],
};

/** A name in so many letters: of those that begin alike, the ends tell one from the other. */
export function fitted(name, most) {
  if (name.length <= most) return name;
  const begin = Math.floor((most - 1) / 3);
  return `${name.slice(0, begin)}…${name.slice(name.length - (most - 1 - begin))}`;
}
