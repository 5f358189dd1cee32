import { configurationInvalid } from "../../core/errors.ts";
import { settingsFrom, vaultConfig } from "../../service/settings/config.ts";
import { settingsAmong } from "../flags.ts";
import { UsageError } from "../terminal/usage-error.ts";
import { googleStream } from "./google-stream.ts";
import type { RiscFlags } from "./risc-flags.ts";
import { ssfStream } from "./ssf-stream.ts";
import type { StreamApi } from "./stream-api.ts";

/** A transmitter that a command asks, and what the provider's record says that it calls us. */
export interface ChosenTransmitter {
  readonly api: StreamApi;
  /** What must stand in `aud` of what comes. Undefined: nothing that the transmitter chooses. */
  readonly expected?: readonly string[];
}

/**
 * The transmitter that the flags name: Google, by a service account; another, by the name of its provider and a token.
 *
 * @throws {UsageError} where they name none, or both
 * @throws {OnbehalfError} `configuration_invalid`: a file cannot be used, or the provider has no transmitter
 */
export async function transmitterOf(flags: RiscFlags): Promise<ChosenTransmitter> {
  const { serviceAccountFile, provider: name, tokenFile } = flags;
  const settings = settingsFrom(settingsAmong(flags));
  if (tokenFile === undefined && serviceAccountFile !== undefined) {
    return { api: await googleStream(serviceAccountFile, settings.googleBaseUrl) };
  }
  if (name === undefined || tokenFile === undefined || serviceAccountFile !== undefined) {
    throw new UsageError(
      "nobody has said whose events are meant",
      "give --service-account-file for Google, or --provider and --token-file for another transmitter",
    );
  }
  const { providers } = vaultConfig(settings);
  const provider = providers.find((each) => each.name === name);
  if (provider === undefined) {
    throw configurationInvalid(
      `there is no provider ${JSON.stringify(name)}`,
      `the providers are ${providers.map((each) => each.name).join(", ")}`,
    );
  }
  const { signals, client } = provider;
  if (signals === undefined) {
    throw configurationInvalid(
      `the provider ${name} has no transmitter of security events`,
      'name it in its record in the providers file: "signals": {"issuer": "https://…"}',
    );
  }
  const clientId = typeof client === "object" && "clientId" in client ? [client.clientId] : [];
  return {
    api: await ssfStream(name, signals.issuer, tokenFile),
    expected: [...[signals.audience ?? []].flat(), ...clientId],
  };
}
