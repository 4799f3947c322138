// What a person does at the page of the simulator, and what the business hears of it.
import { createHmac } from "node:crypto";
import { NUMBER, PNG, SECRET, SIM, USER, receive, until } from "../cloud-clients/shared.mjs";
import { approved, call, launch, send, template, texts, upload } from "./browser.mjs";

const heard = [];
const { seen, close } = receive(async (raw, signature) => {
  const changes = JSON.parse(raw).entry.flatMap((entry) => entry.changes);
  heard.push(...changes.flatMap(({ value }) => [...(value.messages ?? []), ...(value.statuses ?? [])]));
  return signature === `sha256=${createHmac("sha256", SECRET).update(raw).digest("hex")}`;
});
/** The webhook that `is_it` is true of. */
const hears = (what, is_it) => until(what, () => heard.find(is_it));

const browser = await launch();
const tab = await browser.newPage({ viewport: { width: 1280, height: 800 } });
tab.setDefaultTimeout(20_000);
const wrong = [];
const expected = /ERR_CONNECTION|ERR_EMPTY_RESPONSE|Failed to load resource/;
tab.on("pageerror", (error) => wrong.push(String(error)));
tab.on("console", (line) => line.type() === "error" && !expected.test(line.text()) && wrong.push(line.text()));
tab.on("request", (request) => new URL(request.url()).origin === SIM || wrong.push(`asked ${request.url()}`));

const bubble = (id) => tab.locator(`#messages [data-id="${id}"]`);
const ticked = (id, status) => bubble(id).locator(`.tick.${status}`).waitFor();
const told = {};

