import { accessSync, constants, existsSync, readdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { defaultRescueFolder } from "../../core/rescue-folder.ts";
import type { Store } from "../../index.ts";
import { isLink } from "./files.ts";
import { ok, warn } from "./finding.ts";
import type { Finding } from "./finding.ts";

const check = "rescue";
const harm = "an answer that the store cannot take would be lost with the process";

/**
 * Checks the folder where answers are kept that the store could not take. Makes nothing.
 *
 * @param named the folder, where one was set
 */
export function checkRescue(store: Pick<Store, "kind" | "location">, named: string | undefined): Finding {
  const folder = named ?? defaultRescueFolder(store);
  if (folder === undefined) {
    return warn(check, `there is no rescue folder for a store in memory: ${harm}`, "keep the store in a file");
  }
  const path = resolve(folder);
  const place = nearestPlace(path);
  if (!isFolder(place)) {
    const what = isLink(place) ? "a link that leads to no folder" : "a file";
    return warn(check, `${place} is ${what}, and no rescue folder: ${harm}`, "set ONBEHALF_RESCUE_DIR to a folder");
  }
  try {
    accessSync(place, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return warn(
      check,
      `the rescue folder ${path} cannot be read and written: ${harm}`,
      "let the user that runs Onbehalf write there, or set ONBEHALF_RESCUE_DIR to a folder that outlives a restart",
    );
  }
  const waiting = place === path ? readdirSync(path).filter((name) => name.endsWith(".answer")).length : 0;
  if (waiting === 0) return ok(check, `answers that the store cannot take are kept in ${path}`);
  return warn(
    check,
    `${path} holds ${waiting} answer${waiting === 1 ? "" : "s"} that the store could not take`,
    "start the service on the store that they are for: it stores them by itself",
  );
}

/** What is there of a path: in it the rest would be made. A link that leads nowhere is there, and nothing can be made in it. */
function nearestPlace(path: string): string {
  const parent = dirname(path);
  return existsSync(path) || isLink(path) || parent === path ? path : nearestPlace(parent);
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
