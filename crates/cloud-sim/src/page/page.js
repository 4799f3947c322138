// The page at /_sim/: asks the simulator each second and shows what has changed. What is open stands in the address, so
// that a reload, or a restart of the simulator, changes nothing but what is shown.
import { bubble, clock, el, ticks } from "./bubble.js";

const EVERY = 1000;
const EMOJI = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

const at = (id) => document.getElementById(id);
const say = (message) => (at("state").textContent = message);

async function ask(path, body) {
  const init = body && { method: "POST", body: JSON.stringify(body) };
  const response = await fetch(path, init);
  const answer = await response.json().catch(() => ({ error: `HTTP ${response.status}` }));
  if (!response.ok) throw new Error(answer.error ?? `HTTP ${response.status}`);
  return answer;
}

/** What the address names: a section, and of the first one a conversation. */
function place() {
  const [section, number, phone] = location.hash.slice(1).split("/");
  const known = ["conversations", "numbers", "templates"].includes(section);
  return { section: known ? section : "conversations", number, phone };
}

// ---- what is shown -------------------------------------------------------------------------------------------------

const shown = new Map();

/** Draws only what is not drawn already. */
function once(name, data, draw) {
  const text = JSON.stringify(data);
  if (shown.get(name) === text) return;
  shown.set(name, text);
  draw(data);
}

const rates = new Map();

/** Messages accepted per second since the last look. */
function rate(number, now) {
  const before = rates.get(number.id);
  rates.set(number.id, { accepted: number.accepted, now });
  if (!before || now <= before.now) return 0;
  return Math.max(0, Math.round(((number.accepted - before.accepted) * 1000) / (now - before.now)));
}

function drawNumbers(numbers) {
  const row = (it) =>
    el("tr", {},
      el("th", { scope: "row" }, `+${it.display_phone_number}`, el("small", {}, it.id)),
      el("td", { "data-label": "Status" }, badge(it.status)),
      el("td", { "data-label": "Quality" }, badge(it.quality_rating)),
      el("td", { "data-label": "Limit" }, ...it.messaging_limit.split(/(?<=_)/).flatMap((part) => [part, el("wbr")])),
      el("td", { class: "figure", "data-label": "Per second" }, `${it.rate} of ${it.mps}`),
      el("td", { class: "figure", "data-label": "Sent" }, it.accepted.toLocaleString()),
      el("td", { class: "figure", "data-label": "Refused" }, it.refused.toLocaleString()));
  at("number-rows").replaceChildren(...numbers.map(row));
}

function fillNumbers(numbers) {
  const option = (it) => el("option", { value: it.id }, `+${it.display_phone_number} (${it.id})`);
  at("start-number").replaceChildren(...numbers.map(option));
}

const badge = (word) => el("span", { class: `badge ${String(word).toLowerCase()}` }, word);

function drawTemplates(templates) {
  const several = new Set(templates.map((it) => it.account)).size > 1;
  const card = (it) =>
    el("li", {},
      el("h2", {}, it.name),
      el("p", { class: "quiet" }, [it.language, it.category, several && it.account].filter(Boolean).join(" · ")),
      el("p", {}, badge(it.status), " ", badge(it.quality_score)),
      el("div", { class: "bubble" }, ...bubble(it.preview, Date.now())));
  at("template-cards").replaceChildren(...templates.map(card));
}

function drawList({ conversations, total }) {
  const { number, phone } = place();
  const row = (it) => {
    const current = it.number === number && it.phone === phone ? "page" : undefined;
    return el("li", {},
      el("a", { href: `#conversations/${it.number}/${it.phone}`, "aria-current": current },
        el("strong", {}, `+${it.phone}`),
        el("time", {}, clock(it.last.at_ms)),
        el("span", { class: "last" }, `${it.last.from === "user" ? "↩ " : ""}${it.last.text}`),
        el("small", {}, it.number)));
  };
  at("found").replaceChildren(...conversations.map(row));
  const left = total - conversations.length;
  at("more").textContent = total === 0 ? "No conversation yet." : left > 0 ? `and ${left.toLocaleString()} more` : "";
}

let quotes;

