/**
 * Opens a keeper: beside a vault in one process, or in a process of its own that does nothing else. How a vault talks
 * to a keeper in another process does not belong here.
 */
import { keyClasses, readingClasses } from "../../crypto/keyring.ts";
import { defined } from "../../core/defined.ts";
import { defaultRescueFolder } from "../../core/rescue-folder.ts";
import type { Spans } from "../../core/spans/spans.ts";
import type { BucketSize } from "../../core/token-bucket.ts";
import { actingAs } from "../context.ts";
import type { VaultContext } from "../context.ts";
import { closeContext, openContext } from "../open/open-context.ts";
import type { CommonOptions } from "../open/open-context.ts";
import type { KeeperContext } from "./context.ts";
import { EpochWatch } from "./epoch/epoch-watch.ts";
import { noMarkFile, markFile } from "./epoch/mark-file.ts";
import type { MarkFile } from "./epoch/mark-file.ts";
import { Gate } from "./gate/gate.ts";
import type { WatchedKeeper } from "./keeper.ts";
import { localKeeper } from "./local-keeper.ts";
import { noRescue, rescueFolder } from "./refresh/rescue-journal.ts";
import { refreshGrant } from "./refresh/refresh-grant.ts";
import { startUpkeep } from "./upkeep.ts";

/** The options of a keeper alone. */
export interface KeeperOptions {
  /**
   * The largest number of exchanges with each provider: `perSecond` within any one second, and `burst` at once after a
   * pause. It holds for this process; others have limits of their own. Default: 50 and 50.
   */
  readonly exchangeRate?: BucketSize;
  /**
   * The path of a folder where answers are kept that the store could not take. It is made when it is first needed, and
   * several stores may share it. Default: the SQLite file's path with `-rescue` after it; with any other store,
   * `onbehalf-rescue` in the working directory; with a store in memory, none.
   */
  readonly rescueFolder?: string;
  /**
   * Where events are delivered, and by what the receiver knows that they are ours. `url`: https, or http on this machine.
   * `secrets`: `whsec_` and base64 of 24 to 64 bytes; several while one takes the place of another. Default: nowhere.
   *
   * @see https://www.standardwebhooks.com
   */
  readonly webhook?: { readonly url: string; readonly secrets: readonly string[] };
  /** How long events are kept, days: 2 to 3,650. Default: 30. */
  readonly eventsKeptDays?: number;
  /**
   * How many days before the end of a consent apps are told of it: 1 to 90. Of a short consent, two sevenths of its life.
   * Default: 7.
   */
  readonly consentEndsSoonDays?: number;
}

const defaultRate: BucketSize = { perSecond: 50, burst: 50 };

const dayMs = 86_400_000;

function toldBy({ webhook, eventsKeptDays }: KeeperOptions): Parameters<typeof startUpkeep>[1] {
  return defined({ webhook, eventsKeptMs: eventsKeptDays === undefined ? undefined : eventsKeptDays * dayMs });
}

/**
 * Where the store's mark is kept outside of it. In a working directory, a folder is made only for answers that would be lost
 * otherwise.
 */
function markFileIn(folder: string | undefined, { store, keyring }: VaultContext, options: KeeperOptions): MarkFile {
  if (folder === undefined) return noMarkFile;
  return markFile(folder, keyring, options.rescueFolder !== undefined || store.kind === "sqlite");
}

/**
 * A keeper over a context that is open. Its upkeep finishes in the background what crashes left undone.
 *
 * @param upkeepAfterMs when that begins, milliseconds from now on
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function keeperOver(
  shared: VaultContext,
  options: KeeperOptions,
  upkeepAfterMs: number = 0,
): Promise<WatchedKeeper> {
  const folder = options.rescueFolder ?? defaultRescueFolder(shared.store);
  const epoch = new EpochWatch(shared, markFileIn(folder, shared, options));
  // Before anything is sent: in a restored store, that may end every grant.
  await epoch.open();
  const size = options.exchangeRate ?? defaultRate;
  const context: KeeperContext = {
    ...shared,
    running: new Set(),
    refreshes: new Map(),
    damage: { isFound: false },
    gates: new Map([...shared.protocols.keys()].map((name) => [name, new Gate(shared, size)])),
    ...(options.consentEndsSoonDays === undefined ? {} : { endsSoonMs: options.consentEndsSoonDays * dayMs }),
    epoch,
    rescue: folder === undefined ? noRescue : rescueFolder(folder),
    refresh: (seen, priority) => refreshGrant(context, seen, priority),
  };
  const keeper = localKeeper(context);
  const upkeep = actingAs({ caller: "@keeper", requestId: null }, () =>
    startUpkeep(context, { ...toldBy(options), epoch, firstAfterMs: upkeepAfterMs }),
  );
  return {
    ...keeper,
    async close() {
      await upkeep.stop();
      await keeper.close();
    },
  };
}

/**
 * Opens a keeper without a vault, for a process that does nothing else. A vault in another process gets an object with
 * the same verbs, which forwards them to here, as `openVault({ keeper })`; it then opens no key for refresh tokens.
 *
 * @param inside for a process of our own. `spans`: who makes spans of its work, in place of `options.telemetry`, where no
 *   SDK may run; `upkeepAfterMs`: when its upkeep begins, milliseconds from when it is open, by default at once
 * @returns the keeper; closing it closes the store
 * @throws {OnbehalfError} `configuration_invalid`: as `openVault`
 * @throws {OnbehalfError} `key_invalid`: no master key was given, one is malformed, or the store was sealed with
 *   another one; no grant was changed
 * @throws {OnbehalfError} `store_unavailable`: the database does not answer
 * @throws {OnbehalfError} `store_unusable`: the database or one of its data keys is damaged, a newer version has
 *   migrated it, or it is behind and `migrate` is false
 */
export async function openKeeper(
  options: CommonOptions & KeeperOptions,
  inside: { readonly spans?: Spans | undefined; readonly upkeepAfterMs?: number } = {},
): Promise<WatchedKeeper> {
  const { spans, upkeepAfterMs } = inside;
  const shared = await openContext({ auditName: "@keeper", ...options }, keyClasses, undefined, spans);
  let keeper: WatchedKeeper;
  try {
    keeper = await keeperOver(shared, options, upkeepAfterMs);
  } catch (error) {
    await closeContext(shared);
    throw error;
  }
  return {
    ...keeper,
    async readingKeys() {
      // Whoever asks may have met a key that was added a moment ago.
      await shared.keys?.look();
      return shared.keyring.handDown(readingClasses);
    },
    async close() {
      await keeper.close();
      await closeContext(shared);
    },
  };
}
