/**
 * Prometheus' text format: what a family, a label and a value look like. @prometheus-io/client writes it, too, but only of values
 * that it was told of one by one: ours are counted elsewhere, some in another process.
 */
import { durationBoundsMs } from "../../core/figures.ts";
import type { Durations } from "../../core/figures.ts";
import { families } from "./families.ts";
import type { FamilyName } from "./families.ts";

export type Labels = Readonly<Record<string, string>>;

/** Collects samples, and writes them family by family: all lines of one family must stand together. */
export class Exposition {
  readonly #samples = new Map<FamilyName, string[]>();

  /** @param labels with values of any text: few of them, or Prometheus would keep a series for each */
  add(name: FamilyName, labels: Labels, value: number): void {
    this.#line(name, "", labels, value);
  }

  /** Adds a histogram, in seconds. */
  addDurations(name: FamilyName, labels: Labels, { counts, sumMs }: Durations): void {
    let sum = 0;
    durationBoundsMs.forEach((bound, part) => {
      sum += counts[part] ?? 0;
      this.#line(name, "_bucket", { ...labels, le: String(bound / 1_000) }, sum);
    });
    sum += counts[durationBoundsMs.length] ?? 0;
    this.#line(name, "_bucket", { ...labels, le: "+Inf" }, sum);
    this.#line(name, "_sum", labels, sumMs / 1_000);
    this.#line(name, "_count", labels, sum);
  }

  /**
   * All of it, with a family's lines of `HELP` and `TYPE` also where it has no sample.
   *
   * @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
   */
  text(): string {
    const texts = Object.entries(families).map(([name, { help, type }]) => {
      const samples = this.#samples.get(name as FamilyName) ?? [];
      return [`# HELP ${name} ${escaped(help)}`, `# TYPE ${name} ${type}`].concat(samples).join("\n");
    });
    return `${texts.join("\n")}\n`;
  }

  #line(name: FamilyName, suffix: string, labels: Labels, value: number): void {
    if (families[name] === undefined) throw new TypeError(`there is no family ${name}`);
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text).replaceAll('"', '\\"')}"`);
    const among = pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
    const lines = this.#samples.get(name) ?? [];
    this.#samples.set(name, lines);
    lines.push(`${name}${suffix}${among} ${value}`);
  }
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}
