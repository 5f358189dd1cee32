import { existsSync, readdirSync } from "node:fs";
import type { Store } from "../../index.ts";
import { shownPath } from "../../core/secret-likeness.ts";
import { rescuePath, rescueProblem } from "../rescue-problem.ts";
import { ok, warn } from "./finding.ts";
import type { Finding } from "./finding.ts";

const check = "rescue";

/**
 * Checks the folder where answers are kept that the store could not take. Makes nothing.
 *
 * @param named the folder, where one was set
 */
export function checkRescue(store: Pick<Store, "kind" | "location">, named: string | undefined): Finding {
  const found = rescueProblem(store, named);
  if (found !== undefined) return warn(check, found.problem, found.hint);
  const path = rescuePath(store, named) ?? "";
  const waiting = existsSync(path) ? readdirSync(path).filter((name) => name.endsWith(".answer")).length : 0;
  if (waiting === 0) return ok(check, `answers that the store cannot take are kept in ${shownPath(path)}`);
  return warn(
    check,
    `${shownPath(path)} holds ${waiting} answer${waiting === 1 ? "" : "s"} that the store could not take`,
    "start the service on the store that they are for: it stores them by itself",
  );
}
