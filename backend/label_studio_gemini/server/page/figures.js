// How things stand in five numbers.

import { isUnderWay } from "./batches.js";
import { find, setAttribute, setShown, setText } from "./dom.js";
import { count, many, megabytes, money, roughly, share } from "./format.js";
import { secondsLeft } from "./pace.js";

/** Show the figures at the top. */
export function showFigures(status) {
  showProgress(status);
  showPredicted(status);
  showFailing(status);
  showSpent(status);
  showCache(status);
}

function setFigure(id, value, text, kind = "") {
  const place = find(`#figure-${id}`);
  setText(find("b", place), value);
  setText(find("small", place), text);
  setAttribute(place, "class", kind);
}

function showProgress({ batches, now }) {
  const active = batches.filter(isUnderWay);
  if (!active.length) return setFigure("progress", "Idle", "nothing is under way");
  const tasks = active.reduce((sum, batch) => sum + batch.tasks - batch.done, 0);
  const left = active.map((batch) => secondsLeft(batch, now));
  const isKnown = left.every((seconds) => seconds !== null);
  const time = isKnown
    ? `about ${roughly(Math.max(...left))} left`
    : many(active.length, "batch", "batches");
  return setFigure(
    "progress",
    count(tasks),
    `${tasks === 1 ? "task" : "tasks"} to go · ${time}`,
    "accent",
  );
}

function showPredicted({ projects }) {
  const predicted = projects.reduce((sum, project) => sum + project.predicted, 0);
  const empty = projects.reduce((sum, project) => sum + project.empty, 0);
  const unmatched = projects.reduce((sum, project) => sum + project.unmatched, 0);
  const others = [
    ...(empty ? [`${count(empty)} with nothing to find`] : []),
    ...(unmatched ? [`${count(unmatched)} with objects that match no label`] : []),
  ];
  setFigure(
    "predicted",
    count(predicted),
    others.length ? `and ${others.join(", ")}` : "tasks with regions",
  );
}

function showFailing({ failures_total: tasks, refused_total: requests, reasons_total: reasons }) {
  if (tasks) return setFigure("failing", count(tasks), `for ${many(reasons, "reason")}`, "bad");
  if (requests) return setFigure("failing", count(0), `${many(requests, "project")} refused`, "bad");
  return setFigure("failing", count(0), "nothing to mend");
}

function showSpent({ spend: { today, per_day: perDay } }) {
  const bar = find("#figure-spent progress");
  setShown(bar, perDay !== null);
  if (perDay === null) return setFigure("spent", money(today), "no budget is set");
  const left = Number(perDay) - Number(today);
  setAttribute(
    bar,
    "value",
    Math.min(Number(today) / Math.max(Number(perDay), Number.MIN_VALUE), 1),
  );
  const text =
    left > 0
      ? `${money(left)} of ${money(perDay)} left`
      : `the budget of ${money(perDay)} is used up`;
  return setFigure("spent", money(today), text, left > 0 ? "" : "bad");
}

function showCache({ cache: { enabled, replies, megabytes: size, hits, calls } }) {
  if (!enabled) return setFigure("cache", "Off", "every answer is paid for");
  const kept = `${many(replies, "answer")}, ${megabytes(size)}`;
  const asked = `${count(hits)} of ${count(hits + calls)} requests`;
  return setFigure("cache", share(hits, hits + calls) ?? "–", hits + calls ? asked : kept);
}
