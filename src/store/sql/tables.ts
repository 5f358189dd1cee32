import type { Attempt } from "../../core/take-over.ts";
import type { AuditRow } from "../audit-store.ts";
import type { CallerRow } from "../caller-store.ts";
import type { ConnectRow } from "../connect-store.ts";
import type { DashboardLinkRow, OperatorSessionRow, RefreshCountRow } from "../dashboard-store.ts";
import type { DepositRow } from "../deposit-store.ts";
import type { EventRow } from "../event-store.ts";
import type { GrantRow, TokenColumns } from "../grant-row.ts";
import type { HandleRow } from "../handle-store.ts";
import type { LateAnswerRow } from "../refresh-store.ts";
import type { GrantChange } from "../store.ts";
import type { RegisteredClientRow } from "../client-store.ts";
import type { ProbeRow } from "../probe-store.ts";
import type { GrantSignal, TakenSignal } from "../signal-store.ts";
import type { ClientKey, KeyReader, StoredKey } from "../key-store.ts";
import type { IntakeRow } from "../intake-store.ts";
import type { SessionRow } from "../session-store.ts";
import type { TicketRow } from "../ticket-store.ts";
import type { WaitingDelivery } from "../webhook-store.ts";
import { bytes, bytesOrNull, json, number, numberOrNull, owner, text, textOrNull, truth } from "./column.ts";
import type { ColumnsOf } from "./column.ts";

/*
 * Which property stands in which column, for every table. Select lists, inserts, bound values and readers follow from
 * these maps and are written nowhere else. A property without a column, or with one of another type, does not compile.
 */

export const tokenColumns: ColumnsOf<TokenColumns> = {
  refreshSealed: bytesOrNull("refresh_sealed"),
  refreshExpiresAt: numberOrNull("refresh_expires_at"),
  consentExpiresAt: numberOrNull("consent_expires_at"),
  announceEndAt: numberOrNull("announce_end_at"),
  refreshPrefixHash: bytesOrNull("refresh_prefix_hash"),
  refreshDigestHash: bytesOrNull("refresh_digest_hash"),
  accessSealed: bytesOrNull("access_sealed"),
  accessIssuedAt: numberOrNull("access_issued_at"),
  accessExpiresAt: numberOrNull("access_expires_at"),
  scope: text("scope"),
  lostScope: text("lost_scope"),
};

export const grantColumns: ColumnsOf<GrantRow> = {
  grantId: text("grant_id"),
  provider: text("provider"),
  issuer: text("issuer"),
  clientId: text("client_id"),
  subjectHash: bytes("subject_hash"),
  identityMac: bytesOrNull("identity_mac"),
  profileSealed: bytes("profile_sealed"),
  state: text("state"),
  reason: textOrNull("reason"),
  stateSince: number("state_since"),
  generation: number("generation"),
  ...tokenColumns,
  lastRefreshAt: numberOrNull("last_refresh_at"),
  lastError: textOrNull("last_error"),
  lastErrorAt: numberOrNull("last_error_at"),
  lastErrorSays: textOrNull("last_error_says"),
  failures: number("failures"),
  retryAt: numberOrNull("retry_at"),
  lookAt: numberOrNull("look_at"),
  consentedAt: numberOrNull("consented_at"),
  withheldScope: text("withheld_scope"),
  doubt: textOrNull("doubt"),
  diedAt: numberOrNull("died_at"),
  diedAfter: numberOrNull("died_after"),
  diedBefore: numberOrNull("died_before"),
  createdAt: number("created_at"),
  updatedAt: number("updated_at"),
};

/** Of `grant_changes`, joined with the grants that it is about. */
export const changeColumns: ColumnsOf<Omit<GrantChange, "ties">> = {
  grantId: text("grant_id"),
  generation: number("generation"),
  state: text("state"),
  accessIssuedAt: numberOrNull("access_issued_at"),
  accessExpiresAt: numberOrNull("access_expires_at"),
  subjectHash: bytesOrNull("subject_hash"),
};

