// What a page gets from /gsi/client: google.accounts.oauth2.initCodeClient, in popup and in redirect mode.
(() => {
  "use strict";
  const base = new URL(document.currentScript.src).origin;
  const endpoint = `${base}/o/oauth2/v2/auth`;

  /** Parameters that mean the same here and at the authorization endpoint. */
  const passedOn = ["client_id", "scope", "state", "login_hint", "hd", "nonce"];

  const requestFor = (config, redirectUri) => {
    const request = new URLSearchParams({ response_type: "code", access_type: "offline", redirect_uri: redirectUri });
    for (const name of passedOn) {
      if (config[name] !== undefined) request.set(name, config[name]);
    }
    // As the real one: what was granted before is included, unless the page says otherwise.
    request.set("include_granted_scopes", String(config.include_granted_scopes ?? true));
    if (config.select_account === true) request.set("prompt", "select_account");
    return `${endpoint}?${request.toString()}`;
  };

  const inTheMiddle = (width, height) => {
    const left = Math.max(0, Math.round(window.screenX + (window.outerWidth - width) / 2));
    const top = Math.max(0, Math.round(window.screenY + (window.outerHeight - height) / 2));
    return `popup,width=${width},height=${height},left=${left},top=${top}`;
  };

  const byPopup = (config) => {
    const id = `auth${crypto.getRandomValues(new Uint32Array(2)).join("")}`;
    const { protocol, host } = window.location;
    const relay = `storagerelay://${protocol.slice(0, -1)}/${host}?id=${id}`;
    const popup = window.open(requestFor(config, relay), id, inTheMiddle(500, 640));
    const failed = (type, message) => config.error_callback?.(Object.assign(new Error(message), { type }));
    if (popup === null) {
      failed("popup_failed_to_open", "Failed to open popup window on url. Maybe blocked by the browser?");
      return;
    }
    const done = () => {
      window.removeEventListener("message", receive);
      clearInterval(watch);
    };
    const receive = (event) => {
      // From our popup, from our origin, about this request: anybody can post a message to a page.
      if (event.origin !== base || event.source !== popup) return;
      if (event.data?.type !== "standin.code" || event.data.id !== id) return;
      done();
      config.callback(event.data.answer);
    };
    let closedFor = 0;
    const watch = setInterval(() => {
      // The message of a popup that has just closed may still be on its way.
      closedFor = popup.closed ? closedFor + 1 : 0;
      if (closedFor < 3) return;
      done();
      failed("popup_closed", "Popup window closed");
    }, 200);
    window.addEventListener("message", receive);
  };

  const byRedirect = (config) => {
    const { origin, pathname } = window.location;
    window.location.assign(requestFor(config, config.redirect_uri ?? origin + pathname));
  };

  const initCodeClient = (config) => {
    if (typeof config?.client_id !== "string") throw new Error("Missing required parameter client_id.");
    if (typeof config.scope !== "string") throw new Error("Missing required parameter scope.");
    const redirects = config.ux_mode === "redirect";
    if (!redirects && typeof config.callback !== "function") throw new Error("Missing required parameter callback.");
    return {
      requestCode: (overrides = {}) => {
        const merged = { ...config, ...overrides };
        if (redirects) byRedirect(merged);
        else byPopup(merged);
      },
    };
  };

  const granted = (answer) => new Set((answer?.scope ?? "").split(" "));
  const hasGrantedAllScopes = (answer, ...scopes) => scopes.every((scope) => granted(answer).has(scope));
  const hasGrantedAnyScope = (answer, ...scopes) => scopes.some((scope) => granted(answer).has(scope));

  window.google = window.google ?? {};
  window.google.accounts = window.google.accounts ?? {};
  window.google.accounts.oauth2 = { initCodeClient, hasGrantedAllScopes, hasGrantedAnyScope };
  if (typeof window.onGoogleLibraryLoad === "function") window.onGoogleLibraryLoad();
})();
