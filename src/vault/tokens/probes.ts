/**
 * Looks at the provider whether a person's consent still stands: by a refresh, which is the one question that a provider
 * answers about the consent itself. It goes by the same road as every refresh, so that none is made beside it.
 */
import type { Diagnosis } from "../../core/diagnosis/diagnosis.ts";
import { isOnbehalfError } from "../../core/errors.ts";
import { scopesOf } from "../../core/grant.ts";
import type { GrantRef } from "../../core/grant.ts";
import { findingText, probeEveryMs, readFinding } from "../../core/probe.ts";
import type { Finding, Probe } from "../../core/probe.ts";
import { clockLeewayMs } from "../../core/recorded-time.ts";
import { lookAgainMs } from "../../core/second-look.ts";
import { Secret } from "../../core/secret.ts";
import { SingleFlight } from "../../core/single-flight.ts";
import { endOf, isLiving, lifeOf } from "../../core/token-life.ts";
import { boundedFetchDefaults } from "../../oauth/bounded-fetch.ts";
import { askUserinfo } from "../../oauth/userinfo.ts";
import type { UserinfoIdentity } from "../../providers/provider.ts";
import type { GrantRow } from "../../store/grant-row.ts";
import { protocolOf } from "../context.ts";
import type { VaultContext } from "../context.ts";
import { diagnosisOf, learnLives } from "../grants/diagnosed.ts";
import { findGrant } from "../grants/find-grant.ts";
import {
  byAsking,
  foundByRefresh,
  foundByUserinfo,
  foundInNewTokens,
  foundInRow,
  keptFromLooking,
  notAsked,
  providerSilent,
  stillLooking,
} from "./probe-findings.ts";
import type { TokenCache } from "./token-cache.ts";
import { refusesToken } from "./token-refusal.ts";
import type { TokenSource } from "./token-source.ts";

/** How often it is looked whether another process has its answer, milliseconds. */
const pollMs = 250;

/** A finding, and the row that the rest of the answer is read from. */
interface Found {
  readonly finding: Finding;
  readonly row: GrantRow;
}

export class Probes {
  readonly #context: VaultContext;
  readonly #tokens: TokenSource;
  readonly #cache: TokenCache;
  readonly #flights = new SingleFlight<string, Found>();

  constructor(context: VaultContext, tokens: TokenSource, cache: TokenCache) {
    this.#context = context;
    this.#tokens = tokens;
    this.#cache = cache;
  }