export const attemptColumns: ColumnsOf<Attempt> = {
  attemptId: text("attempt_id"),
  grantId: text("grant_id"),
  generation: number("generation"),
  owner: owner("owner"),
  startedAt: number("started_at"),
  endedUnknown: truth("ended_unknown"),
};

/** Of the table `orphans`: what late answers were called when it was made. */
export const lateAnswerColumns: ColumnsOf<LateAnswerRow> = {
  lateAnswerId: text("orphan_id"),
  grantId: text("grant_id"),
  parentGeneration: number("parent_generation"),
  answerSealed: bytes("answer_sealed"),
  receivedAt: number("received_at"),
};

export const intakeColumns: ColumnsOf<IntakeRow> = {
  codeHash: bytes("code_hash"),
  state: text("state"),
  clientId: text("client_id"),
  owner: owner("owner"),
  contextSealed: bytes("context_sealed"),
  answerSealed: bytesOrNull("answer_sealed"),
  grantId: textOrNull("grant_id"),
  resultMac: bytesOrNull("result_mac"),
  assertionSealed: bytesOrNull("assertion_sealed"),
  rejection: textOrNull("rejection"),
  startedAt: number("started_at"),
  endedAt: numberOrNull("ended_at"),
  heldUntil: numberOrNull("held_until"),
};

export const connectColumns: ColumnsOf<ConnectRow> = {
  connectHash: bytes("connect_hash"),
  askedSealed: bytes("asked_sealed"),
  flowSealed: bytesOrNull("flow_sealed"),
  stateHash: bytesOrNull("state_hash"),
  tries: number("tries"),
  error: textOrNull("error"),
  createdAt: number("created_at"),
  expiresAt: number("expires_at"),
  endedAt: numberOrNull("ended_at"),
};

export const ticketColumns: ColumnsOf<TicketRow> = {
  ticketHash: bytes("ticket_hash"),
  contextSealed: bytes("context_sealed"),
  issuedAt: number("issued_at"),
  codeHash: bytesOrNull("code_hash"),
  boundAt: numberOrNull("bound_at"),
};

export const depositColumns: ColumnsOf<DepositRow> = {
  tokenHash: bytes("token_hash"),
  grantId: textOrNull("grant_id"),
  resultMac: bytesOrNull("result_mac"),
  depositedAt: number("deposited_at"),
};

export const callerColumns: ColumnsOf<CallerRow> = {
  callerId: text("caller_id"),
  name: text("name"),
  keyHash: bytes("key_hash"),
  previousHash: bytesOrNull("previous_hash"),
  previousUntil: numberOrNull("previous_until"),
  permissions: text("permissions"),
  grantsSealed: bytesOrNull("grants_sealed"),
  providers: textOrNull("providers"),
  createdAt: number("created_at"),
  expiresAt: numberOrNull("expires_at"),
  revokedAt: numberOrNull("revoked_at"),
  lastUsedAt: numberOrNull("last_used_at"),
  rightsMac: bytesOrNull("rights_mac"),
};

export const handleColumns: ColumnsOf<HandleRow> = {
  handleId: text("handle_id"),
  grantId: text("grant_id"),
  provider: text("provider"),
  callerId: text("caller_id"),
  name: text("name"),
  secretHash: bytes("secret_hash"),
  scopes: textOrNull("scopes"),
  createdAt: number("created_at"),
  expiresAt: numberOrNull("expires_at"),
  revokedAt: numberOrNull("revoked_at"),
  lastUsedAt: numberOrNull("last_used_at"),
  rightsMac: bytes("rights_mac"),
};

/** Each has another name than those of callers, with which it is read, but for the id that the two share. */
export const sessionColumns: ColumnsOf<SessionRow> = {
  sessionId: text("session_id"),
  callerId: text("caller_id"),
  keyHash: bytes("session_hash"),
  limitsSealed: bytes("limits_sealed"),
  createdAt: number("begun_at"),
  expiresAt: number("ends_at"),
  rightsMac: bytes("session_mac"),
};

