// Shows a dashboard of Grafana without Grafana, for those who have none: it lays out the same panels and asks the same
// queries. It knows of Grafana's JSON what these dashboards use, and no more.
//
//   ?dashboard=tonights-run  &prometheus=http://127.0.0.1:9090  &from=now-15m &to=now  &var-pool=…

import { dateTime } from "./fields.js";
import { bargauge, element, nothing, stat, table } from "./panels.js";
import { Source, instant } from "./source.js";
import { timeseries } from "./chart.js";

const DASHBOARDS = { "tonights-run": "Tonight's run", pipeline: "Pipeline" };
const REFRESH_MS = 5000;
const KINDS = { stat, table, bargauge, timeseries };

const params = new URLSearchParams(location.search);
const chosen = params.get("dashboard") ?? "tonights-run";
const prometheus = params.get("prometheus") ?? "http://127.0.0.1:9090";
const $ = (selector) => document.querySelector(selector);

function address(changes) {
  const next = new URLSearchParams(params);
  for (const [name, value] of Object.entries(changes)) value === null ? next.delete(name) : next.set(name, value);
  return `?${next}`;
}

function frame(panel) {
  const { x, y, w, h } = panel.gridPos;
  const runbooks = (panel.links ?? []).map(({ title, url }) => element("a", { href: url, title }, "runbook"));
  const heading = element("h2", { title: panel.description ?? "" }, ...runbooks, element("span", {}, panel.title));
  const area = `${y + 1} / ${x + 1} / span ${h} / span ${w}`;
  return element("section", { class: panel.type, style: `grid-area: ${area}` }, heading, element("div", { class: "body" }));
}

function lay(dashboard) {
  document.title = dashboard.title;
  $("h1").textContent = dashboard.title;
  $("nav").replaceChildren(...Object.entries(DASHBOARDS)
    .filter(([name]) => name !== chosen)
    .map(([name, title]) => element("a", { href: address({ dashboard: name }) }, title)));
  const frames = new Map(dashboard.panels.map((panel) => [panel, frame(panel)]));
  $("main").replaceChildren(...frames.values());
  return frames;
}

const queried = (dashboard) => dashboard.templating.list.filter(({ type }) => type === "query");

async function choices(dashboard, source) {
  const selects = await Promise.all(queried(dashboard).map(async (variable) => {
    const options = ["All", ...(await source.options(variable))];
    const select = element("select", { name: variable.name }, ...options.map((option) => element("option", {}, option)));
    select.value = params.get(`var-${variable.name}`) ?? "All";
    select.onchange = () => (location.search = address({ [`var-${variable.name}`]: select.value === "All" ? null : select.value }));
    return element("label", {}, `${variable.label} `, select);
  }));
  $("form").replaceChildren(...selects);
}

function sourceFor(dashboard) {
  const values = Object.fromEntries(queried(dashboard)
    .map(({ name, allValue }) => [name, params.get(`var-${name}`) ?? allValue]));
  const [from, to] = ["from", "to"].map((end) => instant(params.get(end) ?? dashboard.time[end]));
  return new Source(prometheus, from, to, values);
}

async function fill(panel, section, source, annotations) {
  const body = section.querySelector(".body");
  const show = KINDS[panel.type] ?? nothing;
  const content = await show(panel, source, annotations, [body.clientWidth, body.clientHeight]);
  body.replaceChildren(content);
  section.classList.toggle("filled", "fill" in content.dataset);
  section.style.background = content.dataset.fill ?? "";
  if (content.dataset.fill) content.style.color = "#fff";
}

async function refresh(dashboard, frames) {
  const source = sourceFor(dashboard);
  const marks = await Promise.all(dashboard.annotations.list.map((annotation) => source.marks(annotation)));
  const filled = [...frames].filter(([panel]) => panel.type !== "row")
    .map(([panel, section]) => fill(panel, section, source, marks.flat()));
  const failed = (await Promise.allSettled(filled)).filter(({ status }) => status === "rejected");
  $("#range").textContent = `${dateTime(source.from * 1000)} to ${dateTime(source.to * 1000).slice(11)}`;
  tell(failed.map(({ reason }) => reason.message));
}

function tell(troubles) {
  $("#trouble").hidden = !troubles.length;
  $("#trouble").textContent = troubles.join(" · ");
}

async function start() {
  const dashboard = await (await fetch(`../${chosen}.json`)).json();
  const frames = lay(dashboard);
  const again = () => refresh(dashboard, frames).catch(({ message }) => tell([`${prometheus}: ${message}`]));
  await choices(dashboard, sourceFor(dashboard)).catch(() => {});
  await again();
  document.body.dataset.drawn = "";
  if (!params.has("to")) setInterval(again, REFRESH_MS);
}

start().catch(({ message }) => tell([`${chosen}: ${message}`]));
