import { defined } from "../../defined.ts";
import { randomBytes } from "node:crypto";
import type { OwnClock } from "../../clock.ts";
import type { Person } from "../../state/people.ts";

export const folderType = "application/vnd.google-apps.folder";

export type Space = "drive" | "appDataFolder";

export interface DriveFile {
  readonly id: string;
  name: string;
  mimeType: string;
  readonly parents: readonly string[];
  readonly space: Space;
  /** The project whose app made it: an app folder is one project's alone, and `drive.file` reaches only its own. */
  readonly project: string | undefined;
  readonly createdTime: number;
  modifiedTime: number;
  description?: string;
  appProperties?: Readonly<Record<string, string>>;
  properties?: Readonly<Record<string, string>>;
  content: Buffer | undefined;
}

/** What a client may say about a file. */
export type Metadata = Partial<
  Pick<DriveFile, "name" | "mimeType" | "parents" | "description" | "appProperties" | "properties">
>;

interface Drive {
  readonly root: DriveFile;
  readonly appFolders: Map<string, DriveFile>;
  /** Everything but the roots, in the order it was made. */
  readonly files: Map<string, DriveFile>;
}

function newId(prefix: string): string {
  return `${prefix}${randomBytes(24).toString("base64url")}`;
}

const aliases = new Set(["appfolder", "appDataFolder"]);

/** Files by person and project, in memory. */
export class Files {
  readonly #clock: OwnClock;
  readonly #drives = new Map<string, Drive>();

  constructor(clock: OwnClock) {
    this.#clock = clock;
  }

  #new(id: string, file: Pick<DriveFile, "name" | "mimeType" | "parents" | "space" | "project">): DriveFile {
    const now = this.#clock.now();
    return { id, ...file, createdTime: now, modifiedTime: now, content: undefined };
  }

  #driveOf(person: Person): Drive {
    const known = this.#drives.get(person.sub);
    if (known !== undefined) return known;
    const root = { name: "My Drive", mimeType: folderType, parents: [], space: "drive", project: undefined } as const;
    const drive: Drive = { root: this.#new(newId("0A"), root), appFolders: new Map(), files: new Map() };
    this.#drives.set(person.sub, drive);
    return drive;
  }

  /** The app folder of this person and project. It has an id of its own; `appDataFolder` is only what it is called. */
  appFolder(person: Person, project: string): DriveFile {
    const { appFolders } = this.#driveOf(person);
    const known = appFolders.get(project);
    if (known !== undefined) return known;
    const file = { name: "Application Data", mimeType: folderType, parents: [], project } as const;
    const folder = this.#new(newId("1"), { ...file, space: "appDataFolder" });
    appFolders.set(project, folder);
    return folder;
  }

  /** The file that this id or alias means to this person and project. Other projects' app folders do not exist for it. */
  find(person: Person, project: string, idOrAlias: string): DriveFile | undefined {
    if (aliases.has(idOrAlias)) return this.appFolder(person, project);
    const drive = this.#driveOf(person);
    if (idOrAlias === "root" || idOrAlias === drive.root.id) return drive.root;
    const folder = drive.appFolders.get(project);
    if (folder?.id === idOrAlias) return folder;
    const file = drive.files.get(idOrAlias);
    return file?.space === "appDataFolder" && file.project !== project ? undefined : file;
  }

  /** What this person has in a space, newest first, as far as this project can know of it. */
  list(person: Person, project: string, spaces: ReadonlySet<Space>): DriveFile[] {
    return [...this.#driveOf(person).files.values()]
      .filter((file) => spaces.has(file.space) && (file.space === "drive" || file.project === project))
      .toReversed();
  }

  /** Makes a file in `parent`. */
  create(
    person: Person,
    project: string,
    parent: DriveFile,
    metadata: Metadata,
    content: Buffer | undefined,
  ): DriveFile {
    const file = this.#new(newId("1"), {
      name: metadata.name ?? "Untitled",
      mimeType: metadata.mimeType ?? "application/octet-stream",
      parents: [parent.id],
      space: parent.space,
      project,
    });
    file.content = file.mimeType === folderType ? undefined : (content ?? Buffer.alloc(0));
    const drive = this.#driveOf(person);
    drive.files.set(file.id, Object.assign(file, described(metadata)));
    return file;
  }

  update(file: DriveFile, metadata: Metadata, content: Buffer | undefined): DriveFile {
    const { name = file.name, mimeType = file.mimeType } = metadata;
    Object.assign(file, described(metadata), { name, mimeType, modifiedTime: this.#clock.now() });
    if (content !== undefined) file.content = content;
    return file;
  }

  /** Removes a file; a folder with everything in it. */
  remove(person: Person, file: DriveFile): void {
    const { files } = this.#driveOf(person);
    files.delete(file.id);
    for (const child of files.values()) {
      if (child.parents.includes(file.id)) this.remove(person, child);
    }
  }
}

function described({ description, appProperties, properties }: Metadata): Metadata {
  return defined({ description, appProperties, properties });
}
