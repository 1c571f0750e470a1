// What was spent: a plot, what a person points at in words, and the same as a table.

import { find, keep, makeCell, makeRow, setShown, setText } from "./dom.js";
import { count, digitsFor, fullDay, many, money, shortCount } from "./format.js";
import { makePlot } from "./plot.js";

const section = find("#spend");
const readout = find("#readout");
// Why requests are not sent, by the error.
const REFUSALS = new Map([
  ["BudgetError", "for the budget"],
  ["AuthenticationError", "since Gemini refuses the key"],
  ["QuotaError", "since the day's quota is used up"],
]);

let shown = null; // the last status
let chosen = null; // the day that a person points at; null for today

const showPlot = makePlot(find("#plot"), "Spend by day", (index) => {
  chosen = index;
  showReadout();
});

/** Show the spend of the last days. */
export function showSpend(status) {
  shown = status.spend;
  const budget = shown.per_day === null ? null : Number(shown.per_day);
  const scale = showPlot(
    shown.days,
    budget,
    (day) => `${fullDay(day.date)}: ${money(day.dollars)}, ${details(day)}`,
  );
  const legend = find(".legend .budget", section);
  setShown(legend, scale.budget !== null);
  setText(legend, `budget of a day: ${money(scale.budget ?? 0)}`);
  const digits = digitsFor(shown.days.map((day) => day.dollars));
  const rows = shown.days.map((day) => ({ day, digits })).reverse();
  keep(find("tbody", section), rows, ({ day }) => day.date, dayRow);
  const total = shown.days.reduce((sum, day) => sum + Number(day.dollars), 0);
  setText(find(".heading .quiet", section), `${money(total)} in ${many(shown.days.length, "day")}`);
  const note = noteOn(shown, scale);
  setText(find("#spend-note"), note);
  setShown(find("#spend-note"), note !== "");
  showReadout();
}

function noteOn({ unpriced, per_day: perDay, refused, days }, scale) {
  const unsent = days.at(-1)?.refused ?? 0;
  return [
    ...(unpriced
      ? [
          `${many(unpriced, "call")} ${unpriced === 1 ? "is" : "are"} not in these amounts: the model's price is not known. The key prices of the YAML sets it.`,
        ]
      : []),
    ...(unsent ? [aboutUnsent(unsent, refused)] : []),
    ...(perDay !== null && scale.budget === null
      ? [`The budget of ${money(perDay)} a day is far above this plot.`]
      : []),
  ].join(" ");
}

function aboutUnsent(unsent, refused) {
  const causes = Object.entries(refused).sort(([, one], [, other]) => other - one);
  const why = causes.map(([kind, times]) => {
    const cause = REFUSALS.get(kind) ?? `for ${kind}`;
    return causes.length > 1 ? `${count(times)} ${cause}` : cause;
  });
  const about = why.length ? `: ${why.join(", ")}` : "";
  return `${many(unsent, "request")} not sent to Gemini today${about}.`;
}

function showReadout() {
  const { days } = shown;
  const day = days[chosen ?? days.length - 1];
  if (!day) return;
  const isToday = day === days.at(-1);
  setText(find("b", readout), money(day.dollars));
  setText(find("span", readout), `${isToday ? "Today" : fullDay(day.date)} · ${details(day)}`);
}

function details({ calls, failed, hits, refused, ...tokens }) {
  const all = tokens.input_tokens + tokens.output_tokens + tokens.thought_tokens;
  return [
    many(calls, "call") + (failed ? ` (${count(failed)} failed)` : ""),
    `${count(hits)} from the cache`,
    ...(refused ? [`${count(refused)} refused`] : []),
    `${shortCount(all)} tokens`,
  ].join(" · ");
}

function dayRow() {
  const date = makeCell("Day");
  const cost = makeCell("Cost", "number");
  const numbers = ["Calls", "Failed", "From cache", "Refused", "Tokens"].map((label) =>
    makeCell(label, "number"),
  );
  const node = makeRow(date, cost, ...numbers);
  const show = ({ day, digits }) => {
    setText(date, fullDay(day.date));
    setText(cost, money(day.dollars, digits));
    const tokens = day.input_tokens + day.output_tokens + day.thought_tokens;
    [day.calls, day.failed, day.hits, day.refused, tokens].forEach((number, at) =>
      setText(numbers[at], count(number)),
    );
  };
  return { node, show };
}
