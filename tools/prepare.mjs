/**
 * Builds the package where npm installs it from a Git address: that runs no other script. In a checkout, npm runs this
 * after each install, and nothing is to be done: the sources run as they are. An old Node must be able to read this.
 */
import { spawnSync } from "node:child_process";
import { realpathSync } from "node:fs";

const { INIT_CWD: asked = "." } = process.env;
if (realpathSync(asked) !== realpathSync(".")) {
  process.exitCode = spawnSync("node", ["tools/build.ts"], { stdio: "inherit" }).status ?? 1;
}