// A template with a picture, and a parameter that would like to be HTML.
await approved("pack", "UTILITY", [
  { type: "HEADER", format: "TEXT", text: "Your pack" },
  { type: "BODY", text: "Good morning {{1}}, here it is.", example: { body_text: [["Asha"]] } },
  { type: "FOOTER", text: "Dawncast" },
  { type: "BUTTONS", buttons: [{ type: "QUICK_REPLY", text: "Thanks" }, { type: "URL", text: "See", url: "https://example.com/pack" }] },
]);
const script = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>";
const first = await send("template", template("pack", [{ type: "body", parameters: texts(script) }]));
await tab.goto(`${SIM}/_sim/`);
await tab.getByLabel("Search by phone").fill(USER.slice(2, 8));
await tab.locator("#found a", { hasText: `+${USER}` }).click();
await ticked(first, "delivered");
told.template = await bubble(first).locator("h3, .text, .footer").allTextContents();
told.stray = /false|undefined|null|\[object/.exec(await tab.locator("#phone").textContent());
told.ticks = await bubble(first).locator(".tick").getAttribute("aria-label");

await bubble(first).getByRole("button", { name: "Thanks" }).click();
told.button = (await hears("the press", (it) => it.type === "button")).button;
await bubble(first).getByRole("button", { name: "See" }).click();
told.opens = await tab.locator("#notice a").getAttribute("href");

// The press has opened the window: a list, a picture and a flow.
const rows = [{ id: "r0", title: "Monday" }, { id: "r1", title: "Tuesday", description: "in the morning" }];
const list = await send("interactive", { type: "list", body: { text: "When?" }, action: { button: "Days", sections: [{ title: "Days", rows }] } });
await bubble(list).getByText("Days").first().click();
await bubble(list).getByRole("button", { name: "Tuesday" }).click();
told.row = (await hears("the row", (it) => it.interactive?.list_reply)).interactive.list_reply;
const picture = await send("image", { id: await upload(PNG), caption: "*bold* & <b>not</b>" });
told.caption = await bubble(picture).locator(".text").innerHTML();
await tab.waitForFunction((id) => document.querySelector(`[data-id="${id}"] img`)?.naturalWidth === 1, picture);
const parameters = { flow_message_version: "3", flow_id: "9", flow_cta: "Book", flow_token: "tk" };
const flow = await send("interactive", { type: "flow", body: { text: "Book" }, action: { name: "flow", parameters } });
await bubble(flow).getByRole("button", { name: "Book" }).click();
await tab.getByLabel("response").fill("no JSON");
await tab.locator("#ask").getByRole("button", { name: "Send" }).click();
await tab.locator("#ask-wrong", { hasText: "JSON" }).waitFor();
await tab.getByLabel("response").fill('{"day": "Monday"}');
await tab.locator("#ask").getByRole("button", { name: "Send" }).click();
told.flow = JSON.parse((await hears("the flow's end", (it) => it.interactive?.nfm_reply)).interactive.nfm_reply.response_json);

// A reaction, a quotation, and reading in both directions.
await bubble(first).getByLabel("React or quote").click();
await bubble(first).getByRole("button", { name: "React with 👍" }).click();
told.reaction = (await hears("the reaction", (it) => it.type === "reaction")).reaction.emoji;
await bubble(first).locator(".reactions", { hasText: "👍" }).waitFor();
await bubble(first).getByLabel("React or quote").click();
await bubble(first).getByRole("button", { name: "Quote" }).click();
await tab.getByLabel("Message of the user").fill("Thank you");
await tab.getByLabel("Message of the user").press("Enter");
const reply = await hears("the reply", (it) => it.text?.body === "Thank you");
told.quotes = reply.context.id === first;
await bubble(reply.id).locator("blockquote", { hasText: "Good morning" }).waitFor();
await call(`/v24.0/${NUMBER}/messages`, { messaging_product: "whatsapp", status: "read", message_id: reply.id });
await ticked(reply.id, "read");
await tab.getByRole("button", { name: "Mark as read" }).click();
told.read = (await hears("the receipt", (it) => it.id === first && it.status === "read")).status;
await ticked(first, "read");

// Whom the user blocks cannot reach it.
await tab.getByRole("button", { name: "Block" }).click();
await tab.getByRole("button", { name: "Unblock" }).waitFor();
told.silenced = await tab.getByLabel("Message of the user").isDisabled();
const lost = await send("template", template("pack", [{ type: "body", parameters: texts("Asha") }]));
await ticked(lost, "failed");
told.failed = await bubble(lost).locator(".error").textContent();
told.code = (await hears("the failure", (it) => it.id === lost && it.status === "failed")).errors[0].code;
await tab.getByRole("button", { name: "Unblock" }).click();
await tab.getByRole("button", { name: "Block", exact: true }).waitFor();

// The simulator goes away and comes back.
await call("/_sim/faults", { faults: [{ fault: { kind: "down", ms: 1200 } }] });
await tab.locator("#state", { hasText: "does not answer" }).waitFor();
await tab.waitForFunction(() => document.getElementById("state").textContent === "");
await bubble(lost).waitFor();

await tab.getByRole("link", { name: "Numbers" }).click();
told.number = await tab.locator("#number-rows tr").first().locator("td").allTextContents();
await tab.getByRole("link", { name: "Templates" }).click();
await tab.locator("#template-cards h2", { hasText: "pack" }).first().waitFor();
const pack = tab.locator("#template-cards li").filter({ has: tab.locator("h3", { hasText: "Your pack" }) });
told.previews = await pack.locator(".text").allTextContents();

// As wide as a phone nothing sticks out, by day and by night.
await tab.setViewportSize({ width: 390, height: 844 });
told.wide = [];
const grounds = new Set();
for (const colorScheme of ["light", "dark"]) {
  await tab.emulateMedia({ colorScheme });
  grounds.add(await tab.evaluate(() => getComputedStyle(document.documentElement).backgroundColor));
  for (const hash of ["conversations", `conversations/${NUMBER}/${USER}`, "numbers", "templates"]) {
    await tab.evaluate((hash) => (location.hash = hash), hash);
    await tab.locator("main > section:not([hidden]) :is(li, td):visible").first().waitFor();
    const wide = await tab.evaluate(() => document.documentElement.scrollWidth);
    if (wide > 390) told.wide.push([hash, wide]);
  }
}
told.grounds = grounds.size;
told.hacked = await tab.evaluate(() => window.hacked ?? null);
told.wrong = wrong;
told.webhooks = seen;
await browser.close();
close();
console.log(JSON.stringify(told));
