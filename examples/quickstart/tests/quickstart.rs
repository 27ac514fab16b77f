//! The program, run as a process on real directories.

#[path = "../src/receiver.rs"]
mod receiver;
#[path = "../src/series.rs"]
#[allow(dead_code, reason = "the example compares and sums up, the test does not")]
mod series;

use std::{
    env,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    process::{self, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

/// No run in here takes longer, except one that hangs.
const TOO_LONG: Duration = Duration::from_secs(60);

/// A directory that is removed when the test is over.
struct Tree(PathBuf);

impl Tree {
    fn new(test: &str) -> Self {
        let name = format!("quickstart-{}-{test}", process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).expect("a directory to work in");
        Self(path)
    }

    fn file(&self, name: impl AsRef<OsStr>, content: &[u8]) -> &Self {
        let path = self.0.join(name.as_ref());
        fs::create_dir_all(path.parent().expect("is below the tree")).expect("a directory");
        fs::write(path, content).expect("a file");
        self
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        // What vanished in the course of the test need not be removed.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn quickstart() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quickstart"));
    command.env_remove("OTEL_EXPORTER_OTLP_ENDPOINT").env_remove("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT");
    command
}

/// Runs to the end; a process that hangs is killed, and the test fails.
fn run(command: &mut Command) -> Output {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the example starts");
    let started = Instant::now();
    // What the example prints fits into a pipe, so nobody need read it meanwhile.
    while child.try_wait().expect("a child can be waited for").is_none() {
        if started.elapsed() > TOO_LONG {
            child.kill().expect("a child can be killed");
            let output = child.wait_with_output().expect("the output");
            panic!("hangs; stderr: {}", String::from_utf8_lossy(&output.stderr));
        }
        thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().expect("the output")
}

/// Runs with `--json` and returns the object; the exit status must be `status`.
fn json(status: i32, command: &mut Command) -> Value {
    let output = run(command.arg("--json"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{stderr}");
    let object: Value = serde_json::from_slice(&output.stdout).expect("stdout is one JSON value");
    assert!(object.is_object(), "{object}");
    object
}

fn number(object: &Value, key: &str) -> u64 {
    object[key].as_u64().unwrap_or_else(|| panic!("{key} is no number in {object}"))
}

/// Files and bytes as the standard library finds them.
fn totals(directory: &Path) -> io::Result<(u64, u64)> {
    let (mut files, mut bytes) = (0, 0);
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            let (files_below, bytes_below) = totals(&entry.path())?;
            (files, bytes) = (files + files_below, bytes + bytes_below);
        } else if kind.is_file() {
            (files, bytes) = (files + 1, bytes + entry.metadata()?.len());
        }
    }
    Ok((files, bytes))
}

/// One pass over `directory` counts what is there, all of it arrives, and `errors` is as expected.
fn assert_counts_all(directory: &Path, errors: u64) -> Value {
    let object = json(0, quickstart().arg(directory).args(["--once", "--interval", "20"]));
    let (files, bytes) = totals(directory).expect("the tree can be read");
    assert_eq!(number(&object, "files"), files - errors, "{object}");
    assert_eq!(number(&object, "errors"), errors, "{object}");
    assert_eq!(number(&object, "bytes"), bytes, "{object}");
    assert_eq!(number(&object, "passes"), 1, "{object}");
    assert!(number(&object, "exports") >= 1, "{object}");
    assert_eq!(object["recorded_equals_received"], true, "{object}");
    object
}

#[test]
fn one_pass_counts_each_file_and_byte_once() {
    let tree = Tree::new("once");
    tree.file("empty", b"").file("one.rs", b"1").file("deep/er/two.RS", b"22").file(".hidden", b"333");
    tree.file("ends-with-dot.", b"4444")
        .file("large.bin", &vec![7; 3_000_000])
        .file("tar.gz/five.tar.gz", b"55555");
    for small in 0..300 {
        tree.file(format!("many/{small}.txt"), &vec![b'x'; small]);
    }
    let object = assert_counts_all(&tree.0, 0);
    assert_eq!(number(&object, "files"), 307);
    let one_thread = json(0, quickstart().arg(&tree.0).args(["--once", "--threads", "1"]));
    assert_eq!((&one_thread["files"], &one_thread["bytes"]), (&object["files"], &object["bytes"]));
}

#[test]
fn empty_tree_is_one_pass_of_nothing() {
    let tree = Tree::new("nothing");
    let object = assert_counts_all(&tree.0, 0);
    assert_eq!(number(&object, "files"), 0);
    let table = run(quickstart().arg(&tree.0).arg("--once"));
    let table = String::from_utf8(table.stdout).expect("the table is text");
    let total = table.lines().find(|line| line.starts_with("total")).expect("a total");
    assert!(total.ends_with(" -"), "p99 of nothing: {total}");
}

#[test]
fn more_extensions_than_the_limit_share_one_series() {
    let tree = Tree::new("extensions");
    for number in 0..260 {
        tree.file(format!("file.{number}"), b"content");
    }
    tree.file(format!("file.{}", "long".repeat(50)), b"content");
    let object = assert_counts_all(&tree.0, 0);
    let series = number(&object, "series");
    assert!(
        (4 * 201..=6 * 201).contains(&series),
        "about five series for each of 200 extensions and one more: {object}"
    );
}

#[cfg(unix)]
#[test]
fn links_and_special_files_are_left_alone() {
    use std::os::unix::{fs::symlink, net::UnixListener};

    let tree = Tree::new("special");
    tree.file("real.txt", b"content");
    symlink("real.txt", tree.0.join("link.txt")).expect("a link");
    symlink("nowhere", tree.0.join("dangling")).expect("a link");
    symlink(".", tree.0.join("loop")).expect("a link");
    // A FIFO without a writer blocks whoever opens it; a socket cannot be opened at all.
    let fifo = Command::new("mkfifo").arg(tree.0.join("fifo.txt")).status().expect("mkfifo starts");
    assert!(fifo.success(), "mkfifo: {fifo}");
    // The path of a socket has to be short, which the tree's may not be.
    let socket = env::temp_dir().join(format!("quickstart-{}", process::id()));
    let _listener = UnixListener::bind(&socket).expect("a socket");
    let _ = fs::rename(&socket, tree.0.join("socket.txt")).or_else(|_| fs::remove_file(&socket));
    let object = assert_counts_all(&tree.0, 0);
    assert_eq!(number(&object, "files"), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf8_are_read_all_the_same() {
    use std::os::unix::ffi::OsStrExt;

    let tree = Tree::new("names");
    tree.file(OsStr::from_bytes(b"name-\xff.txt"), b"1")
        .file(OsStr::from_bytes(b"extension.\xfe\xff"), b"22");
    tree.file("control.\x1b[31m", b"333");
    let object = assert_counts_all(&tree.0, 0);
    assert_eq!(number(&object, "files"), 3);
}

/// A file whose path is longer than the system accepts cannot be opened, not even by root, but can be listed.
#[cfg(target_os = "linux")]
#[test]
fn file_that_cannot_be_read_is_an_error_and_the_pass_goes_on() {
    let tree = Tree::new("unreadable");
    tree.file("before.txt", b"content").file(format!("short/{}", "f".repeat(250)), b"");
    let mut deep = tree.0.clone();
    while deep.as_os_str().len() < 3700 {
        deep.push("d".repeat(200));
    }
    fs::create_dir_all(&deep).expect("a deep directory");
    fs::rename(tree.0.join("short"), deep.join("l".repeat(4080 - deep.as_os_str().len())))
        .expect("moved there");

    assert_counts_all(&tree.0, 1);
    let output = run(quickstart().arg(&tree.0).arg("--once"));
    let table = String::from_utf8(output.stdout).expect("the table is text");
    assert!(table.contains("invalid_filename"), "{table}");
}

#[test]
fn directory_that_vanishes_mid_run_is_counted_and_the_run_ends() {
    let tree = Tree::new("vanishes");
    tree.file("file.txt", b"content");
    let path = tree.0.clone();
    let remover = thread::spawn(move || {
        thread::sleep(Duration::from_millis(700));
        drop(tree);
    });
    let object = json(0, quickstart().arg(path).args(["--for", "1.5"]));
    remover.join().expect("the tree is removed");
    assert!(number(&object, "files") >= 1, "{object}");
    assert!((1..100).contains(&number(&object, "errors")), "one for each pass over nothing: {object}");
    assert_eq!(object["recorded_equals_received"], true, "{object}");
}

#[test]
fn run_ends_when_its_time_is_over() {
    let tree = Tree::new("time");
    tree.file("small.txt", b"content").file("large.bin", &vec![0; 50_000_000]);
    let started = Instant::now();
    let object = json(0, quickstart().arg(&tree.0).args(["--for", "1", "--threads", "2"]));
    assert!(started.elapsed() < Duration::from_secs(10), "took {:?}", started.elapsed());
    let seconds = object["seconds"].as_f64().expect("seconds are a number");
    assert!((1.0..3.0).contains(&seconds), "{object}");
    assert!(number(&object, "files") >= 1, "{object}");
    assert_eq!(object["recorded_equals_received"], true, "{object}");
}

#[test]
fn passes_over_an_empty_directory_rest_in_between() {
    let tree = Tree::new("rest");
    let object = json(0, quickstart().arg(&tree.0).args(["--for", "1"]));
    assert!((1..=20).contains(&number(&object, "passes")), "{object}");
    assert_eq!(number(&object, "files"), 0);
    assert_eq!(object["recorded_equals_received"], true, "{object}");
}

#[test]
fn missing_directory_is_refused_by_name() {
    let tree = Tree::new("missing");
    tree.file("file.txt", b"content");
    for name in ["no-such-directory", "file.txt"] {
        let output = run(quickstart().arg(tree.0.join(name)));
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(message.contains(name) && message.contains("directory"), "{message}");
        assert_eq!(message.lines().count(), 1, "the message is not buried in a usage: {message}");
    }
}

#[test]
fn senseless_arguments_are_refused_with_the_usage() {
    let senseless: [&[&str]; 12] = [
        &["--threads"],
        &["--threads", "0"],
        &["--threads", "many"],
        &["--threads", "1000000"],
        &["--for", "0"],
        &["--for", "-1"],
        &["--for", "NaN"],
        &["--for", "1e400"],
        &["--interval", "0"],
        &["--once", "--for", "1"],
        &["--unknown"],
        &[".", "."],
    ];
    for arguments in senseless {
        let output = run(quickstart().args(arguments));
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        assert!(message.contains("Usage:"), "{arguments:?}: {message}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn help_goes_to_stdout() {
    let output = run(quickstart().arg("--help"));
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("Usage:"));
}

#[test]
fn collector_elsewhere_gets_everything_and_the_comparison_is_unknown() {
    let tree = Tree::new("elsewhere");
    tree.file("one.txt", b"1").file("two.rs", b"22");
    let collector = receiver::Receiver::start().expect("a collector");
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint());
    let object = json(0, quickstart().arg(&tree.0).arg("--once").env(endpoint.0, endpoint.1));
    assert_eq!(object["recorded_equals_received"], Value::Null, "{object}");
    assert!(number(&object, "exports") >= 1, "{object}");
    assert_eq!(collector.series().len() as u64, number(&object, "series"), "{object}");
}

#[test]
fn collector_that_is_not_there_is_said_plainly() {
    let tree = Tree::new("unreachable");
    tree.file("one.txt", b"1");
    // Nobody listens on the discard port of the loopback interface.
    let mut command = quickstart();
    command.arg(&tree.0).arg("--once").env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
    let object = json(1, &mut command);
    assert_eq!(object["recorded_equals_received"], Value::Null, "{object}");
    assert_eq!(number(&object, "exports"), 0, "{object}");
    assert_eq!(number(&object, "files"), 1, "{object}");
}
