import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";

/** What a program printed, or why that is of no use: what follows the program's name in a message. */
export type ProgramOutput = { readonly text: string } | { readonly problem: string; readonly cause?: unknown };

/** How long what was printed is waited for once the program has ended, milliseconds: its children may hold the pipe. */
const afterEndMs = 1_000;

/**
 * Runs a program without a shell and takes what it prints on stdout. It gets no input, and its stderr is dropped: nothing
 * that it prints may get into a log. It is ended, with the programs that it started, when its time is over or it prints
 * too much.
 *
 * @param limits.timeoutMs milliseconds
 * @param limits.mostBytes the longest output that is taken, bytes
 */
export async function programOutput(
  [program, ...rest]: readonly [string, ...string[]],
  { timeoutMs, mostBytes }: { readonly timeoutMs: number; readonly mostBytes: number },
): Promise<ProgramOutput> {
  return new Promise((resolve) => {
    let child: ChildProcess;
    try {
      // A group of its own, so that a pipeline can be ended as a whole.
      child = spawn(program, rest, { stdio: ["ignore", "pipe", "ignore"], detached: true, windowsHide: true });
    } catch (cause) {
      resolve({ problem: "cannot be run", cause });
      return;
    }
    const chunks: Buffer[] = [];
    let length = 0;
    const settle = (output: ProgramOutput): void => {
      clearTimeout(timer);
      child.stdout?.destroy();
      end(child);
      resolve(output);
    };
    const timer = setTimeout(() => settle({ problem: `did not end within ${timeoutMs / 1000} s` }), timeoutMs);
    child.once("error", (cause) => settle({ problem: whyNot(cause), cause }));
    child.stdout?.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length > mostBytes) settle({ problem: `printed more than ${mostBytes / 1024} KiB` });
    });
    child.once("exit", (code, signal) => {
      if (code !== 0) {
        settle({ problem: signal === null ? `ended with code ${code}` : `was ended by ${signal}` });
        return;
      }
      const done = (): void => settle({ text: Buffer.concat(chunks).toString("utf8") });
      child.once("close", done);
      setTimeout(done, afterEndMs).unref();
    });
  });
}

function whyNot(cause: NodeJS.ErrnoException): string {
  if (cause.code === "ENOENT") return "was not found";
  if (cause.code === "EACCES") return "may not be run by this user";
  return `cannot be run (${cause.code ?? cause.name})`;
}

/** Ends a program and all that it has started. */
function end({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === "win32" ? pid : -pid, "SIGKILL");
  } catch {
    // It has ended already, and so have its children.
  }
}
