/** The wire between one simulated process and the provider: each message is a step of the schedule and may be lost. */
import { defined } from "../../src/core/defined.ts";
import { tokenSetOf } from "../../src/oauth/token-set.ts";
import type { Protocol } from "../../src/oauth/protocol.ts";
import type { RevocationResponse } from "../../src/oauth/revocation-endpoint.ts";
import type { TokenResponse } from "../../src/oauth/token-endpoint.ts";
import type { ReplacedToken } from "./invariant-checker.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { Simulation } from "./simulation.ts";

const exchangeTimeoutMs = 30_000;

export function protocolFor(simulation: Simulation, process: SimulatedProcess): Protocol {
  const { providerRecord, checker } = simulation;
  const notSimulated = async (): Promise<never> => {
    throw new TypeError("not simulated");
  };
  return {
    provider: providerRecord,
    client: { clientId: "client" },
    exchangeCode: notSimulated,
    verifyIdToken: notSimulated,
    identify: notSimulated,
    async revoke(token) {
      checker.revocationBegins(process);
      return revoke(simulation, process, token.expose());
    },
    async refresh(refreshToken) {
      const token = refreshToken.expose();
      checker.exchangeBegins(process, token);
      const reply = await refresh(simulation, process, token);
      checker.exchangeEnds(process, token);
      return reply;
    },
  };
}

/** What the provider does with a refresh token, and what becomes of its answer. */
async function refresh(simulation: Simulation, process: SimulatedProcess, token: string): Promise<TokenResponse> {
  const { schedule, provider, checker, faults } = simulation;
  if (schedule.chance(faults.connectionRefused)) {
    await schedule.step(process, "connection refused", () => undefined);
    return { kind: "silence", sent: false, error: "econnrefused" };
  }
  if (schedule.chance(faults.requestLost)) return timeOut(simulation, process);
  if (schedule.chance(faults.overload)) {
    await schedule.step(process, "receives 503", () => undefined);
    // Some overloaded servers answer with an error that speaks about the token, and is not true.
    return schedule.chance(0.5)
      ? { kind: "unusable", status: 503, error: "not_json" }
      : { kind: "oauth-error", status: 503, error: "invalid_grant" };
  }
  if (schedule.chance(faults.clientRefused)) {
    await schedule.step(process, "receives invalid_client", () => undefined);
    return { kind: "oauth-error", status: 401, error: "invalid_client" };
  }
  let replaced: ReplacedToken | undefined;
  const next = await schedule.step(process, `provider gets ${token}`, () => {
    const answer = provider.refresh(token, schedule.now);
    schedule.setResult(answer === undefined ? "invalid_grant" : `answers ${answer}`);
    if (answer === undefined) checker.providerRefused(token);
    else if (answer !== token) replaced = checker.providerRotated(process);
    return answer;
  });
  if (schedule.chance(faults.answerLost)) {
    checker.answerLost(replaced);
    return timeOut(simulation, process);
  }
  if (schedule.chance(faults.garbage)) {
    checker.answerLost(replaced);
    await schedule.step(process, "receives garbage", () => undefined);
    return { kind: "unusable", status: 200, error: "not_json" };
  }
  return schedule.step(process, `receives ${next ?? "invalid_grant"}`, (): TokenResponse => {
    checker.answerArrived(replaced);
    if (next === undefined) return { kind: "oauth-error", status: 400, error: "invalid_grant" };
    if (next !== token) checker.delivered(process, next);
    const tokens = tokenSetOf(
      defined({
        access_token: `a-${next}-${schedule.steps}`,
        expires_in: 3600,
        refresh_token: next === token ? undefined : next,
      }),
    );
    if (tokens === undefined) throw new TypeError("the simulated provider's answer is no token set");
    return { kind: "tokens", tokens };
  });
}

async function revoke(simulation: Simulation, process: SimulatedProcess, token: string): Promise<RevocationResponse> {
  const { schedule, provider, faults } = simulation;
  if (schedule.chance(faults.requestLost)) {
    await timeOut(simulation, process);
    return { kind: "failed", error: "timeout" };
  }
  if (schedule.chance(faults.overload)) return { kind: "failed", error: "http_503" };
  await schedule.step(process, `provider revokes ${token}`, () => provider.revoke(token, schedule.now));
  if (!schedule.chance(faults.answerLost)) return { kind: "done" };
  await timeOut(simulation, process);
  return { kind: "failed", error: "timeout" };
}

/** The process waits for an answer until it gives up. */
async function timeOut({ schedule }: Simulation, process: SimulatedProcess): Promise<TokenResponse> {
  await schedule.step(process, "times out", () => undefined, schedule.now + exchangeTimeoutMs);
  return { kind: "silence", sent: true, error: "timeout" };
}
