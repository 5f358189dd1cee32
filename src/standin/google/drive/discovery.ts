const string = { type: "string" };
const query = { type: "string", location: "query" };
const fileId = { type: "string", location: "path", required: true };
const file = { $ref: "File" };

const auth = "https://www.googleapis.com/auth/";
const scopes = [`${auth}drive`, `${auth}drive.appdata`, `${auth}drive.file`];

function mediaUpload(path: string): unknown {
  return {
    accept: ["*/*"],
    maxSize: "5497558138880",
    protocols: { simple: { multipart: true, path }, resumable: { multipart: true, path } },
  };
}

const methods = {
  get: {
    id: "drive.files.get",
    path: "files/{fileId}",
    httpMethod: "GET",
    parameters: { fileId, acknowledgeAbuse: { type: "boolean", location: "query" } },
    parameterOrder: ["fileId"],
    response: file,
    scopes,
    supportsMediaDownload: true,
    useMediaDownloadService: true,
  },
  list: {
    id: "drive.files.list",
    path: "files",
    httpMethod: "GET",
    parameters: {
      spaces: query,
      q: query,
      orderBy: query,
      pageToken: query,
      pageSize: { type: "integer", format: "int32", location: "query", minimum: "1", maximum: "1000", default: "100" },
    },
    response: { $ref: "FileList" },
    scopes,
  },
  create: {
    id: "drive.files.create",
    path: "files",
    httpMethod: "POST",
    parameters: { useContentAsIndexableText: { type: "boolean", location: "query" } },
    request: file,
    response: file,
    scopes,
    supportsMediaUpload: true,
    mediaUpload: mediaUpload("/upload/drive/v3/files"),
  },
  update: {
    id: "drive.files.update",
    path: "files/{fileId}",
    httpMethod: "PATCH",
    parameters: { fileId },
    parameterOrder: ["fileId"],
    request: file,
    response: file,
    scopes,
    supportsMediaUpload: true,
    mediaUpload: mediaUpload("/upload/drive/v3/files/{fileId}"),
  },
  delete: {
    id: "drive.files.delete",
    path: "files/{fileId}",
    httpMethod: "DELETE",
    parameters: { fileId },
    parameterOrder: ["fileId"],
    scopes,
  },
};

/** Drive's API description, as far as it is served here: clients that are generated from it build the same calls. */
export function driveDiscovery(url: string): Record<string, unknown> {
  return {
    kind: "discovery#restDescription",
    discoveryVersion: "v1",
    id: "drive:v3",
    name: "drive",
    version: "v3",
    title: "Google Drive API",
    protocol: "rest",
    rootUrl: `${url}/`,
    servicePath: "drive/v3/",
    baseUrl: `${url}/drive/v3/`,
    batchPath: "batch/drive/v3",
    parameters: {
      alt: { ...query, default: "json", enum: ["json", "media"] },
      fields: query,
      key: query,
      quotaUser: query,
    },
    auth: { oauth2: { scopes: Object.fromEntries(scopes.map((scope) => [scope, { description: scope }])) } },
    schemas: {
      File: {
        id: "File",
        type: "object",
        properties: {
          kind: { ...string, default: "drive#file" },
          id: string,
          name: string,
          mimeType: string,
          description: string,
          parents: { type: "array", items: string },
          spaces: { type: "array", items: string },
          createdTime: { ...string, format: "date-time" },
          modifiedTime: { ...string, format: "date-time" },
          size: { ...string, format: "int64" },
          md5Checksum: string,
          appProperties: { type: "object", additionalProperties: string },
          properties: { type: "object", additionalProperties: string },
        },
      },
      FileList: {
        id: "FileList",
        type: "object",
        properties: {
          kind: { ...string, default: "drive#fileList" },
          nextPageToken: string,
          incompleteSearch: { type: "boolean" },
          files: { type: "array", items: file },
        },
      },
    },
    resources: { files: { methods } },
  };
}
