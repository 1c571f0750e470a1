// Ask the backend how things are, again and again, for as long as somebody looks.

import { many } from "./format.js";

const BUSY = 2; // seconds between two questions while something is under way
const IDLE = 5;
const BACK_OFF = [2, 4, 8, 15, 30];
const PATIENCE = 10; // seconds for an answer

/** Return the address of this page without a slash at its end, whatever proxies put before it. */
export const ownAddress = () => location.origin + location.pathname.replace(/\/+$/, "");

class Unusable extends Error {}

async function readStatus(signal) {
  const response = await fetch(`${ownAddress()}/api/status`, { signal, cache: "no-store" });
  if (response.status === 401)
    throw new Unusable("The login is no longer accepted: reload the page.");
  if (!response.ok)
    throw new Unusable(`The backend, or a proxy before it, answers HTTP ${response.status}.`);
  return response.json();
}

function reasonOf(error) {
  if (error instanceof Unusable) return error.message;
  if (error instanceof SyntaxError) return "What answers is not the backend, or a proxy before it.";
  return "The backend does not answer.";
}

/**
 * Call `show(status)` with each answer, and `lose(reason, next)` when none comes or it cannot be
 * shown. `show` returns whether something is under way. Returns what asks at once.
 */
export function watch(show, lose) {
  let timer = 0;
  let failed = 0;
  let current = null; // the question that is waited for

  const stop = () => {
    clearTimeout(timer);
    current?.abort();
    current = null;
  };
  const askIn = (seconds) => {
    clearTimeout(timer);
    timer = setTimeout(ask, seconds * 1000);
  };
  const giveUp = (reason) => {
    const wait = BACK_OFF[Math.min(failed, BACK_OFF.length - 1)];
    failed += 1;
    askIn(wait);
    lose(reason, `Next try in ${many(wait, "second")}.`);
  };
  const use = (status) => {
    try {
      askIn(show(status) ? BUSY : IDLE);
      failed = 0;
    } catch (error) {
      console.error(error);
      giveUp("This page does not understand what the backend answers: reload it.");
    }
  };
  async function ask() {
    stop();
    if (document.hidden) return;
    const question = new AbortController();
    current = question;
    const limit = setTimeout(() => question.abort(), PATIENCE * 1000);
    const [status, error] = await readStatus(question.signal).then(
      (one) => [one, null],
      (one) => [null, one],
    );
    clearTimeout(limit);
    if (current !== question) return; // nobody looks any more, or it was asked again
    if (error) giveUp(reasonOf(error));
    else use(status);
  }
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : ask()));
  addEventListener("online", ask);
  ask();
  return ask;
}
