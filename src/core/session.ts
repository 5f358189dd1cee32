/*
 * What a session may do and see: never more than the caller that made it. What its maker may is looked at when it is made
 * and at every use. How a session is kept, and who its maker is, do not belong here.
 */
import { everyGrant } from "./reach.ts";

/** How long a session may last, seconds. */
export const sessionSeconds = { least: 60, most: 86_400, usual: 3_600 } as const;
/** How many sessions of one caller may live at once, so that no caller can fill the store. */
export const mostSessions = 10_000;
/** How long a row is kept after its end, milliseconds, so that its key is called expired and not unknown. */
export const sessionKeptMs = 3_600_000;

/** What a key may do and see. */
export interface Limits {
  readonly allow: readonly string[];
  /** Selectors. */
  readonly grants: readonly string[];
  /** The providers' short names. Absent: every provider's. */
  readonly providers?: readonly string[];
}

/** What of a limit goes beyond what the maker has. */
export interface Beyond {
  readonly what: "allow" | "grants" | "providers";
  readonly value: string;
}

/**
 * The first thing that a session is to have and its maker has not.
 *
 * @param sees whether the maker sees a grant, by its id. Asked only where the maker's selectors do not name it and might
 *   fit it by its external ids
 * @returns undefined: the session is no wider than its maker
 */
export async function beyondMaker(
  asked: Limits,
  maker: Limits,
  sees: (grantId: string) => Promise<boolean>,
): Promise<Beyond | undefined> {
  const permission = asked.allow.find((each) => !maker.allow.includes(each));
  if (permission !== undefined) return { what: "allow", value: permission };
  const provider = asked.providers?.find((each) => maker.providers?.includes(each) === false);
  if (provider !== undefined) return { what: "providers", value: provider };
  for (const selector of asked.grants) {
    if (maker.grants.some((each) => covers(each, selector))) continue;
    if (selector.startsWith("g_") && (await sees(selector))) continue;
    return { what: "grants", value: selector };
  }
  return undefined;
}

/**
 * What is left of a session's limits beside its maker's. A grant's id stays as it is: whether the maker sees that grant by
 * an external id, only the grant itself tells.
 */
export function cutToMaker(own: Limits, maker: Limits): Limits {
  const providers = own.providers?.filter((each) => maker.providers?.includes(each) ?? true) ?? maker.providers;
  const grants = own.grants.flatMap((selector) =>
    selector.startsWith("g_") ? [selector] : maker.grants.flatMap((each) => common(each, selector) ?? []),
  );
  return {
    allow: own.allow.filter((each) => maker.allow.includes(each)),
    grants: [...new Set(grants)],
    ...(providers === undefined ? {} : { providers }),
  };
}

/** Whether whatever the second selector fits, the first fits as well. */
function covers(wide: string, narrow: string): boolean {
  if (wide === everyGrant || wide === narrow) return true;
  return isPrefix(wide) && narrow.startsWith(wide.slice(0, -1));
}

/** The selector of what both fit, of two that do not name a grant together; undefined where they fit nothing in common. */
function common(one: string, other: string): string | undefined {
  if (covers(one, other)) return other;
  return covers(other, one) ? one : undefined;
}

function isPrefix(selector: string): boolean {
  return selector.startsWith("ext:") && selector.endsWith("*");
}
