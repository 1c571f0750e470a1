// How long a batch will take. What it did since this page looks on counts most: a batch that is
// retrieved again finds what it had in the cache, all at once, and only then gets slow.

const WINDOW = 60; // seconds
const ENOUGH = 8; // seconds of looking on

const looksOf = new Map(); // id -> [{at, done}], the oldest first

/** Note where all batches stand, and forget those that are gone. */
export function noteProgress(batches, now) {
  const ids = new Set(batches.map((batch) => batch.id));
  for (const id of looksOf.keys()) if (!ids.has(id)) looksOf.delete(id);
  for (const { id, done } of batches) {
    const looks = looksOf.get(id) ?? [];
    looks.push({ at: now, done });
    while (looks.length > 2 && now - looks[1].at >= WINDOW) looks.shift();
    looksOf.set(id, looks);
  }
}

/** Return about how many seconds a batch has left; null while nothing can be said. */
export function secondsLeft(batch, now) {
  const rate = rateOf(batch, now);
  return rate > 0 ? (batch.tasks - batch.done) / rate : null;
}

function rateOf({ id, begun, done }, now) {
  const first = looksOf.get(id)?.[0];
  const seen = first ? now - first.at : 0;
  if (seen >= ENOUGH && done > first.done) return (done - first.done) / seen;
  const passed = now - begun;
  return passed >= 2 ? done / passed : 0;
}
