// How a value is shown: units, mappings, thresholds and colours, with a field's overrides.

const COLORS = { green: "#3a8a30", red: "#e02f44", orange: "#f2801d", blue: "#3274d9", gray: "#7d8590", text: "#24292e" };
const PALETTE = ["#3274d9", "#56a64b", "#f2801d", "#a352cc", "#0d98a5", "#b5651d", "#d44a8a", "#7d8590"];
const SPANS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"], [1e-3, "ms"], [1e-6, "µs"]];

export const color = (name) => COLORS[name] ?? name;
export const paletteColor = (place) => PALETTE[place % PALETTE.length];

// Grafana reads a pattern with slashes as it stands, and one without as the whole text.
function pattern(text) {
  const slashed = /^\/(.*)\/([a-z]*)$/.exec(text);
  return slashed ? new RegExp(slashed[1], slashed[2]) : new RegExp(`^${text}$`);
}

// The settings of the field of this name: the panel's defaults, then what overrides them.
export function settings(panel, name) {
  const { defaults, overrides } = panel.fieldConfig;
  const found = { ...defaults, custom: { ...defaults.custom } };
  for (const { matcher, properties } of overrides) {
    if (matcher.id === "byName" ? matcher.options !== name : !pattern(matcher.options).test(name)) continue;
    for (const { id, value } of properties) {
      if (id.startsWith("custom.")) found.custom[id.slice(7)] = value;
      else found[id] = value;
    }
  }
  return found;
}

function mapped(value, mappings = []) {
  for (const { type, options } of mappings) {
    if (type === "value" && options[String(value)]) return options[String(value)];
    if (type === "regex" && pattern(options.pattern).test(String(value))) return options.result;
  }
}

function threshold(value, thresholds) {
  const passed = (thresholds?.steps ?? []).filter((step) => step.value === null || value >= step.value);
  return passed.at(-1)?.color;
}

const number = (value, decimals) =>
  value.toLocaleString("en", { minimumFractionDigits: decimals ?? 0, maximumFractionDigits: decimals ?? 2 });

function span(seconds, decimals) {
  if (seconds === 0) return "0 s";
  const [size, unit] = SPANS.find(([size]) => Math.abs(seconds) >= size) ?? SPANS.at(-1);
  const value = seconds / size;
  return `${number(value, decimals ?? (Math.abs(value) >= 10 ? 0 : 1)).replace(/\.0$/, "")} ${unit}`;
}

function fromNow(ms) {
  const seconds = ms / 1000 - Date.now() / 1000;
  return seconds < 0 ? `${span(-seconds)} ago` : `in ${span(seconds)}`;
}

export function dateTime(ms) {
  const at = new Date(ms);
  const two = (value) => String(value).padStart(2, "0");
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join("-");
  return `${day} ${[at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":")}`;
}

export function format(value, { unit, decimals }) {
  if (unit === "percentunit") return `${number(value * 100, decimals)} %`;
  if (unit === "s") return span(value, decimals);
  if (unit === "dateTimeAsSystem") return dateTime(value);
  if (unit === "dateTimeFromNow") return fromNow(value);
  if (unit?.startsWith("suffix:")) return `${number(value, decimals)} ${unit.slice(7).trim()}`;
  return number(value, decimals);
}

// What is written for a value, and in which colour.
export function shown(value, field) {
  const mapping = mapped(value, field.mappings);
  const text = mapping?.text ?? (typeof value === "number" ? format(value, field) : value);
  const reached = typeof value === "number" ? threshold(value, field.thresholds) : undefined;
  return { text, color: color(mapping?.color ?? reached) };
}
