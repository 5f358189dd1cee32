import assert from "node:assert/strict";
import type { lookup } from "node:dns";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import { outboundFetch } from "../../src/outbound/outbound-fetch.ts";
import type { OutboundInit } from "../../src/outbound/outbound-fetch.ts";
import { isPublicAddress, publicLookup } from "../../src/outbound/public-lookup.ts";

const publicAddresses = [
  "8.8.8.8",
  "142.250.1.1",
  "199.36.153.8",
  "172.32.0.1",
  "2607:f8b0::1",
  "64:ff9b::8.8.8.8",
  "::ffff:8.8.8.8",
];
const otherAddresses = [
  "0.0.0.0",
  "10.1.2.3",
  "100.64.0.1",
  "127.0.0.1",
  "127.255.255.254",
  "169.254.169.254",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "192.0.0.1",
  "198.18.0.1",
  "224.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "fe80::1",
  "fe80::1%eth0",
  "fc00::1",
  "fd00:ec2::254",
  "ff02::1",
  "::ffff:127.0.0.1",
  "::ffff:7f00:1",
  "::127.0.0.1",
  "64:ff9b::10.0.0.1",
  "64:ff9b::a9fe:a9fe",
  "64:ff9b:1::1",
  "2001::1",
  "2001:db8::1",
  "2002:7f00:1::",
  "not an address",
  "",
];

describe("addresses that a token may be sent to", () => {
  for (const address of publicAddresses) {
    test(`a token may be sent to a public address: ${address}`, () => assert.equal(isPublicAddress(address), true));
  }
  for (const address of otherAddresses) {
    test(`a token may not be sent to an address that is not public: ${address}`, () =>
      assert.equal(isPublicAddress(address), false));
  }

  /** What a connection gets for a name with these addresses. */
  const found = (addresses: readonly string[], all: boolean): Promise<unknown> => {
    const resolve = ((_name: string, _options: object, done: (error: null, found: object[]) => void) =>
      done(
        null,
        addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
      )) as typeof lookup;
    return new Promise((settle) => {
      publicLookup(resolve)("api.example", { all }, (error, address) => settle(error === null ? address : error.code));
    });
  };

  test("a name is connected to at the address that was checked, or not at all", async () => {
    assert.equal(await found(["8.8.8.8"], false), "8.8.8.8");
    assert.deepEqual(await found(["8.8.8.8", "2607:f8b0::1"], true), [
      { address: "8.8.8.8", family: 4 },
      { address: "2607:f8b0::1", family: 6 },
    ]);
    for (const addresses of [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["2607:f8b0::1", "::1"], []]) {
      assert.equal(await found(addresses, true), "ADDRESS_NOT_PUBLIC");
      assert.equal(await found(addresses, false), "ADDRESS_NOT_PUBLIC");
    }
  });

  test("a request that must stay in public does not reach this machine by a name of it", async (t) => {
    let requests = 0;
    const server = createServer((_request, response) => {
      requests += 1;
      response.end("reached");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const send = outboundFetch({});
    const url = `http://localhost:${(server.address() as AddressInfo).port}/`;
    const init: OutboundInit = { publicOnly: true };
    assert.equal(await (await send(url)).text(), "reached");
    await assert.rejects(send(url, init), { code: "ADDRESS_NOT_PUBLIC" });
    assert.equal(requests, 1);
  });
});
