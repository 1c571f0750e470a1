// Numbers, amounts and times, as the reader writes them.

const LOCALES = navigator.languages;
const COUNT = new Intl.NumberFormat(LOCALES);
const SHORT = new Intl.NumberFormat(LOCALES, { notation: "compact", maximumFractionDigits: 1 });
const SHARE = new Intl.NumberFormat(LOCALES, { style: "percent", maximumFractionDigits: 1 });
const SIZE = new Intl.NumberFormat(LOCALES, { maximumFractionDigits: 1 });
const TIME = new Intl.DateTimeFormat(LOCALES, { timeStyle: "short" });
const EXACT_TIME = new Intl.DateTimeFormat(LOCALES, { timeStyle: "medium" });
const DAY_AND_TIME = new Intl.DateTimeFormat(LOCALES, {
  day: "numeric",
  month: "short",
  hour: "numeric",
  minute: "numeric",
});
// A date of the backend's calendar is that date wherever it is read.
const DAY = new Intl.DateTimeFormat(LOCALES, { day: "numeric", month: "short", timeZone: "UTC" });
const FULL_DAY = new Intl.DateTimeFormat(LOCALES, {
  weekday: "short",
  day: "numeric",
  month: "short",
  timeZone: "UTC",
});

const SECONDS_OF_DAY = 86_400;

export const count = (number) => COUNT.format(number);
export const shortCount = (number) => SHORT.format(number);
export const megabytes = (number) => `${SIZE.format(number)} MB`;

/** Return a share of a whole in percent; null where there is no whole. */
export const share = (part, whole) => (whole > 0 ? SHARE.format(part / whole) : null);

/** Return "1 task" or "2 tasks". */
export function many(number, one, more = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : more}`;
}

/** Return how many digits amounts need that are compared with each other. */
export const digitsFor = (amounts) =>
  amounts.some((amount) => Number(amount) !== 0 && Math.abs(Number(amount)) < 0.1) ? 4 : 2;

/** Return dollars to the cent, and what is below ten cents to a hundredth of one. */
export function money(amount, fixed = null) {
  const value = Number(amount);
  const digits = fixed ?? digitsFor([value]);
  return new Intl.NumberFormat(LOCALES, {
    style: "currency",
    currency: "USD",
    currencyDisplay: "narrowSymbol",
    minimumFractionDigits: fixed ?? 2,
    maximumFractionDigits: digits,
  }).format(value);
}

/** Return the time of a moment that is near `now`, else its day too; both in seconds since 1970. */
export function moment(seconds, now) {
  const isNear = Math.abs(now - seconds) < SECONDS_OF_DAY / 2;
  return (isNear ? TIME : DAY_AND_TIME).format(new Date(seconds * 1000));
}

export const exactTime = (seconds) => EXACT_TIME.format(new Date(seconds * 1000));
export const shortDay = (date) => DAY.format(new Date(`${date}T00:00:00Z`));
export const fullDay = (date) => FULL_DAY.format(new Date(`${date}T00:00:00Z`));

/** Return how long something takes: "42 s", "3 min 20 s", "1 h 5 min". */
export function duration(seconds) {
  const whole = Math.max(Math.round(seconds), 0);
  if (whole < 1) return "under 1 s";
  const parts = [
    [Math.floor(whole / 3600), "h"],
    [Math.floor((whole % 3600) / 60), "min"],
    [whole % 60, "s"],
  ];
  const first = parts.findIndex(([number]) => number > 0);
  const told = parts.slice(first, first + 2).filter(([number]) => number > 0);
  return told.map(([number, unit]) => `${count(number)} ${unit}`).join(" ");
}

/** Return how long something is about to take, no more exactly than that can be known. */
export function roughly(seconds) {
  if (seconds <= 55) return `${Math.max(Math.ceil(seconds / 5), 1) * 5} s`;
  if (seconds < 3600) return `${count(Math.ceil(seconds / 60))} min`;
  return duration(Math.ceil(seconds / 600) * 600);
}

/** Return a text of at most so many characters, which are not cut in half. */
export function shorten(text, most) {
  if (text.length <= most) return text;
  return `${[...text.slice(0, 2 * most)].slice(0, most).join("")}…`;
}
