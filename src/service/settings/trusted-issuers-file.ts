import { defined } from "../../core/defined.ts";
import { nearestName } from "../../core/known-names.ts";
import { shownPath } from "../../core/secret-likeness.ts";
import { trustedIssuerProblems } from "../../core/trusted-issuer.ts";
import type { TrustedIssuer } from "../../index.ts";
import { readSmallFile } from "../../local/small-file.ts";
import { memberLines } from "./member-lines.ts";
import { settingNames } from "./settings.ts";

/** How the file writes the members of an entry. */
const spelled: Readonly<Record<string, string>> = {
  issuer: "issuer",
  audience: "audience",
  jwksUri: "jwks_uri",
  externalIdClaim: "external_id_claim",
};
const members = Object.values(spelled);
const inFile = (member: string): string => spelled[member] ?? member;

/**
 * The issuers of a file: `{"issuers": [{"issuer", "audience", "jwks_uri", "external_id_claim"}]}`.
 *
 * @param path of the file
 * @param problems everything that is wrong is added, each with the file, the line and the member
 */
export function trustedIssuersIn(path: string, problems: string[]): TrustedIssuer[] {
  const shown = shownPath(path);
  const read = readSmallFile(path);
  if ("problem" in read) {
    problems.push(`${settingNames.trustedIssuersFile}: the file ${shown} ${read.problem}`);
    return [];
  }
  const text = read.text.replace(/^\uFEFF/, "");
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // The message itself would repeat what stands around the mistake.
    problems.push(`${shown}: it is not JSON: look at the quotes and commas there`);
    return [];
  }
  const { lines, repeated } = memberLines(text);
  const at = (member: string): string => `${shown}:${lines.get(member) ?? 1}`;
  for (const member of repeated) problems.push(`${at(member)}: ${member} stands there twice: keep one`);
  const { issuers, ...others } = (isMembers(parsed) ? parsed : {}) as { readonly issuers?: unknown };
  for (const name of Object.keys(others)) {
    const meant = nearestName(name, ["issuers"]);
    const named = /^[\w.-]{1,64}$/.test(name) ? name : "a member";
    problems.push(`${at(name)}: ${named} is not known: ${meant === undefined ? "leave it out" : `write ${meant}`}`);
  }
  if (!Array.isArray(issuers) || issuers.length === 0) {
    problems.push(`${shown}: it must be {"issuers": [ … ]} with one issuer at least`);
    return [];
  }
  const known = new Map<string, TrustedIssuer>();
  for (const [index, given] of (issuers as readonly unknown[]).entries()) {
    for (const name of isMembers(given) ? Object.keys(given).filter((each) => !members.includes(each)) : []) {
      const meant = nearestName(name, members);
      const named = /^[\w.-]{1,64}$/.test(name) ? name : "a member";
      const where = at(`issuers.${index}.${name}`);
      problems.push(`${where}: ${named} is not known: ${meant === undefined ? "leave it out" : `write ${meant}`}`);
    }
    const entry = isMembers(given) ? renamed(given) : given;
    const wrong = trustedIssuerProblems(entry, inFile);
    for (const { member, problem } of wrong) {
      const place = member === "" ? `issuers.${index}` : `issuers.${index}.${inFile(member)}`;
      problems.push(
        `${at(lines.has(place) ? place : `issuers.${index}`)}: ${inFile(member) || "an issuer"} ${problem}`,
      );
    }
    if (wrong.length > 0) continue;
    const issuer = entry as TrustedIssuer;
    if (known.has(issuer.issuer)) {
      problems.push(`${at(`issuers.${index}`)}: this issuer stands there twice: list its audiences in one entry`);
    }
    known.set(issuer.issuer, issuer);
  }
  return [...known.values()];
}

/** What is known of an entry, with the names that a program gives its members. */
function renamed(given: Readonly<Record<string, unknown>>): object {
  return defined(Object.fromEntries(Object.entries(spelled).map(([own, file]) => [own, given[file]])));
}

function isMembers(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
