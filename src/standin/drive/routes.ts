import { json } from "../http/messages.ts";
import type { Incoming, Reply } from "../http/messages.ts";
import type { Route } from "../http/router.ts";
import type { StandinState } from "../state/standin-state.ts";
import { DriveRequests } from "./drive-requests.ts";
import { driveDiscovery } from "./discovery.ts";
import type { Metadata } from "./files.ts";
import { badBody } from "./refusal.ts";
import { parseMetadata } from "./upload-body.ts";
import { uploads } from "./upload-routes.ts";

/** The part of Drive v3 that an app with a folder of its own needs: get, list, create, update, delete. */
export function driveRoutes(world: StandinState): Route[] {
  const desk = new DriveRequests(world);
  const { start, piece } = uploads(desk, world.url);
  const described = (request: Incoming, then: (metadata: Metadata) => Reply): Reply => {
    const metadata = parseMetadata(request.body);
    return metadata === undefined ? badBody("Parse Error") : then(metadata);
  };
  return [
    {
      at: ["/drive/v3/files"],
      GET: (request) => desk.admitted(request, (caller) => desk.list(request, caller)),
      POST: (request) =>
        desk.admitted(request, (caller) =>
          described(request, (metadata) => desk.create(request, caller, metadata, undefined)),
        ),
    },
    {
      at: ["/drive/v3/files/{fileId}"],
      GET: (request) => desk.withFile(request, "look", (caller, file) => desk.get(request, caller, file)),
      PATCH: (request) =>
        desk.withFile(request, "write", (caller, file) =>
          described(request, (metadata) => desk.update(request, caller, file, metadata, undefined)),
        ),
      DELETE: (request) => desk.withFile(request, "write", (caller, file) => desk.remove(caller, file)),
    },
    { at: ["/upload/drive/v3/files"], POST: start, PUT: piece },
    { at: ["/upload/drive/v3/files/{fileId}"], PATCH: start, PUT: piece },
    {
      at: ["/discovery/v1/apis/drive/v3/rest", "/$discovery/rest"],
      GET: () => json(200, driveDiscovery(world.url), { outcome: "served" }),
    },
  ];
}
