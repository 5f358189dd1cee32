import { fork } from "node:child_process";
import type { TestContext } from "node:test";
import type { Provider, VaultEvent } from "../../src/index.ts";
import type { TestVault } from "./test-vault.ts";

export interface VaultProcessOptions {
  /** `sqlite:PATH` or a PostgreSQL connection string. */
  readonly where: string;
  readonly key: string;
  readonly standin: { readonly url: string; readonly clientId: string; readonly clientSecret: string };
  readonly rotation: Provider["rotation"];
  readonly exchangeTimeoutMs?: number;
}

export type ToVaultProcess =
  | { readonly type: "open"; readonly options: VaultProcessOptions }
  | {
      readonly type: "ask";
      readonly id: number;
      readonly verb: "token" | "exchange" | "key";
      readonly argument: string;
      readonly times: number;
      /** Comes with a code. */
      readonly ticket?: string | undefined;
    };

export type FromVaultProcess =
  | { readonly type: "ready" }
  | { readonly type: "event"; readonly event: VaultEvent }
  | { readonly type: "answer"; readonly id: number; readonly ends: readonly string[] };

/** A vault that runs in a process of its own, over a test vault's file. */
export interface VaultProcess {
  readonly events: VaultEvent[];
  /** Tokens, or the codes of the errors that came in their stead; never answered by a process that was killed. */
  tokens(grantId: string, times?: number): Promise<readonly string[]>;
  /** Whose key it is: a session's id, or a caller's name; or the code of the error that came in its stead. */
  authenticate(key: string): Promise<string>;
  exchange(code: string, times?: number, ticket?: string): Promise<readonly string[]>;
  /** Closes the vault and opens another one in the same process, over another test vault or store. */
  reopen(fixture: TestVault, where?: string): Promise<void>;
  signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void;
  /** Kills it, and resolves once it is gone. */
  kill(): Promise<void>;
}

/**
 * Starts one; it is gone after the test. The fixture must go by the machine's clock.
 *
 * @param where another store than the fixture's file: `sqlite:PATH` or a PostgreSQL connection string
 * @param exchangeTimeoutMs for one exchange in all
 */
export async function startVaultProcess(
  t: TestContext,
  fixture: TestVault,
  where?: string,
  exchangeTimeoutMs?: number,
): Promise<VaultProcess> {
  // The process is not a test file: it must not inherit the runner's switches and environment.
  const { NODE_TEST_CONTEXT: _runner, ...env } = process.env;
  const child = fork(new URL("vault-process.ts", import.meta.url), {
    execArgv: [],
    env,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const waiting = new Map<number, (ends: readonly string[]) => void>();
  const events: VaultEvent[] = [];
  let ready = Promise.withResolvers<void>();
  let asked = 0;
  child.on("message", (message: FromVaultProcess) => {
    if (message.type === "ready") ready.resolve();
    else if (message.type === "event") events.push(message.event);
    else waiting.get(message.id)?.(message.ends);
  });
  void gone.then(() => ready.reject(new Error("the process ended before it was ready")));
  t.after(async () => {
    child.kill("SIGKILL");
    await gone;
  });

  const send = (message: ToVaultProcess): boolean => child.send(message);
  const ask = (
    verb: "token" | "exchange" | "key",
    argument: string,
    times: number,
    ticket?: string,
  ): Promise<readonly string[]> =>
    new Promise((resolve) => {
      waiting.set((asked += 1), resolve);
      send({ type: "ask", id: asked, verb, argument, times, ticket });
    });

  const open = async (
    { path, key, standin: { url, clientId, clientSecret }, provider: { rotation } }: TestVault,
    where = `sqlite:${path}`,
  ): Promise<void> => {
    ready = Promise.withResolvers();
    send({
      type: "open",
      options: {
        where,
        key: key.expose(),
        standin: { url, clientId, clientSecret },
        rotation,
        ...(exchangeTimeoutMs === undefined ? {} : { exchangeTimeoutMs }),
      },
    });
    await ready.promise;
  };
  await open(fixture, where);
  return {
    events,
    tokens: (grantId, times = 1) => ask("token", grantId, times),
    authenticate: async (key) => (await ask("key", key, 1))[0] ?? "",
    exchange: (code, times = 1, ticket?: string) => ask("exchange", code, times, ticket),
    reopen: open,
    signal: (signal) => void child.kill(signal),
    async kill() {
      child.kill("SIGKILL");
      await gone;
    },
  };
}
