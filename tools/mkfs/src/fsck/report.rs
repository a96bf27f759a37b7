// SPDX-License-Identifier: GPL-2.0

//! What a check found.

/// Findings that are kept; more are only counted, so that a hostile image takes no memory.
const KEPT: usize = 1000;

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The inode that it is about, if it is about one.
    pub inode: Option<u32>,
    /// A name of that inode; empty for the root, `None` where no name leads to it.
    pub path: Option<Vec<u8>>,
    /// The rule, with the values that break it.
    pub rule: String,
}

/// What a check found so far.
#[derive(Debug, Default)]
pub struct Report {
    findings: Vec<Finding>,
    count: u64,
    is_data_damaged: bool,
}

impl Report {
    /// Adds a finding that is about no inode.
    pub fn add(&mut self, rule: impl ToString) {
        self.push(|| Finding {
            inode: None,
            path: None,
            rule: rule.to_string(),
        });
    }

    /// Adds a finding about an inode. `path` is asked for the name where the finding is kept.
    pub fn add_inode(
        &mut self,
        inode: u32,
        path: impl FnOnce() -> Option<Vec<u8>>,
        rule: impl ToString,
    ) {
        self.push(|| {
            let rule = rule.to_string();
            // Many rules of the format name the inode themselves.
            let bare = rule
                .strip_prefix(&format!("inode {inode}: "))
                .map(Into::into);
            Finding {
                inode: Some(inode),
                path: path(),
                rule: bare.unwrap_or(rule),
            }
        });
    }

    /// Adds a finding about the data of an archive, which no index can repair.
    pub fn add_data(&mut self, rule: impl ToString) {
        self.is_data_damaged = true;
        self.add(rule);
    }

    /// The first findings.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Number of all findings.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether an archive's data is not what it was when the index was made.
    pub fn is_data_damaged(&self) -> bool {
        self.is_data_damaged
    }

    fn push(&mut self, finding: impl FnOnce() -> Finding) {
        self.count = self.count.saturating_add(1);
        if self.findings.len() < KEPT {
            self.findings.push(finding());
        }
    }
}
