// Makes elements of the page. Texts are always set as text, never as markup, because they come from
// stores and records.

import { ago, local, MARKS, utc, UNKNOWN } from "./say.js";

const PROPERTIES = new Set(["className", "textContent", "value", "checked", "disabled", "type", "tabIndex"]);

/** An element with attributes and children; children are elements, or text. */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(key.slice(2), value);
    else if (PROPERTIES.has(key)) element[key] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** Puts these in the place of what an element holds. */
export function fill(parent, ...children) {
  parent.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));
}

/** Says something to whoever does not see the page. */
export function announce(text) {
  document.getElementById("told").textContent = text;
}

/** A state as a word on a coloured ground, with its meaning. */
export function pill(state, table) {
  const [kind, means] = table[state] ?? ["", ""];
  return h("span", { className: `pill ${kind}`, title: means }, state);
}

/** What the operator has said, as words on a ground. */
export function marks(said) {
  return (said ?? []).flatMap((it) => [" ", h("span", { className: `pill ${MARKS[it.what]?.[0] ?? ""}`, title: markSays(it) }, it.what)]);
}

/** A mark in full. */
function markSays(it) {
  const until = it.until_ms === null ? "" : `, until ${utc(it.until_ms)}`;
  return `${MARKS[it.what]?.[1] ?? it.what}${it.more ? `: ${it.more}` : ""}${until}; said by ${it.by}, ${utc(it.since_ms)}`;
}

/** The marks in full, a line for each. */
export function markList(said) {
  return h("ul", { className: "lines" }, said.map((it) => h("li", {}, h("b", {}, it.what), it.more ? ` ${it.more}` : "",
    it.until_ms === null ? "" : [" until ", time(it.until_ms)], `: by ${it.by}, `, time(it.since_ms))));
}

/** A time in the viewer's zone, with UTC on hover. */
export function time(at) {
  if (at === null || at === undefined) return h("span", { className: "unknown" }, UNKNOWN);
  return h("time", { datetime: new Date(at).toISOString(), title: utc(at) }, local(at));
}

/** How long ago a time was; `tick` says it again. */
export function aged(at) {
  if (at === null || at === undefined) return h("span", { className: "unknown" }, UNKNOWN);
  const element = h("time", { datetime: new Date(at).toISOString(), title: utc(at) }, ago(at));
  element.dataset.at = at;
  return element;
}

/** Says all ages of a part of the page again. */
export function tick(root) {
  for (const element of root.querySelectorAll("time[data-at]")) {
    put(element, ago(Number(element.dataset.at)));
  }
}

/** Puts a text where it is another. */
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A figure, or that it is not known. */
export function figure(text) {
  return text === UNKNOWN ? h("span", { className: "unknown" }, text) : h("b", {}, text);
}

export async function copy(text, button) {
  let said = "Copied";
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    said = "Select and copy it";
  }
  const before = button.textContent;
  button.textContent = said;
  announce(said);
  setTimeout(() => { button.textContent = before; }, 1500);
}

/** A command with a button that copies it. */
export function command(text) {
  const button = h("button", { className: "small", type: "button" }, "Copy");
  button.addEventListener("click", () => copy(text, button));
  return h("div", { className: "command" }, h("code", {}, text), button);
}

/** Keeps children in the order of their keys, and makes again only those that changed. */
export function keyed(parent, items, key, stamp, make) {
  const there = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let next = parent.firstElementChild;
  for (const item of items) {
    const name = key(item);
    const mark = stamp(item);
    let child = there.get(name);
    there.delete(name);
    if (!child || child.dataset.stamp !== mark) {
      const made = make(item);
      made.dataset.key = name;
      made.dataset.stamp = mark;
      if (child) {
        if (child === next) next = made;
        child.replaceWith(made);
      }
      child = made;
    }
    if (child === next) next = child.nextElementSibling;
    else parent.insertBefore(child, next);
  }
  for (const child of there.values()) child.remove();
}

/** A canvas in pixels of the screen, cleared, of this height in CSS pixels. */
export function sheet(canvas, height) {
  const width = Math.max(200, canvas.clientWidth);
  const ratio = window.devicePixelRatio || 1;
  const [w, t] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== t) {
    canvas.width = w;
    canvas.height = t;
    canvas.style.height = `${height}px`;
  }
  const ink = canvas.getContext("2d");
  ink.setTransform(ratio, 0, 0, ratio, 0, 0);
  ink.clearRect(0, 0, width, height);
  return { ink, width };
}

/** A colour of the style sheet. */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

const seats = new Map();

/** Gives workers that are met together their letters in the order of their names. */
export function seat(workers) {
  for (const worker of [...new Set(workers)].filter(Boolean).sort()) badge(worker);
}

/** A worker's colour, and the letter that says the same: both stay as long as the page does. */
export function badge(worker) {
  if (!seats.has(worker)) seats.set(worker, seats.size);
  const seat = seats.get(worker);
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const hue = (seat * 137.508 + 215) % 360;
  const light = (dark ? 0.66 : 0.62) + (seat % 3) * 0.07;
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const second = Math.floor(seat / 26) % 26;
  const letter = (seat >= 26 ? letters[second] : "") + letters[seat % 26];
  return { colour: `oklch(${light} 0.13 ${hue})`, letter };
}
