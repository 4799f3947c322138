// What the scripts share: where the simulator is, a place for its webhooks, and waiting.
import { createServer } from "node:http";

export const SIM = process.env.SIM_URL;
export const NUMBER = process.env.SIM_NUMBER;
export const WABA = process.env.SIM_WABA;
export const TOKEN = "SIM_TOKEN";
export const SECRET = process.env.SIM_APP_SECRET;
export const USER = "919812345678";
export const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

/** Answers the simulator's webhooks: `take` gets the raw body and the signature, and says whether it was right. */
export function receive(take) {
  const seen = { calls: 0, refused: 0 };
  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", async () => {
      const raw = Buffer.concat(chunks).toString("utf8");
      const ok = await take(raw, request.headers["x-hub-signature-256"]);
      seen.calls += 1;
      seen.refused += ok ? 0 : 1;
      response.writeHead(ok ? 200 : 401).end();
    });
  });
  server.listen(Number(process.env.WEBHOOK_PORT), "127.0.0.1");
  return { seen, close: () => server.close() };
}

/** Waits until `found` gives something; gives up after twenty seconds. */
export async function until(what, found) {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const value = await found();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`${what} did not come about`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A user writes: the service window is open, and here is the id of the message. */
export async function userWrites(text, from = USER) {
  const response = await fetch(`${SIM}/_sim/reply`, {
    method: "POST",
    body: JSON.stringify({ from, number: NUMBER, text }),
  });
  if (!response.ok) throw new Error(`/_sim/reply: ${await response.text()}`);
  return (await response.json()).id;
}

/** Makes each call of a list of named ones, and tells which of them failed and how. */
export async function each(calls) {
  const done = {};
  const failed = {};
  for (const [name, call] of Object.entries(calls)) {
    try {
      done[name] = await call();
    } catch (error) {
      failed[name] = `${error?.message ?? error}`;
    }
  }
  return { done, failed };
}
