import { reasonInWords } from "../../core/diagnosis/provider-words.ts";
import { nearestName } from "../../core/known-names.ts";
import type { Term } from "./terms.ts";

/**
 * The terms that a text is about, in the order in which it names them. The text may be one word, JSON of a provider or of
 * ours, a line of a log, a stack, an address or a header: what counts is where a word stands in it.
 *
 * @param text as it was pasted; nothing of it is in the answer
 * @param terms every word that there is
 */
export function findTerms(text: string, terms: readonly Term[]): Term[] {
  const alone = text.trim();
  if (/^\d{3}$/.test(alone)) return terms.filter(({ status }) => status === Number(alone));
  const word = wordOf(alone, terms);
  if (word !== undefined) return withoutRepetition(terms.filter((term) => term.word === word));
  const read = readable(text);
  const named = namedIn(read, terms);
  if (named.length > 0) {
    const found = new Set(named.flatMap((name) => chosen(name, named, read, terms)));
    return [...found, ...describedReason(read, named, terms).filter((term) => !isSaid(term, found))];
  }
  // A description is often all that a program shows. One of a word or two stands in other sentences, too.
  return terms.filter(({ says = "" }) => says.split(" ").length > 2 && hasPhrase(read, says));
}

/** Where a provider's word is the name of a reason, and leads to the same, it is said once. */
function withoutRepetition(found: readonly Term[]): Term[] {
  const fixes = new Set(found.filter(({ kind }) => kind === "provider").map(({ fix }) => fix));
  return found.filter(({ kind, fix }) => kind !== "reason" || !fixes.has(fix));
}

/** The words that are nearest to those of a text. They are ours: of the text itself nothing is told. */
export function nearWords(text: string, terms: readonly Term[]): string[] {
  const words = [...new Set(terms.map(({ word }) => word))];
  const typed = readable(text).match(/[A-Za-z][\w-]{3,63}/g) ?? [];
  const near = typed.slice(0, mostWords).flatMap((each) => nearestName(each.replaceAll("-", "_"), words) ?? []);
  return [...new Set(near)].slice(0, 5);
}

/** How many words of a text are compared with ours: each comparison takes time. */
const mostWords = 200;

/** A word of ours in the spelling of whoever typed it: with blanks, dashes or capitals. */
function wordOf(text: string, terms: readonly Term[]): string | undefined {
  const spelled = (word: string): string => word.toLowerCase().replaceAll(/[\s-]/g, "_");
  const bare = text.replaceAll(/^["'`]|["'`.,;:]+$/g, "");
  if (bare.length > 64) return undefined;
  return (
    terms.find(({ word }) => word === bare)?.word ?? terms.find(({ word }) => spelled(word) === spelled(bare))?.word
  );
}

/** A text in which JSON within JSON and percent-encoding are undone once. */
function readable(text: string): string {
  const unescaped = text.replaceAll("\\", "");
  return unescaped.replaceAll("+", " ").replaceAll(/%[0-9a-f]{2}/gi, (found) => {
    const code = Number.parseInt(found.slice(1), 16);
    return code < 0x80 ? String.fromCharCode(code) : found;
  });
}

/** A word where a text names it. */
interface Named {
  readonly word: string;
  /** The member, parameter or mark that it follows, such as `error` or `reason`; empty where it stands in a sentence. */
  readonly as: string;
}

/** What an error's word stands after, in JSON, in addresses and headers, and in what programs print. */
const marked =
  /(?:\b(error|code|reason|error_subtype|suberror|provider_error|providerError|msg|error_code|status|errorCode)["']?\s*[:=]\s*["']?|#|\()([A-Za-z]\w{2,63})\b/g;

function namedIn(text: string, terms: readonly Term[]): Named[] {
  const words = new Set(terms.map(({ word }) => word));
  const atMarks = [...text.matchAll(marked)].map(({ 1: as = "#", 2: word = "", index }) => ({ word, as, index }));
  // In a sentence, only what is no word of English: timeout and revoked are.
  const inSentences = [...text.matchAll(/\b[A-Za-z]\w{2,63}\b/g)]
    .map(({ 0: word, index }) => ({ word, as: "", index }))
    .filter(({ word }) => /_|\d|[a-z][A-Z]/.test(word) && atMarks.every((each) => each.word !== word));
  return [...atMarks, ...inSentences].filter(({ word }) => words.has(word)).toSorted((a, b) => a.index - b.index);
}

/** Which of the terms of a word a text means. */
function chosen({ word, as }: Named, named: readonly Named[], text: string, terms: readonly Term[]): Term[] {
  const all = terms.filter((term) => term.word === word);
  const of = (kind: Term["kind"]): Term[] => all.filter((term) => term.kind === kind);
  // What a reason means, is said for errors of ours; in our log it stands beside an event.
  const isLogged = named.some((other) => other.as === "msg");
  const details = of("detail").filter((term) => isLogged || named.some((other) => other.word === term.of));
  if (as === "reason" && details.length > 0) return details;
  // Of a grant, or an error about one, the reason says it all: what the provider said is in it.
  const reasons = of("reason");
  const isGrants = named.some((other) => other.as === "reason" && terms.some(isReasonOf(other.word)));
  if (reasons.length > 0 && (as === "reason" || all.length === reasons.length)) return reasons;
  if (isGrants && of("provider").length > 0) return [];
  if (as === "msg" && of("event").length > 0) return of("event");
  const providers = withDescription(of("provider"), text);
  // Some words are providers' and ours. Ours come with a hint, an address of the page, or in brackets at the end of a line.
  const ours = /"hint"|\bhint:|error_uri|errors\.md#|OnbehalfError/.test(text) || as === "#";
  const preferred = [ours ? of("code") : providers, details, ours ? providers : of("code"), of("event"), all];
  return preferred.find((some) => some.length > 0) ?? [];
}

/** What a provider's description names beyond its word, by the same rules by which a grant gets its reason. */
function describedReason(text: string, named: readonly Named[], terms: readonly Term[]): Term[] {
  const error = named.find(({ as, word }) => as === "error" && terms.some(isWordOfProvider(word)))?.word;
  const says = /error_description["']?\s*[:=]\s*["']?([^"\n]{1,400})/.exec(text)?.[1];
  if (error === undefined || says === undefined) return [];
  const reason = reasonInWords(error, says);
  if (reason === undefined) return [];
  // A server that fails, or one that refuses our client, may say anything: that blames no person.
  const isOfPerson = terms.some((term) => isWordOfProvider(error)(term) && term.dependsOn === "person");
  return terms.filter(isReasonOf(reason)).filter(({ dependsOn }) => dependsOn !== "person" || isOfPerson);
}

function isSaid({ fix }: Term, found: ReadonlySet<Term>): boolean {
  return [...found].some((each) => each.fix === fix);
}

function isWordOfProvider(word: string): (term: Term) => boolean {
  return (term) => term.kind === "provider" && term.word === word;
}

function isReasonOf(word: string): (term: Term) => boolean {
  return (term) => term.kind === "reason" && term.word === word;
}

/** Of a provider's word, what fits the description beside it; without one, what the word means in general. */
function withDescription(providers: readonly Term[], text: string): Term[] {
  const said = providers.filter(({ says }) => says !== undefined && hasPhrase(text, says));
  if (said.length > 0) return said;
  return providers.filter(({ says }) => says === undefined);
}

function hasPhrase(text: string, phrase: string): boolean {
  const plain = (each: string): string => each.toLowerCase().replaceAll(/\s+/g, " ").replace(/\.$/, "");
  return plain(text).includes(plain(phrase));
}
