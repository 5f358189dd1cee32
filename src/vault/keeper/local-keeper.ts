import { isGrantId } from "../../core/grant.ts";
import { SingleFlight } from "../../core/single-flight.ts";
import type { SpanAttributes } from "../../core/spans/spans.ts";
import { drainLimitMs } from "../../core/timing.ts";
import type { Protocol } from "../../oauth/protocol.ts";
import { actingAs, learnClient, protocolOf } from "../context.ts";
import { exchangeCode } from "./codes/exchange-code.ts";
import { challengeOf } from "../../crypto/code-challenge.ts";
import { discardHeld, finishHeld } from "./codes/held-answers.ts";
import { intakeOf } from "./codes/intake.ts";
import type { KeeperContext } from "./context.ts";
import { depositIntake } from "./deposits/deposit-intake.ts";
import { depositToken } from "./deposits/deposit-token.ts";
import type { CodeRequest, Deposited, RefreshOutcome, WatchedKeeper } from "./keeper.ts";
import { refreshGrant } from "./refresh/refresh-grant.ts";
import { revokeGrant } from "./revoke/revoke-grant.ts";

/** How often a keeper that is being closed checks whether all work is stored, milliseconds. */
const drainPollMs = 25;

/** A keeper in this process. */
export function localKeeper(context: KeeperContext): WatchedKeeper {
  /** By grant; `held` where there is none yet. */
  const intakes = new SingleFlight<string, string>();
  const deposits = new SingleFlight<string, Deposited>();
  const refreshes = new SingleFlight<string, RefreshOutcome>();
  function protocolNamed(provider: string): Protocol {
    const protocol = context.protocols.get(provider);
    if (protocol === undefined) throw new TypeError(`there is no provider ${provider}`);
    return protocol;
  }
  async function taken(provider: string, request: CodeRequest): Promise<string> {
    const protocol = protocolNamed(provider);
    await protocol.ready?.();
    const intake = intakeOf(context.keyring, protocol, request);
    return intakes.do(intake.key, () =>
      actingAs(request.principal, () =>
        inSpan(context, "onbehalf.exchange_code", { "onbehalf.provider": provider }, async () => {
          const row = await exchangeCode(context, intake, request);
          return row === "held" ? row : row.grantId;
        }),
      ),
    );
  }
  return {
    exchangeCode: (provider, request) => taken(provider, request),

    async authorization(provider) {
      const facts = await protocolNamed(provider).authorization?.();
      if (facts === undefined) throw new TypeError(`${provider} has no authorization endpoint`);
      return facts;
    },

    async holdCode(provider, request) {
      await taken(provider, request);
    },

    async finishHeld(provider, held) {
      const protocol = protocolNamed(provider);
      await protocol.ready?.();
      // What does not prove the same must not get the same answer.
      const proofs = [held.codeVerifier, held.returnCode].map((proof) =>
        proof === undefined ? "" : challengeOf(proof),
      );
      return intakes.do(`finish ${Buffer.from(held.codeHash).toString("hex")} ${proofs.join(" ")}`, () =>
        actingAs(held.principal, () =>
          inSpan(context, "onbehalf.finish_sign_in", { "onbehalf.provider": provider }, () =>
            finishHeld(context, protocol, held),
          ),
        ),
      );
    },

    async discardHeld(provider, held) {
      const known = await context.store.intakeByCode(held.codeHash);
      const protocol = protocolNamed(provider);
      await protocol.ready?.();
      if (known === undefined) return;
      await actingAs(held.principal, () => discardHeld(context, protocol, known, held.connect));
    },

    async deposit(provider, request) {
      const protocol = context.protocols.get(provider);
      if (protocol === undefined) throw new TypeError(`there is no provider ${provider}`);
      const intake = depositIntake(context.keyring, protocol, request);
      let isMine = false;
      const deposited = await deposits.do(intake.key, () => {
        isMine = true;
        return actingAs(request.principal, () =>
          inSpan(
            context,
            "onbehalf.deposit",
            { "onbehalf.provider": provider },
            () => depositToken(context, intake, request),
            ({ grantId }) => grantId,
          ),
        );
      });
      return isMine ? deposited : { ...deposited, isNew: false };
    },

    refresh: (seen, priority) =>
      // A caller does not join background work: it would wait behind all other background work.
      refreshes.do(`${priority} ${seen.grantId} ${seen.generation}`, async () => {
        await learnClient(context, seen);
        return actingAs(seen.principal, () => refreshGrant(context, seen, priority));
      }),

    async revoke(grantId, principal) {
      const row = await context.store.grantById(grantId);
      if (row === undefined) return;
      await learnClient(context, row);
      protocolOf(context, row);
      const attributes = { "onbehalf.grant.id": grantId, "onbehalf.provider": row.provider };
      await actingAs(principal, () => inSpan(context, "onbehalf.revoke", attributes, () => revokeGrant(context, row)));
    },

    async figures() {
      const refreshes = [...(context.refreshes ?? [])].flatMap(([provider, ends]) =>
        [...ends].map(([outcome, times]) => ({ provider, outcome, times })),
      );
      return {
        refreshes,
        gates: [...context.gates].map(([provider, gate]) => gate.figuresOf(provider)),
        rescued: context.rescue.count(),
        underWay: context.running.size,
        isStoreDamaged: context.damage?.isFound ?? false,
        busySeconds: performance.eventLoopUtilization().active / 1_000,
      };
    },

    async close() {
      await Promise.all([intakes.settled(), deposits.settled(), refreshes.settled()]);
      // The commit of an answer may go on after its callers got their result. It is listed until it is stored.
      for (let waitedMs = 0; context.running.size > 0 && waitedMs < drainLimitMs; waitedMs += drainPollMs) {
        await context.sleep(drainPollMs);
      }
    },
  };
}

/**
 * Makes a span of work, where somebody watches.
 *
 * @param grantOf which grant the work has made, or `held` where there is none yet
 */
async function inSpan<T>(
  { spans }: KeeperContext,
  name: string,
  attributes: SpanAttributes,
  work: () => Promise<T>,
  grantOf: (done: T) => unknown = (done) => done,
): Promise<T> {
  if (spans === undefined) return work();
  return spans.run({ name, kind: "internal", attributes }, async (span) => {
    const done = await work();
    const made = grantOf(done);
    if (typeof made === "string" && isGrantId(made)) span.set({ "onbehalf.grant.id": made });
    return done;
  });
}
