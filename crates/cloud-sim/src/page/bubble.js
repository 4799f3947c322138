// Draws messages. Whatever a sender could write becomes a text node, never HTML.

/** An element with attributes and children; a child that is a string becomes text, and one that is nothing is left out. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") node.addEventListener("click", value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.filter(Boolean));
  return node;
}

const STYLES = [
  [/```([^]+?)```/, "code"],
  [/(?<![\p{L}\p{N}*])\*(\S(?:[^*\n]*\S)?)\*(?![\p{L}\p{N}*])/u, "strong"],
  [/(?<![\p{L}\p{N}_])_(\S(?:[^_\n]*\S)?)_(?![\p{L}\p{N}_])/u, "em"],
  [/(?<![\p{L}\p{N}~])~(\S(?:[^~\n]*\S)?)~(?![\p{L}\p{N}~])/u, "s"],
];

/** Text with WhatsApp's own marks: *bold*, _italic_, ~struck~ and ```code```. */
export function marked(text) {
  for (const [mark, tag] of STYLES) {
    const found = mark.exec(text);
    if (!found) continue;
    const after = text.slice(found.index + found[0].length);
    const inner = tag === "code" ? [found[1]] : marked(found[1]);
    return [...marked(text.slice(0, found.index)), el(tag, {}, ...inner), ...marked(after)];
  }
  return [text];
}

export const clock = (ms, full) =>
  new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: full ? "2-digit" : undefined });

const ICONS = { image: "🖼", video: "▶", gif: "▶", audio: "🎤", document: "📄", sticker: "🏷" };

function file(it) {
  const name = it.filename ?? it.link ?? [it.kind, it.id].filter(Boolean).join(" ");
  const plain = el("div", { class: "file" }, el("span", { "aria-hidden": "true" }, ICONS[it.kind] ?? "📎"), el("span", {}, name));
  if (!it.id || !["image", "sticker"].includes(it.kind)) return plain;
  const picture = el("img", { src: `media/${encodeURIComponent(it.id)}`, alt: `${it.kind} ${it.id}`, class: it.kind });
  picture.addEventListener("error", () => picture.replaceWith(plain));
  return picture;
}

function location(it) {
  const where = `${it.latitude}, ${it.longitude}`;
  const words = [it.name && el("strong", {}, it.name), it.address && el("span", {}, it.address), el("span", {}, where)];
  return el("div", { class: "file place" }, el("span", { "aria-hidden": "true" }, "📍"), el("div", {}, ...words.filter(Boolean)));
}

function offer(it, now) {
  const left = it.ends_ms && it.ends_ms - now;
  const hours = Math.floor(left / 3_600_000);
  const minutes = Math.floor((left % 3_600_000) / 60_000);
  const ends = left > 0 ? `ends in ${hours} h ${minutes} min` : "has ended";
  return el("div", { class: "offer" }, el("strong", {}, it.text), it.ends_ms && el("span", {}, `Offer ${ends}`));
}

const SIGNS = { opens: "↗ ", calls: "☎ ", copies: "", tells: "↩ ", flow: "", place: "📍 ", shows: "" };

function button(it, press) {
  const sign = el("span", { "aria-hidden": "true" }, SIGNS[it.does] ?? "");
  return el("button", { type: "button", disabled: !press, "data-key": it.key, onclick: () => press(it) }, sign, it.text);
}

function list(it, press) {
  const row = (row) =>
    el("li", {}, el("button", { type: "button", disabled: !press, "data-key": row.key, onclick: () => press(row) },
      el("span", {}, row.text), row.description && el("small", {}, row.description)));
  const section = (section) => [section.title && el("h4", {}, section.title), el("ul", {}, ...section.rows.map(row))];
  return el("details", { class: "list" }, el("summary", {}, `☰ ${it.button}`), ...it.sections.flatMap(section));
}

/** What is written in a message, and `meta` above its buttons; `press` is called with the button pressed, where any can be. */
export function bubble(it, now, press, meta) {
  const contact = (card) => el("div", { class: "file" }, el("span", { "aria-hidden": "true" }, "👤"),
    el("div", {}, el("strong", {}, card.name), ...card.lines.map((line) => el("span", {}, line))));
  return [
    it.header && el("h3", {}, it.header),
    it.file && file(it.file),
    it.location && location(it.location),
    it.offer && offer(it.offer, now),
    ...(it.contacts ?? []).map(contact),
    it.text && el("p", { class: "text" }, ...marked(it.text)),
    ...(it.lines ?? []).map((line) => el("p", { class: "line" }, line)),
    it.footer && el("p", { class: "footer" }, it.footer),
    meta,
    it.buttons && el("div", { class: "buttons" }, ...it.buttons.map((one) => button(one, press))),
    it.list && list(it.list, press),
    it.cards && el("ul", { class: "cards", "aria-label": "Cards", tabindex: "0" },
      ...it.cards.map((card) => el("li", { class: "card" }, ...bubble(card, now, press)))),
  ].filter(Boolean);
}

const TICKS = { accepted: "🕓", sent: "✓", delivered: "✓✓", read: "✓✓", failed: "⚠" };

/** The time of a message and what has become of it. */
export function ticks(message) {
  const happened = Object.keys(TICKS).filter((status) => message.times[status]);
  const times = happened.map((status) => `${status} ${clock(message.times[status], true)}`).join(", ");
  const failed = message.error && `${message.error.code} ${message.error.title}`;
  return el("p", { class: "meta" },
    failed && el("span", { class: "error" }, failed),
    el("time", { datetime: new Date(message.at_ms).toISOString() }, clock(message.at_ms)),
    el("span", { class: `tick ${message.status}`, role: "img", "aria-label": times, title: times }, TICKS[message.status]));
}
