import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { assert as holds, asyncProperty, constantFrom, integer, oneof, record } from "fast-check";
import type { Arbitrary } from "fast-check";
import { fixedClock } from "../../src/core/clock.ts";
import { Keyring } from "../../src/crypto/keyring.ts";
import type { AuditRow } from "../../src/store/audit-store.ts";
import type { SqlRow, SqlValue, SqlValues } from "../../src/store/sql/sql.ts";
import type { Store } from "../../src/store/store.ts";
import { verifyAudit } from "../../src/vault/audit/verify.ts";
import type { AuditFault, AuditReport } from "../../src/vault/audit/verify.ts";
import { recorder } from "../../src/vault/context.ts";

/** A store's log, and a way to write to its database behind the store's back. */
export interface EditableLog {
  readonly store: Store;
  /** Runs a statement as {@link SqlValues} name its parameters, and returns its rows. */
  readonly run: (text: string, values?: SqlValues) => Promise<SqlRow[]>;
  /** Empties the log, and the note of where it ends. */
  readonly empty: () => Promise<void>;
}

const keyring = new Keyring("store", [{ key: { keyId: 1, bytes: Buffer.alloc(32, 7) }, keyClass: "index" }]);

/** Columns of a row that say what happened or prove it, and what somebody might write there. */
const forgeries: Readonly<Record<string, readonly SqlValue[]>> = {
  record_id: ["another"],
  at: [0, 1_799_999_999_999],
  caller: ["nobody", ""],
  action: ["grant.lapsed", "keys.created"],
  grant_id: ["g_other", null],
  generation: [99, null],
  outcome: ["denied"],
  detail: ["token 99", null],
  request_id: ["another", null],
  anchor: [null, 0, -1, 3, 99],
  mac: [new Uint8Array(), new Uint8Array(32)],
  link: [new Uint8Array(), new Uint8Array(32)],
  seq: [1_000],
};

type Edit =
  | { readonly kind: "change"; readonly at: number; readonly column: string; readonly value: SqlValue }
  | { readonly kind: "copy"; readonly at: number; readonly from: number; readonly columns: readonly string[] }
  | { readonly kind: "swap"; readonly at: number; readonly with: number; readonly links: boolean }
  | { readonly kind: "delete"; readonly at: number; readonly length: number; readonly closed: boolean }
  | { readonly kind: "cut"; readonly at: number; readonly head: boolean }
  | { readonly kind: "rewrite"; readonly at: number; readonly how: "delete" | "swap" | "repeat" }
  | { readonly kind: "forge"; readonly at: number };

const contents = Object.keys(forgeries).filter((name) => name !== "seq" && name !== "link");
const place = integer({ min: 1, max: 11 });

const edits: Arbitrary<Edit> = oneof(
  constantFrom(
    ...Object.entries(forgeries).flatMap(([column, values]) => values.map((value) => ({ column, value }))),
  ).chain((change) =>
    record({
      kind: constantFrom("change" as const),
      at: place,
      column: constantFrom(change.column),
      value: constantFrom(change.value),
    }),
  ),
  record({
    kind: constantFrom("copy" as const),
    at: place,
    from: place,
    columns: constantFrom(...contents.filter((name) => name !== "record_id").map((name) => [name]), contents),
  }),
  record({ kind: constantFrom("swap" as const), at: place, with: place, links: constantFrom(true, false) }),
  record({
    kind: constantFrom("delete" as const),
    at: place,
    length: integer({ min: 1, max: 4 }),
    closed: constantFrom(true, false),
  }),
  record({ kind: constantFrom("cut" as const), at: place, head: constantFrom(true, false) }),
  record({
    kind: constantFrom("rewrite" as const),
    at: place,
    how: constantFrom("delete" as const, "swap" as const, "repeat" as const),
  }),
  record({ kind: constantFrom("forge" as const), at: place }),
);

const releaseIndex = `audit_by_release ON audit (grant_id, caller, generation, detail) WHERE action = 'token.released'`;

/** How many rows a log has that is edited. */
const length = 12;

/**
 * Generated edits of a log by somebody who writes the database and has no key. Each is found, in the right place; what is
 * cut off with the note of where the log ended, by a head that was noted before.
 */
