import type { AppEvent } from "../../index.ts";

/** The columns of a list of events. */
export const eventHeadings = ["SEQ", "AT", "TYPE", "GRANT", "PROVIDER", "REASON", "WHAT"] as const;

/** An event as a line of a table. */
export function eventCells(event: AppEvent): string[] {
  const { seq, at, type, grantId = "", provider, reason = "" } = event;
  return [String(seq), at.toISOString(), type, grantId, provider, reason, whatOf(event)];
}

function whatOf({ was, gained = [], lost = [], offline, reauthorizeBefore, error }: AppEvent): string {
  return [
    ...(was === undefined ? [] : [`was ${was}`]),
    ...gained.map((scope) => `+${scope}`),
    ...lost.map((scope) => `-${scope}`),
    ...(offline === false ? ["no refresh token"] : []),
    ...(reauthorizeBefore === undefined ? [] : [`ends ${reauthorizeBefore.toISOString()}`]),
    ...(error === undefined ? [] : [error]),
  ].join(" ");
}
