/** The page's own words, and how numbers and times are written. */
import type { AuditRow, Grant, LifeEvent, Probe, ReasonTitle, State } from "./answers.ts";

const number = new Intl.NumberFormat("en");
const exact = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium" });
const dated = new Intl.DateTimeFormat("en", { dateStyle: "medium" });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const weekday = new Intl.DateTimeFormat("en", { weekday: "short", day: "numeric" });

export function count(value: number): string {
  return number.format(value);
}

/** A number with its noun: `1 grant`, `2,000 grants`. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

const steps: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** A time as people say it: `3 hours ago`, `in 2 days`. */
export function ago(at: string, now: number): string {
  const seconds = (Date.parse(at) - now) / 1_000;
  if (!Number.isFinite(seconds)) return "at an unknown time";
  for (const [unit, length] of steps) {
    if (Math.abs(seconds) >= length) return relative.format(Math.trunc(seconds / length), unit);
  }
  // Two clocks agree to some seconds: what has just happened must not seem to come.
  return seconds > 5 ? "in a moment" : "just now";
}

/** The time of what has happened, which never seems to come: the page's clock is behind the service's by what an answer takes. */
export function pastAgo(at: string, now: number): string {
  return Date.parse(at) > now ? "just now" : ago(at, now);
}

export function exactly(at: string): string {
  if (!Number.isFinite(Date.parse(at))) return "at an unknown time";
  return exact.format(new Date(at));
}

/** The day of a time, with its year. */
export function date(at: string): string {
  return Number.isFinite(Date.parse(at)) ? dated.format(new Date(at)) : "an unknown day";
}

export function hour(at: string): string {
  return clock.format(new Date(at));
}

export function day(at: string): string {
  return weekday.format(new Date(at));
}

export const stateWords: Readonly<Record<State, string>> = {
  active: "Active",
  suspect: "Suspect",
  lapsed: "Lapsed",
  revoking: "Revoking",
  revoked: "Revoked",
};

export const stateMeanings: Readonly<Record<State, string>> = {
  active: "In use.",
  suspect: "The next use asks the provider first.",
  lapsed: "The person must consent again.",
  revoking: "Ended here; the provider has not confirmed yet.",
  revoked: "Ended.",
};

/** What the service calls its reasons: it has told when the page was opened. */
let reasonTitles: Readonly<Record<string, ReasonTitle>> = {};

export function setReasonTitles(titles: Readonly<Record<string, ReasonTitle>>): void {
  reasonTitles = titles;
}

/** A reason as a headline. */
export function titleOf(reason: string): string {
  return reasonTitles[reason]?.title ?? plainly(reason);
}

/** Who has to act first where a grant has this reason; undefined of one that nobody knows. */
export function whoOf(reason: string | undefined): string | undefined {
  return reason === undefined ? undefined : reasonTitles[reason]?.who;
}

/** What people call the providers: the service has told when the page was opened. */
let providerTitles: ReadonlyMap<string, string> = new Map();

export function setProviderTitles(providers: readonly { readonly name: string; readonly title: string }[]): void {
  providerTitles = new Map(providers.map(({ name, title }) => [name, title]));
}

/** A provider as people call it; by its name in the settings, where another one is called the same. */
export function providerWords(name: string): string {
  const title = providerTitles.get(name) ?? name;
  return [...providerTitles.values()].filter((each) => each === title).length > 1 ? name : title;
}

/** The service tells of all providers at once who administers what; of one provider, it is said of that one. */
export function atProvider(text: string, provider: string): string {
  const title = providerTitles.get(provider) ?? provider;
  return text.replaceAll(
    "administrator (at Google: of Google Workspace)",
    title === "Google" ? "Google Workspace administrator" : "administrator",
  );
}

/** Within a sentence, a headline begins small. */
export function small(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** What an operator would do next about a grant, on its page. */
export interface NextAct {
  readonly act: "connect" | "probe" | "set-up";
  /** How many steps of others come before it. */
  readonly after: number;
}

/**
 * What comes next about a grant; undefined: nothing is wanted of whoever looks.
 *
 * @param isConfigured whether its client is one of this service
 */
export function nextAct({ state, reason, steps = [] }: Grant, isConfigured: boolean): NextAct | undefined {
  if (!isConfigured) return { act: "set-up", after: 0 };
  if (reason === undefined || state === "revoked" || state === "revoking") return undefined;
  const signIn = steps.findIndex((step) => step.is_sign_in === true);
  // What a reconnect link does by itself keeps nobody waiting.
  const before = steps.slice(0, Math.max(0, signIn)).filter((step) => step.is_done_by_link !== true);
  if (signIn >= 0) return { act: "connect", after: before.length };
  return { act: steps[0]?.by === "operator" ? "set-up" : "probe", after: 0 };
}

/**
 * Whether the service itself knows that the provider cannot be asked about a grant.
 *
 * @param now milliseconds since the epoch
 */
export function hasNothingToAskWith({ offline, state, reason, access_expires_at: end }: Grant, now: number): boolean {
  if (offline === true) return false;
  // One that has lapsed for another reason may have a last look at its provider before it.
  if (state === "lapsed") return reason === "no_refresh_token";
  return end !== undefined && Date.parse(end) <= now;
}

/** What a button says that has to wait for steps of others. */
export function afterSteps(steps: number): string {
  if (steps === 0) return "";
  return steps === 1 ? " (after step 1)" : ` (after steps 1 to ${steps})`;
}

/**
 * What the window is called while a grant is looked at: enough to tell two tabs apart. What a browser keeps and sends to others of
 * its person's machines holds no whole address of somebody.
 */
export function grantTitle(grant: Grant): string {
  const { name } = whose(grant);
  const at = name.indexOf("@");
  const short = at > 0 ? `${name.slice(0, Math.min(at, 16))}@…` : name.length > 20 ? `${name.slice(0, 19)}…` : name;
  return `${short} · ${stateWords[grant.state].toLowerCase()} – Onbehalf`;
}

/** A word of the service's, such as `invalid_grant`, as a heading. */
export function plainly(word: string): string {
  const text = word.replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What the service says of itself begins small and has no full stop, as in a log. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? "" : ".");
}

