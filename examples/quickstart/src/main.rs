//! A tour of freewheel on a real job: hash every file below a directory, measure that, export the measurements by
//! OTLP, and check that what arrived is what was recorded.
//!
//! ```text
//! cargo run --release -p quickstart -- /usr/share --for 5
//! ```
//!
//! To see the crate at work, read [`instruments`] (registering instruments and recording into them), then [`walk`]
//! (the threads that do so), then `run` below (snapshot and export). The rest is about showing and checking.

mod cli;
mod cost;
mod instruments;
mod progress;
mod receiver;
mod report;
mod series;
mod walk;

use std::{
    env,
    error::Error,
    io::{self, Write},
    process::ExitCode,
    sync::mpsc,
    thread,
    time::Duration,
};

use freewheel::{
    metrics::{RegisterError, Registry},
    otlp::{Exporter, Resource, ShutdownError, Stats, Temporality},
};

use crate::{
    cli::{Options, Output, Request, USAGE},
    instruments::Instruments,
    receiver::Receiver,
    report::{Run, Summary},
};

/// How long the last export may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a request may take, retries included: less than that, so that a failure comes with its reason.
const TIMEOUT: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    let options = match cli::parse(env::args_os().skip(1)) {
        Ok(Request::Run(options)) => options,
        Ok(Request::Help) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprint!("quickstart: {message}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if let Err(message) = cli::check_directory(&options.directory) {
        eprintln!("quickstart: {message}");
        return ExitCode::from(2);
    }
    run(&options).unwrap_or_else(|error| {
        eprintln!("quickstart: {error}");
        ExitCode::FAILURE
    })
}

fn run(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    // An exporter without an endpoint of its own asks these variables. An empty one counts as not set.
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let elsewhere = is_set("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT") || is_set("OTEL_EXPORTER_OTLP_ENDPOINT");
    let receiver = if elsewhere { None } else { Some(Receiver::start()?) };

    let registry = Registry::new();
    let mut exporter = Exporter::builder(registry.clone())
        .interval(options.interval)
        .timeout(TIMEOUT)
        .temporality(Temporality::Cumulative)
        .resource(Resource::builder().service_name("quickstart").build()?);
    if let Some(receiver) = &receiver {
        exporter = exporter.endpoint(receiver.endpoint());
    }
    let exporter = exporter.start()?;

    let instruments = Instruments::register(&registry)?;
    let took = walk_with_progress(options, &instruments, || match &receiver {
        Some(receiver) => Summary::of(&receiver.series()).line(),
        None => acknowledged(&exporter.stats()),
    })?;

    // Nobody records from here on, so the last export and the snapshot hold the same.
    let (stats, delivered) = deliver(exporter);
    let recorded = series::recorded(&registry.snapshot());
    let received = receiver.map(|receiver| receiver.series());
    let differences = received.as_ref().map(|received| series::differences(&recorded, received));

    // What is shown is what arrived, wherever that is known.
    let summary = Summary::of(received.as_ref().unwrap_or(&recorded));
    let extensions: Vec<_> = summary.extensions.keys().cloned().collect();
    let run = Run {
        took,
        cost: cost::measure(&extensions)?,
        series: recorded.len(),
        exports: stats.exports,
        equal: differences.as_ref().map(Vec::is_empty),
    };
    let text = match options.output {
        Output::Json => run.json(&summary),
        Output::Table => run.table(&summary) + &delivery(&stats, &differences),
    };
    io::stdout().write_all(text.as_bytes())?;

    for difference in differences.iter().flatten() {
        eprintln!("quickstart: {difference}");
    }
    if let Err(error) = &delivered {
        eprintln!("quickstart: the last export failed: {error}");
    }
    let complete = delivered.is_ok() && run.equal != Some(false);
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Does the work, and meanwhile shows what `line` says.
fn walk_with_progress(
    options: &Options,
    instruments: &Instruments,
    line: impl Fn() -> String + Send,
) -> Result<Duration, RegisterError> {
    let (working, running) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || progress::show(options.interval, &running, line));
        let took = walk::run(options, instruments);
        drop(working);
        took
    })
}

/// Exports what is not exported yet and stops the exporter.
fn deliver(exporter: Exporter) -> (Stats, Result<(), ShutdownError>) {
    let before = exporter.stats();
    match exporter.shutdown(PATIENCE) {
        Ok(stats) => (stats, Ok(())),
        Err(error) => (before, Err(error)),
    }
}

/// The last line: whether everything arrived, as far as that is known here.
fn delivery(stats: &Stats, differences: &Option<Vec<String>>) -> String {
    match differences {
        None => format!("{}; what arrived there is not known here\n", acknowledged(stats)),
        Some(none) if none.is_empty() => "recorded == received, in every series\n".to_owned(),
        Some(some) => format!("recorded != received in {} series\n", some.len()),
    }
}

fn acknowledged(stats: &Stats) -> String {
    let Stats { exports, failed_exports, points_accepted, points_rejected, .. } = stats;
    format!(
        "{exports} exports acknowledged: {points_accepted} points accepted, {points_rejected} rejected; \
         {failed_exports} exports failed"
    )
}