export async function assertEditsAreFound(log: EditableLog, numRuns: number): Promise<void> {
  const { store, run } = log;
  store.recordWith(recorder(keyring, fixedClock(1_800_000_000_000), "@test"));
  let found = 0;
  await holds(
    asyncProperty(edits, async (edit) => {
      await log.empty();
      await run(`CREATE UNIQUE INDEX IF NOT EXISTS ${releaseIndex}`);
      for (let n = 1; n <= length; n += 1) {
        const entry = { action: n % 3 === 0 ? "api.called" : "token.released", grantId: `g_${n % 4}`, generation: n };
        const principal = { caller: n % 2 === 0 ? "reports" : "mail", requestId: n % 5 === 0 ? `request ${n}` : null };
        await store.appendAudit([[{ ...entry, outcome: "done", detail: `token ${n}` }, principal]]);
      }
      const head = await verifyAudit(store, keyring);
      assert.deepEqual(head, { rows: length, seq: length, hash: head.hash, leftOut: 0, faults: [] });
      const rows = await store.auditRows({ after: 0, limit: 100 });
      // Whoever can write the database can drop what keeps a row from being there twice.
      await run("DROP INDEX audit_by_release");
      const expected = await apply(edit, rows, run);
      const report = await verifyAudit(store, keyring);
      if (expected !== undefined) {
        assert.deepEqual(placeOf(report.faults[0]), placeOf(expected), JSON.stringify({ edit: shown(edit), report }));
        found += 1;
      }
      // Whoever kept the head sees what nothing in the database tells of.
      const compared: AuditReport = await verifyAudit(store, keyring, { head });
      const isWhole = report.faults.length === 0 && (await store.auditRows({ after: 0, limit: 100 })).length === length;
      assert.equal(compared.faults.length > 0, !isWhole, JSON.stringify({ edit: shown(edit), compared }));
    }),
    { numRuns, seed: 20_261_126 },
  );
  assert.ok(found > numRuns / 2, `${found} of ${numRuns} edits changed something`);
}

