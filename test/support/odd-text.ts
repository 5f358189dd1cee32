/** Text that means something to some parser on the way, and can be found where it must not be. */
import { oneOf } from "../../tools/random.ts";

/** Stands in each free text that is sent. It comes by chance nowhere else. */
export const marker = "oddZq7Input";

/** What there is in the service that requests can name. */
export interface OddTargets {
  /** Host and port. */
  readonly host: string;
  /** Callers' keys, of more and of less rights. */
  readonly keys: readonly string[];
  /** References to grants that stay. */
  readonly refs: readonly string[];
  /** References to grants that may be revoked. */
  readonly doomed: readonly string[];
}

/** One of them; each list is written beside its use. */
export function pick<T>(random: () => number, ...items: readonly T[]): T {
  return oneOf(random, items) as T;
}

export function chance(random: () => number, share: number): boolean {
  return random() < share;
}

const pieces: readonly string[] = [
  ..."/ \\ % ? & = ; : @ # ~ * $ ! ' ( ) [ ] { } | ^ ` \" < > , . + - _".split(" "),
  ..."%2f %2F %5c %00 %0d%0a %20 %25 %252f %2e%2e %c0%af %e2%80%ae %ff %zz %u0041 .. ../ ..;/ // /// ./".split(" "),
  "é",
  "\u202e",
  "\u0001",
  "\u007f",
  "\u001b[2J",
  "\u001b]8;;x\u0007",
  "${jndi:ldap://x}",
  "{{7*7}}",
  "' OR 1=1--",
  "<script>",
  "__proto__",
  "constructor",
  "sub:",
  "ext:",
  "g_",
  "obk_",
  "www.googleapis.com",
  "169.254.169.254",
  "[::1]",
  "-1",
  "1e309",
  "9007199254740993",
  "NaN",
  "null",
];

export function oddText(random: () => number): string {
  const length = Math.floor(random() * 6);
  const middle = Array.from({ length }, () => pick(random, ...pieces)).join("");
  const long = chance(random, 0.02) ? "x".repeat(Math.floor(random() * 9_000)) : "";
  return chance(random, 0.5) ? `${marker}${middle}${long}` : `${middle}${long}${marker}`;
}

/** Without what would end a request line or a header. */
export function onOneLine(text: string): string {
  return text.replaceAll(/[\r\n\0]/g, "");
}

export function inTarget(text: string): string {
  // The bytes of a request line are Latin-1 to Node. Spaces and control characters belong to `oddBytes`.
  return text.replaceAll(/[^\x21-\x7e]/gu, (character) => encodeURIComponent(character));
}
