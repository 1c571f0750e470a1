// The projects that use this backend, and what they are called everywhere on this page.

import {
  find,
  keep,
  make,
  makeCell,
  makeLink,
  makeRow,
  setCount,
  setShown,
  setText,
} from "./dom.js";
import { count, digitsFor, many, moment, money, shorten } from "./format.js";

const LONGEST_NAME = 120; // characters

const section = find("#projects");
const table = find("table", section);

/**
 * Return what projects are called, `of(project)`, and where they are, `address(project)`.
 *
 * Label Studio calls a project 1.1795312593; people know it by the number before the dot, unless
 * two Label Studios have one of that number.
 */
export function nameProjects(projects) {
  const numbers = new Map();
  for (const { number } of projects) numbers.set(number, (numbers.get(number) ?? 0) + 1);
  const known = new Map(projects.map((one) => [one.project, one]));
  const of = (project) => {
    if (project === null) return "No project";
    const number = known.get(project)?.number ?? null;
    const isClear = number !== null && numbers.get(number) === 1;
    return isClear ? `Project ${number}` : shorten(project, LONGEST_NAME) || "(no name)";
  };
  return { of, address: (project) => known.get(project)?.url ?? null };
}

/** Show all projects. */
export function showProjects({ projects, projects_total: total, now }, names) {
  const digits = digitsFor(projects.map((project) => project.dollars));
  const items = projects.map((project) => ({ project, digits, now, names }));
  keep(find("tbody", table), items, ({ project }) => project.project, projectView);
  setShown(table, projects.length > 0);
  setShown(find(".none", section), projects.length === 0);
  const cut =
    total > projects.length ? `; ${count(projects.length)} of ${count(total)} are shown` : "";
  setText(find(".heading .quiet", section), `calls, cache and cost of the last 30 days${cut}`);
}

function projectView() {
  const name = makeLink({ class: "name" });
  const version = make("code", { class: "quiet" });
  const unmatched = make("small", { class: "quiet" });
  const reasons = make("ul");
  const left = make("summary");
  const unfilled = make("details", {}, left, reasons);
  const cells = {
    predicted: makeCell("Predicted", "number"),
    empty: makeCell("Empty", "number"),
    failed: makeCell("Failing", "number"),
    calls: makeCell("Calls", "number"),
    hits: makeCell("From cache", "number"),
  };
  const cost = makeCell("Cost", "number");
  const seen = makeCell("Last seen", "number quiet");
  const first = make("td", { role: "cell", class: "first" }, name.node, version, unmatched, unfilled);
  const node = makeRow(first, ...Object.values(cells), cost, seen);
  const show = ({ project, digits, now, names }) => {
    name.show(names.of(project.project), project.url);
    setText(version, shorten(project.model_version ?? "", LONGEST_NAME));
    setText(unmatched, `${count(project.unmatched)} with objects that match no label`);
    setShown(unmatched, project.unmatched > 0);
    setText(left, `${many(project.unfilled.length, "control tag")} left to people`);
    setShown(unfilled, project.unfilled.length > 0);
    keep(reasons, project.unfilled, (reason) => reason, reasonView);
    for (const [key, cell] of Object.entries(cells))
      setCount(cell, project[key], key === "failed" ? "bad" : "");
    setText(cost, money(project.dollars, digits));
    setText(seen, moment(project.seen, now));
  };
  return { node, show };
}

function reasonView() {
  const node = make("li", { dir: "auto" });
  return { node, show: (reason) => setText(node, shorten(reason, 400)) };
}
