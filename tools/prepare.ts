/**
 * Builds the package where npm installs it from a Git address: that runs no other script. In a checkout, npm runs this
 * after each install, and nothing is to be done: the sources run as they are.
 */
import { realpathSync } from "node:fs";
import { run } from "./run.ts";

const { INIT_CWD: asked = "." } = process.env;
if (realpathSync(asked) !== realpathSync(".")) process.exitCode = await run("node", ["tools/build.ts"]);
