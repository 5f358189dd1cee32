import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { families } from "../../src/service/metrics/families.ts";

const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");
const rules = read("monitoring/alerts.yml");
const page = read("docs/monitoring.md");
const story = read("test/stories/alerts.test.ts");
const alerts = [...rules.matchAll(/- alert: (\w+)$/gm)].map(([, name = ""]) => name);

/** The metrics that an expression names: of a histogram, its parts. */
function metricsOf(expression: string): string[] {
  return [...expression.matchAll(/\bonbehalf_\w+/g)].map(([name]) => name);
}

function assertKnown(name: string): void {
  const histogram = name.replace(/_(?:bucket|sum|count)$/, "");
  assert.ok(families[name as "onbehalf_x"] ?? families[histogram as "onbehalf_x"]?.type === "histogram", name);
}

describe("monitoring/", () => {
  test("each alert has a section of its own in docs/monitoring.md, to which its runbook leads, and a test that drives it", () => {
    assert.ok(alerts.length > 10);
    assert.deepEqual(
      [...page.matchAll(/^### (Onbehalf\w+)$/gm)].map(([, name]) => name),
      alerts,
    );
    const runbooks = [...rules.matchAll(/runbook_url:\s+\S+\/docs\/monitoring\.md#(\w+)$/gm)].map(([, to]) => to);
    assert.deepEqual(
      runbooks,
      alerts.map((name) => name.toLowerCase()),
    );
    for (const name of alerts) assert.ok(story.includes(`"${name}"`), name);
  });

  test("the rules name metrics that there are", () => {
    const expressions = rules.split("- alert:").slice(1);
    assert.equal(expressions.length, alerts.length);
    for (const text of expressions) {
      const [, expression = ""] = /expr:(.*?)(?:for:|labels:)/s.exec(text) ?? [];
      const named = metricsOf(expression);
      assert.ok(named.length > 0, text);
      for (const name of named) assertKnown(name);
    }
  });

  test("the dashboard for Grafana is JSON, and each of its panels asks for metrics that there are", () => {
    const dashboard = JSON.parse(read("monitoring/grafana.json")) as {
      readonly panels: readonly {
        readonly id: number;
        readonly title: string;
        readonly gridPos: { readonly x: number; readonly y: number };
        readonly targets: readonly { readonly expr: string }[];
      }[];
    };
    const used = new Set<string>();
    for (const { title, targets } of dashboard.panels) {
      assert.ok(targets.length > 0, title);
      for (const { expr } of targets) {
        const named = metricsOf(expr);
        assert.ok(named.length > 0, expr);
        for (const name of named) {
          assertKnown(name);
          used.add(name.replace(/_bucket$/, ""));
        }
      }
    }
    const places = dashboard.panels.map(({ id, gridPos: { x, y } }) => `${id} ${x} ${y}`);
    assert.equal(new Set(places.map((place) => place.split(" ").slice(1).join(" "))).size, places.length);
    // What is shown nowhere: what runs, what is only of use while keys are replaced, and what the log says better.
    const hidden = [
      "onbehalf_build_info",
      "onbehalf_grants_counted_timestamp_seconds",
      "onbehalf_resealed_values",
      "onbehalf_reseal_fraction",
    ];
    assert.deepEqual(
      Object.keys(families).filter((name) => !used.has(name)),
      hidden,
    );
  });
});
