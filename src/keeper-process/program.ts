/** What a keeper's process is made of, and what whoever started it holds in its hand. Types alone. */
import type { KeeperFigures, KeeperLink } from "../core/figures.ts";
import type { HandedDownKeys } from "../core/handed-down-keys.ts";
import type { Secret } from "../core/secret.ts";
import type { Spans } from "../core/spans/spans.ts";
import type { Keeper } from "../vault/keeper/keeper.ts";
import type { Configured } from "./configured.ts";
import type { KeeperHints } from "./unavailable.ts";

/**
 * A keeper's program, and what each process that runs it is given.
 *
 * @typeParam Opening what it needs to open its store. It goes through the pipe, so that no process table shows it
 */
export interface KeeperProgram<Opening> {
  readonly file: URL;
  readonly opening: Opening;
  /** Node's flags. */
  readonly execArgv: readonly string[];
  /** Default: that of this process. */
  readonly environment?: () => NodeJS.ProcessEnv;
  /** Default: that of this process. */
  readonly cwd?: string;
  /** Gives the master keys, where the keeper cannot read them itself. */
  readonly masterKeys?: () => Promise<readonly Secret[]>;
  /**
   * Where the keeper's stderr goes. `inherit`: where this process's does, also when this process has ended. `forward`: there
   * through this process, so that who waits for the end of its output does not wait for the keeper.
   */
  readonly stderr: "inherit" | "forward";
  readonly hints: KeeperHints;
  /** Who makes spans of what it is asked, and of what it tells. Absent: it tells of none. */
  readonly spans?: Spans;
}

/** A keeper that works in another process. */
export interface KeeperClient extends Keeper, Configured {
  /** @throws {OnbehalfError} `keeper_unavailable`: no keeper is ready just now */
  assertReady(): void;
  readingKeys(): Promise<HandedDownKeys>;
  /** How the link to it is doing, for those who watch it. */
  readonly link: KeeperLink;
  figures(): Promise<KeeperFigures>;
  /** The keeper's process; undefined while there is none. */
  readonly pid: number | undefined;
}
