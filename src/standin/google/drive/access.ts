import type { DriveFile, Space } from "../state/drive-files.ts";

const auth = "https://www.googleapis.com/auth/";
const appFolder = [`${auth}drive.appdata`, `${auth}drive.appfolder`];
const writing = [`${auth}drive`, `${auth}drive.file`];
const reading = [...writing, `${auth}drive.readonly`];
const looking = [...reading, `${auth}drive.metadata`, `${auth}drive.metadata.readonly`];

/** What a request wants to do with a file: see that it is there, read it, or change it. */
export type Act = "look" | "read" | "write";

/** Any one of these scopes will do. The whole Drive does not include the app folder. */
export function scopesFor(act: Act, space: Space): readonly string[] {
  if (space === "appDataFolder") return appFolder;
  return { look: looking, read: reading, write: writing }[act];
}

export function reaches(granted: readonly string[], needed: readonly string[]): boolean {
  return granted.some((scope) => needed.includes(scope));
}

/** `drive.file` reaches only what the same project made; to it, other files are not there. */
export function isVisible(granted: readonly string[], project: string, file: DriveFile): boolean {
  if (file.space === "appDataFolder" || file.project === project) return true;
  return granted.some((scope) => scope !== `${auth}drive.file` && looking.includes(scope));
}
