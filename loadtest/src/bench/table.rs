//! The tables, in Markdown, aligned for reading as they stand.

use std::fmt;

use super::{
    Findings, Setting,
    comparison::{Comparison, Side},
    imports::Imports,
    pace::Pace,
    priorities::Priorities,
};

/// Rows of cells, the first of them the head.
struct Table(Vec<Vec<String>>);

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.0[0].len();
        let width = |column: usize| self.0.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for (place, row) in self.0.iter().enumerate() {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!(" {cell:<width$} |"));
            writeln!(f, "|{}", cells.collect::<String>())?;
            if place == 0 {
                writeln!(
                    f,
                    "|{}",
                    widths.iter().map(|width| format!("{}|", "-".repeat(width + 2))).collect::<String>()
                )?;
            }
        }
        Ok(())
    }
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

fn rates(findings: &Findings) -> Table {
    let mut rows =
        vec![row(["messages a second", "bare loop", "engine, `always`", "ratio", "engine, `everysec`", "ratio"])];
    for Comparison { name, bare, always, everysec, .. } in &findings.throughput {
        rows.push(vec![
            (*name).to_owned(),
            bare.rate.text(0),
            always.side.rate.text(0),
            always.ratio.text(2),
            everysec.side.rate.text(0),
            everysec.ratio.text(2),
        ]);
    }
    Table(rows)
}

fn costs(findings: &Findings) -> Table {
    let head =
        ["each message costs", "bare loop µs", "engine µs", "Redis µs", "simulator µs", "Redis bytes", "AOF bytes"];
    let mut rows = vec![row(head)];
    for Comparison { name, bare, always, everysec, .. } in &findings.throughput {
        for (fsync, side) in [("always", &always.side), ("everysec", &everysec.side)] {
            let mut cells = vec![format!("{name}, `{fsync}`"), bare.client_us.text(1)];
            cells.extend(cost_cells(side));
            rows.push(cells);
        }
    }
    Table(rows)
}

fn cost_cells(side: &Side) -> [String; 5] {
    let Side { client_us, redis_us, sim_us, redis_bytes, aof_bytes, .. } = side;
    [client_us.text(1), redis_us.text(1), sim_us.text(1), redis_bytes.text(0), aof_bytes.text(0)]
}

fn lateness(setting: &Setting, pace: &Pace) -> Table {
    let head = row(["lateness in ms", "p50", "p95", "p99", "max"]);
    let mut cells = vec![format!("{} messages in {}", setting.lateness_messages, setting.lateness_window)];
    cells.extend([&pace.p50, &pace.p95, &pace.p99, &pace.max].map(|figure| figure.text(0)));
    Table(vec![head, cells])
}

fn priorities(it: &Priorities) -> Table {
    let head =
        row(["a critical run, ms late", "alone, p99", "beside bulk, p99", "beside bulk, max", "bulk sent meanwhile"]);
    let mut cells = vec!["1,000 messages in 10s".to_owned()];
    cells.extend([&it.alone_p99, &it.beside_p99, &it.beside_max, &it.bulk_meanwhile].map(|figure| figure.text(0)));
    Table(vec![head, cells])
}

fn imports(imports: &Imports) -> Table {
    let head = row(["imports", "rows a second", "upsert", "peak memory of the API, MB"]);
    let mut cells = vec![format!("{} rows", imports.rows)];
    cells.extend([&imports.replace, &imports.upsert, &imports.peak].map(|figure| figure.text(0)));
    Table(vec![head, cells])
}

fn targets(findings: &Findings) -> Table {
    let mut rows = vec![row(["target", "wanted", "median", ""])];
    for target in &findings.targets {
        let met = if target.met { "met" } else { "**NOT met**" };
        rows.push(row([target.name, &target.wanted, &format!("{:.3}", target.median), met]));
    }
    Table(rows)
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (machine, setting) = (&self.machine, &self.setting);
        writeln!(
            f,
            "{}, {} cores for everything, {}, Redis {}, profile `{}`. {} messages a round, {} on the wire at once, \
             3 numbers; median (least–greatest) of {} rounds.\n",
            machine.processor,
            machine.cores,
            machine.system,
            machine.redis,
            machine.profile,
            setting.messages,
            setting.in_flight,
            setting.rounds,
        )?;
        if !self.throughput.is_empty() {
            writeln!(f, "{}\n{}", rates(self), costs(self))?;
        }
        if let Some(pace) = &self.pace {
            writeln!(f, "{}", lateness(setting, pace))?;
        }
        if let Some(found) = &self.priorities {
            writeln!(f, "{}", priorities(found))?;
        }
        if let Some(found) = &self.imports {
            writeln!(f, "{}", imports(found))?;
        }
        write!(f, "{}", targets(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let table = Table(vec![row(["a", "µs"]), row(["long", "1"])]).to_string();
        assert_eq!(table, "| a    | µs |\n|------|----|\n| long | 1  |\n");
    }
}
