//! Ordering mutation: one build of the models serves every mutant.
//!
//! `FREEWHEEL_RECORD=path` appends to `path`, once for each call site that the models reach, a line
//! `file:line:column:which access order`, where `which` is 1 for the failure order of a compare-exchange, else 0.
//! `FREEWHEEL_WEAKEN=file:line:column:which:order` replaces the order at that site. `ci/mutate-orderings` does the
//! first, then the second for each site in turn, and demands that some model fails.

use std::{
    collections::BTreeSet,
    fs::OpenOptions,
    io::Write,
    panic::Location,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use super::super::probed::Access;

/// The order to use at `site`, where the code says `order`.
pub(super) fn order(site: &'static Location<'static>, access: Access, order: Ordering) -> Ordering {
    record(site, access, order);
    match mutant() {
        Some(mutant) if mutant.is_at(site, access) => mutant.announce(order),
        _ => order,
    }
}

/// One order at one call site, replaced.
struct Mutant {
    file: String,
    line: u32,
    column: u32,
    which: u8,
    order: Ordering,
}

impl Mutant {
    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.rsplitn(5, ':');
        let order = match fields.next()? {
            "Relaxed" => Ordering::Relaxed,
            "Acquire" => Ordering::Acquire,
            "Release" => Ordering::Release,
            "AcqRel" => Ordering::AcqRel,
            _ => return None,
        };
        let which = fields.next()?.parse().ok()?;
        let column = fields.next()?.parse().ok()?;
        let line = fields.next()?.parse().ok()?;
        Some(Self { file: fields.next()?.to_owned(), line, column, which, order })
    }

    fn is_at(&self, site: &Location<'_>, access: Access) -> bool {
        (self.line, self.column, self.which) == (site.line(), site.column(), which(access))
            && site.file().ends_with(&self.file)
    }

    /// Says once that the site was reached: a mutant that never ran has not survived.
    fn announce(&self, written: Ordering) -> Ordering {
        static ANNOUNCED: AtomicBool = AtomicBool::new(false);
        if !ANNOUNCED.swap(true, Ordering::Relaxed) {
            eprintln!("freewheel: weakened {}:{} {written:?} -> {:?}", self.file, self.line, self.order);
        }
        self.order
    }
}

fn mutant() -> Option<&'static Mutant> {
    static MUTANT: OnceLock<Option<Mutant>> = OnceLock::new();
    let parse = |text: String| {
        Mutant::parse(&text)
            .unwrap_or_else(|| panic!("FREEWHEEL_WEAKEN must be file:line:column:which:order, not {text:?}"))
    };
    MUTANT.get_or_init(|| std::env::var("FREEWHEEL_WEAKEN").ok().map(parse)).as_ref()
}

fn which(access: Access) -> u8 {
    u8::from(access == Access::ExchangeFailure)
}

fn record(site: &'static Location<'static>, access: Access, order: Ordering) {
    static PATH: OnceLock<Option<String>> = OnceLock::new();
    static SEEN: Mutex<BTreeSet<(&Location<'static>, u8)>> = Mutex::new(BTreeSet::new());

    let Some(path) = PATH.get_or_init(|| std::env::var("FREEWHEEL_RECORD").ok()) else { return };
    let first = SEEN.lock().unwrap_or_else(PoisonError::into_inner).insert((site, which(access)));
    if first {
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .and_then(|mut file| writeln!(file, "{site}:{} {access:?} {order:?}", which(access)))
            .unwrap_or_else(|error| panic!("cannot record to {path}: {error}"));
    }
}
