// SPDX-License-Identifier: GPL-2.0

//! What a run has made, for people and for programs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use layout::Superblock;
use serde_json::{json, Value};
use uuid::Uuid;

use crate::digest::Digest;
use crate::layer_files::PlainLayer;
use crate::message;
use crate::notes::Notes;
use crate::BLOCK;

/// What was made.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Number of the archive's entries.
    pub entries: u64,
    /// The index's superblock.
    pub superblock: Superblock,
    /// Extended attributes and access control lists that the image has no place for.
    pub xattrs_left_out: Notes,
    /// Records of extended headers that nothing is known about.
    pub records_left_out: Notes,
    /// What other programs read differently.
    pub differing: Notes,
    /// The archives, where the index was made of layers.
    pub layers: Vec<Layer>,
    /// Time that it took.
    pub elapsed: Duration,
}

/// An archive that is a layer.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Where it is.
    pub path: PathBuf,
    /// Whether it was written for the index.
    pub is_written: bool,
    /// In bytes.
    pub length: u64,
    /// Digest of the archive, where it is known.
    pub sha256: Option<Digest>,
}

impl Layer {
    pub(crate) fn of(layer: &PlainLayer) -> Self {
        Self {
            path: layer.source.path().into(),
            is_written: layer.written.is_some(),
            length: layer.length,
            sha256: layer.sha256,
        }
    }

    fn json(&self) -> Value {
        json!({
            "archive": message::json(self.path.as_os_str().as_encoded_bytes()),
            "archive_bytes": self.length,
            "written": self.is_written,
            "sha256": self.sha256.map(|digest| digest.digits()),
        })
    }
}

impl Summary {
    /// Length of the index in bytes.
    pub fn index_bytes(&self) -> u64 {
        self.superblock.index_blocks.saturating_mul(BLOCK)
    }

    /// Returns a line about the archive at `archive`.
    pub fn line(&self, archive: &Path) -> String {
        let bytes = self.index_bytes();
        let mut line = format!(
            "{}: {} entries, index of {bytes} bytes ({} an entry), {:.2} s",
            archive.display(),
            self.entries,
            bytes.checked_div(self.entries).unwrap_or(0),
            self.elapsed.as_secs_f64(),
        );
        let left_out = [
            ("extended attributes", &self.xattrs_left_out),
            ("pax records", &self.records_left_out),
        ];
        let mut separator = "; not kept: ";
        for (kind, notes) in left_out.iter().filter(|(_, notes)| notes.count() > 0) {
            let count = notes.count();
            line.push_str(&format!("{separator}{count} {kind} (first {notes})"));
            separator = ", ";
        }
        if self.differing.count() > 0 {
            line.push_str(&format!(
                "; read differently by others: {} entries (first {})",
                self.differing.count(),
                self.differing
            ));
        }
        for layer in self.layers.iter().filter(|layer| layer.is_written) {
            line.push_str(&format!("; wrote {}", layer.path.display()));
        }
        line
    }

    /// Returns all of it about the archive at `archive`.
    pub fn json(&self, archive: &Path) -> Value {
        let superblock = &self.superblock;
        let label = superblock.label.split(|&byte| byte == 0).next();
        json!({
            "archive": message::json(archive.as_os_str().as_encoded_bytes()),
            "archive_bytes": superblock.tar_length,
            "entries": self.entries,
            "inodes": superblock.inode_count(),
            "index_bytes": self.index_bytes(),
            "uuid": Uuid::from_bytes(superblock.uuid).to_string(),
            "label": message::json(label.unwrap_or_default()),
            "not_kept": {
                "xattrs": self.xattrs_left_out.json(),
                "records": self.records_left_out.json(),
            },
            "read_differently": self.differing.json(),
            "layers": self.layers.iter().map(Layer::json).collect::<Vec<_>>(),
            "seconds": self.elapsed.as_secs_f64(),
        })
    }
}
