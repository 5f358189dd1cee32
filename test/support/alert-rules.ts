import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { metricsIn } from "./metrics-text.ts";

export const alertRules = fileURLToPath(new URL("../../monitoring/alerts.yml", import.meta.url));

/** What a running service answered at `/metrics`, one scrape a minute; undefined where it could not be scraped. */
export class Scrapes {
  readonly #scrapes: (string | undefined)[] = [];

  /** How many minutes there are. */
  get minutes(): number {
    return this.#scrapes.length;
  }

  add(text: string | undefined): void {
    this.#scrapes.push(text);
  }

  /** Nothing happens for so many minutes: each scrape is as the last one. */
  repeat(minutes: number): void {
    for (let n = 0; n < minutes; n += 1) this.#scrapes.push(this.#scrapes.at(-1));
  }

  /** The series that Prometheus has of it, as `promtool test rules` takes them. */
  series(): { readonly series: string; readonly values: string }[] {
    const all = new Map<string, string[]>();
    this.#scrapes.forEach((text, minute) => {
      if (text === undefined) return;
      for (const { samples } of metricsIn(text).values()) {
        for (const { name, labels, value } of samples) {
          if (!name.startsWith("onbehalf_") || name.endsWith("_bucket")) continue;
          const pairs = Object.entries({ ...labels, instance: "a", job: "onbehalf" });
          const series = `${name}{${pairs.map(([label, of]) => `${label}=${JSON.stringify(of)}`).join(",")}}`;
          const values = all.get(series) ?? [];
          all.set(series, values);
          while (values.length < minute) values.push("_");
          values.push(String(value));
        }
      }
    });
    return [...all].map(([series, values]) => {
      while (values.length < this.#scrapes.length) values.push("_");
      return { series, values: values.join(" ") };
    });
  }
}

/**
 * Has Prometheus' own evaluation say which alerts fire.
 *
 * @param firing at which minute, which alerts
 * @returns what differs from that; empty where nothing does
 */
export async function wrongAlerts(
  folder: string,
  scrapes: Scrapes,
  firing: readonly (readonly [minute: number, alerts: readonly string[]])[],
): Promise<string> {
  const tests = {
    rule_files: [alertRules],
    evaluation_interval: "1m",
    tests: [
      {
        interval: "1m",
        input_series: scrapes.series(),
        promql_expr_test: firing.map(([minute, alerts]) => ({
          expr: 'group by (alertname) (ALERTS{alertstate="firing"})',
          eval_time: `${minute}m`,
          exp_samples: alerts.map((alert) => ({ labels: `{alertname="${alert}"}`, value: 1 })),
        })),
      },
    ],
  };
  const file = join(folder, "alerts-test.yml");
  // JSON is YAML.
  await writeFile(file, JSON.stringify(tests));
  const { status, stdout, stderr } = spawnSync("promtool", ["test", "rules", file], { encoding: "utf8" });
  return status === 0 ? "" : `${stdout}${stderr}`;
}
