// What failed and why, put together by the same reason.

import { find, keep, make, makeLink, setProse, setShown, setText } from "./dom.js";
import { count, many, moment, shorten } from "./format.js";
import { groupFailures } from "./groups.js";

const LONGEST = 600; // characters of a message

const section = find("#failures");
const list = find(".groups", section);

/** Show all failures. */
export function showFailures({ failures, failures_total: total, now }, names) {
  const groups = groupFailures(failures).map((group) => ({ ...group, now, names }));
  keep(list, groups, (group) => group.key, groupView);
  setShown(find(".none", section), failures.length === 0);
  setText(find(".heading .quiet", section), aboutAll(groups.length, failures.length, total));
}

function aboutAll(groups, shown, total) {
  if (!total) return "";
  const all = `${many(total, "task")} without a prediction, ${many(groups, "reason")}`;
  return total > shown ? `${all}; the newest ${count(shown)} are shown` : all;
}

function groupView() {
  const number = make("span", { class: "count bad" });
  const error = make("span", { class: "what", dir: "auto" });
  const hint = make("span", { class: "hint", dir: "auto" });
  const about = make("p", { class: "quiet about" });
  const tasks = make("ul", { class: "tasks" });
  const summary = make("summary", {}, number, make("span", { class: "why" }, error, hint));
  const node = make("li", {}, make("details", {}, summary, about, tasks));
  const show = (group) => {
    setText(number, numberOf(group.members));
    setProse(error, shorten(group.error, LONGEST) || "(no text)");
    setProse(hint, shorten(group.hint, LONGEST));
    setShown(hint, group.hint !== "");
    setText(about, aboutGroup(group));
    const members = group.members.map((failure) => ({ failure, ...group }));
    keep(tasks, members, ({ failure }) => `${failure.project} ${failure.task}`, taskView);
  };
  return { node, show };
}

function numberOf(members) {
  const tasks = members.filter((one) => one.task !== null).length;
  return tasks ? many(tasks, "task") : many(members.length, "request");
}

function aboutGroup({ kind, last, members, names, now }) {
  const projects = [...new Set(members.map((one) => names.of(one.project)))];
  return `${projects.map((name) => shorten(name, 60)).join(", ")} · last at ${moment(last, now)} · ${kind}`;
}

function taskView() {
  const link = makeLink();
  const times = make("span", { class: "quiet" });
  const text = make("span", { class: "own quiet", dir: "auto" });
  const node = make("li", {}, make("span", {}, link.node, times), text);
  const show = ({ failure, isSame, members, names }) => {
    const severalProjects = members.some((one) => one.project !== failure.project);
    const place = severalProjects ? `${shorten(names.of(failure.project), 60)}, ` : "";
    const label = failure.task === null ? "the whole request" : `task ${failure.task}`;
    link.show(place + label, failure.url);
    setText(times, failure.times > 1 ? ` ${count(failure.times)} times` : "");
    setProse(text, isSame ? "" : shorten(failure.error, LONGEST));
    setShown(text, !isSame);
    node.classList.toggle("wide", !isSame);
  };
  return { node, show };
}
