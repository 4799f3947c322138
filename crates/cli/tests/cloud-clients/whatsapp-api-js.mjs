// whatsapp-api-js, unchanged, against the simulator: every kind of message that it sends, media, blocking, webhooks.
import { createServer } from "node:http";
import { WhatsAppAPI } from "whatsapp-api-js/middleware/node-http";
import * as m from "whatsapp-api-js/messages";
import { NUMBER, PNG, SECRET, SIM, TOKEN, USER, each, until, userWrites } from "./shared.mjs";

const elsewhere = (url, options) => fetch(String(url).replace("https://graph.facebook.com", SIM), options);
const api = new WhatsAppAPI({
  token: TOKEN,
  appSecret: SECRET,
  webhookVerifyToken: "verify",
  v: "v24.0",
  ponyfill: { subtle: crypto.subtle, fetch: elsewhere },
});
const statuses = new Map();
const inbound = [];
const webhooks = { calls: 0, refused: 0 };
api.on.status = ({ id, status }) => void statuses.set(id, [...(statuses.get(id) ?? []), status]);
api.on.message = ({ message, from }) => void inbound.push({ message, from });
const server = createServer(async (request, response) => {
  if (request.method === "GET") return void response.end(await api.handle_get(request));
  const status = await api.handle_post(request);
  webhooks.calls += 1;
  webhooks.refused += status === 200 ? 0 : 1;
  response.writeHead(status).end();
}).listen(Number(process.env.WEBHOOK_PORT), "127.0.0.1");

const hello = await userWrites("hello");
const form = new FormData();
form.set("messaging_product", "whatsapp");
form.set("type", "image/png");
form.set("file", new Blob([PNG], { type: "image/png" }), "a.png");
const { id: media } = await api.uploadMedia(NUMBER, form);
const image = () => new m.Image(media, true);
const body = new m.Body("Pick");
const asha = new m.BodyComponent(new m.BodyParameter("Asha"));
const section = new m.ProductSection("Shoes", new m.Product("SKU-1"));
const send = (message, context) => () => api.sendMessage(NUMBER, USER, message, context, "js");
const sent = await each({
  text: send(new m.Text("Hello https://example.com", true), hello),
  image: send(new m.Image(media, true, "c")),
  audio: send(new m.Audio("https://example.com/a.mp3")),
  document: send(new m.Document("https://example.com/a.pdf", false, "c", "a.pdf")),
  sticker: send(new m.Sticker("https://example.com/a.webp")),
  video: send(new m.Video("https://example.com/a.mp4", false, "c")),
  location: send(new m.Location(-70.66, -33.45, "Santiago", "CL")),
  contacts: send(new m.Contacts([new m.Name("John Doe", "John"), new m.Phone("+15551234567", "WORK")])),
  reaction: send(new m.Reaction(hello, "😀")),
  buttons: send(new m.Interactive(new m.ActionButtons(new m.Button("a", "A"), new m.Button("b", "B")), body, new m.Header("H"), new m.Footer("F"))),
  list: send(new m.Interactive(new m.ActionList("Open", new m.ListSection("S", new m.Row("r1", "R1", "d"))), body)),
  catalog: send(new m.Interactive(new m.ActionCatalog(new m.Product("SKU-1")), body)),
  product: send(new m.Interactive(new m.ActionProduct(new m.CatalogProduct("SKU-1", "123")))),
  product_list: send(new m.Interactive(new m.ActionProductList("123", section), body, new m.Header("Ours"))),
  cta_url: send(new m.Interactive(new m.ActionCTA("See", "https://example.com"), body)),
  flow_navigate: send(new m.Interactive(new m.ActionNavigateFlow("t", "123", "Open", "FIRST", { a: 1 }), body)),
  flow_data_exchange: send(new m.Interactive(new m.ActionDataExchangeFlow("t", "123", "Open"), body)),
  location_request: send(new m.Interactive(new m.ActionLocation(), body)),
  template: send(new m.Template("daily_text_v1", "en_IN", asha)),
  template_with_image: send(new m.Template("daily_pack_v1", "en_IN", new m.HeaderComponent(new m.HeaderParameter(image())), asha)),
  read: () => api.markAsRead(NUMBER, hello, "text"),
});

const files = await each({
  get: () => api.retrieveMedia(media),
  download: async () => {
    const { url } = await api.retrieveMedia(media);
    return Buffer.from(await (await api.fetchMedia(url)).arrayBuffer()).equals(PNG);
  },
  delete: () => api.deleteMedia(media),
});
const blocking = await each({ block: () => api.blockUser(NUMBER, "919812349999"), unblock: () => api.unblockUser(NUMBER, "919812349999") });

const ids = Object.values(sent.done).flatMap((answer) => answer.messages?.map((message) => message.id) ?? []);
const receipts = await until("the receipts", () => ids.filter((id) => statuses.get(id)?.includes("sent")).length === ids.length);
await userWrites("bye");
const bye = await until("the user's message", () => inbound.find(({ message }) => message.text?.body === "bye"));
server.close();
console.log(JSON.stringify({ sent, files, blocking, receipts, from: bye.from, webhooks }));
