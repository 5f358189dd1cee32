/** The demo as a person starts it: a process of its own, spoken to over HTTP alone. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { LogEntry } from "../../src/standin/index.ts";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

export const appData = "https://www.googleapis.com/auth/drive.appdata";
/** Sign-in and the app's own folder in Drive. */
export const usualScope = `openid email profile ${appData}`;

type Json = Readonly<Record<string, unknown>>;

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Json;
}

interface Options {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** What the process printed and how it ended, for runs that do not come up. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `onbehalf demo` to its end. */
export async function demoThatEnds(args: readonly string[]): Promise<Ended> {
  const { child, output } = launch(args, {});
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...output };
}

function launch(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): { child: ReturnType<typeof spawn>; output: { stdout: string; stderr: string } } {
  const child = spawn(process.execPath, [main, "demo", "--json", "--no-open", ...args], {
    env: { ...process.env, ONBEHALF_LOG_LEVEL: "debug", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  return { child, output };
}

/** A running demo, on ports of its own. */
export class Demo implements AsyncDisposable {
  readonly ready: Json;
  readonly service: string;
  readonly standin: string;
  readonly page: string;
  readonly callerKey: string;
  /** Bodies of every refusal that came to the test: no secret may stand in one. */
  readonly refusals: string[] = [];
  readonly #child: ReturnType<typeof spawn>;
  readonly #output: { stdout: string; stderr: string };

  private constructor(line: string, child: ReturnType<typeof spawn>, output: { stdout: string; stderr: string }) {
    this.ready = JSON.parse(line) as Json;
    this.service = String(this.ready["service"]);
    this.standin = String(this.ready["standin"]);
    this.page = String(this.ready["page"]);
    this.callerKey = String(this.ready["caller_key"]);
    this.#child = child;
    this.#output = output;
  }

  static async start({ args = ["--port", "0", "--standin-port", "0"], env = {} }: Options = {}): Promise<Demo> {
    const { child, output } = launch(args, env);
    if (child.stdout === null) throw new Error("the demo has no stdout");
    const lines = createInterface(child.stdout);
    const line = await new Promise<string>((resolve, reject) => {
      lines.once("line", resolve);
      child.once("close", () => reject(new Error(`the demo did not come up: ${output.stderr}${output.stdout}`)));
    });
    return new Demo(line, child, output);
  }

  /** Everything it printed so far. */
  get output(): { readonly stdout: string; readonly stderr: string } {
    return this.#output;
  }

  /** Asks it to stop; resolves to its exit code. */
  async stop(signal: "SIGTERM" | "SIGINT" | "SIGUSR2" | "SIGKILL" = "SIGTERM"): Promise<number | null> {
    if (this.#child.exitCode !== null) return this.#child.exitCode;
    const closed = once(this.#child, "close") as Promise<[number | null]>;
    this.#child.kill(signal);
    return (await closed)[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async request(url: string, init: RequestInit = {}): Promise<Answered> {
    const response = await fetch(url, { redirect: "manual", ...init });
    const text = await response.text();
    if (response.status >= 400) this.refusals.push(text);
    const json = /json/.test(response.headers.get("content-type") ?? "") && text !== "";
    return {
      status: response.status,
      headers: response.headers,
      body: json ? (JSON.parse(text) as Json) : { text },
    };
  }

  /** A route of the service, with the caller's key. */
  call(path: string, init: RequestInit = {}): Promise<Answered> {
    const headers = { ...(init.headers as Record<string, string>), authorization: `Bearer ${this.callerKey}` };
    return this.request(this.service + path, { ...init, headers });
  }

  token(ref: string, query = ""): Promise<Answered> {
    return this.call(`/v1/grants/${ref}/token${query}`);
  }

  /** A control route of the stand-in. */
  async control(path: string, body: Json): Promise<Json> {
    const headers = { "content-type": "application/json" };
    const answer = await this.request(`${this.standin}/standin/${path}`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    if (answer.status !== 200) throw new Error(`/standin/${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** A phone's code. */
  async code(email: string, more: Json = {}): Promise<string> {
    const { code } = await this.control("code", { kind: "native", email, scope: usualScope, ...more });
    return String(code);
  }

  /** `POST /authcode` as a phone sends it, with the header unless told otherwise. */
  authCode(form: Record<string, string>, headers: Record<string, string> = xhr): Promise<Answered> {
    const body = new URLSearchParams(form);
    return this.request(`${this.service}/authcode`, { method: "POST", headers, body });
  }

  /** Signs somebody in on a phone; resolves to the answer's body. */
  async signIn(email: string, more: Json = {}): Promise<Json> {
    const { status, body } = await this.authCode({ authCode: await this.code(email, more), scope: usualScope });
    if (status !== 200) throw new Error(`/authcode: ${JSON.stringify(body)}`);
    return body;
  }

  /** Moves the clock of stand-in and service. */
  async advance(seconds: number): Promise<void> {
    await this.control("clock", { advance_seconds: seconds });
  }

  async log(since = 0): Promise<readonly LogEntry[]> {
    const { body } = await this.request(`${this.standin}/standin/log?since=${since}`);
    return body["entries"] as readonly LogEntry[];
  }

  /** The stand-in's answers to refreshes from now on. */
  async refreshes(): Promise<() => Promise<readonly LogEntry[]>> {
    const since = (await this.log()).at(-1)?.seq ?? 0;
    return async () => (await this.log(since)).filter(({ parameters }) => parameters["grant_type"] === "refresh_token");
  }
}

export const xhr: Readonly<Record<string, string>> = { "x-requested-with": "XMLHttpRequest" };