/** Whose grant it is, in the app's own words where it gave any. */
export function whose(grant: Grant): { readonly name: string; readonly more: string } {
  const [first, ...others] = grant.external_ids;
  const person = grant.email ?? grant.subject ?? "";
  if (first === undefined) return { name: person === "" ? grant.grant_id : person, more: "no external id" };
  const label = first.account === grant.subject ? person : first.account;
  return {
    name: first.external_id,
    more: others.length === 0 ? label : `${label} · ${counted(others.length, "other id")}`,
  };
}

const outcomes: Readonly<Record<string, string>> = {
  refreshed: "Refreshed",
  failed: "Failed for now",
  lapsed: "Lapsed",
  client_refused: "Our client refused",
};

export const outcomeOrder = ["refreshed", "failed", "lapsed", "client_refused"];

export function outcomeWords(outcome: string): string {
  return outcomes[outcome] ?? plainly(outcome);
}

const actions: Readonly<Record<string, string>> = {
  "grant.created": "Consent given, grant stored",
  "grant.consented": "Consent given again",
  "grant.refreshed": "Refreshed",
  "grant.lapsed": "Lapsed",
  "grant.recovered": "Works again",
  "grant.suspect": "Came under suspicion",
  "grant.revoking": "Disconnecting began",
  "grant.revoked": "Disconnected",
  "grant.access_ended": "An API refused the access token",
  "token.released": "Token handed out",
  "api.called": "API called through the service",
  "token.read": "Token read",
  "connect.created": "Connect link made",
  "connect.begun": "Connect link opened, and led to the provider",
  "connect.finished": "Connected by a connect link",
};

const events: Readonly<Record<string, string>> = {
  "grant.created": "Consent given, grant stored",
  "grant.scopes_changed": "Covers other scopes",
  "grant.suspect": "Came under suspicion",
  "grant.lapsed": "Lapsed",
  "grant.consent_ends_soon": "Its consent ends soon",
  "grant.revoked": "Disconnected",
  "grant.recovered": "Works again",
};

/** An event of a grant's life as a heading. */
export function eventWords({ type, reason }: LifeEvent): string {
  const what = events[type] ?? plainly(type.replaceAll(".", " "));
  return reason === undefined || reason === "revoked" ? what : `${what}: ${small(titleOf(reason))}`;
}

export const probeWords: Readonly<Record<Probe["result"], string>> = {
  valid: "The consent stands.",
  invalid: "The consent does not stand.",
  unknown: "Nobody can say now whether the consent stands.",
};

/** A row of the audit log as a sentence's start. */
export function happened({ action, outcome, detail }: AuditRow): string {
  if (action === "connect.failed") return `Connect failed: ${connectFailures[outcome] ?? small(titleOf(outcome))}`;
  if (action === "grant.probed") return probed(outcome, detail);
  return actions[action] ?? plainly(action.replaceAll(".", " ") + (outcome === "done" ? "" : `: ${outcome}`));
}

const connectFailures: Readonly<Record<string, string>> = {
  access_denied: "whoever opened the link cancelled it",
  other_account: "whoever opened the link chose another account",
};

function probed(outcome: string, detail: string | undefined): string {
  if (outcome === "unknown") return "Nobody could say whether the consent stands";
  if (outcome !== "not_asked") return "The provider was asked";
  // Of a consent that stands as far as is known, there is no reason to name.
  const why = detail === undefined || detail === "valid" ? "there is nothing to ask with" : small(titleOf(detail));
  return `Nobody was asked: ${why}`;
}

/** What people do at the page of a link, whoever made that. */
const doneByLink: ReadonlySet<string> = new Set(["connect.begun", "connect.failed", "connect.finished"]);
const consents: ReadonlySet<string> = new Set(["grant.created", "grant.consented"]);

/** Who did it, as people say it; of what a person did by a link, whose link it was. */
export function by({ action, caller, session_id: session, detail }: AuditRow): string {
  const name = callerWords(caller) + (session === undefined ? "" : ` (${shortId(session)})`);
  // An operator brings no codes: either somebody consented at a link, or tokens were deposited.
  const isByLink = doneByLink.has(action) || (consents.has(action) && caller === "@operator" && detail !== "deposit");
  return isByLink ? `by a link of ${name}` : name;
}

/** The start of a sign-in's or session's id: enough to find it in a list of them. */
function shortId(id: string): string {
  return id.length > 12 ? `${id.slice(0, 11)}…` : id;
}

function callerWords(caller: string): string {
  const own: Readonly<Record<string, string>> = {
    "@keeper": "the keeper",
    "@service": "the service",
    "@operator": "an operator",
    "@public": "somebody without a key",
    "@library": "the app",
    "@store": "the store",
  };
  return own[caller] ?? caller;
}
