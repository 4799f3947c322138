// Panels that show what is true now: stats, bar gauges, tables.

import { settings, shown } from "./fields.js";
import { nameOf } from "./source.js";

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export const nothing = (panel) => element("div", { class: "none" }, panel.fieldConfig.defaults.noValue ?? "No data");

async function values(panel, source) {
  const answers = await Promise.all(panel.targets.map((target) => source.now(target)));
  const named = answers.flatMap((rows, place) =>
    rows.map(({ labels, value }) => ({ name: nameOf(panel.targets[place], labels), value })));
  return named.filter(({ value }) => !Number.isNaN(value)).sort((a, b) => a.name.localeCompare(b.name));
}

export async function stat(panel, source) {
  const found = await values(panel, source);
  if (!found.length) found.push({ name: "", value: panel.fieldConfig.defaults.noValue ?? "No data" });
  const body = element("div", { class: "figures" });
  for (const { name, value } of found) {
    const { text, color } = shown(value, settings(panel, name));
    const { colorMode } = panel.options;
    const size = found.length > 1 || text.length > 14 ? 17 : 25;
    const one = element("div", { style: `font-size: ${size}px` }, text);
    if (found.length > 1) one.append(element("small", {}, name));
    if (color && colorMode === "value") one.style.color = color;
    if (color && colorMode === "background") body.dataset.fill = color;
    body.append(one);
  }
  return body;
}

export async function bargauge(panel, source) {
  const found = await values(panel, source);
  if (!found.length) return nothing(panel);
  const body = element("div", { class: "gauges" });
  for (const { name, value } of found) {
    const field = settings(panel, name);
    const { text, color } = shown(value, field);
    const { min = 0, max = 1 } = field;
    const filled = Math.min(100, Math.max(0, (100 * (value - min)) / (max - min)));
    const bar = element("div", {}, element("i", { style: `width: ${filled}%; background: ${color}` }));
    body.append(element("div", { class: "gauge" }, element("span", {}, name), bar, element("b", {}, text)));
  }
  return body;
}

// Rows of one answer go to those of another that agree in every label that both have.
function merge(tables) {
  const merged = [];
  for (const { labels, ...cells } of tables.flat()) {
    const agrees = (row) => Object.keys(labels).every((label) => row[label] === undefined || row[label] === labels[label]);
    const shares = (row) => Object.keys(labels).some((label) => row[label] !== undefined);
    const partners = merged.filter((row) => shares(row) && agrees(row));
    if (partners.length) partners.forEach((row) => Object.assign(row, labels, cells));
    else merged.push({ ...labels, ...cells });
  }
  return merged;
}

function organize(rows, { excludeByName, indexByName, renameByName }) {
  const names = [...new Set(rows.flatMap(Object.keys))].filter((name) => !excludeByName[name]);
  names.sort((a, b) => (indexByName[a] ?? 99) - (indexByName[b] ?? 99));
  return names.map((name) => ({ key: name, title: renameByName[name] ?? name }));
}

export async function table(panel, source) {
  const answers = await Promise.all(panel.targets.map(async (target) => {
    const key = panel.targets.length > 1 ? `Value #${target.refId}` : "Value";
    return (await source.now(target)).map(({ labels, value }) => ({ labels, [key]: value }));
  }));
  const rows = merge(answers);
  if (!rows.length) return nothing(panel);
  const organizing = panel.transformations.find(({ id }) => id === "organize").options;
  const columns = organize(rows, organizing).map((column) => ({ ...column, field: settings(panel, column.title) }));
  const head = columns.map(({ title, field }) =>
    element("th", field.custom.width ? { width: field.custom.width } : {}, title));
  const lines = rows.map((row) => element("tr", {}, ...columns.map(({ key, field }) => cell(row[key], field))));
  const body = element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...lines));
  return element("div", { class: "scroll" }, body);
}

function cell(value, field) {
  if (value === undefined || Number.isNaN(value)) return element("td", {}, "–");
  const { text, color } = shown(value, field);
  const colored = field.custom.cellOptions?.type === "color-text" && color;
  return element("td", colored ? { style: `color: ${color}; font-weight: 600` } : {}, text);
}
