import { defined } from "../../defined.ts";
import { createHash } from "node:crypto";
import { json } from "../../http/messages.ts";
import type { Incoming, Note, Reply } from "../../http/messages.ts";
import { parseFields, select } from "./fields.ts";
import type { DriveFile } from "../state/drive-files.ts";
import { invalidParameter } from "./refusal.ts";

/** Everything that Drive says about a file here. */
function fileResource(file: DriveFile): Record<string, unknown> {
  const { content } = file;
  return defined({
    kind: "drive#file",
    id: file.id,
    name: file.name,
    mimeType: file.mimeType,
    description: file.description,
    starred: false,
    trashed: false,
    parents: file.parents,
    spaces: [file.space],
    createdTime: new Date(file.createdTime).toISOString(),
    modifiedTime: new Date(file.modifiedTime).toISOString(),
    ownedByMe: true,
    appProperties: file.appProperties,
    properties: file.properties,
    size: content === undefined ? undefined : String(content.length),
    md5Checksum: content === undefined ? undefined : createHash("md5").update(content).digest("hex"),
  });
}

const byDefault = parseFields("kind,id,name,mimeType");
const listByDefault = parseFields("kind,incompleteSearch,nextPageToken,files(kind,id,name,mimeType)");

/** One file, with the fields asked for; Drive's own default is four of them. */
export function fileReply(request: Incoming, file: DriveFile, note: Note): Reply {
  return shaped(request, fileResource(file), byDefault, note);
}

/** A page of files. */
export function listReply(
  request: Incoming,
  files: readonly DriveFile[],
  nextPageToken: string | undefined,
  note: Note,
): Reply {
  const list = {
    kind: "drive#fileList",
    incompleteSearch: false,
    ...defined({ nextPageToken }),
    files: files.map(fileResource),
  };
  return shaped(request, list, listByDefault, note);
}

function shaped(request: Incoming, value: unknown, preset: ReturnType<typeof parseFields>, note: Note): Reply {
  const asked = request.query.get("fields");
  const selection = asked === null || asked === "" ? preset : parseFields(asked);
  if (selection === undefined) return invalidParameter("fields", asked ?? "");
  return json(200, select(value, selection), note, { "cache-control": "no-cache, no-store, max-age=0" });
}
