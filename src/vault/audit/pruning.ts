import { auditMac, isMac } from "../../crypto/keyring.ts";
import type { Sealer } from "../../crypto/keyring.ts";
import { auditPruned } from "../../store/audit-store.ts";
import type { AuditEntry, AuditHead, AuditRow, AuditStore } from "../../store/audit-store.ts";

/** What a row says of the rows before it that were taken out: whoever checks the log begins after them. */
export interface Pruning {
  /** The number of the row that says so. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The last row that was taken out, with its link. */
  readonly last: AuditHead;
  /** Links of rows that were taken out, and that the keyed hashes of rows which stayed cover; `last` is among them. */
  readonly links: ReadonlyMap<number, Uint8Array>;
}

/** More than one may be forged, and one that is genuine must still be found. */
const mostRead = 20;

/** The row that says which rows are taken out. Its keyed hash proves that somebody with the keys has done it. */
export function pruningEntry(last: AuditHead, anchors: readonly AuditHead[]): AuditEntry {
  const links = [last, ...anchors.toSorted((one, other) => other.seq - one.seq)];
  const detail = links.map(({ seq, link }) => `${seq}:${Buffer.from(link).toString("hex")}`).join(" ");
  return { action: auditPruned, grantId: null, generation: null, outcome: "done", detail };
}

/**
 * The newest pruning that was ours; undefined where nothing was ever pruned. A row that says so without the keys is no
 * reason to leave out anything.
 *
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function newestPruning(store: AuditStore, keyring: Pick<Sealer, "hash">): Promise<Pruning | undefined> {
  for (const row of await store.auditPrunings(mostRead)) {
    if (row.anchor === null) continue;
    const pruning = pruningOf(row);
    // Where everything before it was taken out, its own words have the link. They are covered by the same keyed hash.
    const anchorLink = (await linkAt(store, row.anchor)) ?? pruning.links.get(row.anchor);
    if (anchorLink !== undefined && isMac(row.mac, auditMac(keyring, row, anchorLink))) return pruning;
  }
  return undefined;
}

/** The link of a row; undefined where it is not there. */
export async function linkAt(store: AuditStore, seq: number): Promise<Uint8Array | undefined> {
  const [row] = seq < 1 ? [] : await store.auditRows({ after: seq - 1, limit: 1 });
  return row?.seq === seq ? row.link : undefined;
}

function pruningOf({ seq, at, detail }: AuditRow): Pruning {
  const links = (detail ?? "").split(" ").map((each): AuditHead => {
    const [number = "", link = ""] = each.split(":");
    return { seq: Number(number), link: Buffer.from(link, "hex") };
  });
  const [last = { seq: 0, link: new Uint8Array() }] = links;
  return { seq, at, last, links: new Map(links.map(({ seq: number, link }) => [number, link])) };
}
