import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { serialize } from "node:v8";
import { Outbox, messagesIn } from "../../src/keeper-process/outbox.ts";

interface Message {
  readonly id: number;
  readonly value?: unknown;
}

/** A pipe that takes what `v8` can write down, as that of two processes does. */
function pipe(): { outbox: Outbox<Message>; sent: (Message | readonly Message[])[]; refused: number[] } {
  const sent: (Message | readonly Message[])[] = [];
  const refused: number[] = [];
  const outbox = new Outbox<Message>(
    (messages) => {
      serialize(messages);
      sent.push(messages);
    },
    ({ id }) => refused.push(id),
  );
  return { outbox, sent, refused };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("messages between a keeper's process and its parent", () => {
  test("messages of one turn of the event loop go in one write, in their order", async () => {
    const { outbox, sent } = pipe();
    for (let id = 0; id < 5; id += 1) outbox.add({ id });
    await Promise.resolve();
    outbox.add({ id: 5 });
    assert.deepEqual(sent, [], "the turn is not over");
    await turn();
    assert.deepEqual(sent.map(messagesIn), [[0, 1, 2, 3, 4, 5].map((id) => ({ id }))]);
  });

  test("messages of the next turn go in the next write", async () => {
    const { outbox, sent } = pipe();
    outbox.add({ id: 1 });
    await turn();
    outbox.add({ id: 2 });
    await turn();
    assert.deepEqual(sent.map(messagesIn), [[{ id: 1 }], [{ id: 2 }]]);
  });

  test("messages beside one that cannot be sent are sent, and that one is told of", async () => {
    const { outbox, sent, refused } = pipe();
    outbox.add({ id: 1 });
    outbox.add({ id: 2, value: () => undefined });
    outbox.add({ id: 3 });
    await turn();
    assert.deepEqual(sent.flatMap(messagesIn), [{ id: 1 }, { id: 3 }]);
    assert.deepEqual(refused, [2]);
  });

  test("messages that are flushed before the pipe is closed go at once, and only once", async () => {
    const { outbox, sent } = pipe();
    outbox.add({ id: 1 });
    outbox.flush();
    assert.deepEqual(sent.map(messagesIn), [[{ id: 1 }]]);
    await turn();
    assert.equal(sent.length, 1);
  });

  test("a message that is added while another one cannot be sent is sent in the next turn", async () => {
    const sent: number[] = [];
    const outbox: Outbox<Message> = new Outbox<Message>(
      (messages) => {
        serialize(messages);
        sent.push(...messagesIn(messages).map(({ id }) => id));
      },
      ({ id }) => outbox.add({ id: id + 100 }),
    );
    outbox.add({ id: 1, value: Symbol("no message") });
    outbox.add({ id: 2 });
    await turn();
    await turn();
    assert.deepEqual(sent, [2, 101]);
  });
});
