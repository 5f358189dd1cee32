/** Delivers Security Event Tokens by push (RFC 8935). What one is made of does not belong here. */

/** How long is waited before a delivery is tried again, milliseconds. */
const retriesMs = [200, 1_000, 5_000, 30_000];

/** Deliveries to receivers on this machine, each tried again until it is taken or refused. */
export class SetDelivery {
  readonly #waiting = new Set<NodeJS.Timeout>();

  /**
   * Begins a delivery.
   *
   * @param authorization a header that the receiver asked for
   * @param isWanted asked before each further try
   */
  send(url: string, set: string, isWanted: () => boolean, authorization?: string): void {
    void this.#try({ url, set, isWanted, authorization }, 0);
  }

  /** Ends the tries that are to come. */
  close(): void {
    for (const timer of this.#waiting) clearTimeout(timer);
    this.#waiting.clear();
  }

  async #try(delivery: Delivery, tries: number): Promise<void> {
    const { url, set, isWanted, authorization } = delivery;
    const headers = {
      "content-type": "application/secevent+jwt",
      accept: "application/json",
      ...(authorization === undefined ? {} : { authorization }),
    };
    const status = await fetch(url, { method: "POST", headers, body: set, redirect: "error" }).then(
      async (response) => {
        await response.arrayBuffer();
        return response.status;
      },
      () => 503,
    );
    const retryMs = retriesMs[tries];
    // It was taken, or refused for good.
    if (status < 500 || retryMs === undefined || !isWanted()) return;
    const timer = setTimeout(() => {
      this.#waiting.delete(timer);
      void this.#try(delivery, tries + 1);
    }, retryMs);
    timer.unref();
    this.#waiting.add(timer);
  }
}

interface Delivery {
  readonly url: string;
  readonly set: string;
  readonly isWanted: () => boolean;
  readonly authorization: string | undefined;
}
