import assert from "node:assert/strict";
import { test } from "node:test";
import { reasons } from "../../../src/core/diagnosis/reasons.ts";
import { serviceMetrics } from "../../../src/service/index.ts";
import { metricsIn } from "../../support/metrics-text.ts";

test("a grant that ends for want of a refresh token is counted apart from those that lapsed, which are an alarm", async () => {
  const metrics = serviceMetrics();
  for (const reason of ["no_refresh_token", "no_refresh_token", "invalid_grant"] as const) {
    const { dependsOn, fix } = reasons[reason];
    metrics.onEvent({ type: "lapsed", grantId: "g_1", provider: "google", reason, dependsOn, fix });
  }
  const samples = metricsIn((await metrics.text()).body).get("onbehalf_events_total")?.samples ?? [];
  const counted = samples.filter(({ labels }) => labels["provider"] === "google");
  assert.deepEqual(Object.fromEntries(counted.map(({ labels, value }) => [labels["type"], value])), {
    access_ended: 2,
    lapsed: 1,
  });
});
