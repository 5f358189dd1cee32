/** Where `oidc-provider` keeps what it has issued: in memory, without the one of its own that warns about that. */
import type { Adapter, AdapterPayload } from "oidc-provider";

export function memoryAdapter(): (model: string) => Adapter {
  const all = new Map<string, AdapterPayload>();
  return (model) => {
    const keyOf = (id: string): string => `${model}:${id}`;
    const where = (fits: (payload: AdapterPayload) => boolean): AdapterPayload | undefined =>
      [...all].find(([key, payload]) => key.startsWith(`${model}:`) && fits(payload))?.[1];
    return {
      upsert: async (id, payload) => void all.set(keyOf(id), payload),
      find: async (id) => all.get(keyOf(id)),
      findByUid: async (uid) => where((payload) => payload["uid"] === uid),
      findByUserCode: async (userCode) => where((payload) => payload["userCode"] === userCode),
      destroy: async (id) => void all.delete(keyOf(id)),
      consume: async (id) => {
        const payload = all.get(keyOf(id));
        if (payload !== undefined) all.set(keyOf(id), { ...payload, consumed: Math.floor(Date.now() / 1_000) });
      },
      revokeByGrantId: async (grantId) => {
        for (const [key, payload] of all) if (payload["grantId"] === grantId) all.delete(key);
      },
    };
  };
}
