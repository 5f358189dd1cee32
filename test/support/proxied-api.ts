import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import type { Provider } from "../../src/index.ts";
import type { ServerOptions } from "../../src/service/index.ts";
import { testService } from "./test-service.ts";
import type { TestService } from "./test-service.ts";
import { testVault } from "./test-vault.ts";
import type { SharedStandin } from "./test-vault.ts";

/** A service whose grant reaches an API of our own making, in the place of Google's. */
export async function proxiedApi(
  t: TestContext,
  shared: SharedStandin,
  listener: RequestListener,
  options: ServerOptions = {},
  record: Partial<Provider> = {},
): Promise<TestService & { proxied: string }> {
  const api = createServer(listener);
  await new Promise<void>((resolve) => api.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    api.closeAllConnections();
    api.close();
  });
  const apiBaseUrl = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
  const { provider } = await testVault(t, { shared });
  const service = await testService(t, {
    ...options,
    shared,
    vault: { provider: { ...provider, ...record, apiBaseUrl } },
  });
  const { grantId } = await service.grant();
  return { ...service, proxied: `/v1/grants/${grantId}/proxy` };
}
