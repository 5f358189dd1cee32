import { defined } from "../../defined.ts";
import { isLoopback } from "../../state/loopback.ts";
import { newClientSecret } from "./opaque-values.ts";

/** What kind of program a client is for. */
export type ClientKind = "web" | "installed" | "android" | "ios";

/** An OAuth client as the Cloud console registers it. */
export interface Client {
  readonly id: string;
  /** The part of the id before the dash: revocation and the app folder belong to the project, not to the client. */
  readonly project: string;
  readonly kind: ClientKind;
  /** Phone clients have none. */
  readonly secret: string | undefined;
  name: string;
  redirectUris: string[];
  javascriptOrigins: string[];
  /** Whether every http redirect URI and origin on a loopback address counts as registered, whatever its port. */
  loopback: boolean;
  state: "enabled" | "deleted" | "disabled";
  /** The Workspace domain that the client is internal to: people of other domains are refused with `org_internal`. */
  onlyDomain: string | undefined;
}

export const defaultClientId = "1234567890-abc123def456.apps.googleusercontent.com";
export const defaultClientSecret = "GOCSPX-standin-secret";
/** Same project as the default client, no secret: the one whose id ends up in `azp`. */
export const androidClientId = "1234567890-and0r01dand0r01d.apps.googleusercontent.com";
export const iosClientId = "1234567890-1051051051051051.apps.googleusercontent.com";
/** Same project, for a program on a desktop computer: its client file says `installed` instead of `web`. */
export const desktopClientId = "1234567890-de5c70pde5c70p00.apps.googleusercontent.com";
/** Another project: nothing may cross from one to the other. */
export const stagingClientId = "9876543210-def654abc321.apps.googleusercontent.com";
export const stagingClientSecret = "GOCSPX-standin-staging";

function parsed(uri: string): URL | undefined {
  return URL.canParse(uri) ? new URL(uri) : undefined;
}

/** RFC 9700 section 4.1.3: compared as strings, but for the port of loopback addresses. */
export function isRegisteredRedirect(client: Client, uri: string): boolean {
  if (client.redirectUris.includes(uri)) return true;
  return client.loopback && isLoopback(uri) && parsed(uri)?.hash === "" && !uri.includes("#");
}

export function isRegisteredOrigin(client: Client, origin: string): boolean {
  if (client.javascriptOrigins.includes(origin)) return true;
  return client.loopback && isLoopback(origin) && parsed(origin)?.origin === origin;
}

/** What a test may say about a client. What it leaves out stays as it is, or gets a default. */
export interface ClientSpec {
  /** Which client to change. Default: register a new one. */
  clientId?: string;
  /** Null: none. Default: none for the clients of phones, a new one for others. */
  clientSecret?: string | null;
  /** Default `web`. */
  kind?: ClientKind;
  /** The app's name on the pages. Default `Example App`. */
  name?: string;
  /** Compared character by character. Default: none. */
  redirectUris?: string[];
  /** Origins whose pages may open the popup. Default: none. */
  javascriptOrigins?: string[];
  /** Whether every http redirect URI and origin on loopback counts as registered. Default: for `installed` alone. */
  loopback?: boolean;
  /** Default `enabled`. */
  state?: Client["state"];
  /** Accept people of this Workspace domain alone. Default null: everybody. */
  onlyDomain?: string | null;
}

export class Clients {
  readonly #byId = new Map<string, Client>();
  #made = 0;

  constructor() {
    const loopback = true;
    this.put({ clientId: defaultClientId, clientSecret: defaultClientSecret, name: "Example App", loopback });
    this.put({ clientId: stagingClientId, clientSecret: stagingClientSecret, name: "Example App (staging)", loopback });
    this.put({
      clientId: desktopClientId,
      clientSecret: "GOCSPX-standin-desktop",
      kind: "installed",
      name: "Example App for desktops",
    });
    this.put({ clientId: androidClientId, kind: "android", clientSecret: null, name: "Example App for Android" });
    this.put({ clientId: iosClientId, kind: "ios", clientSecret: null, name: "Example App for iOS" });
  }

  get(id: string): Client | undefined {
    return this.#byId.get(id);
  }

  all(): Client[] {
    return [...this.#byId.values()];
  }

  /** Registers a client, or changes the one with this id. */
  put(spec: ClientSpec): Client {
    const known = spec.clientId === undefined ? undefined : this.#byId.get(spec.clientId);
    const id = spec.clientId ?? `1234567890-client${String((this.#made += 1))}.apps.googleusercontent.com`;
    const kind = spec.kind ?? known?.kind ?? "web";
    const phone = kind === "android" || kind === "ios";
    const client: Client = {
      id,
      project: id.split("-")[0] ?? id,
      kind,
      secret: spec.clientSecret === undefined ? secretOf(known, phone) : (spec.clientSecret ?? undefined),
      name: spec.name ?? known?.name ?? "Example App",
      redirectUris: spec.redirectUris ?? known?.redirectUris ?? [],
      javascriptOrigins: spec.javascriptOrigins ?? known?.javascriptOrigins ?? [],
      loopback: spec.loopback ?? known?.loopback ?? kind === "installed",
      state: spec.state ?? known?.state ?? "enabled",
      onlyDomain: spec.onlyDomain === undefined ? known?.onlyDomain : (spec.onlyDomain ?? undefined),
    };
    this.#byId.set(id, client);
    return client;
  }
}

/** The file that the Cloud console hands out for a client, with the endpoints of the stand-in in it. */
export function clientFile(client: Client, url: string): Record<string, unknown> {
  const section = defined({
    client_id: client.id,
    project_id: `project-${client.project}`,
    auth_uri: `${url}/o/oauth2/auth`,
    token_uri: `${url}/token`,
    auth_provider_x509_cert_url: `${url}/oauth2/v1/certs`,
    client_secret: client.secret,
    redirect_uris: client.loopback ? [...client.redirectUris, "http://localhost"] : client.redirectUris,
    javascript_origins: client.kind === "web" ? client.javascriptOrigins : undefined,
  });
  return client.kind === "web" ? { web: section } : { installed: section };
}

function secretOf(known: Client | undefined, phone: boolean): string | undefined {
  if (known !== undefined) return known.secret;
  return phone ? undefined : newClientSecret();
}