  /** See `Vault.probe`. */
  async probe(ref: GrantRef): Promise<Probe> {
    let row: GrantRow;
    try {
      row = await findGrant(this.#context, ref);
    } catch (error) {
      // Which grant it is, memory may know while the store is away. Then that is no reason to call it anything but unknown.
      const cached = isOnbehalfError(error, "store_unavailable") ? this.#cache.find(ref) : undefined;
      if (cached === undefined) throw error;
      return { ...probeOf(this.#keptFrom(error)), offline: cached.life.isRefreshable };
    }
    const { finding, row: last } = await this.#flights.do(row.grantId, () => this.#found(row));
    await learnLives(this.#context, [last]);
    const shown = shownOf(last, finding.result, this.#context.clock.now());
    return { ...probeOf(finding), ...diagnosed(finding, diagnosisOf(this.#context, last)), ...shown };
  }

  async #found(row: GrantRow): Promise<Found> {
    const { clock } = this.#context;
    const known = foundInRow(row, clock.now());
    if (known !== undefined) return { finding: known, row };
    try {
      const { provider } = protocolOf(this.#context, row);
      const { identity } = provider;
      if (row.refreshSealed !== null) return await this.#once(row, () => this.#byRefresh(row));
      if (typeof identity === "object" && "userinfo" in identity) {
        return await this.#once(row, () => this.#byUserinfo(row, identity));
      }
      return { finding: notAsked(clock.now()), row };
    } catch (error) {
      if (!isOnbehalfError(error)) throw error;
      return { finding: keptFromLooking(error, clock.now()), row };
    }
  }

  /** Looks, unless somebody has looked a moment ago, whichever process that was. What is found is kept for the next one. */
  async #once(row: GrantRow, look: () => Promise<Found>): Promise<Found> {
    const { store, clock, sleep } = this.#context;
    const { grantId } = row;
    for (let waitedMs = 0; ; waitedMs += pollMs) {
      const begunAt = clock.now();
      const limits = { upTo: begunAt - probeEveryMs, notAfter: begunAt + clockLeewayMs };
      if (await store.beginProbe(grantId, begunAt, limits)) return this.#kept(begunAt, await look());
      const last = await store.probeOf(grantId);
      const finding = readFinding(last?.answer ?? "", last?.checkedAt ?? begunAt);
      if (finding !== undefined) {
        const now = waitedMs === 0 ? row : await findGrant(this.#context, { grantId });
        return whatStands(finding, last?.generation ?? null, now, clock.now());
      }
      if (waitedMs >= probeEveryMs) return { finding: stillLooking(last?.begunAt ?? begunAt, clock.now()), row };
      await sleep(pollMs);
    }
  }

  async #kept(begunAt: number, found: Found): Promise<Found> {
    const { finding, row } = found;
    const { grantId, generation } = row;
    const { checkedAt } = finding;
    // What was found is true without it: only the next one may look sooner.
    await this.#context.store
      .endProbe({ grantId, begunAt, generation, checkedAt, answer: findingText(finding) })
      .catch((error: unknown) => {
        if (!isOnbehalfError(error)) throw error;
      });
    return found;
  }

  async #byRefresh(before: GrantRow): Promise<Found> {
    try {
      const { outcome, row } = await this.#tokens.renew(before.grantId);
      return { finding: foundByRefresh(outcome, row, this.#context.clock.now()), row };
    } catch (error) {
      return { finding: this.#keptFrom(error), row: before };
    }
  }

  #keptFrom(error: unknown): Finding {
    if (isOnbehalfError(error)) return keptFromLooking(error, this.#context.clock.now());
    throw error;
  }

  /**
   * Tries the access token where there is no refresh token: one whose end nobody knows may have been dead for months. A
   * refusal ends it, and so the person's access; it must not come from one bad moment of the endpoint.
   */
  async #byUserinfo(row: GrantRow, identity: UserinfoIdentity): Promise<Found> {
    const { clock, sleep } = this.#context;
    const { grantId } = row;
    try {
      const token = await this.#tokens.get({ grantId }, { minTtlSeconds: 0 });
      const secret = new Secret(token.token);
      let said = await this.#tryToken(row, identity, secret);
      if (said === "refused") {
        await sleep(lookAgainMs.whileWaiting);
        said = await this.#tryToken(row, identity, secret);
      }
      if (said === "taken") return { finding: foundByUserinfo(clock.now()), row };
      if (said !== "refused") return { finding: providerSilent(clock.now(), said.error), row };
      await this.#tokens.end(token).catch((error: unknown) => {
        if (!isOnbehalfError(error, "reauthorization_required")) throw error;
      });
      const ended = await findGrant(this.#context, { grantId });
      return { finding: byAsking(foundInRow(ended, clock.now()) ?? foundInNewTokens(ended)), row: ended };
    } catch (error) {
      return { finding: this.#keptFrom(error), row };
    }
  }

  async #tryToken(
    row: GrantRow,
    identity: UserinfoIdentity,
    token: Secret,
  ): Promise<"taken" | "refused" | { readonly error: string }> {
    const { provider } = protocolOf(this.#context, row);
    const result = await askUserinfo({ ...boundedFetchDefaults, fetch: this.#context.fetch }, identity, token);
    if (result.kind === "silence") return { error: result.error };
    const { status, headers, text } = result;
    const hasBody = status !== 204 && status !== 205 && status !== 304;
    const response = new Response(hasBody ? text : null, { status, headers: [...headers] });
    if (await refusesToken(response, provider)) return "refused";
    return status >= 200 && status < 300 ? "taken" : { error: `http_${status}` };
  }
}

/**
 * What a look of a moment ago says of the grant as it is now: tokens that came since then say more, and so does an end.
 *
 * @param generation the grant's, when that was found
 * @param now milliseconds since the epoch
 */
function whatStands(finding: Finding, generation: number | null, row: GrantRow, now: number): Found {
  const isOlder = generation !== null && row.generation > generation && finding.result !== "valid";
  return { finding: foundInRow(row, now) ?? (isOlder ? foundInNewTokens(row) : finding), row };
}

function probeOf({ result, reason, notAsked, evidence, checkedAt }: Finding): Omit<Probe, "offline"> {
  return {
    result,
    ...(reason === undefined ? {} : { reason }),
    ...(notAsked === undefined ? {} : { notAsked }),
    evidence: evidence.map(({ at, what }) => ({ at: new Date(at), what })),
    checkedAt: new Date(checkedAt),
  };
}

/** Why it does not stand, in the words that the grant itself has; of what is unknown, who can help. */
function diagnosed({ result }: Finding, diagnosis: Diagnosis | undefined): Partial<Probe> {
  if (result === "valid" || diagnosis === undefined) return {};
  const { reason, evidence, dependsOn, fix } = diagnosis;
  return result === "invalid" ? { reason, evidence, dependsOn, fix } : { dependsOn, fix };
}

/**
 * What is told of a grant beside the finding.
 *
 * @param now milliseconds since the epoch
 */
function shownOf(
  row: GrantRow,
  result: Probe["result"],
  now: number,
): Pick<Probe, "expiresAt" | "offline" | "missingScopes"> {
  const life = result === "invalid" ? undefined : lifeOf(row);
  const end = life !== undefined && isLiving(life, now) ? endOf(life, now) : undefined;
  return {
    ...(end === undefined ? {} : { expiresAt: new Date(end) }),
    offline: row.refreshSealed !== null,
    ...(row.lostScope === "" ? {} : { missingScopes: scopesOf(row.lostScope) }),
  };
}
