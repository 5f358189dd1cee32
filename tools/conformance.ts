/**
 * Runs the MCP conformance suite for clients with tokens in memory and in a vault, and writes the table of
 * docs/specs/mcp-authorization.md. It takes minutes.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { allRows, withRows } from "../test/mcp/conformance/table.ts";
import { run } from "./run.ts";

const page = new URL("../docs/specs/mcp-authorization.md", import.meta.url).pathname;
writeFileSync(page, withRows(readFileSync(page, "utf8"), await allRows()));
await run("prettier", ["--write", "--log-level", "warn", page]);
