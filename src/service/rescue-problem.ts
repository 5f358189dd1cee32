/** Whether answers that the store cannot take could be kept in their folder. What waits in it does not belong here. */
import { accessSync, constants, existsSync, lstatSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { defaultRescueFolder } from "../core/rescue-folder.ts";
import type { Store } from "../index.ts";

/** What is wrong with a rescue folder, and what to do. */
export interface RescueProblem {
  readonly problem: string;
  readonly hint: string;
}

/** Where a service keeps answers that its store cannot take; undefined where there is no such place. */
export function rescuePath(store: Pick<Store, "kind" | "location">, named: string | undefined): string | undefined {
  const folder = named ?? defaultRescueFolder(store);
  return folder === undefined ? undefined : resolve(folder);
}

const harm = "an answer that the store cannot take would be lost with the process";

/**
 * What would keep an answer from being kept; undefined where nothing would. Makes nothing.
 *
 * @param named the folder, where one was set
 */
export function rescueProblem(
  store: Pick<Store, "kind" | "location">,
  named: string | undefined,
): RescueProblem | undefined {
  const path = rescuePath(store, named);
  if (path === undefined) {
    return { problem: `there is no rescue folder for a store in memory: ${harm}`, hint: "keep the store in a file" };
  }
  const place = nearestPlace(path);
  if (!isFolder(place)) {
    const what = isLink(place) ? "a link that leads to no folder" : "a file";
    return {
      problem: `${place} is ${what}, and no rescue folder: ${harm}`,
      hint: "set ONBEHALF_RESCUE_DIR to a folder",
    };
  }
  try {
    accessSync(place, constants.R_OK | constants.W_OK | constants.X_OK);
    return undefined;
  } catch {
    return {
      problem: `the rescue folder ${path} cannot be read and written: ${harm}`,
      hint: "let the user that runs Onbehalf write there, or set ONBEHALF_RESCUE_DIR to a folder that outlives a restart",
    };
  }
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

/** Whether a link stands at a path, wherever it leads. */
export function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}
