// What Gemini answered that could not be used, by project: labels first, since a line of YAML helps.

import {
  find,
  keep,
  make,
  makeCell,
  makeFolded,
  makeLink,
  makeRow,
  setShown,
  setText,
} from "./dom.js";
import { count, many, moment, shorten } from "./format.js";

const LABELS_SHOWN = 24;
const REST_SHOWN = 6;
const LONGEST_LABEL = 60; // characters
const LABELS_MAPPED = 8;

const KINDS = new Map([
  ["rejected", "Part of a reply that could not be read"],
  ["dropped", "Region or answer that could not be used"],
  ["masks_unreadable", "Mask that could not be read; its box was kept"],
  ["fallbacks", "Region made of a box, for want of a mask"],
  ["clamped", "Box beyond the image's edge, cut back to it"],
  ["truncated", "Reply that ends in the middle"],
]);

const section = find("#left-out");
const list = find(".by-project", section);

/** Show what was left out. */
export function showLeftOut({ left_out: rows, left_out_total: total, now }, names) {
  const projects = new Map();
  for (const row of rows) {
    if (!projects.has(row.project)) projects.set(row.project, []);
    projects.get(row.project).push(row);
  }
  const items = [...projects].map(([project, its]) => ({ project, rows: its, now, names }));
  keep(list, items, ({ project }) => project, projectView);
  setShown(find(".none", section), rows.length === 0);
  const cut = `the most frequent ${count(rows.length)} of ${count(total)} are shown`;
  setText(find(".heading .quiet", section), total > rows.length ? cut : "");
}

function projectView() {
  const title = makeLink();
  const labels = make("ul", { class: "chips" });
  const yaml = make("pre", { dir: "ltr" });
  const unmatched = make(
    "div",
    {},
    make("h4", {}, "Labels that match none of the project's"),
    labels,
    make(
      "p",
      { class: "hint" },
      "Map them under ",
      make("code", {}, "labels:"),
      " of a recipe, or let ",
      make("code", {}, "unknown_as:"),
      " name one label for all of them.",
    ),
    make("details", {}, make("summary", {}, "YAML to paste"), yaml),
  );
  const table = makeTable();
  const node = make("article", {}, make("h3", {}, title.node), unmatched, table);
  const showLabels = makeFolded(labels, LABELS_SHOWN);
  const showRest = makeFolded(table, REST_SHOWN);
  const show = ({ project, rows, now, names }) => {
    title.show(names.of(project), names.address(project));
    const missed = rows.filter((row) => row.kind === "unmatched");
    const rest = rows.filter((row) => row.kind !== "unmatched");
    showLabels(missed, (row) => row.what, labelView);
    setText(yaml, yamlFor(missed.map((row) => row.what)));
    showRest(
      rest.map((row) => ({ row, now })),
      ({ row }) => `${row.kind} ${row.what}`,
      restView,
    );
    setShown(unmatched, missed.length > 0);
    setShown(table, rest.length > 0);
  };
  return { node, show };
}

function makeTable() {
  const heading = (text) => make("th", { role: "columnheader", scope: "col" }, text);
  return make(
    "table",
    { role: "table" },
    make("caption", { class: "unseen" }, "What else was left out"),
    make(
      "thead",
      { role: "rowgroup", class: "unseen" },
      makeRow(heading("What"), heading("How often"), heading("Last")),
    ),
    make("tbody", { role: "rowgroup" }),
  );
}

function labelView() {
  const name = make("bdi");
  const number = make("span", { class: "quiet" });
  const node = make("li", {}, name, number);
  const show = ({ what, count: times }) => {
    setText(name, shorten(what, LONGEST_LABEL) || "(no text)");
    setText(number, ` ${many(times, "time")}`);
  };
  return { node, show };
}

function restView() {
  const kind = make("bdi");
  const why = make("bdi", { class: "quiet" });
  const times = makeCell("", "number");
  const last = makeCell("", "number quiet");
  const node = makeRow(makeCell("", "first", kind, " ", why), times, last);
  const show = ({ row, now }) => {
    setText(kind, KINDS.get(row.kind) ?? shorten(row.kind, LONGEST_LABEL));
    setText(why, shorten(row.what.replaceAll("_", " "), LONGEST_LABEL));
    setText(times, many(row.count, "time"));
    setText(last, moment(row.last, now));
  };
  return { node, show };
}

/** Return lines to paste into a recipe; a JSON string is a YAML string too. */
function yamlFor(labels) {
  const isPlain = /^[a-z][a-z _-]*$/i;
  const lines = labels.slice(0, LABELS_MAPPED).map((label) => {
    const name = shorten(label, LONGEST_LABEL);
    return `      ${isPlain.test(name) ? name : JSON.stringify(name)}: …`;
  });
  return [
    "recipes:",
    "  - name: …",
    "    labels:         # what Gemini says -> the project's label",
    ...lines,
    "    unknown_as: …   # or one label for whatever else it finds",
  ].join("\n");
}
