//! The work: threads that read every file below a directory, pass after pass.

use std::{
    collections::HashMap,
    fs::File,
    hint,
    io::{self, Read},
    path::Path,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use freewheel::metrics::RegisterError;
use sha2::{Digest, Sha256};
use walkdir::WalkDir;

use crate::{
    cli::{Options, RunFor},
    instruments::{Extensions, FileInstruments, Instruments},
};

/// How much is read between two looks at the clock.
const CHUNK_BYTES: usize = 256 * 1024;
/// How long to rest after a pass that found no file: such a pass costs next to nothing, and an endless row of
/// them would keep a processor busy for no result.
const REST: Duration = Duration::from_millis(50);

/// Makes passes over the directory until the run is to end; returns how long that took.
pub(crate) fn run(options: &Options, instruments: &Instruments) -> Result<Duration, RegisterError> {
    let started = Instant::now();
    let deadline = match options.duration {
        RunFor::OnePass => None,
        RunFor::Time(duration) => started.checked_add(duration),
    };
    let extensions = Extensions::default();
    let new_worker = || Worker::new(instruments.clone(), &extensions, deadline);
    let mut workers: Vec<_> = (0..options.threads.get()).map(|_| new_worker()).collect();
    instruments.threads(workers.len());
    loop {
        let pass_started = Instant::now();
        let Some(files) = pass(&options.directory, &mut workers)? else { break };
        instruments.pass(pass_started.elapsed());
        if options.duration == RunFor::OnePass {
            break;
        }
        if files == 0 {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            thread::sleep(left.unwrap_or(REST).min(REST));
        }
    }
    Ok(started.elapsed())
}

/// One pass; returns how many files were read, or `None` if time was over first.
///
/// The threads live as long as the pass. What they recorded stays when they end: it belongs to the series.
fn pass(directory: &Path, workers: &mut [Worker<'_>]) -> Result<Option<u64>, RegisterError> {
    // A lock around the walk is all the distribution that is needed: the next name is at hand in a microsecond,
    // reading the file takes much longer.
    let entries = Mutex::new(WalkDir::new(directory).into_iter());
    thread::scope(|scope| {
        let start = |worker| scope.spawn(|| Worker::work(worker, &entries));
        let threads: Vec<_> = workers.iter_mut().map(start).collect();
        let mut files = Some(0);
        for thread in threads {
            let read = thread.join().expect("a worker does not panic")?;
            files = files.zip(read).map(|(files, read)| files + read);
        }
        Ok(files)
    })
}

struct Worker<'a> {
    instruments: Instruments,
    extensions: &'a Extensions,
    /// The handles this worker has asked for so far. Recording into a handle takes no lock and shares no cache
    /// line with other threads; finding it by its attributes would, so that is done once per extension.
    files: HashMap<String, FileInstruments>,
    buffer: Vec<u8>,
    deadline: Option<Instant>,
}

impl<'a> Worker<'a> {
    fn new(instruments: Instruments, extensions: &'a Extensions, deadline: Option<Instant>) -> Self {
        Self { instruments, extensions, files: HashMap::new(), buffer: vec![0; CHUNK_BYTES], deadline }
    }

    /// Takes files from the walk and reads them; returns how many, or `None` if time was over first.
    fn work(&mut self, entries: &Mutex<walkdir::IntoIter>) -> Result<Option<u64>, RegisterError> {
        let mut files = 0;
        loop {
            if is_over(self.deadline) {
                return Ok(None);
            }
            // The lock is released at the end of this statement, before the file is read.
            let next = entries.lock().expect("no worker panics").next();
            match next {
                None => return Ok(Some(files)),
                // Opening a FIFO would wait for a writer, and reading a device might never end.
                Some(Ok(entry)) if !entry.file_type().is_file() => {}
                Some(Ok(entry)) => match self.file(entry.path())? {
                    Ok(Some(_)) => files += 1,
                    Ok(None) => return Ok(None),
                    Err(error) => self.instruments.error(error.kind())?,
                },
                Some(Err(error)) => {
                    // Without links being followed there is no other error than one of the file system.
                    let kind = error.io_error().map_or(io::ErrorKind::Other, io::Error::kind);
                    self.instruments.error(kind)?;
                }
            }
        }
    }

    /// Reads a file and records that. The outer error is about the instruments, the inner about the file.
    fn file(&mut self, path: &Path) -> Result<io::Result<Option<u64>>, RegisterError> {
        let extension = path.extension().filter(|extension| !extension.is_empty());
        let extension = extension.map_or("(none)".into(), |extension| extension.to_string_lossy());
        let mut label = &*extension;
        if !self.files.contains_key(label) {
            label = self.extensions.admit(label);
            if !self.files.contains_key(label) {
                self.files.insert(label.to_owned(), self.instruments.files(label)?);
            }
        }
        let (buffer, deadline) = (&mut self.buffer, self.deadline);
        Ok(self.instruments.measure(&self.files[label], || hash(path, buffer, deadline)))
    }
}

/// Computes the SHA-256 of a file; returns the size of the file, or `None` if time was over first.
fn hash(path: &Path, buffer: &mut [u8], deadline: Option<Instant>) -> io::Result<Option<u64>> {
    let mut file = File::open(path)?;
    let (mut hasher, mut bytes) = (Sha256::new(), 0);
    while !is_over(deadline) {
        match file.read(buffer) {
            Ok(0) => {
                // Nobody asked for the sum itself; the compiler must not conclude that it need not be computed.
                hint::black_box(hasher.finalize());
                return Ok(Some(bytes));
            }
            Ok(read) => {
                hasher.update(&buffer[..read]);
                bytes += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn is_over(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| Instant::now() >= deadline)
}
