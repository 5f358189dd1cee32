/** Runs the blocks of a page as a reader does who pastes them one after the other. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { freePort } from "../support/free-port.ts";
import type { Block } from "./fenced-blocks.ts";

export interface SessionOptions {
  /** Where the reader is. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ports that the page names. Free ones take their place, since tests run side by side. */
  readonly ports?: readonly number[];
  /** What else differs here from where the reader is. */
  readonly adapted?: (text: string) => string;
}

/**
 * Runs blocks in order:
 *
 * - one whose first line is a comment with a file's name is written into that file;
 * - `sh server` is a command in a terminal of its own, which goes on; the next block waits until it says where it listens;
 * - any other `sh` is run in one bash, so that variables stay;
 * - `text` is what the shell's block before it has printed on stdout, where `…` stands for anything.
 *
 * @throws where a command fails, a server ends, or something else is printed: with the line, and what was said
 */
export async function runAsPasted(t: TestContext, blocks: readonly Block[], options: SessionOptions): Promise<void> {
  const ports = new Map<string, string>();
  for (const port of options.ports ?? []) ports.set(String(port), String(await freePort()));
  const { adapted = (text) => text } = options;
  const placed = (text: string): string =>
    [...ports].reduce((whole, [from, to]) => whole.replaceAll(new RegExp(`\\b${from}\\b`, "g"), to), adapted(text));
  const shell = await openShell(t, options);
  let printed = "";
  for (const block of blocks) {
    const text = placed(block.text);
    const file = fileNameOf(block);
    if (file !== undefined) {
      await mkdir(dirname(join(options.folder, file)), { recursive: true });
      await writeFile(join(options.folder, file), `${text}\n`);
    } else if (block.language === "text") {
      if (!isPrinted(placed(block.text), printed)) throw new Error(`line ${block.line}: it prints:\n${printed}`);
    } else if (block.language !== "sh") {
      throw new Error(`line ${block.line}: a block in ${block.language} needs a file's name in its first line`);
    } else if (block.note === "server") {
      await startServer(t, block, text, options);
    } else {
      printed = await shell(block, text);
    }
  }
}

/** `// night.ts`, `# app/backend.py`: the file that a block is the content of. */
export function fileNameOf({ language, text }: Block): string | undefined {
  if (language === "sh" || language === "text") return undefined;
  return /^(?:\/\/|#|--) ([\w./-]+\.\w+|[A-Z]\w+file)\n/.exec(text)?.[1];
}

function isPrinted(expected: string, printed: string): boolean {
  const pattern = expected.trim().replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${pattern.replaceAll("…", "[^]*?")}$`).test(printed.trim());
}

type Shell = (block: Block, text: string) => Promise<string>;

async function openShell(t: TestContext, { folder, env }: SessionOptions): Promise<Shell> {
  const scripts = await temporaryFolder(t);
  const child = spawn("bash", ["-uo", "pipefail", "-s"], { cwd: folder, env, stdio: ["pipe", "pipe", "pipe"] });
  t.after(() => stop(child));
  let [stdout, stderr, count] = ["", "", 0];
  let changed = (): void => {};
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    changed();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.once("exit", () => changed());
  return async ({ line }, text) => {
    const script = join(scripts, `${(count += 1)}.sh`);
    const mark = `--- the block of line ${line} has ended with `;
    await writeFile(script, `${text}\n`);
    stdout = "";
    // A command that reads its input must not read our next one.
    child.stdin.write(`set -e; source '${script}' </dev/null; set +e; printf '\\n%s%s\\n' '${mark}' "$?"\n`);
    while (!stdout.includes(mark)) {
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`line ${line}: a command failed: ${stderr}\n${stdout}`);
      }
      await new Promise<void>((resolve) => (changed = resolve));
    }
    return stdout.slice(0, stdout.indexOf(`\n${mark}`));
  };
}

async function startServer(
  t: TestContext,
  { line }: Block,
  text: string,
  { folder, env }: SessionOptions,
): Promise<void> {
  const args = ["-euo", "pipefail", "-c", text];
  const child = spawn("bash", args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  t.after(() => stop(child));
  let said = "";
  await new Promise<void>((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      said += chunk.toString();
      if (/\bhttp:\/\/(?:127\.0\.0\.1|localhost):\d+/.test(said)) resolve();
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.once("exit", (code) => reject(new Error(`line ${line}: the server ended with ${code}: ${said}`)));
  });
}

/** Ends a shell with what it has started. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, "exit");
  try {
    process.kill(-child.pid, "SIGTERM");
  } catch {
    child.kill("SIGTERM");
  }
  child.stdin?.end();
  await ended;
}
