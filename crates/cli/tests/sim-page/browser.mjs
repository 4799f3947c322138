// A browser at the simulator's page, and sending as any client would.
import { execFileSync } from "node:child_process";
import { chromium } from "playwright-core";
import { NUMBER, SIM, TOKEN, USER, WABA } from "../cloud-clients/shared.mjs";

/** Debian's Chromium, or what `BROWSER` names. */
export function launch() {
  const name = process.env.BROWSER ?? "chromium";
  const executablePath = execFileSync("sh", ["-c", 'command -v "$0"', name], { encoding: "utf8" }).trim();
  return chromium.launch({ executablePath });
}

export async function call(path, body) {
  const headers = { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json" };
  const response = await fetch(`${SIM}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${path}: ${JSON.stringify(answer)}`);
  return answer;
}

/** Sends a message of a type; its id. */
export async function send(type, content, more = {}, to = USER) {
  const body = { messaging_product: "whatsapp", to: `+${to}`, type, [type]: content, ...more };
  return (await call(`/v24.0/${NUMBER}/messages`, body)).messages[0].id;
}

export function template(name, components, language = "en_IN") {
  return { name, language: { code: language }, components };
}

export const texts = (...all) => all.map((text) => ({ type: "text", text }));

/** Uploads a picture; its id. */
export async function upload(bytes) {
  const form = new FormData();
  form.append("messaging_product", "whatsapp");
  form.append("file", new Blob([bytes], { type: "image/png" }), "picture.png");
  const init = { method: "POST", headers: { Authorization: `Bearer ${TOKEN}` }, body: form };
  return (await (await fetch(`${SIM}/v24.0/${NUMBER}/media`, init)).json()).id;
}

/** Creates a template that is approved at once. */
export async function approved(name, category, components) {
  await call(`/${WABA}/message_templates`, { name, language: "en_IN", category, components });
  await call(`/_sim/templates/${name}`, { status: "APPROVED", silent: true });
}
