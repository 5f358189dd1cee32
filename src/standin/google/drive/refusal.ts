import { apiError } from "../oauth/api-error.ts";
import type { Reply } from "../../http/messages.ts";

/** Drive's words for what it refuses. */
export function fileNotFound(id: string): Reply {
  return apiError(
    { status: 404, message: `File not found: ${id}.`, reason: "notFound", location: "fileId" },
    "not_found",
  );
}

export function invalidParameter(name: string, value: string): Reply {
  return apiError(
    { status: 400, message: `Invalid value for ${name}: ${value}`, reason: "invalid", location: name },
    "invalid_request",
  );
}

export function badBody(message: string, reason = "parseError"): Reply {
  return apiError({ status: 400, message, reason }, "invalid_request");
}

export const notDownloadable: Reply = apiError(
  {
    status: 403,
    message: "Only files with binary content can be downloaded.",
    reason: "fileNotDownloadable",
    location: "alt",
  },
  "not_downloadable",
);

export const folderStays: Reply = apiError(
  {
    status: 403,
    message: "The user does not have sufficient permissions for this file.",
    reason: "insufficientFilePermissions",
  },
  "forbidden",
);
