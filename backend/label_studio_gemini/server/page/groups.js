// Failures that are one and the same: equal but for addresses, names and numbers.

// What the backend's messages quote, addresses, and numbers but HTTP's: `a/b.jpg`, 'text', 1,024
const SPECIFIC =
  /`[^`]*`|(?<!\w)'(?:[^'\\]|\\.)*'(?!\w)|(?<!\w)"(?:[^"\\]|\\.)*"(?!\w)|https?:\/\/\S+|(?<!HTTP )(?<![\w.])\$?\d[\d,.]*\d|(?<!HTTP )(?<![\w.])\$?\d/g;

/** Return a message without what differs from task to task. */
export const pattern = (text) => text.replace(SPECIFIC, "…");

/** Return what several messages of one pattern have in common: what differs becomes "…". */
function commonText(texts) {
  const all = [...new Set(texts)].map((text) => text.match(SPECIFIC) ?? []);
  let at = 0;
  const common = texts[0].replace(SPECIFIC, (part) => {
    const isSame = all.every((parts) => parts[at] === part);
    at += 1;
    return isSame ? part : "…";
  });
  return common.replace(/…\.$/, "…");
}

/**
 * Put failures together by what went wrong, the most frequent first, then the newest.
 *
 * Each group has `key`, `kind`, `error`, `hint`, `last` (seconds since 1970), `isSame` (whether all
 * say the same), and its failures as `members`, in the order they came in.
 */
export function groupFailures(failures) {
  const groups = new Map();
  for (const failure of failures) {
    const key = [failure.kind, pattern(failure.error), pattern(failure.hint)].join("\n");
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(failure);
  }
  const found = [...groups].map(([key, members]) => ({
    key,
    members,
    kind: members[0].kind,
    error: commonText(members.map((one) => one.error)),
    hint: commonText(members.map((one) => one.hint)),
    isSame: members.every((one) => one.error === members[0].error && one.hint === members[0].hint),
    last: Math.max(...members.map((one) => one.time)),
  }));
  return found.sort(
    (one, other) => other.members.length - one.members.length || other.last - one.last,
  );
}
