import { reasons } from "../diagnosis/reasons.ts";
import type { AppEventDraft } from "./app-event.ts";

/** How long before the end of a consent apps are told of it, milliseconds, unless a setting says otherwise. */
export const defaultEndsSoonMs: number = 7 * 86_400_000;

/**
 * Of a short life, the part that is left when it is told: of seven days, two. A week before the end would be the moment of the
 * consent. Less than the part in which the keeper has long refreshed a token whose end moves with each refresh.
 */
const partOfLife = 2 / 7;

/** Ends that differ by less are the same one: providers announce seconds that are left, and answers take time. Milliseconds. */
const sameEndMs = 600_000;

/** What is known of an end, and whether apps were told of it. */
export interface KnownEnd {
  /** Milliseconds since the epoch. */
  readonly endsAt: number;
  /** When apps are told; null: they were. */
  readonly announceAt: number | null;
}

/**
 * When apps are told that a consent ends; null where they were told of this end.
 *
 * @param before the end as it was known before; undefined for a new consent, or where none was
 * @param now milliseconds since the epoch
 * @param endsSoonMs how long before the end they are told at the earliest
 */
export function announceAt(
  endsAt: number,
  before: KnownEnd | undefined,
  now: number,
  endsSoonMs: number = defaultEndsSoonMs,
): number | null {
  if (before !== undefined && Math.abs(endsAt - before.endsAt) < sameEndMs) return before.announceAt;
  return Math.round(endsAt - Math.min(endsSoonMs, (endsAt - now) * partOfLife));
}

/**
 * The event that tells of it.
 *
 * @param endsAt milliseconds since the epoch
 */
export function consentEnds(
  about: { readonly grantId: string; readonly provider: string; readonly clientId: string },
  endsAt: number,
): AppEventDraft {
  const { dependsOn, fix } = reasons.consent_ends;
  const reauthorizeBefore = new Date(endsAt).toISOString();
  return {
    type: "grant.consent_ends_soon",
    ...about,
    body: {
      reason: "consent_ends",
      evidence: [{ at: reauthorizeBefore, what: "the provider announced that the consent ends on this day" }],
      dependsOn,
      fix,
      reauthorizeBefore,
    },
  };
}
