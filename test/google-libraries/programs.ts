/** Programs that call Drive with Google's libraries, unmodified, and say what came of each call. */
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** What a program is told: where to get tokens, and with what. */
export interface Given {
  readonly token_url: string;
  readonly client_id: string;
  readonly client_secret: string;
  readonly handle: string;
  /** Drive, as the stand-in has it. */
  readonly api: string;
  /** A credentials file, for the libraries that read one. */
  readonly credentials: string;
}

/** A program that runs, and keeps its library's client between the calls. */
export interface Running {
  /** Calls Drive so many times at once. Of each call: the status, or the library's error. */
  call(times: number): Promise<readonly string[]>;
  end(): Promise<void>;
}

const folder = fileURLToPath(new URL("programs/", import.meta.url));

/** Starts a program that reads how many calls to make, a number a line, and answers each line with a list. */
export function started(command: string, args: readonly string[], given: Given, env: Record<string, string>): Running {
  const { api, credentials, ...told } = given;
  const child = spawn(command, [...args, api, JSON.stringify(told)], {
    stdio: ["pipe", "pipe", "pipe"],
    // No proxy settings: what it talks to is on this machine.
    env: { ...env, GOOGLE_APPLICATION_CREDENTIALS: credentials },
  });
  // Java's libraries log what these tests bring about; it is of interest where there is no answer.
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    async call(times) {
      child.stdin.write(`${times}\n`);
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`${command} ended without an answer: ${said}`);
      return JSON.parse(value) as string[];
    },
    async end() {
      child.stdin.end();
      await ended;
    },
  };
}

/** Debian's own Python: its packages are not seen by others that may come first on the PATH. */
export const python = "/usr/bin/python3";
export const pythonProgram = join(folder, "drive.py");

/** The Java libraries' parts, where Debian puts them. */
export const javaClassPath: string = [
  "google-api-client",
  "google-auth-library-credentials",
  "google-auth-library-oauth2-http",
  "google-http-client",
  "google-http-client-gson",
  "google-http-client-jackson2",
  "google-oauth-client",
  "grpc-context",
  "gson",
  "guava",
  "jackson-core",
  "jsr305",
  "opencensus-api",
  "opencensus-contrib-http-util",
]
  .map((name) => `/usr/share/java/${name}.jar`)
  .join(":");

/** Compiles the program in Java into a folder. @returns what starts it */
export function compiledJava(into: string): readonly [command: string, ...args: string[]] {
  build("javac", ["-cp", javaClassPath, "-d", into, join(folder, "Drive.java")], {});
  return ["java", "-cp", `${into}:${javaClassPath}`, "Drive"];
}

/** Compiles the program in Go into a folder. @returns its path */
export function compiledGo(into: string, cache: string): string {
  const env = { GO111MODULE: "off", GOPATH: "/usr/share/gocode", GOCACHE: cache, GOTELEMETRY: "off", HOME: into };
  const path = join(into, "drive");
  build("go", ["build", "-o", path, join(folder, "drive.go")], env);
  return path;
}

function build(command: string, args: readonly string[], env: Record<string, string>): void {
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8", env: { PATH: process.env["PATH"], ...env } });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
}
