import { configurationInvalid } from "../../core/errors.ts";

const answerWithinMs = 30_000;

export type Members = Readonly<Record<string, unknown>>;

/** An answer, whatever its status. */
export interface JsonAnswer {
  readonly status: number;
  readonly ok: boolean;
  readonly body: unknown;
}

/**
 * Asks an API that speaks JSON. No redirect is followed: it would be told the bearer token.
 *
 * @throws {OnbehalfError} `configuration_invalid`: it cannot be reached
 */
export async function askJson(
  url: string,
  bearer: string | undefined,
  { method = "GET", body }: { readonly method?: "GET" | "POST" | "PATCH"; readonly body?: object } = {},
): Promise<JsonAnswer> {
  const response = await fetch(url, {
    method,
    headers: {
      accept: "application/json",
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    redirect: "error",
    signal: AbortSignal.timeout(answerWithinMs),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch((error: unknown) => {
    throw configurationInvalid(`${new URL(url).host} cannot be reached`, "see that this machine reaches it", error);
  });
  const answer: unknown = await response.json().catch(() => ({}));
  return { status: response.status, ok: response.ok, body: answer };
}

/** An answer's members; none where it is no object. */
export function membersOf(value: unknown): Members {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : {};
}
