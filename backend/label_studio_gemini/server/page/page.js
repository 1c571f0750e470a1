// The page: what is shown of each answer, and what when there is none.

import { isUnderWay, showBatches } from "./batches.js";
import { find, keep, make, setAttribute, setProse, setShown, setText } from "./dom.js";
import { showFailures } from "./failures.js";
import { showFigures } from "./figures.js";
import { exactTime, share, shorten } from "./format.js";
import { showLeftOut } from "./left_out.js";
import { noteProgress } from "./pace.js";
import { nameProjects, showProjects } from "./projects.js";
import { showSpend } from "./spend.js";
import { ownAddress, watch } from "./watch.js";

const NAME = "label-studio-gemini";
let lastNow = null; // the backend's time of the last answer

function show(status) {
  const names = nameProjects(status.projects);
  lastNow = status.now;
  noteProgress(status.batches, status.now);
  showTop(status);
  showTrouble(status.trouble);
  showWelcome(status);
  showFigures(status);
  showBatches(status, names);
  showFailures(status, names);
  showLeftOut(status, names);
  showProjects(status, names);
  showSpend(status);
  setShown(find("#connection"), false);
  setShown(find("#main"), true);
  document.body.classList.remove("stale");
  return !status.ready || status.batches.some(isUnderWay);
}

function lose(reason, next) {
  const place = find("#connection");
  const asOf = lastNow === null ? "" : `What you see is as of ${exactTime(lastNow)}. `;
  setText(find("strong", place), reason);
  setText(find("span", place), asOf + next);
  setShown(place, true);
  setState("lost", "No answer");
  document.body.classList.add("stale");
  document.title = `No answer – ${NAME}`;
}

function showTop({ model, api, ready, trouble, version, batches }) {
  const place = find("#model");
  setText(find("code", place), shorten(model, 100));
  setText(
    find("span", place),
    `by the ${api === "interactions" ? "Interactions API" : api} · version ${version}`,
  );
  setShown(place, true);
  if (trouble.length) setState("trouble", "In trouble");
  else if (!ready) setState("waiting", "Loading…");
  else
    setState(
      batches.some(isUnderWay) ? "busy" : "ready",
      batches.some(isUnderWay) ? "Working" : "Ready",
    );
  document.title = titleFor(trouble, batches);
}

function titleFor(trouble, batches) {
  const active = batches.filter(isUnderWay);
  const sum = (key) => active.reduce((total, batch) => total + batch[key], 0);
  if (trouble.length) return `In trouble – ${NAME}`;
  const progress = active.length ? share(sum("done"), sum("tasks")) : null;
  return progress === null ? NAME : `${progress} – ${NAME}`;
}

function setState(state, text) {
  setAttribute(find("#state"), "data-state", state);
  setText(find("#state span"), text);
}

function showTrouble(trouble) {
  keep(
    find("#trouble"),
    trouble,
    ({ error }) => error,
    () => {
      const error = make("strong", { dir: "auto" });
      const hint = make("p", { dir: "auto" });
      const node = make("div", { class: "banner danger" }, make("div", {}, error, hint));
      return {
        node,
        show: (one) => {
          setProse(error, shorten(one.error, 600));
          setProse(hint, shorten(one.hint, 600));
        },
      };
    },
  );
}

/** Before anything came from Label Studio, what to do first is all there is to say. */
function showWelcome({
  projects,
  batches,
  singles,
  reasons_total: reasons,
  left_out_total: leftOut,
  spend,
  version,
}) {
  const isUsed = spend.days.some((day) => day.calls + day.hits + day.refused > 0);
  const isUnasked = !batches.length && singles.last === null && !reasons;
  const isNew = !projects.length && isUnasked && !leftOut && !isUsed;
  setShown(find("#welcome"), isNew);
  for (const part of document.querySelectorAll("main section:not(#welcome)"))
    setShown(part, !isNew);
  setText(find("#footer span"), `${NAME} ${version}`);
  setShown(find("#footer"), true);
}

function offerAddress() {
  const button = find("#copy");
  setText(find("#address"), ownAddress());
  setAttribute(find("#footer a"), "href", `${ownAddress()}/api/status`);
  setShown(button, Boolean(navigator.clipboard)); // there is none where the page is not on https
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(ownAddress());
    setText(button, "Copied");
    setTimeout(() => setText(button, "Copy"), 2000);
  });
}

offerAddress();
const askNow = watch(show, lose);
find("#connection button").addEventListener("click", askNow);
