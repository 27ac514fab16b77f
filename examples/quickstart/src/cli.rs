//! The command line.

use std::{
    ffi::OsString,
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    str::FromStr,
    thread,
    time::Duration,
};

use lexopt::{Arg, Parser};

/// Printed by `--help`, and when the arguments make no sense.
pub(crate) const USAGE: &str = "\
Usage: quickstart [DIR] [--threads N] [--for SECONDS | --once] [--interval MS] [--json]

Reads every regular file below DIR (default: the current directory), computes its SHA-256, measures that with
freewheel and exports the measurements by OTLP. Symbolic links are not followed, except DIR itself; FIFOs,
sockets and devices are skipped. Some files in /proc have no end; a run with --for ends all the same.

      --threads N       how many threads read files (default: as many as the machine runs at once)
      --for SECONDS     repeat passes over DIR for that long (default: 10); a file in progress at the end is dropped
      --once            make exactly one pass instead
      --interval MS     time between exports (default: 1000)
      --json            print the totals as one JSON object on stdout, instead of a table
  -h, --help            print this

The export goes to OTEL_EXPORTER_OTLP_METRICS_ENDPOINT or OTEL_EXPORTER_OTLP_ENDPOINT if one of them is set,
otherwise to a receiver inside this process, and what arrived there is compared with what was recorded.

Totals: `files` and `bytes` count the files that were read to their end; once per pass. `errors` counts files and
directories that could not be read; they are in no other total.

Exit status: 0 all arrived; 1 something did not, or differs; 2 the arguments make no sense, or DIR is no directory.
";

/// What the user asked for.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) directory: PathBuf,
    pub(crate) threads: NonZeroUsize,
    pub(crate) duration: RunFor,
    pub(crate) interval: Duration,
    pub(crate) output: Output,
}

/// When the run ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum RunFor {
    OnePass,
    Time(Duration),
}

/// What goes to stdout.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Output {
    Table,
    Json,
}

/// The outcome of reading the command line.
#[derive(Debug)]
pub(crate) enum Request {
    Run(Options),
    Help,
}

/// Reads the command line and checks what it says. The error is a message for the user.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Request, String> {
    let mut parser = Parser::from_args(arguments);
    let (mut directory, mut threads, mut time) = (None, None, None);
    let (mut interval, mut once, mut output) = (Duration::from_secs(1), false, Output::Table);
    while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(Request::Help),
            Arg::Long("once") => once = true,
            Arg::Long("json") => output = Output::Json,
            Arg::Long("threads") => threads = Some(thread_number(&mut parser)?),
            Arg::Long("for") => time = Some(seconds(&mut parser)?),
            Arg::Long("interval") => {
                let millis: NonZeroUsize = value(&mut parser, "--interval", "milliseconds, from 1 up")?;
                interval = Duration::from_millis(millis.get() as u64);
            }
            Arg::Value(path) if directory.is_none() => directory = Some(PathBuf::from(path)),
            other => return Err(other.unexpected().to_string()),
        }
    }
    let duration = match (once, time) {
        (true, Some(_)) => return Err("--once and --for exclude each other".to_owned()),
        (true, None) => RunFor::OnePass,
        (false, time) => RunFor::Time(time.unwrap_or(Duration::from_secs(10))),
    };
    let threads = threads.unwrap_or_else(|| thread::available_parallelism().unwrap_or(NonZeroUsize::MIN));
    let directory = directory.unwrap_or_else(|| PathBuf::from("."));
    Ok(Request::Run(Options { directory, threads, duration, interval, output }))
}

fn value<T: FromStr>(parser: &mut Parser, option: &str, wanted: &str) -> Result<T, String> {
    let given = parser.value().map_err(|_| format!("{option} needs a value: {wanted}"))?;
    let parsed = given.to_str().and_then(|text| text.parse().ok());
    parsed.ok_or_else(|| format!("{option} {}: not {wanted}", given.display()))
}

fn thread_number(parser: &mut Parser) -> Result<NonZeroUsize, String> {
    let number: NonZeroUsize = value(parser, "--threads", "a number from 1 up")?;
    // More would wait for each other, and the system might refuse them.
    if number.get() > 1024 { Err(format!("--threads {number}: more than 1024")) } else { Ok(number) }
}

fn seconds(parser: &mut Parser) -> Result<Duration, String> {
    let number: f64 = value(parser, "--for", "a number of seconds")?;
    match Duration::try_from_secs_f64(number) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(format!("--for {number}: not a number of seconds above zero")),
    }
}

/// A directory that is not there now is a mistake of the user's; one that vanishes later is an error to count.
pub(crate) fn check_directory(directory: &Path) -> Result<(), String> {
    match fs::metadata(directory) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(format!("{}: not a directory", directory.display())),
        Err(error) => Err(format!("directory {}: {error}", directory.display())),
    }
}
