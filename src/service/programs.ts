import { configurationInvalid } from "../core/errors.ts";

/**
 * The file of a program that the service starts. In a bundle this module stands elsewhere, and the file of that name would be
 * the app's own: it must not be run, and get the master key. The build puts the right address into the package's own bundles.
 *
 * @throws {OnbehalfError} `configuration_invalid`: this module is part of somebody's bundle
 */
export function programFile(name: "keeper/process" | "secrets/holder"): URL {
  const extension = /\/service\/programs\.(ts|js)$/.exec(import.meta.url)?.[1];
  if (extension !== undefined) return new URL(`${name}.${extension}`, import.meta.url);
  throw configurationInvalid(
    "the service is part of a bundle, and its keeper's program is not",
    "leave onbehalf out of the bundle, as with esbuild --external:onbehalf, or set ONBEHALF_KEEPER=none",
  );
}
