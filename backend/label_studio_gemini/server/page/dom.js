// Elements that stay: what is shown again changes in place, so that focus, selection, scroll
// position and whatever is unfolded survive. Text from outside only ever becomes text.

import { count } from "./format.js";

/** Make an element; strings among its children become text. */
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Return the first element that the selector fits. */
export function find(selector, within = document) {
  return within.querySelector(selector);
}

/** Change the text of an element, if it is another one. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const proseOf = new WeakMap();

/** Change the text of an element, with what stands between backticks as code. */
export function setProse(node, text) {
  if (proseOf.get(node) === text) return;
  proseOf.set(node, text);
  const parts = text.split(/(`[^`]+`)/);
  node.replaceChildren(
    ...parts.map((part, at) => (at % 2 ? make("code", {}, part.slice(1, -1)) : part)),
  );
}

/** Change an attribute, if it is another one; null takes it away. */
export function setAttribute(node, name, value) {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

/** Change the number in a cell: none is quiet, and some may be bad. */
export function setCount(cell, number, kind = "") {
  setText(cell, count(number));
  setAttribute(cell, "class", `number ${number ? kind : "quiet"}`.trim());
}

/** Show an element, or hide it. */
export function setShown(node, shown) {
  if (node.hidden === shown) node.hidden = !shown;
}

/** Return a web address as it may be linked to; null for every other kind, as `javascript:`. */
export function webAddress(text) {
  if (!text || !URL.canParse(text)) return null;
  const { protocol, href } = new URL(text);
  return protocol === "http:" || protocol === "https:" ? href : null;
}

/** Make a link whose text and address may change; without an address it is plain text. */
export function makeLink(attributes = {}) {
  const node = make("a", {
    target: "_blank",
    rel: "noopener noreferrer",
    dir: "auto",
    ...attributes,
  });
  const show = (text, address) => {
    setText(node, text);
    setAttribute(node, "href", webAddress(address));
  };
  return { node, show };
}

const viewsOf = new WeakMap();

/**
 * Make the children of an element those of a list: a child stays for as long as its key does.
 *
 * `view(item)` makes what shows one: `{node, show(item)}`.
 */
export function keep(parent, items, keyOf, view) {
  const before = viewsOf.get(parent) ?? new Map();
  const after = new Map();
  const focused = document.activeElement;
  for (const item of items) {
    const key = unusedKey(after, keyOf(item));
    const one = before.get(key) ?? view(item);
    after.set(key, one);
    one.show(item);
  }
  for (const [key, { node }] of before) if (!after.has(key)) node.remove();
  let next = parent.firstElementChild;
  for (const { node } of after.values()) {
    if (node === next) next = next.nextElementSibling;
    else parent.insertBefore(node, next);
  }
  viewsOf.set(parent, after);
  // An element that is moved loses the focus.
  if (focused !== document.activeElement && parent.contains(focused)) {
    focused.focus({ preventScroll: true });
  }
}

function unusedKey(used, key) {
  let name = String(key);
  while (used.has(name)) name += "+";
  return name;
}

/** Make the button below a list that shows its first few, or all; returns what shows the list. */
export function makeFolded(list, few) {
  const button = make("button", { type: "button", class: "more", "aria-expanded": "false" });
  let isOpen = false;
  let again = () => {};
  list.after(button);
  button.addEventListener("click", () => {
    isOpen = !isOpen;
    again();
  });
  return function show(items, keyOf, view) {
    again = () => show(items, keyOf, view);
    keep(find("tbody", list) ?? list, isOpen ? items : items.slice(0, few), keyOf, view);
    setShown(button, items.length > few);
    setText(button, isOpen ? "Show fewer" : `Show all ${items.length}`);
    setAttribute(button, "aria-expanded", isOpen);
  };
}

/** Make a row of a table that stays a table for screen readers where it is laid out as a card. */
export function makeRow(...cells) {
  return make("tr", { role: "row" }, ...cells);
}

/** Make a cell; `label` stands beside it where there is no room for a heading. */
export function makeCell(label, kind = "", ...children) {
  return make("td", { role: "cell", class: kind, "data-label": label }, ...children);
}
