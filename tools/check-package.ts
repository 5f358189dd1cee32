/** What is published: its entry points and types as others resolve them, and nothing in it that nobody uses. */
import { run } from "./run.ts";

const codes = [
  await run("publint", ["--strict"]),
  await run("attw", ["--pack", ".", "--profile", "esm-only", "--quiet"]),
  await run("knip", []),
];
process.exit(Math.max(...codes));