function drawTop(it) {
  at("business").textContent = `+${it.display_phone_number}`;
  const day = it.window_closes_ms && new Date(it.window_closes_ms).toLocaleDateString([], { weekday: "short" });
  const window = day ? `window until ${day} ${clock(it.window_closes_ms)}` : "window closed";
  const stopped = it.stopped_marketing ? " · no marketing wanted" : "";
  at("about").textContent = `phone +${it.phone} · ${window}${stopped}`;
  at("block").textContent = it.blocked ? "Unblock" : "Block";
  at("block").setAttribute("aria-pressed", String(it.blocked));
  at("typing").textContent = it.typing ? "typing…" : "";
  at("text").disabled = it.blocked;
  at("text").placeholder = it.blocked ? "You blocked this business. Unblock it to write." : "Message";
}

let drawn = new Map();
/** Whether the latest message is in view, and is to stay so. */
let atEnd = true;

function toEnd() {
  const box = at("messages");
  if (atEnd) box.scrollTop = box.scrollHeight;
}

/** Keeps the elements of messages that have not changed, and with them what is open or in focus. */
function drawMessages({ messages, now_ms: now, display_phone_number: business }) {
  const box = at("messages");
  const before = drawn;
  drawn = new Map();
  const nodes = messages.map((it) => {
    // What an offer has left is shown by the minute.
    const text = JSON.stringify([it, it.bubble.offer && Math.floor(now / 60_000)]);
    const known = before.get(it.id);
    const node = known?.text === text ? known.node : drawMessage(it, now, business);
    drawn.set(it.id, { text, node });
    return node;
  });
  const unchanged = nodes.length === box.children.length && nodes.every((node, nth) => box.children[nth] === node);
  if (!unchanged) box.replaceChildren(...nodes);
  if (!unchanged) toEnd();
}

function drawMessage(it, now, business) {
  const mine = it.from === "user";
  const onPhone = it.status !== "failed";
  const quote = it.quotes?.text !== undefined &&
    el("blockquote", {}, el("strong", {}, it.quotes.from === "user" ? "You" : `+${business}`), el("span", {}, it.quotes.text));
  const reactions = (it.reactions ?? []).map((one) => el("span", { title: `by the ${one.from}` }, one.emoji));
  const press = mine || !onPhone ? undefined : (button) => pressed(it, button);
  return el("li", { class: `bubble ${mine ? "mine" : ""} ${it.status}`, "data-id": it.id },
    it.template && el("p", { class: "from-template" }, `template ${it.template.name} (${it.template.language})`),
    quote, ...bubble(it.bubble, now, press, ticks(it)),
    reactions.length > 0 && el("p", { class: "reactions" }, ...reactions),
    onPhone && menu(it));
}

function menu(it) {
  const react = (emoji) =>
    el("button", { type: "button", "aria-label": `React with ${emoji}`, onclick: () => act("react", { message: it.id, emoji }) }, emoji);
  const quote = () => {
    quotes = it.id;
    at("quoted").hidden = false;
    at("quoted").firstElementChild.textContent = it.bubble.text ?? it.type;
    at("text").focus();
  };
  return el("details", { class: "menu" },
    el("summary", { "aria-label": "React or quote" }, "⋯"),
    el("div", {}, ...EMOJI.map(react),
      el("button", { type: "button", onclick: () => act("react", { message: it.id }) }, "No reaction"),
      el("button", { type: "button", onclick: quote }, "Quote")));
}

// ---- what a person does --------------------------------------------------------------------------------------------

function notice(...words) {
  at("notice").replaceChildren(...words);
  at("notice").hidden = false;
  clearTimeout(notice.timer);
  notice.timer = setTimeout(() => (at("notice").hidden = true), 8000);
}

/** A call of the simulator for the conversation that is open. */
async function act(call, body) {
  const { number, phone } = place();
  try {
    const answer = await ask(call, { from: phone, number, ...body });
    await look();
    return answer;
  } catch (error) {
    notice(error.message);
    return undefined;
  }
}

async function pressed(message, button) {
  const body = { message: message.id, button: button.key };
  if (button.does === "flow") body.response = await asked("What is entered into the flow (JSON)", { response: "{}" }, (it) => JSON.parse(it.response));
  if (button.does === "place") body.location = await asked("Where the phone is", { latitude: "12.9716", longitude: "77.5946" }, degrees);
  if (body.response === null || body.location === null) return;
  const answer = await act("press", body);
  if (answer) tell(button, answer);
}

function degrees(it) {
  const place = { latitude: Number(it.latitude), longitude: Number(it.longitude) };
  if (Object.values(place).some(Number.isNaN)) throw new Error("give numbers");
  return place;
}

