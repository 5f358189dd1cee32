/**
 * Better Auth with the settings that make it quickest: no rate limit, no log, no telemetry, tokens stored as they come (which is
 * its default), no cookies to sign. Users with an account at one provider are put into its tables by its own adapter.
 */
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { genericOAuth } from "better-auth/plugins";

export type BetterAuthDatabase = NonNullable<Parameters<typeof betterAuth>[0]["database"]>;

export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly accessTokenExpiresAt: Date;
}

export interface BetterAuthUsers {
  /** What `getAccessToken` is asked with, a user each. */
  readonly users: readonly { readonly userId: string; readonly accountId: string }[];
  readonly accessToken: (user: { readonly userId: string; readonly accountId: string }) => Promise<string>;
}

/**
 * @param tokensOf the tokens of user number n
 * @param refresh asks the provider; by default there is none to ask
 */
export async function betterAuthUsers(
  database: BetterAuthDatabase,
  count: number,
  tokensOf: (n: number) => Tokens | Promise<Tokens>,
  refresh: (refreshToken: string) => Promise<Partial<Tokens>> = () => Promise.reject(new Error("no provider")),
): Promise<BetterAuthUsers> {
  const auth = betterAuth({
    baseURL: "http://127.0.0.1:8000",
    secret: "a secret of which nothing depends here, 32 and more",
    database,
    logger: { disabled: true },
    telemetry: { enabled: false },
    rateLimit: { enabled: false },
    socialProviders: {
      google: { clientId: "client", clientSecret: "secret", refreshAccessToken: async (token) => refresh(token) },
    },
  });
  const { runMigrations } = await getMigrations(auth.options);
  await runMigrations();
  const { internalAdapter } = await auth.$context;
  const users: { userId: string; accountId: string }[] = [];
  for (let n = 0; n < count; n += 1) {
    const user = await internalAdapter.createUser(
      { email: `user-${n}@example.com`, name: `User ${n}`, emailVerified: true },
      { method: "oauth" },
    );
    const account = await internalAdapter.createAccount({
      userId: user.id,
      providerId: "google",
      accountId: `subject-${n}`,
      scope: "openid,email",
      ...(await tokensOf(n)),
    });
    users.push({ userId: user.id, accountId: account.id });
  }
  return {
    users,
    async accessToken(user) {
      const { accessToken } = await auth.api.getAccessToken({ body: user });
      return accessToken;
    },
  };
}

/**
 * Better Auth that takes codes at the end of a redirect: the only way that it has. The ID token is read and not verified.
 *
 * @returns takes the code of a person, as their browser would bring it
 */
export async function betterAuthCodes(
  database: BetterAuthDatabase,
  baseUrl: string,
  clientId: string,
): Promise<(code: string) => Promise<void>> {
  const origin = "http://127.0.0.1:8000";
  const auth = betterAuth({
    baseURL: origin,
    secret: "a secret of which nothing depends here, 32 and more",
    database,
    logger: { disabled: true },
    telemetry: { enabled: false },
    rateLimit: { enabled: false },
    plugins: [
      genericOAuth({
        config: [
          {
            providerId: "bench",
            clientId,
            clientSecret: "secret",
            authorizationUrl: `${baseUrl}/authorize`,
            tokenUrl: `${baseUrl}/token`,
            async getUserInfo({ idToken = "" }) {
              const [, payload = ""] = idToken.split(".");
              const { sub, email } = JSON.parse(Buffer.from(payload, "base64url").toString()) as Record<
                "sub" | "email",
                string
              >;
              return { id: sub, email, emailVerified: true, name: sub };
            },
          },
        ],
      }),
    ],
  });
  const { runMigrations } = await getMigrations(auth.options);
  await runMigrations();
  return async (code) => {
    const begun = await auth.handler(
      new Request(`${origin}/api/auth/sign-in/social`, {
        method: "POST",
        headers: { "content-type": "application/json", origin },
        body: JSON.stringify({ provider: "bench", callbackURL: "/done", disableRedirect: true }),
      }),
    );
    if (!begun.ok) throw new Error(`it answered ${begun.status}: ${await begun.text()}`);
    const { url } = (await begun.json()) as { url: string };
    const state = new URL(url).searchParams.get("state") ?? "";
    const cookie = begun.headers
      .getSetCookie()
      .map((each) => each.split(";")[0])
      .join("; ");
    const query = new URLSearchParams({ code, state });
    const ended = await auth.handler(
      new Request(`${origin}/api/auth/callback/bench?${query.toString()}`, { headers: { cookie } }),
    );
    const where = ended.headers.get("location") ?? "";
    if (ended.status !== 302 || !where.endsWith("/done")) throw new Error(`it answered ${ended.status}, ${where}`);
  };
}
