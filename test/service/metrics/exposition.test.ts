import assert from "node:assert/strict";
import { test } from "node:test";
import { addDuration, durationBoundsMs, noDurations } from "../../../src/core/figures.ts";
import { Exposition } from "../../../src/service/metrics/exposition.ts";
import { families } from "../../../src/service/metrics/families.ts";
import { metricsIn, valueOf } from "../../support/metrics-text.ts";

test("a label of any text comes out of Prometheus' format as it went in", () => {
  for (const text of ['a"b', "a\\b", "a\nb", '\\"', "\\n", "\\\n", "{}=,", "", "ÄÖ 🙂", "# HELP x", 'x"} 1']) {
    const exposition = new Exposition();
    exposition.add("onbehalf_events_total", { type: text, provider: text }, 1);
    const [sample, ...others] = metricsIn(exposition.text()).get("onbehalf_events_total")?.samples ?? [];
    assert.deepEqual([sample?.labels, others], [{ type: text, provider: text }, []], JSON.stringify(text));
  }
});

test("every family has its help and its type, whether or not it has a sample", () => {
  const scraped = metricsIn(new Exposition().text());
  assert.deepEqual([...scraped.keys()], Object.keys(families));
  for (const [name, { type, help }] of Object.entries(families)) {
    assert.deepEqual(scraped.get(name), { type, help, samples: [] });
    assert.equal(name.endsWith("_total"), type === "counter", `${name}: counters, and they alone, end so`);
    if (type === "histogram") assert.match(name, /_seconds$/);
  }
});

test("a histogram counts what took as long as a bound with that bound, and all in the last part", () => {
  const durations = noDurations();
  for (const ms of [0, 5, 5.1, 30_000, 30_001]) addDuration(durations, ms);
  const exposition = new Exposition();
  exposition.addDurations("onbehalf_keeper_request_seconds", {}, durations);
  const scraped = metricsIn(exposition.text());
  const part = (le: string): number | undefined => valueOf(scraped, "onbehalf_keeper_request_seconds_bucket", { le });
  assert.deepEqual(["0.005", "0.01", "10", "30", "+Inf"].map(part), [2, 3, 3, 4, 5]);
  assert.equal(valueOf(scraped, "onbehalf_keeper_request_seconds_count"), 5);
  assert.equal(valueOf(scraped, "onbehalf_keeper_request_seconds_sum"), 60.0111);
  assert.equal(scraped.get("onbehalf_keeper_request_seconds")?.samples.length, durationBoundsMs.length + 3);
});
