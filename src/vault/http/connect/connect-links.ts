import { configurationInvalid } from "../../../core/errors.ts";
import type { Grant } from "../../../core/grant.ts";
import type { Maker } from "../../../core/maker.ts";
import { waitFor } from "../../../core/single-flight.ts";
import type { Provider } from "../../../providers/provider.ts";
import { assertBeginConnectOptions, beginConnect } from "./begin-connect.ts";
import type { BeginConnectOptions, BegunConnect } from "./begin-connect.ts";
import { connectHandler } from "./connect-handler.ts";
import type { ConnectHandler } from "./connect-handler.ts";
import { assertFinishConnectOptions, connectState, finishConnect } from "./finish-connect.ts";
import type { ConnectState, FinishConnectOptions, SeesLink } from "./finish-connect.ts";
import type { ConnectParts } from "./parts.ts";
import { siteOf } from "./site.ts";
import type { ConnectOptions, ConnectSite, SiteFor } from "./site.ts";

const everyLink: SeesLink = () => true;

/** The connect links of a vault. */
export class ConnectLinks {
  readonly #parts: ConnectParts;
  #site: ConnectSite | undefined;

  /** @param options where links lead; absent: the first handler that is made says so */
  constructor(parts: ConnectParts, options: ConnectOptions | undefined) {
    this.#parts = parts;
    this.#site = options === undefined ? undefined : siteOf(options);
  }

  handler(options: ConnectOptions | SiteFor | undefined): ConnectHandler {
    const onFault = (error: unknown): void => this.#parts.context.onFault(error, "a connect link");
    if (typeof options === "function") return connectHandler(this.#parts, options, onFault);
    const site = options === undefined ? this.#site : siteOf(options);
    if (site === undefined) {
      throw configurationInvalid(
        "connectHandler needs baseUrl",
        "give the URL where the handler is mounted, such as https://app.example/connect",
      );
    }
    this.#site ??= site;
    return connectHandler(this.#parts, () => site, onFault);
  }

  /**
   * @param site where the link leads, where that is not what the vault knows
   * @param maker whose it is: it ends with them; the app's own, by default
   */
  async begin(
    provider: (name?: string) => Provider,
    options: BeginConnectOptions,
    site: ConnectSite | undefined = this.#site,
    maker?: Maker,
  ): Promise<BegunConnect> {
    assertBeginConnectOptions(options);
    if (site === undefined) {
      throw configurationInvalid(
        "nobody has said where connect links lead",
        "give openVault connect: { baseUrl }, or make the handler with connectHandler({ baseUrl }) before",
      );
    }
    return waitFor(beginConnect(this.#parts.context, provider(options.provider), site, options, maker), options.signal);
  }

  async finish(connectId: string, options: FinishConnectOptions, sees: SeesLink = everyLink): Promise<Grant> {
    assertFinishConnectOptions(connectId, options);
    options.signal?.throwIfAborted();
    return waitFor(finishConnect(this.#parts, connectId, options, sees), options.signal);
  }

  status(connectId: string, sees: SeesLink = everyLink): Promise<ConnectState> {
    return connectState(this.#parts, connectId, sees);
  }
}
