/**
 * The part of Google Drive v3 that an app with a folder of its own needs: an API that tests and the demo call with the
 * tokens. How a bearer is told good from bad is in `oauth/` and `state/`, and no other Google API is imitated.
 */

import { json } from "../../http/messages.ts";
import type { Incoming, Reply } from "../../http/messages.ts";
import type { Route } from "../../http/router.ts";
import type { GoogleState } from "../state/google-state.ts";
import { DriveRequests } from "./drive-requests.ts";
import { driveDiscovery } from "./discovery.ts";
import type { Metadata } from "../state/drive-files.ts";
import { badBody } from "./refusal.ts";
import { parseMetadata } from "./upload-body.ts";
import { uploads } from "./upload-routes.ts";

/** The part of Drive v3 that an app with a folder of its own needs: get, list, create, update, delete. */
export function driveRoutes(state: GoogleState): Route[] {
  const requests = new DriveRequests(state);
  const { start, piece } = uploads(requests, state.url);
  const described = (request: Incoming, then: (metadata: Metadata) => Reply): Reply => {
    const metadata = parseMetadata(request.body);
    return metadata === undefined ? badBody("Parse Error") : then(metadata);
  };
  return [
    {
      at: ["/drive/v3/files"],
      GET: (request) => requests.admitted(request, (caller) => requests.list(request, caller)),
      POST: (request) =>
        requests.admitted(request, (caller) =>
          described(request, (metadata) => requests.create(request, caller, metadata, undefined)),
        ),
    },
    {
      at: ["/drive/v3/files/{fileId}"],
      GET: (request) => requests.withFile(request, "look", (caller, file) => requests.get(request, caller, file)),
      PATCH: (request) =>
        requests.withFile(request, "write", (caller, file) =>
          described(request, (metadata) => requests.update(request, caller, file, metadata, undefined)),
        ),
      DELETE: (request) => requests.withFile(request, "write", (caller, file) => requests.remove(caller, file)),
    },
    { at: ["/upload/drive/v3/files"], POST: start, PUT: piece },
    { at: ["/upload/drive/v3/files/{fileId}"], PATCH: start, PUT: piece },
    {
      at: ["/discovery/v1/apis/drive/v3/rest", "/$discovery/rest"],
      GET: () => json(200, driveDiscovery(state.url), { outcome: "served" }),
    },
  ];
}
