import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { findTerms } from "../../src/cli/explain/find-terms.ts";
import { termsOf } from "../../src/cli/explain/terms.ts";
import { diagnosisFacts } from "../../src/cli/grants/diagnosis-facts.ts";
import { firstDoerWords, reasons } from "../../src/core/diagnosis/reasons.ts";
import type { Reason } from "../../src/core/diagnosis/reasons.ts";
import type { Grant } from "../../src/index.ts";
import { bodyOf, get, signedIn } from "./dashboard.ts";
import type { TestService } from "./test-service.ts";

const page = (name: string): string => readFileSync(new URL(`../../docs/${name}`, import.meta.url), "utf8");
const terms = termsOf({ errors: page("errors.md"), library: page("library.md"), operations: page("operations.md") });

/** Whose turn it is and what to do, wherever it is said. */
export interface Cause {
  readonly reason: Reason;
  readonly depends_on: string;
  readonly fix: string;
}

export function causeOf(reason: Reason): Cause {
  return { reason, depends_on: reasons[reason].dependsOn, fix: reasons[reason].fix };
}

function causeIn({ reason, depends_on, fix }: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return { reason, depends_on, fix };
}

/**
 * Asserts that the grant itself, the dashboard and the command line name this reason, with evidence, whom it depends on and the
 * fix.
 *
 * @returns the grant, as the service shows it
 */
export async function assertSaidOfGrant(
  service: TestService,
  { grantId }: Pick<Grant, "grantId">,
  reason: Reason,
): Promise<Record<string, unknown>> {
  const expected = causeOf(reason);
  const shown = await bodyOf(await service.ask(`/v1/grants/${grantId}`));
  assert.deepEqual(causeIn(shown), expected, "the grant");
  const evidence = shown["evidence"] as readonly { readonly at: string; readonly what: string }[];
  assert.ok(evidence.length > 0, "nothing speaks for it");
  for (const { at, what } of evidence) assert.ok(!Number.isNaN(Date.parse(at)) && what !== "", "evidence");
  const operator = await signedIn(service);
  const onPage = await bodyOf<{ grant: Record<string, unknown> }>(await get(service, `/grants/${grantId}`, operator));
  assert.deepEqual(causeIn(onPage.grant), expected, "the dashboard");
  const found = await bodyOf<{ grants: readonly Record<string, unknown>[] }>(
    await get(service, `/grants?reason=${reason}`, operator),
  );
  assert.ok(
    found.grants.some((each) => each["grant_id"] === grantId && each["reason"] === reason),
    "the dashboard's list, by reason",
  );
  const lines = diagnosisFacts(await service.vault.grant({ grantId }));
  const who = lines.find(([name]) => name === "depends on")?.[1];
  assert.equal(who, firstDoerWords(reason), "whom it depends on, by the command line");
  const printed = new Set(lines.map(([, line = ""]) => line.replace(/^\d\. /, "")));
  const steps = reasons[reason].steps.map(({ what }) => what);
  assert.deepEqual(
    steps.map((step) => printed.has(step)),
    steps.map(() => true),
    "the steps, by the command line",
  );
  assert.deepEqual(
    (shown["steps"] as readonly { readonly what: string }[]).map(({ what }) => what),
    steps,
    "the steps",
  );
  return shown;
}

/** Asserts that the grant has lapsed, and that each place that tells of it names the same cause. */
export async function assertSaidOfLapsed(
  service: TestService,
  grant: Pick<Grant, "grantId">,
  reason: Reason,
): Promise<void> {
  const expected = causeOf(reason);
  const token = await bodyOf(await service.ask(`/v1/grants/${grant.grantId}/token`), 409);
  assert.deepEqual([token["error"], causeIn(token)], ["reauthorization_required", expected], "the token's error");
  const shown = await assertSaidOfGrant(service, grant, reason);
  assert.equal(shown["state"], "lapsed");
  const { events } = await bodyOf<{ events: Record<string, unknown>[] }>(
    await service.ask(`/v1/events?grant=${grant.grantId}`),
  );
  const event = events.findLast(({ type }) => type === "grant.lapsed") ?? {};
  assert.deepEqual(causeIn(event), expected, "the event");
  const logged = service.fixture.events.findLast((each) => each.type === "lapsed" && each.grantId === grant.grantId);
  assert.equal(logged?.type === "lapsed" ? logged.reason : undefined, reason, "the log");
  assertExplained(token, expected, "our answer");
}

/** Asserts that `explain` names the same cause when it is fed this answer. */
export function assertExplained(answer: object, { depends_on, fix }: Omit<Cause, "reason">, what: string): void {
  const found = findTerms(JSON.stringify(answer), terms);
  assert.ok(
    found.some((each) => each.fix === fix && each.dependsOn === depends_on),
    `explain, fed with ${what}, says: ${found.map(({ kind, word, fix: its }) => `${kind} ${word}: ${its}`).join("; ")}`,
  );
}

/** The words that `explain` finds in an answer. */
export function explainedWords(answer: object): readonly string[] {
  return findTerms(JSON.stringify(answer), terms).map(({ word }) => word);
}
