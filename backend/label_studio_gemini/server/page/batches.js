// What is under way, with bars; and what has ended.

import {
  find,
  keep,
  make,
  makeCell,
  makeFolded,
  makeLink,
  makeRow,
  setAttribute,
  setCount,
  setShown,
  setText,
} from "./dom.js";
import { count, duration, many, moment, roughly, shorten } from "./format.js";
import { secondsLeft } from "./pace.js";

const ENDED_SHOWN = 6;
const STATES = new Map([
  ["running", "running"],
  ["goes_on", "goes on in the background"],
  ["done", "done"],
  ["interrupted", "interrupted"],
]);
const HINTS = new Map([
  [
    "goes_on",
    "Label Studio no longer waits for it: retrieve the predictions again when it is done.",
  ],
  [
    "interrupted",
    "The backend was stopped: retrieve the predictions again; what was done is not paid twice.",
  ],
]);

const section = find("#batches");
const running = find(".running", section);
const finished = find(".finished", section);
const showFinished = makeFolded(finished, ENDED_SHOWN);

export const isUnderWay = (batch) => batch.state === "running" || batch.state === "goes_on";

/** Show all batches. */
export function showBatches({ batches, batches_total: total, singles, now }, names) {
  const active = batches.filter(isUnderWay);
  const ended = batches.filter((batch) => !isUnderWay(batch));
  const withContext = (list) => list.map((batch) => ({ batch, now, names }));
  const keyOf = ({ batch }) => batch.id;
  keep(running, withContext(active), keyOf, runningView);
  showFinished(withContext(ended), keyOf, finishedView);
  setShown(running, active.length > 0);
  setShown(finished, ended.length > 0);
  const opened = aboutSingles(singles, now);
  setText(find(".others", section), opened);
  setShown(find(".others", section), opened !== "");
  setShown(find(".none", section), batches.length === 0 && opened === "");
  const several = batches.filter((batch) => !batch.smart && batch.tasks !== 1).length;
  const about = [
    ...(active.length ? [`${count(active.length)} under way`] : []),
    ...(total > several ? [`the newest ${count(several)} of ${count(total)} are shown`] : []),
  ];
  setText(find(".heading .quiet", section), about.join("; "));
}

/** What people opened and clicked is no batch to them: a line says how much of it there was. */
function aboutSingles({ tasks, smart, failed, last }, now) {
  const parts = [
    ...(tasks ? [`${many(tasks, "single task")} opened`] : []),
    ...(smart ? [many(smart, "smart tool request")] : []),
  ];
  if (!parts.length) return "";
  const about = failed ? ` (${count(failed)} failed)` : "";
  return `${parts.join(", ")} in 24 hours${about}, the last at ${moment(last, now)}`;
}

function runningView() {
  const project = makeLink({ class: "name" });
  const tool = make("span", { class: "tag" }, "smart tool");
  const done = make("span", { class: "done" });
  const left = make("span", { class: "quiet left" });
  const bar = make("progress");
  const state = make("span");
  const failed = make("span", { class: "bad" });
  const hint = make("span", { class: "hint" });
  const node = make(
    "li",
    {},
    make("div", { class: "line" }, make("span", {}, project.node, " ", tool), done),
    bar,
    make("div", { class: "line quiet" }, make("span", {}, state, failed), left),
    hint,
  );
  const show = ({ batch, now, names }) => {
    const name = names.of(batch.project);
    project.show(name, names.address(batch.project));
    setShown(tool, batch.smart);
    setText(done, `${count(batch.done)} of ${many(batch.tasks, "task")}`);
    setAttribute(bar, "max", Math.max(batch.tasks, 1));
    setAttribute(bar, "value", batch.done);
    setAttribute(
      bar,
      "aria-label",
      `${name}: ${count(batch.done)} of ${many(batch.tasks, "task")} done`,
    );
    setText(state, `${STATES.get(batch.state)} since ${moment(batch.begun, now)}`);
    setText(failed, batch.failed ? ` · ${count(batch.failed)} failed` : "");
    setText(left, timeLeft(batch, now));
    setText(hint, HINTS.get(batch.state) ?? "");
    setShown(hint, HINTS.has(batch.state));
    setAttribute(node, "data-state", batch.state);
  };
  return { node, show };
}

function timeLeft(batch, now) {
  const seconds = secondsLeft(batch, now);
  return seconds === null ? "" : `about ${roughly(seconds)} left`;
}

function finishedView() {
  const begun = makeCell("Begun", "quiet");
  const project = makeLink();
  const tool = make("span", { class: "tag" }, "smart tool");
  const tasks = makeCell("Tasks", "number");
  const failed = makeCell("Failed", "number");
  const took = makeCell("Took", "number quiet");
  const state = make("span", { class: "state" });
  const hint = make("span", { class: "hint" });
  const node = makeRow(
    begun,
    makeCell("Project", "", make("span", {}, project.node, " ", tool)),
    tasks,
    failed,
    took,
    makeCell("State", "", make("span", {}, state, hint)),
  );
  const show = ({ batch, now, names }) => {
    setText(begun, moment(batch.begun, now));
    project.show(names.of(batch.project), names.address(batch.project));
    setShown(tool, batch.smart);
    const whole = batch.done === batch.tasks;
    setText(tasks, whole ? count(batch.tasks) : `${count(batch.done)} of ${count(batch.tasks)}`);
    setCount(failed, batch.failed, "bad");
    setText(took, batch.ended === null ? "" : duration(batch.ended - batch.begun));
    setText(state, STATES.get(batch.state) ?? shorten(batch.state, 40));
    setAttribute(state, "data-state", batch.state);
    setText(hint, HINTS.get(batch.state) ?? "");
    setShown(hint, HINTS.has(batch.state));
  };
  return { node, show };
}
