/** One answer of `/metrics`: what is counted here, and what vault and keeper say when they are asked. */
import { systemClock } from "../../core/clock.ts";
import { standstillReasons } from "../../core/epoch.ts";
import { breakerStates } from "../../core/figures.ts";
import type { GateFigures, KeeperFigures, StoreFigures, StoreTimes } from "../../core/figures.ts";
import { userAgent } from "../../outbound/user-agent.ts";
import type { Counters, Counts } from "./counters.ts";
import { Exposition } from "./exposition.ts";
import type { FamilyName } from "./families.ts";
import type { MetricSources } from "./sources.ts";

/** How long the keeper and the store are waited for, milliseconds: Prometheus gives up after ten seconds. */
const answerWaitMs = 3_000;

/** How refreshes end, by the words of the keeper. */
const refreshOutcomes: Readonly<Record<string, string>> = {
  refreshed: "refreshed",
  newer: "elsewhere",
  ended: "ended",
  unavailable: "unavailable",
  misconfigured: "client_refused",
  failed: "failed",
};

/**
 * Events that somebody should look at. They are told from the beginning, with 0: Prometheus sees no rise in what was not there.
 */
const alarms = ["client_refused", "dpop_key_lost", "answer_of_another_grant", "unreadable", "lapsed"];
const alarmsOfNoProvider = ["store_damaged", "audit_broken", "data_keys_closed", "store_failed", "webhook_stopped"];

