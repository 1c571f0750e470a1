// What failed and why; the backend puts together what is one and the same.

import { find, keep, make, makeLink, setAttribute, setProse, setShown, setText } from "./dom.js";
import { count, many, moment, shorten } from "./format.js";

const LONGEST = 600; // characters of a message
const UNSETTLED = new Set(["running", "goes_on", "interrupted"]);

const section = find("#failures");
const list = find(".groups", section);
const others = find(".others", section);

/** Show all reasons, each with a few of its failures. */
export function showFailures(status, names) {
  const { reasons, failures, now } = status;
  const groups = reasons.map((reason) => ({
    ...reason,
    members: failures.filter((failure) => failure.reason === reason.id),
    now,
    names,
  }));
  keep(list, groups, (group) => group.id, groupView);
  const hidden = status.reasons_total - reasons.filter((one) => one.tasks + one.requests).length;
  setText(others, `and ${count(hidden)} other ${hidden === 1 ? "reason" : "reasons"}`);
  setShown(others, hidden > 0);
  setText(find(".none", section), aboutNone(status));
  setShown(find(".none", section), reasons.length === 0);
  setText(find(".heading .quiet", section), aboutAll(status));
}

/** Only when all has ended well is it known that every task has its prediction. */
function aboutNone({ batches, singles }) {
  const isSettled = !batches.some((batch) => UNSETTLED.has(batch.state)) && !singles.failed;
  return isSettled
    ? "None: every task that was asked for has its prediction."
    : "No task fails, as far as it is known by now.";
}

function aboutAll({ failures_total: tasks, refused_total: requests, reasons_total: reasons }) {
  const parts = [
    ...(tasks ? [`${many(tasks, "task")} without a prediction`] : []),
    ...(requests ? [`${many(requests, "project")} refused`] : []),
  ];
  return parts.length ? [...parts, many(reasons, "reason")].join(", ") : "";
}

function groupView() {
  const number = make("span", { class: "count" });
  const error = make("span", { class: "what", dir: "auto" });
  const hint = make("span", { class: "hint", dir: "auto" });
  const about = make("p", { class: "quiet about" });
  const tasks = make("ul", { class: "tasks" });
  const more = make("p", { class: "quiet about" });
  const summary = make("summary", {}, number, make("span", { class: "why" }, error, hint));
  const node = make("li", {}, make("details", {}, summary, about, tasks, more));
  const show = (group) => {
    setText(number, numberOf(group));
    setAttribute(number, "class", group.tasks + group.requests ? "count bad" : "count quiet");
    setProse(error, shorten(group.error, LONGEST) || "(no text)");
    setProse(hint, shorten(group.hint, LONGEST));
    setShown(hint, group.hint !== "");
    setText(about, aboutGroup(group));
    const members = group.members.map((failure) => ({ failure, group }));
    keep(tasks, members, ({ failure }) => `${failure.project} ${failure.scope} ${failure.task}`, taskView);
    const left = group.tasks + group.requests + group.smart - members.length;
    setText(more, `and ${count(left)} ${left === 1 ? "other" : "others"}`);
    setShown(more, left > 0);
  };
  return { node, show };
}

function numberOf({ tasks, requests, smart }) {
  if (tasks) return many(tasks, "task");
  return requests ? many(requests, "request") : many(smart, "smart tool");
}

function aboutGroup({ kind, last, members, names, now }) {
  const projects = [...new Set(members.map((one) => names.of(one.project)))];
  const about = [`last at ${moment(last, now)}`, kind];
  if (projects.length) about.unshift(projects.map((name) => shorten(name, 60)).join(", "));
  return about.join(" · ");
}

function taskView() {
  const link = makeLink();
  const times = make("span", { class: "quiet" });
  const text = make("span", { class: "own quiet", dir: "auto" });
  const node = make("li", {}, make("span", {}, link.node, times), text);
  const show = ({ failure, group }) => {
    const severalProjects = group.members.some((one) => one.project !== failure.project);
    const place = severalProjects ? `${shorten(group.names.of(failure.project), 60)}, ` : "";
    link.show(place + nameOf(failure), failure.url);
    setText(times, failure.times > 1 ? ` ${count(failure.times)} times` : "");
    const isOwn = failure.error !== group.error;
    setProse(text, isOwn ? shorten(failure.error, LONGEST) : "");
    setShown(text, isOwn);
    node.classList.toggle("wide", isOwn);
  };
  return { node, show };
}

function nameOf({ scope, task }) {
  if (scope === "request") return "the whole request";
  const name = task === null ? "a task without an id" : `task ${task}`;
  return scope === "task" ? name : `a smart tool in ${name}`;
}
