import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Standin } from "../../../../src/standin/index.ts";
import { testStandin } from "../../../support/test-standin.ts";
import { type Answered, appData, call, exchange, grant, json } from "../../talk.ts";

const drive = "https://www.googleapis.com/auth/drive";
const files = "/drive/v3/files";
const upload = "/upload/drive/v3/files";

const get = async (standin: Standin, path: string, bearer: string): Promise<Answered> =>
  json(await call(standin, path, bearer));

const create = async (standin: Standin, bearer: string, metadata: unknown, query = ""): Promise<Answered> =>
  json(
    await call(standin, files + query, bearer, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(metadata),
    }),
  );

interface DriveError {
  readonly code: number;
  readonly status?: string;
  readonly errors: { readonly reason: string }[];
  readonly details?: { readonly reason: string }[];
}

const errorOf = (answer: Answered): DriveError => answer.body["error"] as DriveError;

describe("the app folder", () => {
  test("the app folder answers to both aliases with Drive's four fields, and with an id of its own", async () => {
    await using standin = await testStandin();
    const { accessToken } = await grant(standin);
    const answers = await Promise.all(
      ["appfolder", "appDataFolder"].map((alias) => get(standin, `${files}/${alias}`, accessToken)),
    );
    const [older, current] = answers.map(({ body }) => body);
    assert.deepEqual(older, current);
    assert.deepEqual(Object.keys(older ?? {}), ["kind", "id", "name", "mimeType"]);
    assert.deepEqual([older?.["kind"], older?.["mimeType"]], ["drive#file", "application/vnd.google-apps.folder"]);
    assert.match(String(older?.["id"]), /^[\w-]{25,}$/);
    assert.deepEqual((await get(standin, `${files}/${String(older?.["id"])}`, accessToken)).body, older);
  });

  test("the app folder is one person's and one project's alone", async () => {
    await using standin = await testStandin();
    const other = standin.client({ clientId: "42-other.apps.googleusercontent.com" });
    const mine = (await grant(standin)).accessToken;
    const carls = (await grant(standin, "carl@example.com")).accessToken;
    const otherProject = await exchange(
      standin,
      standin.code({ email: "ada@example.com", clientId: other.clientId, scope: appData }),
      { client_id: other.clientId, client_secret: other.clientSecret ?? "" },
    );
    const file = await create(standin, mine, { name: "state.json", parents: ["appDataFolder"] });
    const path = `${files}/${String(file.body["id"])}`;
    assert.equal((await get(standin, path, mine)).status, 200);
    for (const bearer of [carls, String(otherProject.body["access_token"])]) {
      assert.equal(errorOf(await get(standin, path, bearer)).errors[0]?.reason, "notFound");
      assert.deepEqual((await get(standin, `${files}?spaces=appDataFolder`, bearer)).body["files"], []);
    }
  });

  test("the app folder keeps what is put in: create, read, list, change, delete", async () => {
    await using standin = await testStandin();
    const bearer = (await grant(standin)).accessToken;
    const boundary = "b-1";
    const parts = [
      `--${boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n`,
      JSON.stringify({ name: "it's.json", parents: ["appDataFolder"], appProperties: { kind: "settings" } }),
      `\r\n--${boundary}\r\nContent-Type: application/json\r\n\r\n{"theme":"dark"}\r\n--${boundary}--`,
    ];
    const made = await json(
      await call(standin, `${upload}?uploadType=multipart&fields=*`, bearer, {
        method: "POST",
        headers: { "content-type": `multipart/related; boundary="${boundary}"` },
        body: parts.join(""),
      }),
    );
    assert.equal(made.status, 200);
    assert.deepEqual([made.body["size"], made.body["mimeType"]], ["16", "application/json"]);
    assert.deepEqual(made.body["spaces"], ["appDataFolder"]);
    const path = `${files}/${String(made.body["id"])}`;
    const media = await call(standin, `${path}?alt=media`, bearer);
    assert.deepEqual([media.headers.get("content-type"), await media.text()], ["application/json", '{"theme":"dark"}']);

    const query = new URLSearchParams({
      spaces: "appDataFolder",
      q: String.raw`name = 'it\'s.json' and trashed = false`,
    });
    const listed = await get(standin, `${files}?${query.toString()}&fields=files(id,name)`, bearer);
    assert.deepEqual(listed.body, { files: [{ id: made.body["id"], name: "it's.json" }] });

    standin.advance(5_000);
    const changed = await json(
      await call(
        standin,
        `${upload}/${String(made.body["id"])}?uploadType=media&fields=name,createdTime,modifiedTime`,
        bearer,
        {
          method: "PATCH",
          headers: { "content-type": "application/json" },
          body: "{}",
        },
      ),
    );
    assert.equal(changed.body["name"], "it's.json");
    assert.ok(String(changed.body["modifiedTime"]) > String(changed.body["createdTime"]));
    const renamed = await json(
      await call(standin, path, bearer, { method: "PATCH", body: JSON.stringify({ name: "new.json" }) }),
    );
    assert.equal(renamed.body["name"], "new.json");
    assert.equal((await call(standin, path, bearer, { method: "DELETE" })).status, 204);
    assert.equal((await get(standin, path, bearer)).status, 404);
  });

  test("the app folder takes an upload in pieces", async () => {
    await using standin = await testStandin();
    const bearer = (await grant(standin)).accessToken;
    const begun = await call(standin, `${upload}?uploadType=resumable`, bearer, {
      method: "POST",
      headers: { "content-type": "application/json", "x-upload-content-type": "text/plain" },
      body: JSON.stringify({ name: "long.txt", parents: ["appDataFolder"] }),
    });
    const location = new URL(begun.headers.get("location") ?? "");
    const piece = (body: string, range: string): Promise<Response> =>
      call(standin, location.pathname + location.search, bearer, {
        method: "PUT",
        headers: { "content-range": range },
        body,
      });
    const first = await piece("hello ", "bytes 0-5/11");
    assert.deepEqual([first.status, first.headers.get("range")], [308, "bytes=0-5"]);
    assert.equal(
      (await piece("again!", "bytes 0-5/11")).headers.get("range"),
      "bytes=0-5",
      "a repeated piece changes nothing",
    );
    assert.equal((await piece("", "bytes */11")).status, 308);
    const last = await json(await piece("there", "bytes 6-10/11"));
    assert.deepEqual([last.status, last.body["mimeType"]], [200, "text/plain"]);
    const media = await call(standin, `${files}/${String(last.body["id"])}?alt=media`, bearer);
    assert.equal(await media.text(), "hello there");
    assert.equal((await piece("x", "bytes 0-0/1")).status, 404, "it is over");
  });

  test("the app folder comes in pages", async () => {
    await using standin = await testStandin();
    const bearer = (await grant(standin)).accessToken;
    for (const name of ["a", "b", "c"]) await create(standin, bearer, { name, parents: ["appDataFolder"] });
    const names: string[] = [];
    let pageToken = "";
    do {
      const query = new URLSearchParams({ spaces: "appDataFolder", pageSize: "2", pageToken });
      const { body } = await get(standin, `${files}?${query.toString()}`, bearer);
      names.push(...(body["files"] as { name: string }[]).map(({ name }) => name));
      pageToken = (body["nextPageToken"] as string | undefined) ?? "";
    } while (pageToken !== "");
    assert.deepEqual(names, ["c", "b", "a"], "newest first");
  });
});