/** Makes the edit. Returns the first fault that must be found; undefined where the edit changes nothing that remains. */
async function apply(edit: Edit, rows: readonly AuditRow[], run: EditableLog["run"]): Promise<AuditFault | undefined> {
  const at = rows[edit.at - 1] ?? assert.fail("no such row");
  switch (edit.kind) {
    case "change": {
      const [now] = await run(`SELECT ${edit.column} AS value FROM audit WHERE seq = :seq`, { seq: at.seq });
      if (isSame(now?.["value"] ?? null, edit.value)) return undefined;
      await run(`UPDATE audit SET ${edit.column} = :value WHERE seq = :seq`, { value: edit.value, seq: at.seq });
      if (edit.column === "seq") return { seq: at.seq, problem: "missing" };
      return { seq: at.seq, problem: edit.column === "link" ? "moved" : "changed" };
    }
    case "copy": {
      if (edit.from === edit.at) return undefined;
      const from = rows[edit.from - 1] ?? at;
      const before = await contentsOf(run, at.seq);
      const taken = await contentsOf(run, from.seq);
      const columns = edit.columns.filter((name) => name !== "record_id");
      // The whole row, as if what happened had happened again: its record is named twice then, or nothing is.
      for (const name of columns) {
        await run(`UPDATE audit SET ${name} = :value WHERE seq = :seq`, { value: taken[name] ?? null, seq: at.seq });
      }
      return columns.some((name) => !isSame(before[name] ?? null, taken[name] ?? null))
        ? { seq: at.seq, problem: "changed" }
        : undefined;
    }
    case "swap": {
      if (edit.with === edit.at) return undefined;
      const other = rows[edit.with - 1] ?? at;
      const [one, two] = [await contentsOf(run, at.seq), await contentsOf(run, other.seq)];
      const columns = [...contents.filter((name) => name !== "record_id"), ...(edit.links ? ["link"] : [])];
      await run("UPDATE audit SET record_id = 'meanwhile' WHERE seq = :seq", { seq: other.seq });
      for (const [values, seq] of [
        [two, at.seq],
        [one, other.seq],
      ] as const) {
        for (const name of ["record_id", ...columns]) {
          await run(`UPDATE audit SET ${name} = :value WHERE seq = :seq`, { value: values[name] ?? null, seq });
        }
      }
      return { seq: Math.min(at.seq, other.seq), problem: "moved" };
    }
    case "delete": {
      const upTo = Math.min(at.seq + edit.length - 1, length - 1);
      if (at.seq > upTo) return undefined;
      await run("DELETE FROM audit WHERE seq >= :seq AND seq <= :upTo", { seq: at.seq, upTo });
      if (!edit.closed) return { seq: at.seq, upTo, problem: "missing" };
      // The gap is closed: what came after takes the numbers, and the log ends earlier.
      const by = upTo - at.seq + 1;
      for (let seq = upTo + 1; seq <= length; seq += 1)
        await run("UPDATE audit SET seq = :to WHERE seq = :seq", { seq, to: seq - by });
      return { seq: at.seq, problem: "moved" };
    }
    case "cut": {
      await run("DELETE FROM audit WHERE seq >= :seq", { seq: at.seq });
      if (!edit.head) return { seq: at.seq, upTo: length, problem: "cut" };
      const last = rows[edit.at - 2];
      await run("UPDATE audit_head SET seq = :seq, link = :link", {
        seq: last?.seq ?? 0,
        link: last?.link ?? new Uint8Array(),
      });
      return undefined;
    }
    case "rewrite": {
      // A row is taken out, exchanged or put in, and every number, every link and the head are made anew.
      const all = [];
      for (const { seq } of rows) all.push(await contentsOf(run, seq));
      const [one, two] = all.slice(edit.at - 1) as [Record<string, SqlValue>, Record<string, SqlValue>];
      if (edit.how === "delete") all.splice(edit.at - 1, 1);
      else if (edit.how === "swap") all.splice(edit.at - 1, 2, two, one);
      else all.splice(edit.at, 0, { ...one, record_id: "repeated" });
      await run("DELETE FROM audit");
      let end = { seq: 0, link: new Uint8Array() };
      for (const content of all) {
        const seq = end.seq + 1;
        const mac = content["mac"] as Uint8Array;
        end = { seq, link: createHash("sha256").update(end.link).update(String(seq)).update(mac).digest() };
        const row = { ...content, ...end };
        const names = Object.keys(row);
        const values = names.map((name) => `:${name}`).join(", ");
        await run(`INSERT INTO audit (${names.join(", ")}) VALUES (${values})`, row);
      }
      await run("UPDATE audit_head SET seq = :seq, link = :link", end);
      if (edit.how === "repeat") return { seq: edit.at + 1, problem: "changed" };
      return { seq: at.seq, problem: "moved" };
    }
    case "forge": {
      const last = rows.at(-1) ?? assert.fail("no rows");
      const seq = length + 1;
      // Whatever can be known without the key is right.
      const link = createHash("sha256").update(last.link).update(String(seq)).update(at.mac).digest();
      const row = { ...(await contentsOf(run, at.seq)), record_id: "forged", seq, link };
      const names = Object.keys(row);
      const values = names.map((name) => `:${name}`).join(", ");
      await run(`INSERT INTO audit (${names.join(", ")}) VALUES (${values})`, row);
      await run("UPDATE audit_head SET seq = :seq, link = :link", { seq, link });
      return { seq, problem: "changed" };
    }
  }
}

async function contentsOf(run: EditableLog["run"], seq: number): Promise<Record<string, SqlValue>> {
  const [row] = await run(`SELECT ${contents.join(", ")}, link FROM audit WHERE seq = :seq`, { seq });
  return { ...(row ?? assert.fail("no such row")) };
}

function isSame(one: SqlValue, other: SqlValue): boolean {
  if (one instanceof Uint8Array && other instanceof Uint8Array) return Buffer.compare(one, other) === 0;
  return one === other;
}

function placeOf(fault: AuditFault | undefined): unknown {
  if (fault === undefined) return undefined;
  // A row that stands in another row's place is one that was changed, and the other way round.
  return { ...fault, upTo: fault.upTo ?? fault.seq, problem: fault.problem === "moved" ? "changed" : fault.problem };
}

function shown(edit: Edit): unknown {
  return "value" in edit && edit.value instanceof Uint8Array ? { ...edit, value: `${edit.value.length} bytes` } : edit;
}
