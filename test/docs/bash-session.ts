import { spawn } from "node:child_process";
import { once } from "node:events";

/**
 * Runs blocks of shell one after the other in one bash, as a reader does who pastes them: variables stay.
 *
 * @returns what each wrote on stdout; a block that fails ends it, with an error that says which and why
 */
export async function runBlocks(
  blocks: readonly { readonly text: string; readonly line: number }[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<string[]> {
  const mark = `--- block ${process.hrtime.bigint().toString(36)} ---`;
  const script = blocks.flatMap(({ text, line }) => [
    text,
    `status=$?; [ $status = 0 ] || { echo "the block of line ${line} ended with $status" >&2; exit 1; }`,
    `printf '\\n%s\\n' '${mark}'`,
  ]);
  const child = spawn("bash", ["-uo", "pipefail", "-s"], { env, stdio: ["pipe", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  // What a block left in the background must not outlive a block that failed.
  child.stdin.write("trap 'kill $(jobs -p) 2>/dev/null; true' EXIT\n");
  child.stdin.end(`${script.join("\n")}\n`);
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`${stderr}\n${stdout}`);
  return stdout.split(`\n${mark}\n`).slice(0, -1);
}
