/** A server as a contender: how many answers it gives in a second of its CPU time. */
import { perCpuSecond } from "./child.ts";
import { loadAll, requestOf } from "./load.ts";
import type { Compared } from "./suite.ts";

/** Connections that are kept open, with one request at a time each. */
export const connections = 32;

export interface Listening {
  readonly port: number;
}

export interface Server extends Listening {
  /** The process whose CPU time counts. */
  readonly pid: number;
}

/** How a contender is asked. */
export interface Asked extends Partial<Compared> {
  /** How many answers one figure is made of. */
  readonly times: number;
  /** What is done before each figure, and is not measured. */
  readonly before?: () => Promise<unknown>;
  /** Each figure goes on with the request after the last one of the figure before; otherwise it begins at the first. */
  readonly isOngoing?: boolean;
  /** Makes each request that is measured; by default they are `requests`, one after the other. */
  readonly draw?: () => Buffer;
  /** Whether each request is sent once before anything is measured. */
  readonly isWarmed?: boolean;
}

export function askedServer(name: string, server: Server, requests: readonly Buffer[], asked: Asked): Compared {
  const { times, before, isOngoing = false, isWarmed = false, draw, ...more } = asked;
  let isWarm = !isWarmed;
  let next = 0;
  return {
    name,
    ...more,
    async measure() {
      await before?.();
      if (!isWarm) await loadAll(server.port, requests, requests.length, connections);
      isWarm = true;
      const some =
        draw !== undefined ? Array.from({ length: times }, draw) : isOngoing ? slice(requests, next, times) : requests;
      next += times;
      return perCpuSecond(server.pid, times, () => loadAll(server.port, some, times, connections));
    },
  };
}

function slice(requests: readonly Buffer[], from: number, count: number): Buffer[] {
  return Array.from({ length: count }, (_, n) => requests[(from + n) % requests.length] ?? Buffer.alloc(0));
}

/** The numbers below `count`, in an order that is none. */
export function mixed(count: number): number[] {
  const step = 7_919;
  const isWhole = count % step !== 0;
  return Array.from({ length: count }, (_, n) => (isWhole ? (n * step) % count : n));
}

/** A request for a token, as a caller of the service sends it. */
export function tokenRequest(reference: string, callerKey: string, query = ""): Buffer {
  return requestOf(
    `GET /v1/grants/${reference}/token${query} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${callerKey}`,
  );
}
