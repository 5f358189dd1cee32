import { InvalidArgumentError, Option } from "commander";

/** An option that takes a day, or a time with its zone: without one, each machine would mean another moment. */
export function dateOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text: string): Date => {
    const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
    const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2})$/.test(text);
    const date = new Date(isDay || isTime ? text : Number.NaN);
    // There is no 31 February, though Date takes it for a day in March.
    const isReal = !Number.isNaN(date.getTime()) && (!isDay || date.toISOString().startsWith(text));
    if (isReal) return date;
    throw new InvalidArgumentError(
      "give a day in UTC, such as 2026-01-01, or a time with its zone, such as 2026-01-01T12:00Z",
    );
  });
}
