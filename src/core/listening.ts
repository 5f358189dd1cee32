import { configurationInvalid } from "./errors.ts";
import type { OnbehalfError } from "./errors.ts";

/** A setting that chooses an address. */
export interface AddressSetting {
  readonly flag: string;
  /** Its environment variable, where it has one. */
  readonly variable?: string;
}

/** The settings that choose host and port. */
export interface AddressSettings {
  readonly host?: AddressSetting;
  readonly port: AddressSetting;
}

const serviceSettings: AddressSettings = {
  host: { flag: "--host", variable: "HOST" },
  port: { flag: "--port", variable: "PORT" },
};

/** Why a system does not let a program listen: which setting is to blame, why, and what to do with its flag. */
const causes: Readonly<Record<string, readonly [blame: "host" | "port", why: string, what: (flag: string) => string]>> =
  {
    EADDRINUSE: [
      "port",
      "another program listens there",
      (flag) => `choose another port with ${flag}, or 0 for any free one`,
    ],
    EACCES: [
      "port",
      "this user may not use that port",
      (flag) => `choose one of 1024 or more with ${flag}, and let a reverse proxy have the lower one`,
    ],
    EPERM: ["port", "this process may not listen there", (flag) => `choose another port with ${flag}, or allow it`],
    EADDRNOTAVAIL: [
      "host",
      "no network interface of this machine has that address",
      (flag) => `give one of this machine's with ${flag}, such as 127.0.0.1, or 0.0.0.0 for all of them`,
    ],
    EAFNOSUPPORT: [
      "host",
      "this machine has no addresses of that kind",
      (flag) => `give one of this machine's with ${flag}, such as 127.0.0.1`,
    ],
    ENOTFOUND: [
      "host",
      "nobody knows a host of that name",
      (flag) => `give an address of this machine with ${flag}, such as 127.0.0.1`,
    ],
    EAI_AGAIN: [
      "host",
      "no name server answers for that name",
      (flag) => `give an address of this machine with ${flag}, such as 127.0.0.1: that needs no name server`,
    ],
  };

/**
 * Says why nothing can be listened on, and which setting to change.
 *
 * @param error what the system said
 * @param settings how the program names its settings; by default as the service does
 */
export function cannotListen(
  host: string,
  port: number,
  error: { readonly code?: string; readonly message: string },
  settings: AddressSettings = serviceSettings,
): OnbehalfError<"configuration_invalid"> {
  const shown = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  const [blame, why, what] = causes[error.code ?? ""] ?? [
    "host",
    "the system does not allow it",
    (flag: string) => `choose another host or port, with ${flag} and ${settings.port.flag}`,
  ];
  const setting = settings[blame] ?? settings.port;
  const variable = setting.variable === undefined ? "" : `: look at ${setting.variable}`;
  return configurationInvalid(
    `cannot listen on ${shown} (${error.code ?? error.message})${variable}`,
    `${why}: ${what(setting.flag)}`,
    error,
  );
}
