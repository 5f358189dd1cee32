/** What the matrix uses of `oidc-provider`, which comes without types. */
declare module "oidc-provider" {
  import type { IncomingMessage, ServerResponse } from "node:http";

  export type AdapterPayload = Readonly<Record<string, unknown>>;

  export interface Adapter {
    upsert(id: string, payload: AdapterPayload, expiresIn: number): Promise<void>;
    find(id: string): Promise<AdapterPayload | undefined>;
    findByUid(uid: string): Promise<AdapterPayload | undefined>;
    findByUserCode(userCode: string): Promise<AdapterPayload | undefined>;
    destroy(id: string): Promise<void>;
    consume(id: string): Promise<void>;
    revokeByGrantId(grantId: string): Promise<void>;
  }

  interface Grant {
    addOIDCScope(scope: string): void;
    save(): Promise<string>;
  }

  interface Context {
    readonly oidc: {
      readonly client: { readonly clientId: string };
      readonly session: { readonly accountId: string };
      readonly params: Readonly<Record<string, unknown>>;
    };
  }

  interface Account {
    readonly accountId: string;
    claims(): Promise<Readonly<Record<string, unknown>>>;
  }

  export interface Configuration {
    readonly adapter: (model: string) => Adapter;
    readonly clients: readonly object[];
    readonly clockTolerance: number;
    readonly cookies: { readonly keys: readonly string[] };
    readonly jwks: { readonly keys: readonly object[] };
    readonly scopes: readonly string[];
    readonly pkce: { readonly required: () => boolean };
    readonly features: Readonly<
      Record<string, { readonly enabled: boolean; readonly allowedPolicy?: () => Promise<boolean> }>
    >;
    readonly interactions: { readonly url: (context: Context, interaction: { readonly uid: string }) => string };
    readonly issueRefreshToken: () => Promise<boolean>;
    readonly rotateRefreshToken: boolean;
    readonly findAccount: (context: Context, sub: string) => Promise<Account>;
    readonly ttl: Readonly<Record<string, number>>;
    readonly loadExistingGrant: (context: Context) => Promise<Grant>;
  }

  export class Provider {
    constructor(issuer: string, configuration: Configuration);
    readonly Grant: new (properties: { readonly clientId: string; readonly accountId: string }) => Grant;
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>;
    interactionFinished(
      request: IncomingMessage,
      response: ServerResponse,
      result: { readonly login: { readonly accountId: string }; readonly consent: object },
    ): Promise<void>;
  }
}