describe("who may do what", () => {
  const table: [name: string, scope: string, path: string, status: number][] = [
    ["the app folder with its scope", appData, `${files}/appfolder`, 200],
    ["the app folder with all of Drive", drive, `${files}/appfolder`, 403],
    ["the app folder with sign-in only", "openid email", `${files}/appfolder`, 403],
    ["a list of the app folder without its scope", drive, `${files}?spaces=appDataFolder`, 403],
    ["a list of Drive with the app folder's scope", appData, files, 403],
    ["a list of Drive", `${drive}.readonly`, files, 200],
    ["the root", `${drive}.file`, `${files}/root`, 404],
    ["the root with all of Drive", drive, `${files}/root`, 200],
  ];
  for (const [name, scope, path, status] of table) {
    test(`rights in Drive: ${name}: ${String(status)}`, async () => {
      await using standin = await testStandin();
      const { accessToken } = await grant(standin, "ada@example.com", scope);
      const answer = await get(standin, path, accessToken);
      assert.equal(answer.status, status);
      if (status !== 403) return;
      const { status: rpc, errors, details } = errorOf(answer);
      assert.deepEqual(
        [rpc, errors[0]?.reason, details?.[0]?.reason],
        ["PERMISSION_DENIED", "insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"],
      );
      assert.match(answer.headers.get("www-authenticate") ?? "", /error="insufficient_scope", scope="https:[^"]+"/);
    });
  }

  test("rights in Drive: unknown, expired and revoked bearers look the same: 401", async () => {
    await using standin = await testStandin();
    const revoked = (await grant(standin)).accessToken;
    standin.revoke("ada@example.com");
    const expired = (await grant(standin)).accessToken;
    standin.advance(3_600_000);
    for (const bearer of ["ya29.unknown", revoked, expired]) {
      const answer = await get(standin, `${files}/appfolder`, bearer);
      assert.equal(answer.status, 401);
      assert.equal(
        answer.headers.get("www-authenticate"),
        'Bearer realm="https://accounts.google.com/", error="invalid_token"',
      );
      assert.deepEqual([errorOf(answer).code, errorOf(answer).status], [401, "UNAUTHENTICATED"]);
    }
    const none = await fetch(`${standin.url}${files}/appfolder`);
    assert.deepEqual(
      [none.status, none.headers.get("www-authenticate")],
      [401, 'Bearer realm="https://accounts.google.com/"'],
    );
  });

  test("rights in Drive: drive.file reaches what the same project made, and nothing else", async () => {
    await using standin = await testStandin();
    const other = standin.client({ clientId: "42-other.apps.googleusercontent.com" });
    const code = standin.code({ email: "ada@example.com", clientId: other.clientId, scope: `${drive}.file` });
    const theirs = await exchange(standin, code, {
      client_id: other.clientId,
      client_secret: other.clientSecret ?? "",
    });
    const mine = (await grant(standin, "ada@example.com", `${drive}.file`)).accessToken;
    const made = await create(standin, mine, { name: "mine.txt" });
    const path = `${files}/${String(made.body["id"])}`;
    assert.equal((await get(standin, path, mine)).status, 200);
    assert.equal((await get(standin, path, String(theirs.body["access_token"]))).status, 404);
  });
});

