import { OnbehalfBrowserError } from "./errors.ts";

/** The address of Google's script. */
const googleScript = "https://accounts.google.com/gsi/client";

/** The part of Google Identity Services that this client uses. */
interface CodeClientConfig {
  client_id: string;
  scope: string;
  ux_mode: "popup";
  include_granted_scopes: boolean;
  login_hint?: string;
  hd?: string;
  select_account?: boolean;
  callback(response: { code?: string; error?: string; error_description?: string }): void;
  error_callback(error: { type?: string; message?: string }): void;
}
interface CodeClients {
  initCodeClient(config: CodeClientConfig): { requestCode(): void };
}

/** The members that are not undefined: Google reads one that is present and undefined as a value. */
function defined<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as ReturnType<
    typeof defined<T>
  >;
}

/** What the popup asks Google for. */
export interface PopupRequest {
  readonly clientId: string;
  readonly scope: readonly string[];
  readonly includeGrantedScopes: boolean;
  readonly loginHint: string | undefined;
  readonly hostedDomain: string | undefined;
  readonly selectAccount: boolean | undefined;
}

const loading = new Map<string, Promise<void>>();

function codeClients(): CodeClients | undefined {
  return (globalThis as { google?: { accounts?: { oauth2?: CodeClients } } }).google?.accounts?.oauth2;
}

/**
 * Loads Google's script. Call it when the page opens: a browser lets a popup open only shortly after a click, and loading
 * the script may take longer than that.
 *
 * @param gsiUrl the script's address; default Google's
 * @returns when the script is ready; at once where it was loaded before
 * @throws {OnbehalfBrowserError} `script_failed`: the script did not load; the next call tries again
 * @see {@link https://developers.google.com/identity/oauth2/web/guides/load-3p-authorization-library | Google: the script}
 */
export function preloadGoogle(gsiUrl: string = googleScript): Promise<void> {
  if (codeClients() !== undefined) return Promise.resolve();
  const known = loading.get(gsiUrl);
  if (known !== undefined) return known;
  const started = loadScript(gsiUrl).catch((error: unknown) => {
    loading.delete(gsiUrl);
    throw error;
  });
  loading.set(gsiUrl, started);
  return started;
}

function loadScript(src: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    const failed = (): void => {
      script.remove();
      reject(
        new OnbehalfBrowserError("script_failed", `${src} did not load`, {
          hint: "allow it in script-src of the Content-Security-Policy; if it is allowed, look for a content blocker",
        }),
      );
    };
    script.src = src;
    script.async = true;
    script.addEventListener("load", () => {
      if (codeClients() === undefined) failed();
      else resolve();
    });
    script.addEventListener("error", failed);
    document.head.append(script);
  });
}

const popupProblems = new Map([
  [
    "popup_failed_to_open",
    {
      message: "the browser did not open the sign-in window",
      hint: "call signIn() from a click, and preloadGoogle() when the page opens",
    },
  ],
  [
    "popup_closed",
    {
      message: "the sign-in window was closed before Google answered",
      hint: "if the person did not close it, serve the page with Cross-Origin-Opener-Policy: same-origin-allow-popups",
    },
  ],
]);

/**
 * Opens Google's sign-in window and resolves to the one-time code.
 *
 * @throws {OnbehalfBrowserError} `popup_failed_to_open`, `popup_closed`, `popup_error`, or the provider's own code
 *   (`access_denied`: the person said no).
 */
export function requestCode(request: PopupRequest): Promise<string> {
  const clients = codeClients();
  if (clients === undefined) {
    return Promise.reject(
      new OnbehalfBrowserError("script_failed", "Google's script is not loaded", {
        hint: "wait for preloadGoogle() first",
      }),
    );
  }
  return new Promise((resolve, reject) => {
    const client = clients.initCodeClient({
      client_id: request.clientId,
      scope: request.scope.join(" "),
      ux_mode: "popup",
      include_granted_scopes: request.includeGrantedScopes,
      ...defined({ login_hint: request.loginHint, hd: request.hostedDomain, select_account: request.selectAccount }),
      callback: ({ code, error, error_description }) => {
        if (code !== undefined && code !== "") resolve(code);
        else reject(refusal(error ?? "popup_error", error_description));
      },
      error_callback: ({ type = "popup_error", message }) => {
        const problem = popupProblems.get(type);
        if (problem === undefined)
          reject(new OnbehalfBrowserError("popup_error", message ?? "the sign-in window failed"));
        else reject(new OnbehalfBrowserError(type, problem.message, { hint: problem.hint }));
      },
    });
    client.requestCode();
  });
}

/**
 * The error for an answer of the provider that has no code.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1 | RFC 6749 section 4.1.2.1}
 */
export function refusal(code: string, description: string | null | undefined): OnbehalfBrowserError {
  const said = description === null || description === undefined || description === "" ? "" : `: ${description}`;
  return code === "access_denied"
    ? new OnbehalfBrowserError(code, `the person refused${said}`, {
        hint: "continue without it, and ask again when they use what needs it",
      })
    : new OnbehalfBrowserError(code, `the provider refused the sign-in (${code})${said}`, {
        hint: "docs/google.md explains the codes of Google",
      });
}
