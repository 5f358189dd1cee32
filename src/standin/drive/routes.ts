import { admit, apiError, insufficientScope } from "../api-error.ts";
import { type Handler, json } from "../http.ts";
import { type Route } from "../router.ts";
import { type World } from "../world.ts";

const auth = "https://www.googleapis.com/auth/";
const appData = [`${auth}drive.appdata`, `${auth}drive.appfolder`];

/** The part of Drive v3 that an app with a folder of its own needs. */
export function driveRoutes(world: World): Route[] {
  const get: Handler = (request) => {
    const admitted = admit(world, request);
    if ("refusal" in admitted) return admitted.refusal;
    const { token } = admitted;
    const { person, project } = token.authorization;
    if (!token.scopes.some((scope) => appData.includes(scope))) {
      return insufficientScope(appData, "drive.googleapis.com", "google.apps.drive.v3.DriveFiles.Get", person.email);
    }
    const id = request.params["fileId"] ?? "";
    const folder = world.files.appFolder(person, project);
    if (id !== folder.id && id !== "appfolder" && id !== "appDataFolder") {
      return apiError(
        { status: 404, message: `File not found: ${id}.`, reason: "notFound", location: "fileId" },
        "not_found",
      );
    }
    const { name, mimeType } = folder;
    return json(200, { kind: "drive#file", id: folder.id, name, mimeType }, { outcome: "served", grant: person.email });
  };
  return [{ at: ["/drive/v3/files/{fileId}"], GET: get }];
}
