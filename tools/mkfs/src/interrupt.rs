// SPDX-License-Identifier: GPL-2.0

//! Signals that end a run while it writes: noticed between two steps, so that what was begun is
//! undone.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};

use crate::Error;

/// Whether a signal asked for the run's end.
pub struct Interrupt {
    requested: Arc<AtomicBool>,
}

impl Interrupt {
    /// Takes the signals over; from here on, they end nothing by themselves.
    ///
    /// # Errors
    ///
    /// Those of `sigaction`.
    pub fn watch() -> io::Result<Self> {
        let requested = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&requested))?;
        }
        // A write beyond the limit of a file's size fails, which is enough.
        signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
        Ok(Self { requested })
    }

    /// Checks that there was no signal; `path` is named in the error.
    ///
    /// # Errors
    ///
    /// [`Error::Interrupted`].
    pub fn check(&self, path: &Path) -> Result<(), Error> {
        if self.is_requested() {
            return Err(Error::Interrupted { path: path.into() });
        }
        Ok(())
    }

    /// Whether there was a signal.
    pub fn is_requested(&self) -> bool {
        self.requested.load(Ordering::Relaxed)
    }
}
