import type { Handler, Incoming, Reply } from "../../http/messages.ts";
import type { Caller, DriveRequests } from "./drive-requests.ts";
import { badBody, invalidParameter } from "./refusal.ts";
import { parseRange, Sessions } from "./resumable.ts";
import type { Session } from "./resumable.ts";
import { mediaUpload, multipartUpload, parseMetadata } from "./upload-body.ts";
import type { Upload } from "./upload-body.ts";

/** `/upload/…`: content in one request, with its metadata in the same one, or in pieces. */
export function uploads(requests: DriveRequests, url: string): { start: Handler; piece: Handler } {
  const sessions = new Sessions();

  /** Stores what came: as a new file, or as new content of the one that the path names. */
  const store = (request: Incoming, fileId: string | undefined, upload: Upload): Reply => {
    const { metadata, content } = upload;
    if (fileId === undefined) {
      return requests.admitted(request, (caller) => requests.create(request, caller, metadata, content));
    }
    const named = { ...request, params: { fileId } };
    return requests.withFile(named, "write", (caller, file) => requests.update(named, caller, file, metadata, content));
  };

  /** Opens a session, where the bearer may write to the place: what can be refused must be refused before the pieces come. */
  const begin = (request: Incoming, fileId: string | undefined): Reply => {
    const metadata = parseMetadata(request.body);
    if (metadata === undefined) return badBody("Parse Error");
    const mimeType = metadata.mimeType ?? request.headers["x-upload-content-type"];
    const withType = { ...metadata, ...(typeof mimeType === "string" ? { mimeType } : {}) };
    const open = (caller: Caller): Reply => {
      const session = sessions.begin({ owner: ownerOf(caller), fileId, metadata: withType });
      const location = `${url}${request.path}?uploadType=resumable&upload_id=${session.id}`;
      const headers = { location, "x-guploader-uploadid": session.id };
      return { status: 200, headers, note: { outcome: "upload_begun", grant: caller.person.email } };
    };
    if (fileId !== undefined) return requests.withFile(request, "write", open);
    return requests.admitted(request, (caller) => {
      const parent = requests.parentFor(caller, withType);
      return "refusal" in parent ? parent.refusal : open(caller);
    });
  };

  const start: Handler = (request) => {
    const fileId = request.params["fileId"];
    const kind = request.query.get("uploadType") ?? "media";
    if (kind === "media") return store(request, fileId, mediaUpload(request));
    if (kind === "resumable") return begin(request, fileId);
    if (kind !== "multipart") return invalidParameter("uploadType", kind);
    const upload = multipartUpload(request);
    return upload === undefined ? badBody("Malformed multipart body.", "badContent") : store(request, fileId, upload);
  };

  const piece: Handler = (request) =>
    requests.admitted(request, (caller) => {
      const session = sessions.find(request.query.get("upload_id") ?? "");
      if (session === undefined || session.owner !== ownerOf(caller)) {
        return {
          status: 404,
          headers: { "content-type": "text/plain" },
          body: "Not Found",
          note: { outcome: "not_found" },
        };
      }
      const range = parseRange(request.headers["content-range"], request.body.length);
      if (range === undefined) return badBody("Invalid Content-Range.", "invalid");
      if (range.start !== undefined) {
        if (range.start !== session.received) return soFar(session, caller);
        session.pieces.push(request.body);
        session.received += request.body.length;
      }
      if (range.total === undefined || session.received < range.total) return soFar(session, caller);
      sessions.end(session);
      return store(request, session.fileId, { metadata: session.metadata, content: Buffer.concat(session.pieces) });
    });

  return { start, piece };
}

function ownerOf(caller: Caller): string {
  return `${caller.project} ${caller.person.sub}`;
}

/** 308: continue from here. */
function soFar(session: Session, caller: Caller): Reply {
  const range = session.received === 0 ? {} : { range: `bytes=0-${String(session.received - 1)}` };
  return { status: 308, headers: range, note: { outcome: "upload_continues", grant: caller.person.email } };
}
