// Panels that show what was true when: lines and stacked areas over time, as SVG.

import { color, format, paletteColor, settings } from "./fields.js";
import { element, nothing } from "./panels.js";
import { nameOf } from "./source.js";

const TIME_STEPS = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
const LEGEND_LINE_PX = 18;
const [TOP, RIGHT, BOTTOM] = [16, 10, 20];

function svg(tag, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// Round values from `min` to at least `max`, about `count` of them.
function ticks(min, max, count, unit) {
  const rough = (max - min) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const decimal = [1, 2, 2.5, 5, 10].map((factor) => factor * power);
  const steps = unit === "s" && rough > TIME_STEPS[0] ? TIME_STEPS : decimal;
  const step = steps.find((step) => step >= rough * 0.999) ?? steps.at(-1);
  const found = [];
  for (let at = Math.floor(min / step + 1e-9); at * step < max + step * 0.999; at += 1) found.push(Number((at * step).toPrecision(10)));
  return found;
}

async function load(panel, source) {
  const answers = await Promise.all(panel.targets.map((target) => source.range(target)));
  const series = answers.flatMap((rows, place) => {
    const named = rows.map(({ labels, points }) => ({ name: nameOf(panel.targets[place], labels), points }));
    return named.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  }).filter(({ points }) => points.length);
  let unnamed = 0;
  for (const one of series) {
    one.field = settings(panel, one.name);
    one.color = color(one.field.color?.fixedColor ?? paletteColor(unnamed++));
  }
  return series;
}

// Each area stands on those before it, time by time.
function stack(series) {
  const heights = new Map();
  for (const one of series) {
    one.areas = one.points.map(([at, value]) => {
      const below = heights.get(at) ?? 0;
      heights.set(at, below + value);
      return [at, below, below + value];
    });
  }
}

function extent(series, { min, max, thresholds, custom }) {
  const values = series.flatMap((one) => one.areas?.map((area) => area[2]) ?? one.points.map((point) => point[1]));
  const limits = custom?.thresholdsStyle ? thresholds.steps.map((step) => step.value ?? -Infinity) : [];
  const low = min ?? Math.min(0, ...values);
  const high = max ?? Math.max(...values, ...limits, custom?.axisSoftMax ?? -Infinity);
  return [low, high > low ? high : low + 1];
}

// Runs of points without a gap between them.
function runs(points, step) {
  const found = [];
  points.forEach((point, place) => {
    const follows = place > 0 && point[0] - points[place - 1][0] <= 2.5 * step;
    if (follows) found.at(-1).push(point);
    else found.push([point]);
  });
  return found;
}

const path = (points, x, y) => points.map(([at, value], place) => `${place ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join("");

class Plot {
  constructor(panel, source, series, [width, height]) {
    Object.assign(this, { panel, source, series, width, height });
    const { defaults } = panel.fieldConfig;
    const [low, high] = extent(series, defaults);
    this.marks = ticks(low, high, Math.max(2, Math.round(height / 45)), defaults.unit);
    this.top = defaults.max ?? this.marks.at(-1);
    this.low = this.marks[0];
    this.labels = this.marks.map((mark) => format(mark, { ...defaults, decimals: undefined }));
    this.left = 10 + 6.4 * Math.max(...this.labels.map((label) => label.length));
    this.x = (at) => this.left + ((at - source.from) / (source.to - source.from)) * (width - this.left - RIGHT);
    this.y = (value) => TOP + (1 - (value - this.low) / (this.top - this.low)) * (height - TOP - BOTTOM);
    this.root = svg("svg", { width, height });
  }

  draw(annotations) {
    this.regions(annotations);
    this.grid();
    for (const one of this.series) one.areas ? this.area(one) : this.line(one);
    this.thresholds();
    this.moments(annotations);
    return this.root;
  }

  grid() {
    const { root, left, width, height, source } = this;
    this.marks.forEach((mark, place) => {
      const y = this.y(mark);
      root.append(svg("line", { x1: left, x2: width - RIGHT, y1: y, y2: y, stroke: "#e4e7eb" }));
      root.append(svg("text", { x: left - 6, y: y + 4, "text-anchor": "end" }, this.labels[place]));
    });
    const room = Math.max(2, Math.floor((width - left) / 75));
    const step = TIME_STEPS.find((step) => (source.to - source.from) / step <= room) ?? TIME_STEPS.at(-1);
    for (let at = Math.ceil(source.from / step) * step; at <= source.to; at += step) {
      const text = new Date(at * 1000).toTimeString().slice(0, step < 60 ? 8 : 5);
      if (this.x(at) > left + 12 && this.x(at) < width - 26) {
        root.append(svg("text", { x: this.x(at), y: height - 4, "text-anchor": "middle" }, text));
      }
    }
  }

  line({ points, field, color }) {
    const { lineWidth = 2, lineStyle, fillOpacity = 0 } = field.custom;
    const dash = lineStyle?.fill === "dash" ? { "stroke-dasharray": lineStyle.dash.join(" ") } : {};
    for (const run of runs(points, this.source.step)) {
      const d = path(run, this.x, this.y);
      if (fillOpacity) {
        const floor = this.y(Math.max(0, this.low));
        const closed = `${d}L${this.x(run.at(-1)[0])} ${floor}L${this.x(run[0][0])} ${floor}Z`;
        this.root.append(svg("path", { d: closed, fill: color, "fill-opacity": fillOpacity / 100 }));
      }
      const stroke = { d, fill: "none", stroke: color, "stroke-width": lineWidth, "stroke-linejoin": "round" };
      this.root.append(svg("path", { ...stroke, ...dash }));
    }
  }

  area({ areas, field, color }) {
    for (const run of runs(areas, this.source.step)) {
      const roof = path(run.map(([at, , high]) => [at, high]), this.x, this.y);
      const floor = path(run.map(([at, low]) => [at, low]).reverse(), this.x, this.y).replace("M", "L");
      const opacity = Math.max(field.custom.fillOpacity, 80) / 100;
      this.root.append(svg("path", { d: `${roof}${floor}Z`, fill: color, "fill-opacity": opacity }));
    }
  }

  thresholds() {
    const { thresholds, custom } = this.panel.fieldConfig.defaults;
    const lines = custom?.thresholdsStyle ? thresholds.steps.filter((step) => step.value !== null) : [];
    for (const step of lines) {
      const y = this.y(step.value);
      const line = { x1: this.left, x2: this.width - RIGHT, y1: y, y2: y, stroke: color(step.color), "stroke-dasharray": "8 4" };
      this.root.append(svg("line", line));
    }
  }

  regions(annotations) {
    for (const { start, end, color, title } of annotations.filter(({ start, end }) => end > start)) {
      const [from, to] = [this.clamp(start), this.clamp(end)];
      const box = { x: from, y: TOP, width: Math.max(0, to - from), height: this.height - TOP - BOTTOM };
      this.root.append(svg("rect", { ...box, fill: color, "fill-opacity": 0.15 }));
      this.root.append(svg("text", { x: from, y: 11, class: "mark", style: "fill: #3274d9" }, title));
    }
  }

  moments(annotations) {
    for (const { start, end, color, title } of annotations.filter(({ start, end }) => end === start)) {
      if (start < this.source.from || start > this.source.to) continue;
      const x = this.x(start);
      this.root.append(svg("line", { x1: x, x2: x, y1: TOP, y2: this.height - BOTTOM, stroke: color, "stroke-width": 1.5 }));
      const anchor = x > this.width - 40 ? "end" : "middle";
      this.root.append(svg("text", { x, y: 11, class: "mark", "text-anchor": anchor, style: `fill: ${color}` }, title));
    }
  }

  clamp(at) {
    return this.x(Math.min(this.source.to, Math.max(this.source.from, at)));
  }
}

// The values under the pointer.
function follow(body, plot) {
  const tip = element("div", { class: "tip", hidden: "" });
  body.append(tip);
  body.onmouseleave = () => (tip.hidden = true);
  body.onmousemove = ({ clientX, clientY }) => {
    const { source, series, width, left } = plot;
    const corner = body.getBoundingClientRect();
    const [x, y] = [clientX - corner.left, clientY - corner.top];
    const at = source.from + ((x - left) / (width - left - RIGHT)) * (source.to - source.from);
    const near = ({ points }) => points.find((point) => Math.abs(point[0] - at) <= source.step / 2);
    const rows = series.map((one) => ({ ...one, point: near(one) })).filter(({ point }) => point);
    tip.hidden = !rows.length;
    const lines = rows.map(({ name, color, field, point }) =>
      element("div", {}, element("i", { style: `background: ${color}` }), `${name}: ${format(point[1], field)}`));
    tip.replaceChildren(element("b", {}, new Date(at * 1000).toTimeString().slice(0, 8)), ...lines);
    Object.assign(tip.style, { top: `${y}px`, left: `${Math.min(x + 12, width - 170)}px` });
  };
}

export async function timeseries(panel, source, annotations, [width, height]) {
  const series = await load(panel, source);
  if (!series.length) return nothing(panel);
  if (panel.fieldConfig.defaults.custom?.stacking?.mode === "normal") stack(series);
  const long = series.reduce((sum, { name }) => sum + 31 + 7 * name.length, 60) > width;
  const legend = LEGEND_LINE_PX * (long ? 2 : 1);
  const plot = new Plot(panel, source, series, [width, height - legend]);
  const body = element("div", {}, plot.draw(annotations));
  const names = series.map(({ name, color }) => element("span", {}, element("i", { style: `background: ${color}` }), name));
  body.append(element("div", { class: "legend", style: `height: ${legend}px; padding-left: ${plot.left}px` }, ...names));
  follow(body, plot);
  return body;
}