/** What the phone does by itself is told to the person alone. */
function tell(button, answer) {
  if (answer.does === "calls") notice(`The phone calls ${answer.with.phone}.`);
  if (answer.does === "copies") notice(`Copied: ${answer.with.code}`);
  if (answer.does === "shows") notice(`“${button.text}” opens on the phone; the number is not told.`);
  if (answer.does !== "opens") return;
  const { url } = answer.with;
  const isLink = /^https?:\/\//i.test(url);
  notice("The phone opens ", isLink ? el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, url) : url);
}

/** Asks for some fields; null if that was cancelled. */
function asked(title, fields, read) {
  const dialog = at("ask");
  const inputs = Object.entries(fields).map(([name, value]) => {
    const input = el(name === "response" ? "textarea" : "input", { name, rows: "5" });
    input.value = value;
    return input;
  });
  at("ask-title").textContent = title;
  at("ask-wrong").textContent = "";
  at("ask-fields").replaceChildren(...inputs.map((input) => el("label", { class: "field" }, el("span", {}, input.name), input)));
  return new Promise((resolve) => {
    const form = dialog.querySelector("form");
    form.onsubmit = (event) => {
      if (event.submitter?.value !== "send") return resolve(null);
      try {
        resolve(read(Object.fromEntries(inputs.map((input) => [input.name, input.value]))));
      } catch (error) {
        event.preventDefault();
        at("ask-wrong").textContent = error.message;
      }
    };
    dialog.oncancel = () => resolve(null);
    dialog.showModal();
  });
}

async function reply(event) {
  event.preventDefault();
  const text = at("text").value.trim();
  if (text && (await act("reply", { text, quotes }))) {
    at("reply").reset();
    unquote();
  }
}

function unquote() {
  quotes = undefined;
  at("quoted").hidden = true;
}

// ---- looking, again and again ----------------------------------------------------------------------------------------

async function lookAt({ section, number, phone }) {
  if (section === "templates") return once("templates", (await ask("templates")).templates, drawTemplates);
  const { numbers } = await ask("numbers");
  const now = performance.now();
  once("number-options", numbers.map(({ id, display_phone_number }) => ({ id, display_phone_number })), fillNumbers);
  if (section === "numbers") {
    return once("numbers", numbers.map((it) => ({ ...it, rate: rate(it, now) })), drawNumbers);
  }
  const search = new URLSearchParams({ phone: at("search").value.replace(/\D/g, "") });
  const list = await ask(`conversations?${search}`);
  once("list", [list, number, phone], ([it]) => drawList(it));
  if (!number || !phone) return undefined;
  const path = `conversations/${encodeURIComponent(number)}/${encodeURIComponent(phone)}`;
  const conversation = await ask(path);
  drawTop(conversation);
  return drawMessages(conversation);
}

let turn = 0;

async function look() {
  clearTimeout(look.timer);
  const mine = ++turn;
  try {
    if (!document.hidden) await lookAt(place());
    say("");
  } catch (error) {
    say(error instanceof TypeError ? "The simulator does not answer; trying again." : error.message);
  }
  // Whoever looked later goes on.
  if (mine === turn) look.timer = setTimeout(look, EVERY);
}

function turnTo() {
  const { section, number, phone } = place();
  for (const it of document.querySelectorAll("main > section")) it.hidden = it.id !== section;
  for (const it of document.querySelectorAll("nav a")) {
    if (it.hash === `#${section}`) it.setAttribute("aria-current", "page");
    else it.removeAttribute("aria-current");
  }
  const open = Boolean(number && phone);
  at("phone").hidden = !open;
  at("none").hidden = open;
  at("conversations").classList.toggle("open", open);
  at("messages").replaceChildren();
  drawn = new Map();
  atEnd = true;
  unquote();
  look();
}

at("messages").addEventListener("scroll", ({ target: box }) => {
  atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
});
// A picture that has come makes its message higher; such events do not bubble.
at("messages").addEventListener("load", toEnd, true);
at("reply").addEventListener("submit", reply);
at("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    at("reply").requestSubmit();
  }
});
at("quoted").lastElementChild.addEventListener("click", unquote);
at("read").addEventListener("click", () => act("read"));
at("block").addEventListener("click", (event) => act("block", { blocked: event.target.getAttribute("aria-pressed") !== "true" }));
at("search").addEventListener("input", look);
at("start").addEventListener("submit", (event) => {
  event.preventDefault();
  location.hash = `conversations/${at("start-number").value}/${at("start-phone").value.replace(/\D/g, "")}`;
});
document.addEventListener("visibilitychange", look);
window.addEventListener("hashchange", turnTo);
turnTo();
