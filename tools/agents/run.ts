/**
 * Agents are killed, of two kinds beside each other: with their tokens in a vault whose keeper is a process, and with their
 * tokens in JSON files. The provider replaces each refresh token, and ends all that came of one that comes again.
 */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateMasterKey, keyringFromKeys, mcpServer, openVault } from "../../src/index.ts";
import type { VaultOptions } from "../../src/index.ts";
import { startStandin } from "../../src/standin/index.ts";
import type { LogEntry, McpStandin } from "../../src/standin/index.ts";
import { postgresDatabase, sqliteFile } from "../chaos/database.ts";
import { allEnded, pause, processesOf, signal } from "../chaos/processes.ts";
import { between, seeded } from "../random.ts";
import { Agents } from "./agents.ts";
import type { AgentCounts } from "./agents.ts";
import { ConsentsInFiles } from "./consents-in-files.ts";
import { grantsInVault, registered } from "./consent.ts";
import { redirectUri } from "./messages.ts";
import type { AgentsOptions } from "./options.ts";
import { tallyOf } from "./tally.ts";
import type { Tally } from "./tally.ts";

/** What became of the grants of one kind. */
export interface Outcome extends AgentCounts, Tally {
  /** How often a person had to be asked again. */
  readonly consents: number;
}

export interface AgentsReport {
  readonly options: AgentsOptions;
  readonly vault: Outcome;
  readonly files: Outcome;
  /** External ids of the vault's people whose grant is not there any more, or gives no token. */
  readonly lost: readonly string[];
  /** Whether all agents and keepers have ended by themselves in the end. */
  readonly isQuiet: boolean;
}

/** @param interrupted ends the run early, in order */
export async function runAgents(options: AgentsOptions, interrupted?: AbortSignal): Promise<AgentsReport> {
  const folder = await mkdtemp(join(tmpdir(), "onbehalf-agents-"));
  const database = options.store === "sqlite" ? sqliteFile(folder) : await postgresDatabase();
  const standin = await startStandin({
    kind: "mcp",
    accessTokenTtlSeconds: options.ttl,
    rotation: "strict",
    revokeFamilyOnReuse: true,
  });
  const run = randomUUID();
  try {
    const key = generateMasterKey();
    const people = Array.from({ length: options.people }, (_, at) => `person-${at}`);
    const paths = people.map((person) => join(folder, `${person}.json`));
    const own: VaultOptions = {
      provider: mcpServer({ name: "tools", server: standin.server, clientName: "Agents", redirectUri }),
      store: database.open(),
      keyring: keyringFromKeys(key),
    };
    const vault = await openVault(own);
    const clientId = await grantsInVault(vault, standin, people);
    await vault.close();
    const fileClient = await registered(standin, "Agents with files");
    const files = new ConsentsInFiles(standin, fileClient, people, paths);
    for (const at of people.keys()) await files.consent(at);
    const log = new WholeLog(standin);
    const common = { server: standin.server, store: database.setting, ttl: options.ttl };
    const withVault = new Agents(
      { ...common, kind: "vault", people },
      { run, key: key.expose(), seed: options.seed, onUnauthorized: () => undefined },
    );
    const withFiles = new Agents(
      { ...common, kind: "files", people: paths },
      { run, key: "", seed: options.seed + 1_000_000, onUnauthorized: (person) => void files.again(person) },
    );
    await Promise.all([withVault.start(options.agents), withFiles.start(options.agents)]);
    await killAgents([withVault, withFiles], options, interrupted);
    await Promise.all([withVault.stop(), withFiles.stop()]);
    const isQuiet = await allEnded(run, 60_000);
    const entries = log.end();
    const outcome = ({ counts }: Agents, client: string, consents: number): Outcome => ({
      ...counts,
      ...tallyOf(entries, client, options.ttl),
      consents,
    });
    return {
      options,
      vault: outcome(withVault, clientId, 0),
      files: outcome(withFiles, fileClient, files.asked),
      lost: await lostGrants({ ...own, store: database.open() }, people),
      isQuiet,
    };
  } finally {
    for (const { pid } of processesOf(run)) signal(pid, "SIGKILL");
    await standin.close();
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The stand-in keeps the newest entries alone, so that they are fetched in time. */
class WholeLog {
  readonly #standin: McpStandin;
  readonly #entries: LogEntry[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(standin: McpStandin) {
    this.#standin = standin;
    this.#timer = setInterval(() => this.#fetch(), 2_000);
  }

  end(): readonly LogEntry[] {
    clearInterval(this.#timer);
    this.#fetch();
    return this.#entries;
  }

  #fetch(): void {
    const { entries } = this.#standin.log(this.#entries.at(-1)?.seq ?? 0);
    this.#entries.push(...entries);
  }
}

/** Kills two of each kind, again and again: the same two of both. */
async function killAgents(
  kinds: readonly Agents[],
  { seconds, agents, every, seed }: AgentsOptions,
  interrupted?: AbortSignal,
): Promise<void> {
  const random = seeded(seed);
  const until = performance.now() + seconds * 1_000;
  const isOver = (): boolean => performance.now() >= until || interrupted?.aborted === true;
  while (!isOver()) {
    await pause(between(random, 0.5, 1.5) * every * 1_000);
    const first = Math.floor(random() * agents);
    const second = (first + 1 + Math.floor(random() * (agents - 1))) % agents;
    for (const kind of kinds) for (const at of [first, second]) kind.kill(at);
  }
}

/** The people whose grant is not usable any more. */
async function lostGrants(options: VaultOptions, people: readonly string[]): Promise<string[]> {
  const vault = await openVault(options);
  try {
    const lost: string[] = [];
    for (const externalId of people) {
      const ref = { provider: "tools", externalId };
      const isAlive = await vault.getAccessToken(ref).then(
        async () => (await vault.grant(ref)).state === "active",
        () => false,
      );
      if (!isAlive) lost.push(externalId);
    }
    return lost;
  } finally {
    await vault.close();
  }
}
