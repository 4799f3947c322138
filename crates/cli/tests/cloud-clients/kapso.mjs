// @kapso/whatsapp-cloud-api, unchanged, against the simulator: every kind of message that it sends, media, templates, webhooks.
import { WhatsAppClient } from "@kapso/whatsapp-cloud-api";
import { normalizeWebhook, verifySignature } from "@kapso/whatsapp-cloud-api/server";
import { NUMBER, PNG, SECRET, SIM, TOKEN, USER, WABA, each, receive, until, userWrites } from "./shared.mjs";

const client = new WhatsAppClient({ accessToken: TOKEN, baseUrl: SIM, graphVersion: "v24.0" });
const statuses = new Map();
const inbound = [];
const webhooks = receive((raw, signature) => {
  if (!verifySignature({ appSecret: SECRET, rawBody: raw, signatureHeader: signature })) return false;
  const told = normalizeWebhook(JSON.parse(raw));
  told.statuses.forEach((status) => statuses.set(status.id, [...(statuses.get(status.id) ?? []), status.status]));
  inbound.push(...told.messages);
  return true;
});

const to = { phoneNumberId: NUMBER, to: USER };
const hello = await userWrites("hello");
const media = await client.media.upload({ phoneNumberId: NUMBER, type: "image/png", file: new Blob([PNG], { type: "image/png" }), fileName: "a.png" });
const image = { id: media.id };
const products = [{ title: "Shoes", productItems: [{ productRetailerId: "SKU-1" }] }];
const { messages } = client;
const sent = await each({
  text: () => messages.sendText({ ...to, body: "Hello", contextMessageId: hello }),
  image: () => messages.sendImage({ ...to, image: { ...image, caption: "c" } }),
  image_link: () => messages.sendImage({ ...to, image: { link: "https://example.com/a.png" } }),
  audio: () => messages.sendAudio({ ...to, audio: { link: "https://example.com/a.mp3" } }),
  document: () => messages.sendDocument({ ...to, document: { link: "https://example.com/a.pdf", filename: "a.pdf", caption: "c" } }),
  video: () => messages.sendVideo({ ...to, video: { link: "https://example.com/a.mp4", caption: "c" } }),
  sticker: () => messages.sendSticker({ ...to, sticker: { link: "https://example.com/a.webp" } }),
  location: () => messages.sendLocation({ ...to, location: { latitude: -33.45, longitude: -70.66, name: "Santiago", address: "CL" } }),
  contacts: () => messages.sendContacts({ ...to, contacts: [{ name: { formattedName: "John Doe", firstName: "John" }, phones: [{ phone: "+15551234567", type: "WORK" }] }] }),
  reaction: () => messages.sendReaction({ ...to, reaction: { messageId: hello, emoji: "😀" } }),
  buttons: () => messages.sendInteractiveButtons({ ...to, bodyText: "Pick", footerText: "F", header: { type: "image", image }, buttons: [{ id: "a", title: "A" }, { id: "b", title: "B" }] }),
  list: () => messages.sendInteractiveList({ ...to, bodyText: "Pick", buttonText: "Open", sections: [{ title: "S", rows: [{ id: "r1", title: "R1" }, { id: "r2", title: "R2", description: "d" }] }] }),
  cta_url: () => messages.sendInteractiveCtaUrl({ ...to, bodyText: "Tap", parameters: { displayText: "See", url: "https://example.com?utm=wa" } }),
  product: () => messages.sendInteractiveProduct({ ...to, bodyText: "One", catalogId: "123", productRetailerId: "SKU-1" }),
  product_list: () => messages.sendInteractiveProductList({ ...to, header: { type: "text", text: "Ours" }, bodyText: "Some", catalogId: "123", sections: products }),
  catalog: () => messages.sendInteractiveCatalogMessage({ ...to, bodyText: "All", parameters: { thumbnailProductRetailerId: "SKU-1" } }),
  flow: () => messages.sendInteractiveFlow({ ...to, bodyText: "Fill in", parameters: { flowId: "123", flowCta: "Open", flowToken: "t", flowAction: "navigate", flowActionPayload: { screen: "FIRST", data: { a: 1 } } } }),
  location_request: () => messages.sendInteractiveLocationRequest({ ...to, bodyText: "Where are you?", parameters: { requestMessage: "Where are you?" } }),
  template: () => messages.sendTemplate({ ...to, template: { name: "daily_text_v1", language: { code: "en_IN" }, components: [{ type: "body", parameters: [{ type: "text", text: "Asha" }] }] } }),
  template_with_image: () => messages.sendTemplate({ ...to, template: { name: "daily_pack_v1", language: { code: "en_IN" }, components: [{ type: "header", parameters: [{ type: "image", image }] }, { type: "body", parameters: [{ type: "text", text: "Asha" }] }] } }),
  read: () => messages.markRead({ phoneNumberId: NUMBER, messageId: hello, typingIndicator: { type: "text" } }),
});

const refused = await each({
  too_many_buttons: () => messages.sendRaw({ phoneNumberId: NUMBER, payload: { messaging_product: "whatsapp", to: USER, type: "interactive", interactive: { type: "button", body: { text: "x" }, action: { buttons: ["a", "b", "c", "d"].map((id) => ({ type: "reply", reply: { id, title: id } })) } } } }),
  no_window: () => messages.sendText({ ...to, to: "919812340000", body: "x" }),
});

const files = await each({
  get: () => client.media.get({ mediaId: media.id }),
  download: async () => Buffer.from(await client.media.download({ mediaId: media.id, auth: "always" })).equals(PNG),
  delete: () => client.media.delete({ mediaId: media.id }),
});

const components = [{ type: "BODY", text: "Good day {{1}}, this is for you.", example: { bodyText: [["Asha"]] } }];
const templates = await each({
  create: () => client.templates.create({ businessAccountId: WABA, name: "kapso_made", language: "en_US", category: "UTILITY", components }),
  list: async () => (await client.templates.list({ businessAccountId: WABA, limit: 50 })).data.map((it) => it.name),
  delete: () => client.templates.delete({ businessAccountId: WABA, name: "kapso_made" }),
});

const ids = Object.values(sent.done).flatMap((answer) => answer.messages?.map((message) => message.id) ?? []);
const read = await until("the receipts", () => ids.filter((id) => statuses.get(id)?.includes("sent")).length === ids.length);
await userWrites("bye");
const bye = await until("the user's message", () => inbound.find((message) => message.text?.body === "bye"));
webhooks.close();
console.log(JSON.stringify({ sent, refused, files, templates, read, from: bye.from, webhooks: webhooks.seen }));
