import type { OperatorRole, Vault } from "../../../index.ts";

/**
 * Makes the address at which somebody signs in to the dashboard, once, within ten minutes.
 *
 * @param url by which people reach the service
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function dashboardLink(
  { operators }: Pick<Vault, "operators">,
  url: string,
  role: OperatorRole = "operator",
): Promise<string> {
  const { secret } = await operators.createLink(role);
  return `${url.replace(/\/+$/, "")}/dashboard/link/${secret.expose()}`;
}
