import { randomUUID } from "node:crypto";
import { OnbehalfError } from "../index.ts";
import type { GrantRef, Vault } from "../index.ts";
import { readBody } from "../vault/http/request-body.ts";
import { forbiddenResponse } from "../service/http/proxy.ts";

/** A small text in the person's Drive, in the folder that only this app sees. */
export interface Note {
  readonly id: string;
  readonly name: string;
  readonly modified_at: string;
}

const files = "https://www.googleapis.com/drive/v3/files";
const uploads = "https://www.googleapis.com/upload/drive/v3/files";

interface DriveFile {
  readonly id: string;
  readonly name: string;
  readonly modifiedTime: string;
}

/** Stores a text in the app folder, in one request of two parts: metadata and content. */
export async function storeNote(vault: Vault, ref: GrantRef, name: string, text: string): Promise<Note> {
  const boundary = `note-${randomUUID()}`;
  const metadata = JSON.stringify({ name, mimeType: "text/plain", parents: ["appDataFolder"] });
  const body = [
    `--${boundary}`,
    "Content-Type: application/json; charset=UTF-8",
    "",
    metadata,
    `--${boundary}`,
    "Content-Type: text/plain; charset=UTF-8",
    "",
    text,
    `--${boundary}--`,
    "",
  ].join("\r\n");
  const response = await call(vault, ref, `${uploads}?uploadType=multipart&fields=id,name,modifiedTime`, {
    method: "POST",
    headers: { "content-type": `multipart/related; boundary=${boundary}` },
    body,
  });
  return noteOf((await response.json()) as DriveFile);
}

/** The notes in the app folder, newest first. */
export async function listNotes(vault: Vault, ref: GrantRef): Promise<readonly Note[]> {
  const query = "spaces=appDataFolder&pageSize=20&fields=files(id,name,modifiedTime)";
  const response = await call(vault, ref, `${files}?${query}`);
  return ((await response.json()) as { files: readonly DriveFile[] }).files.map(noteOf);
}

/** The text of a note. */
export async function readNote(vault: Vault, ref: GrantRef, id: string): Promise<string> {
  return readBody(await call(vault, ref, `${files}/${encodeURIComponent(id)}?alt=media`));
}

/** Deletes a note for good. */
export async function deleteNote(vault: Vault, ref: GrantRef, id: string): Promise<void> {
  await call(vault, ref, `${files}/${encodeURIComponent(id)}`, { method: "DELETE" });
}

/**
 * Calls Drive on the person's behalf: the vault adds a valid token, after a refresh where that is needed.
 *
 * @throws {OnbehalfError} `insufficient_scope`, `not_found`, `provider_unavailable`, and as `Vault.fetch`
 */
async function call(vault: Vault, ref: GrantRef, url: string, init?: RequestInit): Promise<Response> {
  const response = await vault.fetch(ref, url, init);
  if (response.ok) return response;
  if (response.status === 403) await forbiddenResponse(response, await vault.grant(ref), new URL(url));
  await response.body?.cancel();
  if (response.status === 404) {
    throw new OnbehalfError("not_found", "this note is not in the app folder", {
      hint: "read the folder again; the stand-in forgets its files when it stops",
      details: {},
    });
  }
  throw new OnbehalfError("provider_unavailable", `drive answered ${response.status}`, {
    hint: "try again; the grant has not changed",
    details: { issuer: "https://accounts.google.com", retryAfterMs: 1_000 },
  });
}

function noteOf({ id, name, modifiedTime }: DriveFile): Note {
  return { id, name, modified_at: modifiedTime };
}
