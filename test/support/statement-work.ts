import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";
import { Client, DatabaseError } from "pg";
import { inOrder, numbered } from "../../src/store/sql/column.ts";
import type { NotedStatement, SentStatement } from "./noted-statements.ts";

/** What one statement cost a database. */
export interface Work {
  /** The tables of which it goes through every row, or every entry of an index. */
  readonly scans: readonly string[];
  /** How many rows it read or wrote; SQLite: how many steps its program took. */
  readonly steps: number;
  /** How many rows it returned or changed. */
  readonly rows: number;
  /** PostgreSQL: how many times it took a page in its hand, wherever the page came from. */
  readonly pages: number;
  readonly plan: string;
}

/** node:sqlite counts the work of a statement; its types do not know that yet. */
type Counted = StatementSync & { stat(counter: "vmStep"): number; resetStats(): void };

/** Runs statements on a SQLite file, each in a transaction that is undone. */
export class SqliteWork {
  readonly #database: DatabaseSync;

  constructor(path: string) {
    this.#database = new DatabaseSync(path);
  }

  of({ text, values }: NotedStatement): Work {
    const { text: sql, names } = numbered(text, "?");
    const bound = inOrder(values, names);
    const plan = this.#database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...bound);
    const details = plan.map((row) => String(row["detail"]));
    const statement = this.#database.prepare(sql) as Counted;
    this.#database.exec("BEGIN");
    try {
      const returned = rowsOf(() => statement.all(...bound));
      const changed = this.#database.prepare("SELECT changes() AS changed").get()?.["changed"];
      return {
        scans: details.flatMap((detail) => /^SCAN (?!CONSTANT ROW)(\w+)/.exec(detail)?.[1] ?? []),
        steps: statement.stat("vmStep"),
        rows: text.startsWith("SELECT") ? returned : Number(changed),
        pages: 0,
        plan: details.join("; "),
      };
    } finally {
      this.#database.exec("ROLLBACK");
    }
  }

  close(): void {
    this.#database.close();
  }
}

/** A row may be there already: the statement has then done its work, and put nothing in. */
function rowsOf(run: () => readonly unknown[]): number {
  try {
    return run().length;
  } catch (error) {
    if (error instanceof Error && "errcode" in error && (Number(error.errcode) & 0xff) === 19) return 0;
    throw error;
  }
}

/** As PostgreSQL explains a step of a plan, having run it. */
interface PlanNode {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly "Index Cond"?: string;
  readonly "Actual Rows"?: number;
  readonly "Actual Loops"?: number;
  readonly "Rows Removed by Filter"?: number;
  readonly "Rows Removed by Join Filter"?: number;
  readonly "Rows Removed by Index Recheck"?: number;
  readonly "Shared Hit Blocks"?: number;
  readonly "Shared Read Blocks"?: number;
  readonly Plans?: readonly PlanNode[];
}

/** Runs statements on a PostgreSQL database, each in a transaction that is undone. */
export class PostgresWork {
  readonly #client: Client;

  constructor(connectionString: string) {
    this.#client = new Client({ connectionString });
  }

  async open(): Promise<void> {
    await this.#client.connect();
  }

  async of({ text, values }: SentStatement): Promise<Work> {
    await this.#client.query("BEGIN");
    try {
      await this.#client.query("SAVEPOINT before");
      const explain = async (how: string): Promise<PlanNode> => {
        const result = await this.#client.query<{ "QUERY PLAN": [{ Plan: PlanNode }] }>(
          `EXPLAIN (${how}FORMAT JSON) ${text}`,
          [...values],
        );
        const plan = result.rows[0]?.["QUERY PLAN"][0].Plan;
        if (plan === undefined) throw new TypeError("PostgreSQL explained nothing");
        return plan;
      };
      const top = await explain("ANALYZE, BUFFERS, TIMING OFF, ").catch(async (error: unknown) => {
        // The row is there already, or the one that it refers to is not: then only the plan is looked at.
        if (!(error instanceof DatabaseError && error.code?.startsWith("23") === true)) throw error;
        await this.#client.query("ROLLBACK TO before");
        return explain("");
      });
      const nodes = [...withAllBelow(top)];
      return {
        scans: nodes.flatMap((node) => (isScan(node) ? (node["Relation Name"] ?? []) : [])),
        steps: nodes.reduce((sum, node) => sum + visited(node), 0),
        rows: top["Actual Rows"] ?? 0,
        pages: (top["Shared Hit Blocks"] ?? 0) + (top["Shared Read Blocks"] ?? 0),
        plan: nodes.map(said).join("; "),
      };
    } finally {
      await this.#client.query("ROLLBACK");
    }
  }

  async close(): Promise<void> {
    await this.#client.end();
  }
}

function* withAllBelow(node: PlanNode): Iterable<PlanNode> {
  yield node;
  for (const below of node.Plans ?? []) yield* withAllBelow(below);
}

function isScan(node: PlanNode): boolean {
  return node["Node Type"] === "Seq Scan";
}

function visited(node: PlanNode): number {
  const removed =
    (node["Rows Removed by Filter"] ?? 0) +
    (node["Rows Removed by Join Filter"] ?? 0) +
    (node["Rows Removed by Index Recheck"] ?? 0);
  return ((node["Actual Rows"] ?? 0) + removed) * (node["Actual Loops"] ?? 1);
}

function said(node: PlanNode): string {
  return [node["Node Type"], node["Relation Name"], node["Index Name"], node["Index Cond"]].filter(Boolean).join(" ");
}
