/**
 * Builds the package where npm installs it from a Git address: npm then makes a clone and installs what it needs, which
 * runs this. In a checkout npm runs it after each install, too, and nothing is to be done there: the sources run as they
 * are. `prepare` would do the same, but counts as an install script of whoever installs a packed file, and is warned of.
 */
import { spawnSync } from "node:child_process";

// npm tells its own process in the clone so that it does not begin again from there.
if (process.env["_PACOTE_NO_PREPARE_"] !== undefined) {
  process.exitCode = spawnSync("node", ["tools/build.ts"], { stdio: "inherit" }).status ?? 1;
}
