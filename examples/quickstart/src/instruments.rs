//! What is measured: the instruments, and the few calls that record into them.

use std::{collections::HashSet, io, sync::Mutex, time::Duration};

use freewheel::metrics::{
    Counter, Gauge, Histogram, InstrumentBuilder, KeyValue, Outcome, RegisterError, Registry, RequestMetrics,
    UpDownCounter,
};

/// The attribute that tells kinds of files apart.
pub(crate) const EXTENSION: &str = "file.extension";
/// The attribute that tells reasons of failure apart; the name is OpenTelemetry's.
pub(crate) const ERROR_TYPE: &str = "error.type";

/// Extensions beyond these limits share one series: names of files are foreign input, and every series takes
/// memory in every thread that records into it.
const MAX_EXTENSIONS: usize = 200;
const MAX_EXTENSION_CHARS: usize = 24;
const OTHER: &str = "(other)";

/// The instruments of the run. A clone is another handle on the same series; every worker has one.
#[derive(Clone)]
pub(crate) struct Instruments {
    /// How many threads read files: a value that is set, not added up.
    threads: Gauge<i64>,
    /// How many files are being read at this moment: it rises and falls.
    open: UpDownCounter,
    /// How long complete passes took; its count is the number of passes.
    passes: Histogram<Duration>,
    /// Instruments with a series for each extension, or each reason. Which ones there are is not known yet, so
    /// what is kept here is the description, to be bound to attributes later.
    reads: InstrumentBuilder<RequestMetrics>,
    bytes: InstrumentBuilder<Counter>,
    errors: InstrumentBuilder<Counter>,
}

impl Instruments {
    pub(crate) fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let passes =
            registry.histogram("walk.pass.duration").description("Complete passes over the directory.");
        Ok(Self {
            threads: registry.gauge("walk.threads").unit("{thread}").build()?,
            open: registry.up_down_counter("file.open").unit("{file}").build()?,
            passes: passes.build()?,
            reads: registry.requests("file.read").description("Reading and hashing a file."),
            bytes: registry.counter("file.read.bytes").unit("By").description("Size of the files read."),
            errors: registry.counter("walk.errors").unit("{error}").description("What could not be read."),
        })
    }

    /// The instruments for files with `extension`. Asking twice gives handles on the same series, but takes a
    /// lock: keep what you get.
    pub(crate) fn files(&self, extension: &str) -> Result<FileInstruments, RegisterError> {
        let attributes = [KeyValue::new(EXTENSION, extension.to_owned())];
        Ok(FileInstruments { reads: self.reads.bind(&attributes)?, bytes: self.bytes.bind(&attributes)? })
    }

    /// Runs `read`, which yields the size of the file, and records how it went. This is all that recording does
    /// for a file, so [`cost`](crate::cost) times this very function.
    pub(crate) fn measure(
        &self,
        file: &FileInstruments,
        read: impl FnOnce() -> io::Result<Option<u64>>,
    ) -> io::Result<Option<u64>> {
        self.open.add(1);
        let timer = file.reads.start();
        let outcome = read();
        match &outcome {
            Ok(Some(bytes)) => {
                timer.finish(Outcome::Success);
                file.bytes.add(*bytes);
            }
            // Given up because time was over: neither read nor failed.
            Ok(None) => timer.cancel(),
            Err(_) => timer.finish(Outcome::Error),
        }
        self.open.add(-1);
        outcome
    }

    /// Counts a file or directory that could not be read. Errors are rare, so their series is looked up anew.
    pub(crate) fn error(&self, kind: io::ErrorKind) -> Result<(), RegisterError> {
        let reason = KeyValue::new(ERROR_TYPE, snake_case(&format!("{kind:?}")));
        self.errors.bind(&[reason])?.add(1);
        Ok(())
    }

    pub(crate) fn threads(&self, number: usize) {
        self.threads.record(i64::try_from(number).unwrap_or(i64::MAX));
    }

    pub(crate) fn pass(&self, took: Duration) {
        self.passes.record(took);
    }
}

/// The instruments for files of one extension.
pub(crate) struct FileInstruments {
    /// Exports `file.read.count`, `.errors`, `.duration` and `.last.duration`.
    reads: RequestMetrics,
    bytes: Counter,
}

/// The extensions that have a series of their own.
#[derive(Default)]
pub(crate) struct Extensions(Mutex<HashSet<String>>);

impl Extensions {
    /// What to call `extension` from now on: itself while there is room for it, otherwise `(other)`.
    pub(crate) fn admit<'a>(&self, extension: &'a str) -> &'a str {
        if extension.chars().count() > MAX_EXTENSION_CHARS || extension.contains(char::is_control) {
            return OTHER;
        }
        let mut admitted = self.0.lock().expect("nobody panics while holding this lock");
        if admitted.contains(extension) {
            return extension;
        }
        if admitted.len() == MAX_EXTENSIONS {
            return OTHER;
        }
        admitted.insert(extension.to_owned());
        extension
    }
}

/// `PermissionDenied` becomes `permission_denied`.
fn snake_case(camel_case: &str) -> String {
    let mut text = String::new();
    for letter in camel_case.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}
