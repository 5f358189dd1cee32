import type { Client, Provider } from "../providers/provider.ts";
import type { BoundedFetch } from "./bounded-fetch.ts";
import type { Metadata } from "./provider-metadata.ts";

/** Where a client comes from that a provider's record does not hold: it is found out when it is first needed. */
export interface ClientSource {
  /** With an empty id while it is not known: no grant belongs to that. */
  readonly client: Client;
  /** The provider's record, with what was found out of it. */
  readonly provider: Provider;
  /** Called whenever the client has become another one. */
  onChange: () => void;
  /** Reads again what is kept of the client. */
  look(): Promise<void>;
  /** How the provider is spoken with. Finds the client out, and registers it, where nobody has done so. */
  metadata(http: BoundedFetch): Promise<Metadata>;
  /** The provider does not know the client. */
  refused(): Promise<void>;
}