describe("requests that make no sense", () => {
  const table: [
    name: string,
    path: string,
    init: RequestInit & { headers?: Record<string, string> },
    status: number,
  ][] = [
    ["a search term it does not know", `${files}?spaces=appDataFolder&q=${encodeURIComponent("size > 3")}`, {}, 400],
    ["fields without sense", `${files}/appfolder?fields=${encodeURIComponent("id(")}`, {}, 400],
    ["a page size", `${files}?spaces=appDataFolder&pageSize=0`, {}, 400],
    ["a page token", `${files}?spaces=appDataFolder&pageToken=x`, {}, 400],
    ["a space", `${files}?spaces=photos`, {}, 400],
    ["metadata that is not JSON", files, { method: "POST", body: "{" }, 400],
    ["a name that is no string", files, { method: "POST", body: '{"name":1}' }, 400],
    ["two parents", files, { method: "POST", body: '{"parents":["appDataFolder","appfolder"]}' }, 400],
    ["a multipart body without boundary", `${upload}?uploadType=multipart`, { method: "POST", body: "x" }, 400],
    ["an upload type", `${upload}?uploadType=carrier-pigeon`, { method: "POST", body: "x" }, 400],
    ["the folder's own media", `${files}/appfolder?alt=media`, {}, 403],
    ["deleting the folder", `${files}/appfolder`, { method: "DELETE" }, 403],
    ["a file that is not there", `${files}/nothing`, {}, 404],
    ["an id that cannot be decoded", `${files}/%E0%A4%A`, {}, 404],
    ["a method", files, { method: "PUT", body: "x" }, 405],
  ];
  for (const [name, path, init, status] of table) {
    test(`a Drive request that makes no sense: ${name}: ${String(status)}`, async () => {
      await using standin = await testStandin();
      const { accessToken } = await grant(standin);
      const answer = await json(await call(standin, path, accessToken, init));
      assert.equal(answer.status, status);
      assert.equal(errorOf(answer).code, status);
    });
  }
});
