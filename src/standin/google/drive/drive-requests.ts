import { admit, insufficientScope } from "../oauth/api-error.ts";
import type { Incoming, Note, Reply } from "../../http/messages.ts";
import type { Person } from "../../state/people.ts";
import type { GoogleState } from "../state/google-state.ts";
import { isVisible, reaches, scopesFor } from "./access.ts";
import type { Act } from "./access.ts";
import { folderType } from "../state/drive-files.ts";
import type { DriveFile, Metadata, Space } from "../state/drive-files.ts";
import { badBody, fileNotFound, folderStays, invalidParameter, notDownloadable } from "./refusal.ts";
import { fileReply, listReply } from "./resource.ts";
import { parseSearch } from "./search.ts";

/** Who asks, and what the bearer may do. */
export interface Caller {
  readonly person: Person;
  readonly project: string;
  readonly scopes: readonly string[];
}

function note(caller: Caller, outcome = "served"): Note {
  return { outcome, grant: caller.person.email };
}

/** Checks a Drive request against its bearer, and does what it asks. */
export class DriveRequests {
  readonly #state: GoogleState;

  constructor(state: GoogleState) {
    this.#state = state;
  }

  /** Runs `act` for a good bearer; 401 otherwise. */
  admitted(request: Incoming, act: (caller: Caller) => Reply): Reply {
    const admitted = admit(this.#state, request);
    if ("refusal" in admitted) return admitted.refusal;
    const { authorization, scopes } = admitted.token;
    return act({ person: authorization.person, project: authorization.project, scopes });
  }

  /** Runs `then` on the file that the path names, if the bearer reaches it. */
  withFile(request: Incoming, act: Act, then: (caller: Caller, file: DriveFile) => Reply): Reply {
    return this.admitted(request, (caller) => {
      const id = request.params["fileId"] ?? "";
      const file = this.#state.files.find(caller.person, caller.project, id);
      // Scopes are checked first: a bearer without a scope for a space must not learn what is in it.
      const space = file?.space ?? (reaches(caller.scopes, scopesFor(act, "drive")) ? "drive" : "appDataFolder");
      const refusal = this.#outOfReach(caller, act, space);
      if (refusal !== undefined) return refusal;
      if (file === undefined || !isVisible(caller.scopes, caller.project, file)) return fileNotFound(id);
      return then(caller, file);
    });
  }

  #outOfReach(caller: Caller, act: Act, space: Space): Reply | undefined {
    const needed = scopesFor(act, space);
    if (reaches(caller.scopes, needed)) return undefined;
    return insufficientScope(needed, "drive.googleapis.com", `drive.files.${act}`, caller.person.email);
  }

  get(request: Incoming, caller: Caller, file: DriveFile): Reply {
    if (request.query.get("alt") !== "media") return fileReply(request, file, note(caller));
    const refusal = this.#outOfReach(caller, "read", file.space);
    if (refusal !== undefined) return refusal;
    if (file.content === undefined) return notDownloadable;
    return { status: 200, headers: { "content-type": file.mimeType }, body: file.content, note: note(caller) };
  }

  list(request: Incoming, caller: Caller): Reply {
    const { query } = request;
    const spaces = spacesOf(query.get("spaces") ?? "drive");
    if (spaces === undefined) return invalidParameter("spaces", query.get("spaces") ?? "");
    for (const space of spaces) {
      const refusal = this.#outOfReach(caller, "look", space);
      if (refusal !== undefined) return refusal;
    }
    const { files } = this.#state;
    const resolve = (parent: string): string => files.find(caller.person, caller.project, parent)?.id ?? parent;
    const search = parseSearch(query.get("q") ?? "", resolve);
    if (search === undefined) return invalidParameter("q", query.get("q") ?? "");
    const size = Number(query.get("pageSize") ?? "100");
    if (!Number.isInteger(size) || size < 1 || size > 1_000)
      return invalidParameter("pageSize", query.get("pageSize") ?? "");
    const from = pageStart(query.get("pageToken"));
    if (from === undefined) return invalidParameter("pageToken", query.get("pageToken") ?? "");
    const found = files
      .list(caller.person, caller.project, spaces)
      .filter((file) => isVisible(caller.scopes, caller.project, file) && search(file));
    const next = from + size < found.length ? pageToken(from + size) : undefined;
    return listReply(request, found.slice(from, from + size), next, note(caller));
  }

  create(request: Incoming, caller: Caller, metadata: Metadata, content: Buffer | undefined): Reply {
    const parent = this.parentFor(caller, metadata);
    if ("refusal" in parent) return parent.refusal;
    const { person, project } = caller;
    const file = this.#state.files.create(person, project, parent.folder, metadata, content);
    return fileReply(request, file, note(caller, "file_created"));
  }

  /** The folder that a new file goes to, where the bearer may write to it. */
  parentFor(caller: Caller, metadata: Metadata): { folder: DriveFile } | { refusal: Reply } {
    const [parent = "root", ...others] = metadata.parents ?? [];
    if (others.length > 0) return { refusal: badBody("A shortcut or file can have only one parent.", "invalid") };
    const folder = this.#state.files.find(caller.person, caller.project, parent);
    const refusal = this.#outOfReach(caller, "write", folder?.space ?? "drive");
    if (refusal !== undefined) return { refusal };
    return folder === undefined || folder.mimeType !== folderType ? { refusal: fileNotFound(parent) } : { folder };
  }

  update(request: Incoming, caller: Caller, file: DriveFile, metadata: Metadata, content: Buffer | undefined): Reply {
    if (file.parents.length === 0) return folderStays;
    return fileReply(request, this.#state.files.update(file, metadata, content), note(caller, "file_updated"));
  }

  remove(caller: Caller, file: DriveFile): Reply {
    if (file.parents.length === 0) return folderStays;
    this.#state.files.remove(caller.person, file);
    return { status: 204, note: note(caller, "file_deleted") };
  }
}

function spacesOf(given: string): ReadonlySet<Space> | undefined {
  const spaces = given.split(",").map((space) => space.trim());
  const known = spaces.filter((space): space is Space => space === "drive" || space === "appDataFolder");
  return known.length === spaces.length ? new Set(known) : undefined;
}

function pageToken(from: number): string {
  return Buffer.from(`from:${String(from)}`).toString("base64url");
}

function pageStart(token: string | null): number | undefined {
  if (token === null || token === "") return 0;
  const from = /^from:(\d+)$/.exec(Buffer.from(token, "base64url").toString())?.[1];
  return from === undefined ? undefined : Number(from);
}
