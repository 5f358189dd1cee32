import { openWriter } from "../../src/store/sqlite/connection.ts";
import type { Control, SqliteConnection, Writer } from "../../src/store/sqlite/connection.ts";
import type { SqlRow, SqlValues } from "../../src/store/sql/sql.ts";

/** What a statement meets: it is called before the statement, and may run others or throw. */
export type Interference = (text: string, connection: SqliteConnection) => void;

/** A real connection that notes its statements, and lets a test get between two of them. */
export class ScriptedWriter implements Writer {
  readonly isImmediate = true;
  isLost = false;
  readonly statements: string[] = [];
  readonly connection: SqliteConnection;
  /** What happens before a statement; by default nothing. */
  interfere: Interference = () => undefined;

  constructor(path: string) {
    this.connection = openWriter(path);
  }

  get isInTransaction(): boolean {
    return this.connection.isInTransaction;
  }

  get isInPlace(): boolean {
    return this.connection.isInPlace;
  }

  /** How often a statement ran that begins so. */
  count(beginning: string): number {
    return this.statements.filter((text) => text.startsWith(beginning)).length;
  }

  all(text: string, values?: SqlValues): SqlRow[] {
    this.#note(text);
    return this.connection.all(text, values);
  }

  run(text: string, values?: SqlValues): number {
    this.#note(text);
    return this.connection.run(text, values);
  }

  runEach(text: string, values: readonly SqlValues[]): readonly number[] {
    return values.map((each) => this.run(text, each));
  }

  script(text: string): void {
    this.#note(text);
    this.connection.script(text);
  }

  control(text: Control): void {
    this.#note(text);
    this.connection.control(text);
  }

  rollBack(): void {
    this.connection.rollBack();
  }

  close(): void {
    this.connection.close();
  }

  #note(text: string): void {
    this.interfere(text, this.connection);
    this.statements.push(text);
  }
}
