// What an app's page does: asks Google for a one-time code, and hands it to its server.
import { post } from "./api.js";
import { scope } from "./code.js";

/** Loads Google's script when the page opens: a browser lets a popup open only shortly after the click. */
export function loadGoogle(base) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `${base}/gsi/client`;
    script.addEventListener("load", resolve);
    script.addEventListener("error", () => reject(new Error("the sign-in script did not load from the stand-in")));
    document.head.append(script);
  });
}

/** Resolves to who signed in, or to undefined where the window was closed or the person said no. */
export async function signIn(clientId, { chooseAccount = false, loginHint } = {}) {
  const code = await requestCode({
    client_id: clientId,
    scope,
    select_account: chooseAccount,
    ...(loginHint === undefined ? {} : { login_hint: loginHint }),
  });
  // post() sends X-Requested-With: without it the server refuses, before it uses the code.
  return code === undefined ? undefined : post("/authcode", { authCode: code, source: "web-popup", scope });
}

function requestCode(config) {
  return new Promise((resolve, reject) => {
    const client = google.accounts.oauth2.initCodeClient({
      ...config,
      ux_mode: "popup",
      callback: ({ code, error }) => {
        if (code !== undefined) resolve(code);
        else if (error === "access_denied") resolve(undefined);
        else reject(new Error(`Google refused the sign-in (${error})`));
      },
      error_callback: ({ type, message }) => {
        if (type === "popup_closed") resolve(undefined);
        else if (type === "popup_failed_to_open")
          reject(new Error("the browser did not open the sign-in window: allow popups for this page"));
        else reject(new Error(message));
      },
    });
    client.requestCode();
  });
}
