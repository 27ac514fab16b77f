//! Tables for people, JSON for the plots.

use std::{fs::File, io, path::Path};

use serde::Serialize;

use crate::race::{Measurement, Race, Unit};

/// The prefix of our own rows; the first of them is what the others are compared with.
const OURS: &str = "freewheel";

/// One measurement as it stands in the JSON file.
#[derive(Serialize)]
pub(crate) struct Row {
    subject: &'static str,
    case: &'static str,
    threads: usize,
    who: &'static str,
    unit: &'static str,
    /// How many units of work are in one call, such as the series of one collection.
    batch: usize,
    value: f64,
    min: f64,
    max: f64,
}

/// The measurements of one race as rows.
pub(crate) fn rows(subject: &'static str, race: &Race, measurements: &[Measurement]) -> Vec<Row> {
    let row = |measurement: &Measurement| Row {
        subject,
        case: race.case,
        threads: measurement.threads,
        who: measurement.who,
        unit: unit_name(race.unit),
        batch: race.batch,
        value: rounded(measurement.value),
        min: rounded(measurement.min),
        max: rounded(measurement.max),
    };
    measurements.iter().map(row).collect()
}

/// Writes all rows as one JSON list, a row per line.
pub(crate) fn write_json(path: &Path, rows: &[Row]) -> io::Result<()> {
    use io::Write;
    let mut file = io::BufWriter::new(File::create(path)?);
    for (index, row) in rows.iter().enumerate() {
        file.write_all(if index == 0 { b"[\n" } else { b",\n" })?;
        serde_json::to_writer(&mut file, row)?;
    }
    file.write_all(if rows.is_empty() { b"[]\n" } else { b"\n]\n" })?;
    file.flush()
}

/// Prints a line per contestant; per number of threads a column with the median and one with the ratio to
/// ours.
pub(crate) fn print_table(subject: &str, race: &Race, measurements: &[Measurement]) {
    println!("\n{subject}/{} ({})", race.case, unit_name(race.unit));
    let width = measurements.iter().map(|measurement| measurement.who.len()).max().unwrap_or_default();
    print!("{:width$}", "");
    for &threads in race.threads {
        let title = if threads == 1 { "1 thread".to_owned() } else { format!("{threads} threads") };
        print!("  {title:>10}   x ours  {:>17}", "min .. max");
        if race.unit == Unit::NanosPerSeries {
            print!("  {:>13}", "us/collection");
        }
    }
    println!();
    for contestant in &race.contestants {
        print!("{:width$}", contestant.who);
        for &threads in race.threads {
            print_cells(race, measurements, contestant.who, threads);
        }
        println!();
    }
    print_notes(race, measurements);
}

fn print_cells(race: &Race, measurements: &[Measurement], who: &str, threads: usize) {
    let mut column = measurements.iter().filter(|measurement| measurement.threads == threads);
    let Some(measurement) = column.clone().find(|measurement| measurement.who == who) else { return };
    let ours = column.find(|measurement| measurement.who.starts_with(OURS));
    let mark = if measurement.disturbed { "!" } else { " " };
    let ratio =
        ours.map_or(String::new(), |ours| format!("{:.2}", times_worse(race.unit, measurement, ours)));
    let spread = format!("{:.2} .. {:.2}", measurement.min, measurement.max);
    print!("  {:>10.2}{mark} {ratio:>7}  {spread:>17}", measurement.value);
    if race.unit == Unit::NanosPerSeries {
        print!("  {:>13.1}", measurement.value * race.batch as f64 / 1e3);
    }
}

/// How many times as much `measurement` took as `ours`, whatever the unit: above one, ours is better.
fn times_worse(unit: Unit, measurement: &Measurement, ours: &Measurement) -> f64 {
    match unit {
        Unit::MillionsPerSecond => ours.value / measurement.value,
        _ => measurement.value / ours.value,
    }
}

fn print_notes(race: &Race, measurements: &[Measurement]) {
    for note in &race.notes {
        println!("  * {note}");
    }
    if measurements.iter().any(|measurement| measurement.disturbed) {
        println!("  ! other work disturbed nearly every slice of some round: do not quote");
    }
}

fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::NanosPerOperation => "ns/op",
        Unit::NanosPerSeries => "ns/series",
        Unit::BytesPerSeries => "B/series",
        Unit::BytesPerEntry => "B/entry",
        Unit::MillionsPerSecond => "Mops/s",
    }
}

/// Three digits after the point: more would be noise.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
