import type { Operator, Vault } from "../../../index.ts";
import { invalidRequest } from "../../../core/errors.ts";
import type { Told } from "../../doctor/examine-running.ts";
import type { ConnectSite } from "../../../vault/http/connect/site.ts";
import type { Parameters as Sent } from "../../../vault/http/parameters.ts";

/** What the audit log is told that an operator did. */
export type Noted = Parameters<Vault["operators"]["note"]>[2];

/** A request of somebody who is signed in, about to be answered. */
export interface Asked {
  readonly vault: Vault;
  readonly operator: Operator;
  /** What stands in the path in the place of a name in braces. */
  readonly named: string;
  readonly query: ReadonlyMap<string, string>;
  readonly body: () => Promise<Sent>;
  /** Records what the operator did, where no change of the store does so. */
  readonly note: (entry: Noted) => Promise<void>;
  /** Where connect links lead; undefined where nobody has said. */
  readonly site: ConnectSite | undefined;
  /** What the service was told of itself. */
  readonly told: Told;
}

/** One verb at one address beneath `/dashboard/api`. */
export interface DashboardRoute {
  readonly method: "GET" | "POST" | "DELETE";
  /** With at most one name in braces, as its last part or the one before. */
  readonly path: string;
  /** Who may: everybody who is signed in, or whoever may change things. */
  readonly needs: "reader" | "operator";
  /** The query parameters that it takes. */
  readonly query?: readonly string[];
  /** @returns what the answer holds as JSON */
  readonly answer: (asked: Asked) => Promise<object>;
}

/** One of few words in a query; undefined where it is not there. */
export function oneWord<T extends string>(asked: Asked, name: string, words: readonly T[]): T | undefined {
  const text = asked.query.get(name);
  if (text === undefined) return undefined;
  const word = words.find((each) => each === text);
  if (word !== undefined) return word;
  throw invalidRequest(`${name} must be one of ${words.join(", ")}`, `send one of these, or leave ${name} out`, name);
}