/** Prometheus' text of all that is known just now. It never rejects. */
export async function collect(counters: Counters, sources: MetricSources): Promise<string> {
  const { figures, link } = sources;
  const exposition = new Exposition();
  const [keeper, store] = await Promise.all([soon(figures?.keeper()), soon(figures?.store())]);
  const providers = figures?.providers ?? [];
  exposition.add(
    "onbehalf_build_info",
    { version: userAgent.replace(/^.*\//, ""), node: process.version, store: sources.storeKind ?? "" },
    1,
  );
  addCounts(exposition, "onbehalf_http_requests_total", ["route", "status"], counters.requests);
  addEvents(exposition, counters, providers);
  addCounts(exposition, "onbehalf_signals_total", ["outcome", "event"], counters.signals);
  addCounts(
    exposition,
    "onbehalf_answers_kept_total",
    ["provider", "as"],
    counters.kept,
    ofEach(providers, ["late_answer", "memory"]),
  );
  for (const way of ["memory", "store", "refreshed"] as const) {
    if (figures !== undefined) exposition.add("onbehalf_token_reads_total", { way }, figures.reads[way]);
  }
  if (figures !== undefined) exposition.add("onbehalf_proxied_calls_total", {}, figures.reads.proxied);
  if (link !== undefined) addLink(exposition, link);
  if (figures !== undefined) {
    exposition.add("onbehalf_keeper_up", {}, keeper === undefined ? 0 : 1);
    exposition.add("onbehalf_store_up", {}, store === undefined ? 0 : 1);
  }
  addTimes(exposition, "service", sources.storeTimes?.() ?? []);
  exposition.add(
    "onbehalf_busy_seconds_total",
    { process: "service" },
    performance.eventLoopUtilization().active / 1_000,
  );
  if (keeper !== undefined) addKeeper(exposition, keeper, link !== undefined, providers);
  if (store !== undefined) addStore(exposition, store, providers, sources.now?.() ?? systemClock.now());
  exposition.add("onbehalf_resealed_values", {}, counters.reseal?.resealed ?? 0);
  exposition.add("onbehalf_reseal_fraction", {}, counters.reseal?.fraction ?? 0);
  return exposition.text();
}

/** What is answered in time; undefined where it is not, or fails: the answer says so, and has all the rest. */
async function soon<T>(work: Promise<T> | undefined): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, answerWaitMs, undefined);
  try {
    return await Promise.race([work, late]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

function addCounts(
  exposition: Exposition,
  name: FamilyName,
  [one, other]: readonly [string, string],
  counts: Counts,
  atLeast: readonly (readonly [string, string])[] = [],
): void {
  for (const [first, second] of atLeast) {
    if (counts.get(first)?.has(second) !== true) exposition.add(name, { [one]: first, [other]: second }, 0);
  }
  for (const [first, among] of counts) {
    for (const [second, times] of among) exposition.add(name, { [one]: first, [other]: second }, times);
  }
}

function ofEach(ones: readonly string[], others: readonly string[]): (readonly [string, string])[] {
  return ones.flatMap((one) => others.map((other) => [one, other] as const));
}

function addEvents(exposition: Exposition, { events }: Counters, providers: readonly string[]): void {
  const expected = [...ofEach(alarms, providers), ...ofEach(alarmsOfNoProvider, [""])];
  addCounts(exposition, "onbehalf_events_total", ["type", "provider"], events, expected);
  for (const provider of providers) {
    const told = events.get("consent_ends_soon")?.get(provider) ?? 0;
    exposition.add("onbehalf_consents_ending_total", { provider }, told);
  }
}

function addLink(exposition: Exposition, link: NonNullable<MetricSources["link"]>): void {
  const { restarts, waiting, took } = link();
  exposition.add("onbehalf_keeper_restarts_total", {}, restarts);
  exposition.add("onbehalf_keeper_requests_waiting", {}, waiting);
  exposition.addDurations("onbehalf_keeper_request_seconds", {}, took);
}

/** @param isAnother whether the keeper runs in a process of its own */
function addKeeper(
  exposition: Exposition,
  { refreshes, gates, rescued, underWay, busySeconds, isStoreDamaged, store = [] }: KeeperFigures,
  isAnother: boolean,
  providers: readonly string[],
): void {
  const times = new Map(refreshes.map(({ provider, outcome, times: n }) => [`${provider} ${outcome}`, n]));
  for (const provider of providers) {
    for (const [outcome, name] of Object.entries(refreshOutcomes)) {
      const labels = { provider, outcome: name };
      exposition.add("onbehalf_refreshes_total", labels, times.get(`${provider} ${outcome}`) ?? 0);
    }
  }
  for (const gate of gates) addGate(exposition, gate);
  exposition.add("onbehalf_rescue_files", {}, rescued);
  exposition.add("onbehalf_keeper_work_under_way", {}, underWay);
  exposition.add("onbehalf_store_standstill", { reason: "damaged" }, isStoreDamaged ? 1 : 0);
  addTimes(exposition, "keeper", store);
  if (isAnother) exposition.add("onbehalf_busy_seconds_total", { process: "keeper" }, busySeconds);
}

function addGate(exposition: Exposition, gate: GateFigures): void {
  const { provider, breaker, isClientRefused, waiting, waitedMs, requests } = gate;
  for (const state of breakerStates) {
    exposition.add("onbehalf_provider_breaker", { provider, state }, state === breaker ? 1 : 0);
  }
  exposition.add("onbehalf_provider_client_refused", { provider }, isClientRefused ? 1 : 0);
  for (const [rank, length] of Object.entries(waiting)) {
    exposition.add("onbehalf_provider_queue", { provider, rank }, length);
  }
  exposition.add("onbehalf_provider_queue_oldest_seconds", { provider }, waitedMs / 1_000);
  for (const { kind, outcomes, took } of requests) {
    for (const [outcome, times] of Object.entries(outcomes)) {
      exposition.add("onbehalf_provider_requests_total", { provider, kind, outcome }, times);
    }
    exposition.addDurations("onbehalf_provider_request_seconds", { provider, kind }, took);
  }
}

function addTimes(exposition: Exposition, where: string, times: StoreTimes): void {
  for (const { kind, took, failed } of times) {
    const labels = { kind, process: where };
    exposition.addDurations("onbehalf_store_seconds", labels, took);
    exposition.add("onbehalf_store_failures_total", labels, failed);
  }
}

function addStore(
  exposition: Exposition,
  { grants, suspectSince, countedAt, standstill, deliveries }: StoreFigures,
  providers: readonly string[],
  now: number,
): void {
  for (const { provider, state, grants: times } of grants) {
    exposition.add("onbehalf_grants", { provider, state }, times);
  }
  if (countedAt !== undefined) exposition.add("onbehalf_grants_counted_timestamp_seconds", {}, countedAt / 1_000);
  const since = new Map(suspectSince.map((each) => [each.provider, each.since]));
  for (const provider of new Set([...providers, ...since.keys()])) {
    const age = Math.max(0, now - (since.get(provider) ?? now)) / 1_000;
    exposition.add("onbehalf_suspect_grant_age_seconds", { provider }, age);
  }
  for (const reason of standstillReasons) {
    exposition.add("onbehalf_store_standstill", { reason }, reason === standstill ? 1 : 0);
  }
  exposition.add("onbehalf_webhook_events", { state: "waiting" }, deliveries.waiting);
  exposition.add("onbehalf_webhook_events", { state: "dead" }, deliveries.dead);
  const waited = Math.max(0, now - (deliveries.waitingSince ?? now)) / 1_000;
  exposition.add("onbehalf_webhook_waiting_seconds", {}, waited);
}