export const auditColumns: ColumnsOf<AuditRow> = {
  seq: number("seq"),
  recordId: text("record_id"),
  at: number("at"),
  caller: text("caller"),
  action: text("action"),
  grantId: textOrNull("grant_id"),
  generation: numberOrNull("generation"),
  outcome: text("outcome"),
  detail: textOrNull("detail"),
  requestId: textOrNull("request_id"),
  sessionId: textOrNull("session_id"),
  anchor: numberOrNull("anchor"),
  mac: bytes("mac"),
  link: bytes("link"),
};

export const eventColumns: ColumnsOf<EventRow> = {
  seq: number("seq"),
  eventId: text("event_id"),
  at: number("at"),
  type: text("type"),
  grantId: textOrNull("grant_id"),
  provider: text("provider"),
  clientId: text("client_id"),
  body: json("body"),
};

export const waitingDeliveryColumns: ColumnsOf<WaitingDelivery> = {
  seq: number("seq"),
  line: text("line"),
  tries: number("tries"),
  firstAt: numberOrNull("first_at"),
  nextAt: numberOrNull("next_at"),
  error: textOrNull("error"),
  deadAt: numberOrNull("dead_at"),
};

export const clientKeyColumns: ColumnsOf<ClientKey> = {
  issuer: text("issuer"),
  clientId: text("client_id"),
  keySealed: bytes("key_sealed"),
  createdAt: number("created_at"),
};

export const registeredClientColumns: ColumnsOf<RegisteredClientRow> = {
  provider: text("provider"),
  server: text("server"),
  clientId: text("client_id"),
  registrationSealed: bytesOrNull("registration_sealed"),
  changedAt: number("changed_at"),
};

export const probeColumns: ColumnsOf<ProbeRow> = {
  grantId: text("grant_id"),
  begunAt: number("begun_at"),
  generation: numberOrNull("generation"),
  checkedAt: numberOrNull("checked_at"),
  answer: textOrNull("answer"),
};

export const signalColumns: ColumnsOf<TakenSignal> = {
  signalHash: bytes("signal_hash"),
  stateHash: bytesOrNull("state_hash"),
  receivedAt: number("received_at"),
};

export const grantSignalColumns: ColumnsOf<GrantSignal> = {
  grantId: text("grant_id"),
  event: text("event"),
  saidReason: textOrNull("said_reason"),
  happenedAt: number("happened_at"),
  receivedAt: number("received_at"),
  effect: text("effect"),
};

export const keyColumns: ColumnsOf<StoredKey> = {
  keyId: number("key_id"),
  keyClass: text("key_class"),
  masterKeyId: text("master_key_id"),
  wrapped: bytes("wrapped"),
  state: text("state"),
  since: number("since"),
};

export const keyReaderColumns: ColumnsOf<KeyReader> = {
  owner: owner("owner"),
  revision: number("revision"),
  seenAt: number("seen_at"),
};

export const dashboardLinkColumns: ColumnsOf<DashboardLinkRow> = {
  linkId: text("link_id"),
  linkHash: bytes("link_hash"),
  role: text("role"),
  createdAt: number("created_at"),
  expiresAt: number("expires_at"),
  operatorMac: bytes("operator_mac"),
};

export const operatorSessionColumns: ColumnsOf<OperatorSessionRow> = {
  sessionId: text("operator_session_id"),
  cookieHash: bytes("cookie_hash"),
  role: text("role"),
  begunAt: number("begun_at"),
  endsAt: number("ends_at"),
  lastUsedAt: number("last_used_at"),
  operatorMac: bytes("operator_mac"),
};

export const refreshCountColumns: ColumnsOf<RefreshCountRow> = {
  quarterAt: number("quarter_at"),
  provider: text("provider"),
  outcome: text("outcome"),
  refreshes: number("refreshes"),
};
