//! freewheel measured against the crates that do the same work, all of them interleaved in one run.

mod allocator;
mod channel;
mod collect;
mod context;
mod counter;
mod families;
mod harness;
mod histogram;
mod labels;
mod last_request;
mod latest;
mod map;
mod memory;
mod object_pool;
mod opaque;
mod pinning;
mod queue;
mod race;
mod report;
mod request;
mod setup;
mod stack;
mod transfer;

use std::{
    panic,
    path::PathBuf,
    process::{self, ExitCode},
};

use harness::Effort;
use race::Race;

/// A topic with one or more races.
struct Subject {
    name: &'static str,
    about: &'static str,
    races: fn() -> Vec<Race>,
}

const SUBJECTS: &[Subject] = &[
    Subject {
        name: "counter",
        about: "add 1 to a counter: by a handle bound beforehand, and by the macro of the crate metrics",
        races: counter::races,
    },
    Subject {
        name: "labels",
        about: "add 1 to a counter whose series is looked up by three labels",
        races: labels::races,
    },
    Subject {
        name: "histogram",
        about: "record a latency: buckets of equal relative width, and buckets with given bounds",
        races: histogram::races,
    },
    Subject {
        name: "request",
        about: "record a whole request: count, errors, latency histogram, the last request",
        races: request::races,
    },
    Subject { name: "last_request", about: "remember the last request alone", races: last_request::races },
    Subject {
        name: "latest",
        about: "one value that all threads read and few replace: load it, store it",
        races: latest::races,
    },
    Subject {
        name: "collect",
        about: "read 2000 and 100000 counter series, and 2000 histogram series",
        races: collect::races,
    },
    Subject {
        name: "stack",
        about: "push a value and pop one, a pair by each thread in turn",
        races: stack::races,
    },
    Subject {
        name: "queue",
        about: "pass values through bounded, unbounded and one-to-one queues",
        races: queue::races,
    },
    Subject { name: "map", about: "read and change a map that all threads share", races: map::races },
    Subject {
        name: "map_growth",
        about: "how long gets and stores take at worst while a map grows to four million keys",
        races: map::growth_races,
    },
    Subject { name: "map_memory", about: "bytes per entry of a map", races: map::memory_races },
    Subject {
        name: "context",
        about: "ask whether work is to be given up; begin and end it",
        races: context::races,
    },
    Subject {
        name: "channel",
        about: "send messages from threads to threads, from tasks to tasks, and from one thread to itself",
        races: channel::races,
    },
    Subject {
        name: "channel_roundtrip",
        about: "send a question to a thread or a task, and wait for its answer",
        races: channel::round_trip_races,
    },
    Subject {
        name: "object_pool",
        about: "take a buffer from a pool, write to it, and put it back: one or 64 at a time",
        races: object_pool::races,
    },
    Subject { name: "memory", about: "bytes per series of counters and histograms", races: memory::races },
];

/// What the command line asks for.
enum Command {
    Help,
    Run {
        subjects: Vec<&'static Subject>,
        effort: Effort,
        json: Option<PathBuf>,
    },
    /// Asked for by this program itself, see [`memory`].
    Weigh {
        case: String,
        who: String,
        threads: usize,
    },
}

fn main() -> ExitCode {
    abort_after_panics();
    match parse(lexopt::Parser::from_env()) {
        Ok(Command::Help) => {
            print!("{}", help());
            ExitCode::SUCCESS
        }
        Ok(Command::Run { subjects, effort, json }) => run(&subjects, effort, json),
        Ok(Command::Weigh { case, who, threads }) => weigh(&case, &who, threads),
        Err(error) => {
            eprintln!("rivals: {error}");
            ExitCode::from(2)
        }
    }
}

/// Ends the process when a thread panics: the other threads of its repetition would wait for it for ever.
fn abort_after_panics() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        print(info);
        process::abort();
    }));
}

fn parse(mut arguments: lexopt::Parser) -> Result<Command, lexopt::Error> {
    use lexopt::prelude::{Long, Short, Value, ValueExt};
    let (mut subjects, mut effort, mut json) = (Vec::new(), Effort::FULL, None);
    while let Some(argument) = arguments.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help),
            Long("quick") => effort = Effort::QUICK,
            Long("json") => json = Some(arguments.value()?.into()),
            Long(memory::WEIGH) => {
                let [case, who] = [arguments.value()?.string()?, arguments.value()?.string()?];
                return Ok(Command::Weigh { case, who, threads: arguments.value()?.parse()? });
            }
            Value(name) => subjects.push(subject(&name.string()?)?),
            other => return Err(other.unexpected()),
        }
    }
    if subjects.is_empty() {
        subjects.extend(SUBJECTS);
    }
    Ok(Command::Run { subjects, effort, json })
}

fn subject(name: &str) -> Result<&'static Subject, lexopt::Error> {
    let found = SUBJECTS.iter().find(|subject| subject.name == name);
    found.ok_or_else(|| {
        let names: Vec<&str> = SUBJECTS.iter().map(|subject| subject.name).collect();
        format!("no subject is named {name:?}; there are: {}", names.join(", ")).into()
    })
}

fn help() -> String {
    let mut text = String::from(
        "Measures freewheel against the crates that do the same work.\n\n\
         Usage: rivals [SUBJECT..] [--quick] [--json FILE]\n\n\
         Subjects (all of them if none is named):\n",
    );
    for subject in SUBJECTS {
        text += &format!("  {:<18}{}\n", subject.name, subject.about);
    }
    text += "\nOptions:\n\
        \x20 --quick       fewer and shorter rounds: shows where everyone stands, not numbers to keep\n\
        \x20 --json FILE   also write the rows to FILE\n\
        \x20 -h, --help    this text\n\n\
        Numbers are medians over the rounds, per thread; every row includes the cost of the (empty loop).\n\
        With two threads, both work on the same object.\n";
    text
}

/// Prints how many bytes a row of the subject `memory` takes.
fn weigh(case: &str, who: &str, threads: usize) -> ExitCode {
    match memory::weigh(case, who, threads) {
        Some(bytes) => {
            println!("{bytes}");
            ExitCode::SUCCESS
        }
        None => {
            eprintln!("rivals: memory/{case} has no row {who:?}");
            ExitCode::from(2)
        }
    }
}

fn run(subjects: &[&'static Subject], effort: Effort, json: Option<PathBuf>) -> ExitCode {
    let mut rows = Vec::new();
    for subject in subjects {
        for race in (subject.races)() {
            let measurements = race.run(effort);
            report::print_table(subject.name, &race, &measurements);
            rows.extend(report::rows(subject.name, &race, &measurements));
        }
    }
    let Some(path) = json else { return ExitCode::SUCCESS };
    match report::write_json(&path, &rows) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rivals: cannot write {}: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}
