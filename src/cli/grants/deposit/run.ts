import { createReadStream, openSync, writeSync, closeSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { configurationInvalid } from "../../../core/errors.ts";
import { shownPath } from "../../../core/secret-likeness.ts";
import { isOnbehalfError, openVault } from "../../../index.ts";
import type { AnyOnbehalfError, Keeper, Secret, Vault } from "../../../index.ts";
import { startKeeper } from "../../../service/index.ts";
import { settingsFrom, vaultConfig } from "../../../service/settings/config.ts";
import type { Settings } from "../../../service/settings/config.ts";
import { settingsAmong } from "../../flags.ts";
import { assertThere, auditName } from "../../open-vault.ts";
import { exitCodes } from "../../terminal/exit-codes.ts";
import { printJson, printLines, say } from "../../terminal/print.ts";
import { untilStopped } from "../../terminal/stop.ts";
import { linesOf } from "./lines.ts";
import type { Line } from "./lines.ts";
import { afterLineError, failedRow, pauseOf } from "./outcome.ts";
import type { ReportRow } from "./outcome.ts";
import { Pace } from "./pace.ts";
import { depositIn } from "./parse-line.ts";
import { countsText, noCounts, progressLine, totalOf } from "./progress.ts";
import type { Counts } from "./progress.ts";

interface Flags {
  readonly provider?: string;
  readonly rate?: number;
  readonly concurrency: number;
  readonly report?: string;
  readonly sendAgain?: true;
  readonly json?: boolean;
}

/** How often one line is tried while others fare better. */
const mostTries = 8;
/** How long nothing but refusals to answer may come back before the run ends, milliseconds. */
const patienceMs = 1_800_000;
/** How many lines that went wrong are told on the terminal; the report has all. */
const mostTold = 20;
const defaultPerSecond = 50;

/** Deposits each line of a file. A run that was killed is begun again with the same command: no token is sent twice. */
export async function deposit(path: string, flags: Flags): Promise<void> {
  const settings = keeperSettings(settingsFrom(settingsAmong(flags)), flags.rate);
  const { store, providers } = vaultConfig(settings);
  assertThere(store);
  const input = inputOf(path);
  const report = reportTo(flags);
  const stopped = untilStopped();
  // In a process of its own: where this one is killed, that one stores what is under way, and ends.
  const keeper = await startKeeper({ settings, migrate: false }, () => undefined, tellFault);
  try {
    const noticed = noticing(keeper);
    const vault = await openVault({ store, providers, keeper: noticed.keeper, migrate: false, auditName });
    const run = new Run(flags, report, { ...noticed, vault });
    void stopped.then((signal) => {
      say(`${signal}: finishing what is under way; send it again to stop at once`);
      run.stop();
    });
    try {
      await run.all(linesOf(input.stream), input.size);
    } finally {
      await vault.close();
    }
    run.summarize();
  } finally {
    await keeper.close();
    report.close();
  }
}

/** One run over all lines. */
class Run {
  readonly #flags: Flags;
  readonly #report: Report;
  readonly #with: { readonly vault: Vault; readonly wasNew: (token: Secret) => boolean };
  readonly #pace: Pace;
  readonly #begunAt = performance.now();
  #counts: Counts = noCounts;
  #isStopped = false;
  #stopError: AnyOnbehalfError | undefined;
  #told = 0;

  constructor(flags: Flags, report: Report, parts: { vault: Vault; wasNew: (token: Secret) => boolean }) {
    this.#flags = flags;
    this.#report = report;
    this.#with = parts;
    this.#pace = new Pace(flags.rate ?? defaultPerSecond, async (ms) => sleep(ms));
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** @param size of the input, bytes; undefined: not known */
  async all(lines: AsyncGenerator<Line>, size: number | undefined): Promise<void> {
    let bytesRead = 0;
    const show = progress(() =>
      progressLine({
        counts: this.#counts,
        part: size === undefined || size === 0 ? undefined : Math.min(1, bytesRead / size),
        elapsedMs: performance.now() - this.#begunAt,
      }),
    );
    const work = async (): Promise<void> => {
      while (!this.#isStopped) {
        // A generator hands out one line at a time, whoever asks.
        const { done, value: line } = await lines.next();
        if (done === true) return;
        bytesRead = line.bytesRead;
        const row = await this.#rowOf(line);
        if (row !== undefined) this.#note(row);
      }
    };
    try {
      await Promise.all(Array.from({ length: this.#flags.concurrency }, work));
    } finally {
      show.end();
      await lines.return(undefined);
    }
  }

  /** Undefined where the run ends before the line was sent. */
  async #rowOf({ number, text, problem }: Line): Promise<ReportRow | undefined> {
    if (text === undefined) return { line: number, outcome: "failed", error: "invalid_request", hint: problem ?? "" };
    let answersBefore = this.#pace.answers;
    for (let tries = 1; ;) {
      await this.#pace.turn();
      if (this.#isStopped) return undefined;
      try {
        const options = depositIn(text, this.#flags.provider);
        const { grantId } = await this.#with.vault.deposit({ ...options, sendAgain: this.#flags.sendAgain === true });
        this.#pace.answered();
        const outcome = this.#with.wasNew(options.refreshToken) ? "deposited" : "already";
        return { line: number, outcome, grant_id: grantId };
      } catch (error) {
        if (!isOnbehalfError(error)) throw error;
        const then = afterLineError(error);
        if (then === "stop") this.#stopWith(error);
        if (then !== "again") {
          this.#pace.answered();
          return failedRow(number, error);
        }
        // An outage is nobody's fault: only while others are answered it counts against this line.
        if (this.#pace.answers > answersBefore) tries += 1;
        answersBefore = this.#pace.answers;
        if (tries > mostTries) return failedRow(number, error);
        if (this.#pace.silentForMs > patienceMs) {
          this.#stopWith(error);
          return failedRow(number, error);
        }
        this.#pace.pause(pauseOf(error, tries));
      }
    }
  }

  #stopWith(error: AnyOnbehalfError): void {
    this.#stopError ??= error;
    this.#isStopped = true;
  }

  #note(row: ReportRow): void {
    this.#counts = { ...this.#counts, [row.outcome]: this.#counts[row.outcome] + 1 };
    this.#report.write(row);
    if (row.error === undefined || this.#report.isOnStdout) return;
    this.#told += 1;
    if (this.#told <= mostTold) say(`line ${row.line}: ${row.error_description ?? row.hint ?? ""} (${row.error})`);
    if (this.#told === mostTold) say("what else goes wrong stands in the report alone: name its file with --report");
  }

  /** Says how the run ended, and sets the exit code. */
  summarize(): void {
    const counts = this.#counts;
    const seconds = Math.round((performance.now() - this.#begunAt) / 100) / 10;
    if (this.#flags.json === true) printJson({ lines: totalOf(counts), ...counts, seconds });
    else printLines([`${totalOf(counts)} lines in ${seconds} s: ${countsText(counts)}`]);
    if (this.#stopError !== undefined) throw this.#stopError;
    if (this.#isStopped) say("not all lines were read: run the same command again, which sends no token twice");
    if (counts.unknown > 0) {
      say("hint: of unknown lines the answer is lost; --send-again sends those tokens once more: see docs/deposits.md");
    }
    const isWhole = counts.refused + counts.failed + counts.unknown === 0 && !this.#isStopped;
    process.exitCode = isWhole ? exitCodes.done : exitCodes.failed;
  }
}

/** The keeper's settings: without those of a server, which it does not become. */
function keeperSettings(settings: Settings, perSecond: number = defaultPerSecond): Settings {
  const { host: _host, port: _port, metricsPort: _metrics, publicUrl: _url, allowedHosts: _hosts, ...rest } = settings;
  const { allowedOrigins: _origins, keeper: _keeper, ...others } = rest;
  return { ...others, exchangesPerSecond: String(Math.max(1, Math.ceil(perSecond))) };
}

/** A keeper that notices which tokens were new, and does all for whoever runs the command. */
function noticing(keeper: Keeper): { readonly keeper: Keeper; readonly wasNew: (token: Secret) => boolean } {
  const fresh = new WeakSet<Secret>();
  const principal = { caller: auditName, requestId: null };
  const deposit: Keeper["deposit"] = async (provider, request) => {
    const deposited = await keeper.deposit(provider, { ...request, principal });
    if (deposited.isNew) fresh.add(request.refreshToken);
    return deposited;
  };
  return {
    wasNew: (token) => fresh.has(token),
    keeper: new Proxy(keeper, {
      get(target, name): unknown {
        if (name === "deposit") return deposit;
        const member: unknown = Reflect.get(target, name);
        return typeof member === "function" ? (member.bind(target) as unknown) : member;
      },
    }),
  };
}

interface Report {
  readonly isOnStdout: boolean;
  write(row: ReportRow): void;
  close(): void;
}

/** Rows are added to a report that is there: what an earlier run of the same file did stays in it. */
function reportTo({ report, json }: Flags): Report {
  if (report === undefined) {
    const isOnStdout = json === true;
    return { isOnStdout, write: (row) => (isOnStdout ? printJson(row) : undefined), close: () => undefined };
  }
  let file: number;
  try {
    file = openSync(report, "a", 0o600);
  } catch (cause) {
    const hint = "check that its folder exists and may be written to";
    throw configurationInvalid(`the report ${shownPath(report)} cannot be written`, hint, cause);
  }
  return {
    isOnStdout: false,
    write: (row) => void writeSync(file, `${JSON.stringify(row)}\n`),
    close: () => closeSync(file),
  };
}

/** What is read, and how long it is where that is known. */
function inputOf(path: string): { readonly stream: AsyncIterable<Uint8Array>; readonly size: number | undefined } {
  if (path === "-") return { stream: process.stdin as AsyncIterable<Uint8Array>, size: undefined };
  try {
    const facts = statSync(path);
    if (facts.isDirectory()) throw new TypeError("it is a folder");
    return { stream: createReadStream(path), size: facts.isFile() ? facts.size : undefined };
  } catch (cause) {
    throw configurationInvalid(
      `${shownPath(path)} cannot be read`,
      "name a JSONL file, or - for standard input",
      cause,
    );
  }
}

/** Shows a line again and again: in its own place on a terminal, now and then elsewhere. */
function progress(line: () => string): { readonly end: () => void } {
  const isTerminal = process.stderr.isTTY;
  const timer = setInterval(
    () => (isTerminal ? process.stderr.write(`\r\u001B[K${line()}`) : say(line())),
    isTerminal ? 500 : 10_000,
  ).unref();
  return {
    end: () => {
      clearInterval(timer);
      if (isTerminal) process.stderr.write("\r\u001B[K");
    },
  };
}

function tellFault(error: unknown, during: string): void {
  say(`${during}: ${isOnbehalfError(error) ? `${error.message} (${error.code})` : "an unexpected error"}`);
}
