// Takes a campaign from nothing to its report through a client generated from the server's own description. What the
// description says wrongly does not compile, or fails here. Prints what it saw as JSON.

import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Run = components["schemas"]["Run"];
type Report = components["schemas"]["Report"];
type Problem = components["schemas"]["Problem"];

/** Deliveries are served as CSV as well; this client asks for JSON. */
type Media = "application/json" | "application/problem+json" | "text/event-stream";

const api = createClient<paths, Media>({
  baseUrl: process.env.DAWNCAST_URL,
  headers: { Authorization: `Bearer ${process.env.DAWNCAST_KEY}` },
});

/** The answer of a call that has to succeed. */
async function taken<T>(call: Promise<{ data?: T; error?: Problem; response: Response }>): Promise<T> {
  const { data, error, response } = await call;
  if (data === undefined) throw new Error(`${response.url} answered ${response.status}: ${JSON.stringify(error)}`);
  return data;
}

/** The problem of a call that has to be refused. */
async function refused(call: Promise<{ data?: unknown; error?: Problem; response: Response }>): Promise<Problem> {
  const { error, response } = await call;
  if (error === undefined) throw new Error(`${response.url} took what it had to refuse`);
  return error;
}

const asIs = <T>(body: T) => body as never;

async function prepare(): Promise<string> {
  const number = await taken(
    api.POST("/v1/numbers", {
      body: {
        phone_number_id: "100000000000001",
        waba_id: "200000000000001",
        display_phone_number: "+91 80000 00001",
        access_token: "SIM_TOKEN",
        pool: "advisors",
      },
    }),
  );
  if (number.mps !== 80) throw new Error("the default of the description is not that of the server");
  const audience = await taken(api.POST("/v1/audiences", { body: { name: "advisors" } }));
  const imported = await taken(
    api.POST("/v1/audiences/{id}/imports", {
      params: { path: { id: audience.id }, query: { mode: "replace" }, header: { "Idempotency-Key": "rows" } },
      headers: { "Content-Type": "text/csv" },
      body: "phone,id,first_name,image\n+919876543210,a,Asha,pack\n+919876543211,b,Ravi,pack\n12,c,Nobody,pack\n",
      bodySerializer: asIs,
    }),
  );
  const rejects = await taken(api.GET("/v1/imports/{id}/rejects", { params: { path: { id: imported.id } } }));
  if (imported.accepted !== 2 || rejects.items[0]?.line !== 4) throw new Error("the import counts wrongly");
  await taken(
    api.POST("/v1/assets", {
      params: { query: { name: "pack" } },
      headers: { "Content-Type": "image/png" },
      body: new Uint8Array([0x89, 0x50, 0x4e, 0x47]) as never,
      bodySerializer: asIs,
    }),
  );
  return audience.id;
}

function campaign(audience: string): components["schemas"]["NewCampaign"] {
  return {
    pool: "advisors",
    audience: { id: audience },
    schedule: { type: "now", timezone: "Asia/Kolkata" },
    window: { opens: "+0s", closes: "+3s", deadline: "+10s" },
    sla: { counts: "read", objective: 0 },
    message: {
      type: "template",
      name: "daily_pack_v1",
      language: "en_IN",
      components: [
        { type: "header", parameters: [{ type: "image", image: { asset: "{{ image }}" } }] },
        { type: "body", parameters: [{ type: "text", text: "{{ first_name }}" }] },
      ],
    },
  };
}

/** Follows the run by its events until the report comes. */
async function follow(run: string): Promise<{ states: Set<string>; report: Report }> {
  const events = await taken(
    api.GET("/v1/runs/{id}/events", { params: { path: { id: run } }, parseAs: "stream" }) as Promise<{
      data?: ReadableStream<Uint8Array>;
      error?: Problem;
      response: Response;
    }>,
  );
  const states = new Set<string>();
  let read = "";
  for await (const piece of events.pipeThrough(new TextDecoderStream() as never) as unknown as AsyncIterable<string>) {
    read += piece;
    const blocks = read.split("\n\n");
    read = blocks.pop() ?? "";
    for (const block of blocks) {
      const field = (name: string) => block.split("\n").find((line) => line.startsWith(name))?.slice(name.length);
      const data = field("data: ");
      if (data === undefined) continue;
      if (field("event: ") === "report") return { states, report: JSON.parse(data) as Report };
      states.add((JSON.parse(data) as Run).state);
    }
  }
  throw new Error("the events ended without a report");
}

/** Every item of a list, page by page. */
async function deliveries(run: string): Promise<components["schemas"]["Delivery"][]> {
  const all = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const query = cursor === undefined ? { limit: 1 } : { limit: 1, cursor };
    const page = await taken(api.GET("/v1/runs/{id}/deliveries", { params: { path: { id: run }, query } }));
    all.push(...page.items);
    cursor = page.next_cursor;
  }
  return all;
}

const audience = await prepare();
const wrong = { ...campaign("aud_none"), pool: "none", max_defects: 2 };
const problem = await refused(api.POST("/v1/campaigns/validate", { body: wrong }));
const valid = await taken(api.POST("/v1/campaigns/validate", { body: campaign(audience) }));
const once = { params: { header: { "Idempotency-Key": "morning" } }, body: campaign(audience) };
const submitted = await taken(api.POST("/v1/campaigns", once));
const again = await taken(api.POST("/v1/campaigns", once));
const { states, report } = await follow(submitted.next_run);
const rows = await deliveries(submitted.next_run);
const story = await taken(api.GET("/v1/deliveries/{id}", { params: { path: { id: rows[0]?.id ?? "" } } }));
const shown = await taken(api.GET("/v1/campaigns/{id}", { params: { path: { id: submitted.id } } }));
const key = await taken(api.POST("/v1/keys", { body: { name: "reader", scopes: ["campaigns:read"] } }));
const reader = createClient<paths, Media>({
  baseUrl: process.env.DAWNCAST_URL,
  headers: { Authorization: `Bearer ${key.secret}` },
});
const forbidden = await refused(reader.POST("/v1/stop"));

console.log(
  JSON.stringify({
    faults: problem.errors.map((fault) => fault.pointer),
    recipients: valid.forecast.recipients,
    same: again.id === submitted.id,
    states: [...states],
    totals: report.totals,
    verdict: report.sla.verdict,
    recipients_listed: rows.map((row) => row.recipient_id).sort(),
    attempts: story.story.map((attempt) => attempt.because),
    campaign: shown.state,
    forbidden: forbidden.type,
  }),
);
