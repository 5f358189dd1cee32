/**
 * What the keeper's process of an app is given to open its store: data made of the objects that the app has given. It goes
 * through a pipe between two processes of one user. Pure.
 */
import { defined } from "../core/defined.ts";
import { Secret } from "../core/secret.ts";
import { descriptionOfSource } from "../crypto/key-source.ts";
import type { KeySourceDescription } from "../crypto/key-source.ts";
import type { Provider } from "../providers/provider.ts";
import { descriptionOfStore } from "../store/store-description.ts";
import type { Store } from "../store/store.ts";
import type { StoreDescription } from "../store/store-description.ts";
import type { CommonOptions } from "../vault/open/open-context.ts";
import type { OptionProblem } from "../vault/open/option-problems.ts";

/** The options of a keeper that an app can give to a process. */
export interface KeeperProcessOptions extends CommonOptions {
  readonly exchangeRate?: { readonly perSecond: number; readonly burst: number };
  readonly rescueFolder?: string;
  readonly webhook?: { readonly url: string; readonly secrets: readonly string[] };
  readonly eventsKeptDays?: number;
  readonly consentEndsSoonDays?: number;
}

/** Options that are data, and mean the same in every process. */
type PlainOptions = Pick<
  KeeperProcessOptions,
  | "webhook"
  | "eventsKeptDays"
  | "consentEndsSoonDays"
  | "exchangeRate"
  | "rescueFolder"
  | "exchangeTimeoutMs"
  | "migrate"
  | "audit"
  | "auditName"
>;

/** What the process is given. */
export interface Opening {
  readonly providers: readonly SentProvider[];
  readonly store: StoreDescription;
  /** `employer`: the process that it works for is asked for the keys. */
  readonly keyring: KeySourceDescription | { readonly from: "employer" };
  readonly options: PlainOptions;
}

/** A provider's record, in which each secret of its client is in clear. */
export interface SentProvider {
  readonly record: Omit<Provider, "client">;
  readonly client: object | "none";
}

/** In the place of a `Secret`. */
interface SentSecret {
  readonly secret: string;
}

/** Makes it. @returns the problems instead, where an option cannot be given to another process */
export function openingOf(options: KeeperProcessOptions): Opening | { readonly problems: readonly OptionProblem[] } {
  const {
    provider,
    providers = [],
    exchangeRate,
    rescueFolder,
    exchangeTimeoutMs,
    migrate,
    audit,
    auditName,
    webhook,
    eventsKeptDays,
    consentEndsSoonDays,
  } = options;
  const store = descriptionOfStore(options.store);
  const problems = unsendable(options, store);
  if (problems.length > 0 || store === undefined) return { problems };
  const source = options.keyring;
  return {
    providers: [...(provider === undefined ? [] : [provider]), ...providers].map(sentProvider),
    store,
    keyring: (source === undefined ? undefined : descriptionOfSource(source)) ?? { from: "employer" },
    // The vault's own name, as without a process: what the keeper does for it is recorded as the vault's doing.
    options: defined({
      webhook,
      eventsKeptDays,
      consentEndsSoonDays,
      exchangeRate,
      rescueFolder,
      exchangeTimeoutMs,
      migrate,
      audit,
      auditName: auditName ?? "@library",
    }),
  };
}

/** What runs in this process alone, and so cannot be given to another one. */
function unsendable(options: KeeperProcessOptions, store: StoreDescription | undefined): OptionProblem[] {
  const functions = (
    [
      ["fetch", "sends requests", "set HTTPS_PROXY for a proxy, or NODE_EXTRA_CA_CERTS for a certificate"],
      ["clock", "tells the time", "leave it out, so that both processes go by the machine's"],
      ["random", "gives random numbers", "leave it out"],
    ] as const
  ).filter(([name]) => options[name] !== undefined);
  return [
    ...functions.map(([name, does, instead]) => ({
      problem: `${name} ${does} in this process alone, and the keeper is another one`,
      hint: `${instead}; or open the vault with keeper: "in-process"`,
    })),
    ...storeProblems(options.store, store),
    ...[...(options.provider === undefined ? [] : [options.provider]), ...(options.providers ?? [])].flatMap(
      providerProblems,
    ),
  ];
}

function storeProblems({ kind, location }: Store, described: StoreDescription | undefined): OptionProblem[] {
  if (described !== undefined) return [];
  if (kind === "sqlite" && location === ":memory:") {
    return [
      {
        problem: "store is in the memory of this process, and the keeper is another one",
        hint: 'give sqlite(path) with the path of a file; or open the vault with keeper: "in-process"',
      },
    ];
  }
  return [
    {
      problem: "store is one that only this process can open, and the keeper is another one",
      hint: 'give sqlite(path) or postgres(url) as they are made; or open the vault with keeper: "in-process"',
    },
  ];
}

function providerProblems(provider: Provider): OptionProblem[] {
  try {
    structuredClone(sentProvider(provider));
    return [];
  } catch {
    const { name } = provider as { readonly name?: unknown };
    return [
      {
        problem: `provider ${typeof name === "string" ? name : "without a name"} holds a function, and the keeper is another process`,
        hint: "give a record that is data alone",
      },
    ];
  }
}

function sentProvider(provider: Provider): SentProvider {
  // A program without types could give anything: the keeper's process says what is wrong with it.
  const { client, ...record } = { ...provider };
  if (typeof client !== "object" || (client as unknown) === null) return { record, client };
  const inClear = Object.entries(client).map(([name, value]: [string, unknown]) => {
    const sent: unknown = value instanceof Secret ? ({ secret: value.expose() } satisfies SentSecret) : value;
    return [name, sent] as const;
  });
  return { record, client: Object.fromEntries(inClear) };
}

/** The record as the app has given it. */
export function receivedProvider({ record, client: sent }: SentProvider): Provider {
  const client =
    typeof sent === "object" && sent !== null
      ? Object.fromEntries(
          Object.entries(sent).map(
            ([name, value]) => [name, isSent(value) ? new Secret(value.secret) : value] as const,
          ),
        )
      : sent;
  return { ...record, client } as Provider;
}

function isSent(value: unknown): value is SentSecret {
  return typeof value === "object" && value !== null && "secret" in value && typeof value.secret === "string";
}
