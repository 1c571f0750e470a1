// A plot of the last days: dollars above, requests below; one tab stop, arrow keys within.

import { keep, setAttribute, setText } from "./dom.js";
import { money, shortCount, shortDay } from "./format.js";

const TOP = 14; // pixels: room above the highest bar, for the text on the line
const DOLLARS = 150; // pixels: the height of what shows dollars
const GAP = 18;
const REQUESTS = 44;
const HEIGHT = TOP + DOLLARS + GAP + REQUESTS + 22;
const LEAST_BAR = 1.5; // pixels: what is little is not nothing
const BUDGET_REACH = 8; // a budget that is so many times the dearest day would flatten all bars

function makeSvg(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Return the next round number: 1, 2, 2.5, 3, 4, 5, 6 or 8 times a power of ten. */
export function roundUp(number) {
  if (!(number > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(number));
  return [1, 2, 2.5, 3, 4, 5, 6, 8, 10]
    .map((step) => step * power)
    .find((step) => step >= number * (1 - 1e-9));
}

/** Return what the plot's heights stand for: the most dollars and requests, and the budget's line. */
export function scaleFor(days, budget) {
  const dearest = Math.max(...days.map((day) => Number(day.dollars)), 0);
  const isNear = budget !== null && (dearest === 0 || budget <= BUDGET_REACH * dearest);
  const most = Math.max(...days.map((day) => day.calls + day.hits), 1);
  return {
    dollars: roundUp(Math.max(dearest, isNear ? budget : 0)),
    requests: roundUp(most),
    budget: isNear ? budget : null,
  };
}

/**
 * Make the plot in `parent`. `chosen(index)` is called when a person points at a day or steps to
 * it, and with null when they leave.
 */
export function makePlot(parent, label, chosen) {
  const axis = makeSvg("svg", { class: "axis", height: HEIGHT, "aria-hidden": "true" });
  const area = makeSvg("svg", {
    class: "area",
    height: HEIGHT,
    role: "group",
    "aria-label": label,
  });
  const [lines, bars, marks] = [makeSvg("g"), makeSvg("g"), makeSvg("g")];
  area.append(lines, bars, marks);
  parent.append(axis, area);
  let tabStop = null; // the last day, until a person steps to another
  let length = 0;

  const step = (index) => {
    tabStop = Math.min(Math.max(index, 0), length - 1);
    [...bars.children].forEach((bar, at) => setAttribute(bar, "tabindex", at === tabStop ? 0 : -1));
    bars.children[tabStop].focus();
  };
  area.addEventListener("keydown", (event) => {
    const at = tabStop ?? length - 1;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    step(to);
  });
  area.addEventListener("focusin", (event) => chosen([...bars.children].indexOf(event.target)));
  area.addEventListener("focusout", () => chosen(null));
  area.addEventListener("pointerleave", () => chosen(null));
  area.addEventListener("pointermove", (event) => {
    const { left, width } = area.getBoundingClientRect();
    const at = Math.floor(((event.clientX - left) / width) * length);
    chosen(Math.min(Math.max(at, 0), length - 1));
  });

  return function show(days, budget, describe) {
    length = days.length;
    const scale = scaleFor(days, budget);
    const stop = Math.min(tabStop ?? length - 1, length - 1);
    const items = days.map((day, index) => ({
      day,
      index,
      length,
      scale,
      stop,
      text: describe(day),
    }));
    keep(bars, items, ({ day }) => day.date, dayView);
    showLines(lines, axis, scale);
    showMarks(marks, days, scale);
    return scale;
  };
}

function dayView() {
  const parts = ["ground", "dollars", "calls", "hits"].map((kind) =>
    makeSvg("rect", { class: kind }),
  );
  const node = makeSvg("g", { class: "day", role: "img" }, ...parts);
  const [ground, dollars, calls, hits] = parts;
  const show = ({ day, index, length, scale, stop, text }) => {
    const left = (index / length) * 100;
    const width = 100 / length;
    place(ground, left, width, 0, HEIGHT - 18);
    const high = heightOf(Number(day.dollars), scale.dollars, DOLLARS);
    place(dollars, left + width * 0.16, width * 0.68, TOP + DOLLARS - high, high);
    const bottom = TOP + DOLLARS + GAP + REQUESTS;
    const callsHigh = heightOf(day.calls, scale.requests, REQUESTS);
    const hitsHigh = heightOf(day.hits, scale.requests, REQUESTS);
    place(calls, left + width * 0.16, width * 0.68, bottom - callsHigh, callsHigh);
    place(hits, left + width * 0.16, width * 0.68, bottom - callsHigh - hitsHigh, hitsHigh);
    setAttribute(node, "aria-label", text);
    setAttribute(node, "tabindex", index === stop ? 0 : -1);
    node.classList.toggle("today", index === length - 1);
  };
  return { node, show };
}

const heightOf = (value, most, pixels) =>
  value > 0 ? Math.max((value / most) * pixels, LEAST_BAR) : 0;

function place(rect, left, width, top, height) {
  const values = {
    x: `${left.toFixed(3)}%`,
    width: `${width.toFixed(3)}%`,
    y: top.toFixed(2),
    height: height.toFixed(2),
  };
  for (const [name, value] of Object.entries(values)) setAttribute(rect, name, value);
}

function showLines(lines, axis, scale) {
  const base = TOP + DOLLARS;
  const at = (dollars) => base - (dollars / scale.dollars) * DOLLARS;
  const bottom = base + GAP + REQUESTS;
  const ticks = [
    { y: at(scale.dollars), text: money(scale.dollars), kind: "line" },
    { y: at(scale.dollars / 2), text: money(scale.dollars / 2), kind: "line" },
    { y: base, text: money(0), kind: "line ground-line" },
    { y: base + GAP, text: shortCount(scale.requests), kind: "line" },
    { y: bottom, text: "0", kind: "line ground-line" },
  ];
  keep(lines, ticks, (tick) => ticks.indexOf(tick), lineView);
  keep(axis, ticks, (tick) => ticks.indexOf(tick), tickView);
}

function lineView({ kind }) {
  const node = makeSvg("line", { class: kind, x1: 0, x2: "100%" });
  const show = ({ y }) => {
    setAttribute(node, "y1", y.toFixed(1));
    setAttribute(node, "y2", y.toFixed(1));
  };
  return { node, show };
}

function tickView() {
  const node = makeSvg("text", { x: "100%", dx: -8, "text-anchor": "end", dy: "0.32em" });
  const show = ({ y, text }) => {
    setAttribute(node, "y", y.toFixed(1));
    setText(node, text);
  };
  return { node, show };
}

function showMarks(marks, days, scale) {
  const y = TOP + DOLLARS - ((scale.budget ?? 0) / scale.dollars) * DOLLARS;
  const dates = days
    .map(({ date }, index) => ({
      key: date,
      x: ((index + 0.5) / days.length) * 100,
      text: shortDay(date),
      index,
    }))
    .filter(({ index }) => (days.length - 1 - index) % 7 === 0);
  keep(
    marks,
    [...(scale.budget === null ? [] : [{ key: "budget", y }]), ...dates],
    (mark) => mark.key,
    markView,
  );
}

function markView({ key }) {
  return key === "budget" ? budgetView() : dateView();
}

function budgetView() {
  const line = makeSvg("line", { class: "budget-line", x1: 0, x2: "100%" });
  const node = makeSvg("g", { "aria-hidden": "true" }, line);
  const show = ({ y }) => {
    setAttribute(line, "y1", y.toFixed(1));
    setAttribute(line, "y2", y.toFixed(1));
  };
  return { node, show };
}

function dateView() {
  const node = makeSvg("text", { y: HEIGHT - 2, "aria-hidden": "true" });
  const show = ({ x, text }) => {
    setAttribute(node, "x", `${x.toFixed(2)}%`);
    setAttribute(node, "text-anchor", x > 95 ? "end" : x < 5 ? "start" : "middle");
    setText(node, text);
  };
  return { node, show };
}
