/**
 * Every family of metrics: its name, what it counts, and whose it is. docs/monitoring.md has the same table, and a test compares
 * it with what a running service answers. How values are come by does not belong here.
 */

/** What a family is, to Prometheus. */
export type FamilyType = "counter" | "gauge" | "histogram";

/**
 * Whose values a family has. `process`: of the process that answers. `keeper`: of its keeper, which begins anew when that is
 * restarted. `store`: of everything in the store; each process on it tells the same.
 */
export type FamilyOf = "process" | "keeper" | "store";

export type FamilyName = `onbehalf_${string}`;

export interface Family {
  readonly type: FamilyType;
  readonly of: FamilyOf;
  readonly help: string;
}

/**
 * By their names, in the order in which they are told.
 *
 * @see https://prometheus.io/docs/practices/naming/
 */
export const families: Readonly<Record<FamilyName, Family>> = {
  onbehalf_build_info: { type: "gauge", of: "process", help: "Always 1; its labels say what runs." },
  onbehalf_http_requests_total: { type: "counter", of: "process", help: "Requests answered, by route and status." },
  onbehalf_events_total: { type: "counter", of: "process", help: "Events of the vault, by type and provider." },
  onbehalf_token_reads_total: {
    type: "counter",
    of: "process",
    help: "Access tokens handed out, by where they came from.",
  },
  onbehalf_proxied_calls_total: { type: "counter", of: "process", help: "Requests to APIs with a token of a grant." },
  onbehalf_refreshes_total: { type: "counter", of: "keeper", help: "Refreshes, by how they ended." },
  onbehalf_provider_requests_total: {
    type: "counter",
    of: "keeper",
    help: "Exchanges with a provider, by how they ended.",
  },
  onbehalf_provider_request_seconds: {
    type: "histogram",
    of: "keeper",
    help: "How long exchanges with a provider took.",
  },
  onbehalf_provider_breaker: {
    type: "gauge",
    of: "keeper",
    help: "1 for the state of the breaker before a provider, 0 for the others.",
  },
  onbehalf_provider_client_refused: {
    type: "gauge",
    of: "keeper",
    help: "1 while a provider refuses our client.",
  },
  onbehalf_provider_queue: { type: "gauge", of: "keeper", help: "Requests that wait at the gate before a provider." },
  onbehalf_provider_queue_oldest_seconds: {
    type: "gauge",
    of: "keeper",
    help: "For how long the one of them has waited that waits longest.",
  },
  onbehalf_keeper_up: { type: "gauge", of: "process", help: "1 where the keeper answers." },
  onbehalf_keeper_restarts_total: {
    type: "counter",
    of: "process",
    help: "Keepers that were started because one had ended.",
  },
  onbehalf_keeper_requests_waiting: {
    type: "gauge",
    of: "process",
    help: "Requests that the keeper has not answered.",
  },
  onbehalf_keeper_request_seconds: {
    type: "histogram",
    of: "process",
    help: "How long the keeper took to answer, with what it waited for.",
  },
  onbehalf_keeper_work_under_way: { type: "gauge", of: "keeper", help: "Exchanges and commits that have not ended." },
  onbehalf_rescue_files: {
    type: "gauge",
    of: "keeper",
    help: "Answers of providers in the rescue folder, because the store could not take them.",
  },
  onbehalf_answers_kept_total: {
    type: "counter",
    of: "process",
    help: "Answers that could not be stored on their grant, by where they are kept.",
  },
  onbehalf_store_up: { type: "gauge", of: "process", help: "1 where the store could be read for this answer." },
  onbehalf_store_standstill: {
    type: "gauge",
    of: "store",
    help: "1 for why the store stands still, 0 for the other reasons.",
  },
  onbehalf_store_seconds: {
    type: "histogram",
    of: "process",
    help: "How long transactions of the store took, by kind and process.",
  },
  onbehalf_store_failures_total: {
    type: "counter",
    of: "process",
    help: "Transactions of the store that failed, by kind and process.",
  },
  onbehalf_busy_seconds_total: {
    type: "counter",
    of: "process",
    help: "For how long the event loop of a process was busy.",
  },
  onbehalf_grants: {
    type: "gauge",
    of: "store",
    help: "Grants, by provider and state; active ones with a refresh token.",
  },
  onbehalf_grants_counted_timestamp_seconds: {
    type: "gauge",
    of: "store",
    help: "When the last count of active grants ended.",
  },
  onbehalf_suspect_grant_age_seconds: {
    type: "gauge",
    of: "store",
    help: "For how long the grant has been suspect that has been so the longest; 0 where none is.",
  },
  onbehalf_consents_ending_total: {
    type: "counter",
    of: "process",
    help: "Consents of which apps were told that they end soon.",
  },
  onbehalf_webhook_events: {
    type: "gauge",
    of: "store",
    help: "Events that were not delivered, by what becomes of them.",
  },
  onbehalf_webhook_waiting_seconds: {
    type: "gauge",
    of: "store",
    help: "Since when the delivery has failed that has waited the longest; 0 where none has.",
  },
  onbehalf_signals_total: {
    type: "counter",
    of: "process",
    help: "Security events of providers, by what became of them.",
  },
  onbehalf_resealed_values: {
    type: "gauge",
    of: "process",
    help: "Values that were sealed anew since data keys were replaced last.",
  },
  onbehalf_reseal_fraction: {
    type: "gauge",
    of: "process",
    help: "About how much of the present pass through all sealed values is done, 0 to 1.",
  },
};
