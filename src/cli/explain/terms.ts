import { reasons } from "../../core/diagnosis/reasons.ts";
import type { DependsOn } from "../../core/diagnosis/reasons.ts";
import { defined } from "../../core/defined.ts";
import { codesIn, plain, sectionsOf } from "./markdown.ts";
import type { Section, Table } from "./markdown.ts";

/** Who can do something about an error. */
export type Party = DependsOn;

/** A word that may stand in an error, and what the pages say of it. */
export interface Term {
  readonly word: string;
  /**
   * `code`: one of our error codes. `detail`: what stands in such an error and says more, as a reason does. `provider`: a
   * word of providers. `reason`: why a grant is not well. `event`: what our log calls it.
   */
  readonly kind: "code" | "detail" | "reason" | "provider" | "event";
  /** Of a detail: the code in whose section it is explained. */
  readonly of?: string;
  /** Of a code: its HTTP status. */
  readonly status?: number;
  /** A provider's description, where the word means something else with it. */
  readonly says?: string;
  readonly means: string;
  readonly dependsOn?: Party;
  readonly fix: string;
  /** Page and section, such as `errors.md#code_rejected`. */
  readonly page: string;
}

/** What the pages are called, each with its text. */
export interface Pages {
  readonly errors: string;
  readonly library: string;
  readonly operations: string;
}

/** Every word that the pages explain. They are the only place that has the words. */
export function termsOf({ errors, library, operations }: Pages): Term[] {
  const sections = sectionsOf(errors);
  const parties = partiesIn(sections[0]?.items ?? []);
  const codes = sections.filter(({ title }) => /^[a-z_]+$/.test(title)).map((section) => codeOf(section, parties));
  return [
    ...codes.map(({ term }) => term),
    ...codes.flatMap(({ term, tables }) => detailsOf(term, tables)),
    ...reasonTerms(),
    ...providerTerms(sections),
    ...eventTerms(sectionsOf(library), sectionsOf(operations)),
  ];
}

/** Who can act, as the list at the head of the page says: some codes by name, others by status, and the rest. */
interface Parties {
  readonly party: Party;
  readonly codes: readonly string[];
  readonly status: number | undefined;
}

const partyNames: Readonly<Record<string, Party>> = {
  "The person": "person",
  "The operator": "operator",
  Nobody: "provider",
  "The developer": "developer",
};

function partiesIn(items: readonly string[]): Parties[] {
  return items.flatMap((item) => {
    const party = Object.entries(partyNames).find(([name]) => item.startsWith(name))?.[1];
    if (party === undefined) return [];
    const status = /everything with (\d{3})/.exec(item)?.[1];
    return [{ party, codes: codesIn(item), status: status === undefined ? undefined : Number(status) }];
  });
}

function codeOf(
  { title: word, paragraphs, tables }: Section,
  parties: readonly Parties[],
): { readonly term: Term; readonly tables: readonly Table[] } {
  const [first = "", ...more] = paragraphs;
  const status = Number(/^\d{3}/.exec(first)?.[0]);
  const named = parties.find(({ codes }) => codes.includes(word)) ?? parties.find((each) => each.status === status);
  const term = {
    word,
    kind: "code",
    status,
    means: withoutLead(first),
    dependsOn: named?.party ?? "developer",
    fix: more.join(" "),
    page: `errors.md#${word}`,
  } as const;
  return { term, tables };
}

/** A section's first paragraph without status and members, and without what only leads to a table. */
function withoutLead(paragraph: string): string {
  const afterMembers = /^\d{3}.*?\. (?=[A-Z])/.exec(paragraph)?.[0] ?? "";
  return paragraph.slice(afterMembers.length).replace(/ \S+ is one of:$/, "");
}

/** The words of the tables in a code's section. Some rows have several. */
function detailsOf({ word: of, dependsOn, fix, page }: Term, tables: readonly Table[]): Term[] {
  const rows = tables.flatMap((table) => table.rows);
  return rows.flatMap(([words = "", means = ""]) =>
    codesIn(words).map((word): Term =>
      defined({ word, kind: "detail" as const, of, means: plain(means), dependsOn, fix, page }),
    ),
  );
}

/** Why a grant is not well: in the words that the grant itself, its errors and the log have. */
function reasonTerms(): Term[] {
  return Object.entries(reasons).map(([word, { means, dependsOn, fix, page }]) => {
    return { word, kind: "reason" as const, means, dependsOn, fix, page };
  });
}

function providerTerms(sections: readonly Section[]): Term[] {
  const tables = sections.find(({ title }) => title === "What a provider says")?.tables ?? [];
  const rows = tables.flatMap((table) => table.rows);
  return rows.map(([word = "", says = "", party = "", means = "", fix = ""]) =>
    defined({
      word: plain(word),
      kind: "provider" as const,
      says: says === "" ? undefined : says,
      means: plain(means),
      dependsOn: party as Party,
      fix: plain(fix),
      page: "errors.md#what-a-provider-says",
    }),
  );
}

/** The library's page says when an event comes, and that on operations what to do about some. */
function eventTerms(library: readonly Section[], operations: readonly Section[]): Term[] {
  const rowsOf = (sections: readonly Section[]): (readonly string[])[] =>
    sections.flatMap(({ tables }) => tables.filter(({ head }) => head[0] === "event").flatMap(({ rows }) => rows));
  const fixes = new Map(rowsOf(operations).map((row) => [plain(row[0] ?? ""), plain(row.at(-1) ?? "")]));
  return rowsOf(library).map((row) => {
    const word = plain(row[0] ?? "");
    const fix = fixes.get(word);
    return {
      word,
      kind: "event" as const,
      means: plain(row.at(-1) ?? ""),
      fix: fix ?? "nothing: it only tells what happened",
      page: fix === undefined ? "library.md#events" : "operations.md#watch-it",
    };
  });
}
