/** The members of an answer's JSON, read one by one. What they mean does not belong here. */
import type { Moment } from "./elapsed.ts";

/** An answer with success. */
export interface Answered {
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Headers;
  /** When its request was sent. */
  readonly sent: Moment;
}

/** An answer is not what the service answers. Whatever it holds is not shown: it may be a token. */
export class Misread extends Error {}

/** The members of one JSON object. A member that is null counts as absent. */
export class Members {
  readonly #members: Readonly<Record<string, unknown>>;

  /** @throws {Misread} it is no object */
  constructor(value: unknown) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new Misread("its answer has a part that is no object");
    }
    this.#members = value as Readonly<Record<string, unknown>>;
  }

  text(name: string): string {
    return this.#must(name, this.textOr(name));
  }

  /** @returns undefined where there is none */
  textOr(name: string): string | undefined {
    return this.#read(name, (value) => (typeof value === "string" ? value : undefined));
  }

  number(name: string): number {
    return this.#must(name, this.numberOr(name));
  }

  /** @returns undefined where there is none */
  numberOr(name: string): number | undefined {
    return this.#read(name, (value) => (typeof value === "number" && Number.isFinite(value) ? value : undefined));
  }

  truth(name: string): boolean {
    return this.#must(name, this.truthOr(name));
  }

  /** @returns undefined where there is none */
  truthOr(name: string): boolean | undefined {
    return this.#read(name, (value) => (typeof value === "boolean" ? value : undefined));
  }

  time(name: string): Date {
    return this.#must(name, this.timeOr(name));
  }

  /** @returns undefined where there is none */
  timeOr(name: string): Date | undefined {
    return this.#read(name, (value) => {
      const time = new Date(typeof value === "string" ? value : Number.NaN);
      return Number.isNaN(time.getTime()) ? undefined : time;
    });
  }

  /** @returns undefined where there is none */
  textsOr(name: string): readonly string[] | undefined {
    return this.#read(name, (value) =>
      Array.isArray(value) && value.every((each) => typeof each === "string") ? value : undefined,
    );
  }

  object(name: string): Members {
    return new Members(this.#members[name]);
  }

  /** @returns undefined where there is none */
  objectOr(name: string): Members | undefined {
    return (this.#members[name] ?? undefined) === undefined ? undefined : this.object(name);
  }

  /** @returns empty where there is none */
  list(name: string): readonly unknown[] {
    return this.listOr(name) ?? [];
  }

  /** @returns undefined where there is none */
  listOr(name: string): readonly unknown[] | undefined {
    return this.#read(name, (value) => (Array.isArray(value) ? (value as unknown[]) : undefined));
  }

  /** Every member, as it came. */
  get all(): Readonly<Record<string, unknown>> {
    return this.#members;
  }

  #read<T>(name: string, as: (value: unknown) => T | undefined): T | undefined {
    const value = Object.hasOwn(this.#members, name) ? (this.#members[name] ?? undefined) : undefined;
    if (value === undefined) return undefined;
    return this.#must(name, as(value));
  }

  #must<T>(name: string, value: T | undefined): T {
    if (value !== undefined) return value;
    throw new Misread(`its answer has no ${name} that can be read`);
  }
}
