// What a dashboard asks: its variables filled in, its queries sent to a Prometheus.

const SCRAPE_SECONDS = 5;
const POINTS = 240;
const UNITS = { s: 1, m: 60, h: 3600, d: 86400 };

// "now", "now-15m" or milliseconds, as Grafana writes them in its address; in seconds.
export function instant(text, now = Date.now() / 1000) {
  const relative = /^now(?:-(\d+)([smhd]))?$/.exec(text);
  if (!relative) return Number(text) / 1000;
  return now - (relative[1] ? Number(relative[1]) * UNITS[relative[2]] : 0);
}

export class Source {
  constructor(prometheus, from, to, values) {
    Object.assign(this, { prometheus: prometheus.replace(/\/$/, ""), from, to, values });
    this.step = Math.max(1, Math.ceil((to - from) / POINTS / SCRAPE_SECONDS)) * SCRAPE_SECONDS;
  }

  fill(text) {
    const builtIn = {
      __interval: `${this.step}s`,
      __rate_interval: `${Math.max(this.step + SCRAPE_SECONDS, 4 * SCRAPE_SECONDS)}s`,
      __range: `${Math.max(1, Math.round(this.to - this.from))}s`,
    };
    return text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (whole, braced, bare) => {
      const name = braced ?? bare;
      return builtIn[name] ?? this.values[name] ?? whole;
    });
  }

  async ask(path, params) {
    const response = await fetch(`${this.prometheus}/api/v1/${path}?${new URLSearchParams(params)}`);
    const answer = await response.json();
    if (answer.status !== "success") throw new Error(`${answer.error} (${params.query})`);
    return answer.data;
  }

  // The options of a variable that is defined as label_values(selector, label).
  async options(variable) {
    const [, selector, label] = /^label_values\((.*), *(\w+)\)$/.exec(variable.definition);
    return this.ask(`label/${label}/values`, { "match[]": this.fill(selector), start: this.from, end: this.to });
  }

  // One row per series: its labels and its value now.
  async now(target) {
    const { result } = await this.ask("query", { query: this.fill(target.expr), time: this.to });
    return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  }

  // One row per series: its labels and its points, [seconds, value].
  async range(target) {
    const step = this.step;
    const [start, end] = [this.from, this.to].map((at) => Math.floor(at / step) * step);
    const { result } = await this.ask("query_range", { query: this.fill(target.expr), start, end, step });
    const points = (values) => values.map(([at, value]) => [at, Number(value)]).filter(([, value]) => Number.isFinite(value));
    return result.map(({ metric, values }) => ({ labels: metric, points: points(values) }));
  }

  // Times to mark: regions where the query is above 0, or the moments that its values name.
  async marks(annotation) {
    const found = [];
    for (const { points } of await this.range(annotation.target)) {
      let open = null;
      for (const [at, value] of points) {
        const time = annotation.useValueForTime ? value / 1000 : at;
        if (!annotation.useValueForTime && value <= 0) continue;
        if (open && open.end + this.step >= time) open.end = Math.max(open.end, time);
        else found.push((open = { start: time, end: time, color: annotation.iconColor, title: annotation.titleFormat }));
      }
    }
    return found;
  }
}

// A series' name: its legend, or its labels' values.
export function nameOf(target, labels) {
  if (!target.legendFormat) return Object.values(labels).join(" ");
  return target.legendFormat.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => labels[label] ?? "");
}
