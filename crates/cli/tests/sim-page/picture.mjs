// Draws the picture of the page: a scene at a running simulator (SIM_URL). Argument: where to, a PNG.
import { NUMBER, SIM } from "../cloud-clients/shared.mjs";
import { approved, call, launch, send, template, texts, upload } from "./browser.mjs";

const [file] = process.argv.slice(2);
const USER = "919812345678";
const user = { from: USER, number: NUMBER };
const browser = await launch();

/** A picture for the header, drawn by the browser. */
async function chart() {
  const tab = await browser.newPage({ viewport: { width: 480, height: 200 } });
  const bars = [60, 84, 72, 110, 96, 130, 154]
    .map((height, day) => `<rect x="${28 + day * 62}" y="${180 - height}" width="40" height="${height}" rx="5" fill="#fff" opacity="${0.5 + day * 0.08}"/>`)
    .join("");
  await tab.setContent(`<body style="margin:0"><svg width="480" height="200" style="background:linear-gradient(120deg,#0b6e5b,#e8a33d)">${bars}</svg>`);
  return tab.screenshot();
}

for (const [nth, name] of ["Meera", "Kabir", "Noor"].entries()) {
  await send("template", template("daily_text_v1", [{ type: "body", parameters: texts(name) }]), {}, `91981230000${nth}`);
}
const image = { type: "image", image: { id: await upload(await chart()) } };
const parts = [{ type: "header", parameters: [image] }, { type: "body", parameters: texts("Asha") }];
const pack = await send("template", template("daily_pack_v1", parts), {}, USER);
await call("/_sim/reply", { ...user, text: "Can someone call me about it?", quotes: pack });
const titles = { am: "Monday, 9:00", pm: "Monday, 17:00", no: "Not now" };
const buttons = Object.entries(titles).map(([id, title]) => ({ type: "reply", reply: { id, title } }));
const offer = { type: "button", body: { text: "Gladly. *When* may we call?" }, footer: { text: "Calls take ten minutes" }, action: { buttons } };
const asked = await send("interactive", offer, {}, USER);
await call("/_sim/press", { ...user, message: asked, button: "1" });
await call("/_sim/react", { ...user, message: pack, emoji: "👍" });
await send("text", { body: "We will call you on Monday at 17:00." }, {}, USER);

const tab = await browser.newPage({ viewport: { width: 900, height: 960 }, locale: "en-GB", timezoneId: "Asia/Kolkata" });
await tab.goto(`${SIM}/_sim/#conversations/${NUMBER}/${USER}`);
await tab.waitForFunction(() => document.querySelectorAll("#messages .tick.delivered, #messages .tick.read").length === 5);
await tab.screenshot({ path: file });
await browser.close();
