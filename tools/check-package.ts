/** What is published: its entry points and types as others resolve them. */
import { run } from "./run.ts";

const codes = [
  await run("publint", ["--strict"]),
  await run("attw", ["--pack", ".", "--profile", "esm-only", "--quiet"]),
];
process.exit(Math.max(...codes));
