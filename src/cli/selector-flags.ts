/** Permissions and selectors as flags give them. What they mean is decided by the vault. */
import type { Permission } from "../index.ts";
import { isSelector, selectorForms } from "../core/reach.ts";
import { shownText } from "../core/secret-likeness.ts";
import { permissions } from "../vault/http/callers.ts";
import { UsageError } from "./terminal/usage-error.ts";

/** @throws {UsageError} there is no such permission */
export function permissionOf(text: string): Permission {
  const permission = permissions.find((known) => known === text);
  if (permission !== undefined) return permission;
  throw new UsageError(`--allow ${shownText(text)}: there is no such permission`, `use ${permissions.join(", ")}`);
}

/** @throws {UsageError} it is no selector */
export function selectorOf(text: string): string {
  if (isSelector(text)) return text;
  throw new UsageError(
    `--grants ${shownText(text)}: this is no selector`,
    `use ${selectorForms}; a star stands at the end, and no space around the value`,
  );
}
