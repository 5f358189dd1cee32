import { existsSync, readdirSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { TestVault } from "./test-vault.ts";

/**
 * Another program that holds the write lock of the test vault's file: nobody else can write until it lets go.
 *
 * @returns a function that releases the lock
 */
export function hold({ path }: TestVault): () => void {
  const other = new DatabaseSync(path, { timeout: 5_000 });
  other.exec("BEGIN IMMEDIATE");
  return () => {
    other.exec("ROLLBACK");
    other.close();
  };
}

/** Paths of the answers that lie in the test vault's rescue journal. */
export function rescued({ path }: TestVault): string[] {
  const folder = `${path}-rescue`;
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".answer"))
    .map((name) => `${folder}/${name}`);
}
