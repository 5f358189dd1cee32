import { randomBytes } from "node:crypto";
import { type OwnClock } from "../clock.ts";
import { type Person } from "../people.ts";

export const folderType = "application/vnd.google-apps.folder";

export interface DriveFile {
  readonly id: string;
  name: string;
  mimeType: string;
  parents: string[];
  readonly space: "drive" | "appDataFolder";
  /** The project whose app made it: an app folder is one project's alone, and `drive.file` reaches only these. */
  readonly project: string | undefined;
  readonly createdTime: number;
  modifiedTime: number;
  content: Buffer | undefined;
}

/** One person's Drive. */
export interface Drive {
  readonly root: DriveFile;
  readonly appFolders: Map<string, DriveFile>;
  readonly files: Map<string, DriveFile>;
}

const newId = (prefix: string): string => `${prefix}${randomBytes(24).toString("base64url")}`;

export class Files {
  readonly #clock: OwnClock;
  readonly #drives = new Map<string, Drive>();

  constructor(clock: OwnClock) {
    this.#clock = clock;
  }

  #folder(id: string, name: string, space: DriveFile["space"], project: string | undefined): DriveFile {
    const now = this.#clock.now();
    return {
      id,
      name,
      mimeType: folderType,
      parents: [],
      space,
      project,
      createdTime: now,
      modifiedTime: now,
      content: undefined,
    };
  }

  driveOf(person: Person): Drive {
    const known = this.#drives.get(person.sub);
    if (known !== undefined) return known;
    const root = this.#folder(newId("0A"), "My Drive", "drive", undefined);
    const drive: Drive = { root, appFolders: new Map(), files: new Map() };
    this.#drives.set(person.sub, drive);
    return drive;
  }

  /** The app folder of this person and project. It has an id of its own; `appDataFolder` is only what it is called. */
  appFolder(person: Person, project: string): DriveFile {
    const { appFolders } = this.driveOf(person);
    const known = appFolders.get(project);
    if (known !== undefined) return known;
    const folder = this.#folder(newId("1"), "Application Data", "appDataFolder", project);
    appFolders.set(project, folder);
    return folder;
  }
}
