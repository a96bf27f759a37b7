// SPDX-License-Identifier: GPL-2.0
//! Checks that the Rust part of a rebuilt kernel tree is the stock kernel's: each symbol that it
//! exports must be in the stock `Module.symvers`. The names hold hashes of the compiler and of
//! what was compiled, so that another compiler, source or configuration shows.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::error::{Error, Kind, Result};

/// The number of symbols that were checked.
///
/// # Errors
/// `Build` where one is missing, or where there is none at all.
pub fn check(tree: &Path) -> Result<usize> {
    let read =
        |path: &Path| fs::read_to_string(path).map_err(|error| Error::io("read", path, error));
    let stock = read(&tree.join("Module.symvers"))?;
    let stock: BTreeSet<&str> = stock.lines().filter_map(stock_symbol).collect();
    let rust = tree.join("rust");
    let failed = |error| Error::io("list", &rust, error);
    let mut checked = 0;
    let mut missing = Vec::new();
    for entry in fs::read_dir(&rust).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if !(name.starts_with("exports_") && name.ends_with("_generated.h")) {
            continue;
        }
        for symbol in read(&path)?.lines().filter_map(exported_symbol) {
            checked += 1;
            if !stock.contains(symbol) {
                missing.push(symbol.to_owned());
            }
        }
    }
    match missing.first() {
        None if checked > 0 => Ok(checked),
        None => Err(Error::new(
            Kind::Build,
            "the kernel's Rust part exports no symbols",
        )),
        Some(first) => {
            let count = missing.len();
            let message = format!(
                "{count} of {checked} symbols of the rebuilt Rust part are not in the stock \
                 kernel ({first} for one): compiler, source or configuration differ from what \
                 the kernel was built with"
            );
            Err(Error::new(Kind::Build, message))
        }
    }
}

/// `EXPORT_SYMBOL_RUST_GPL(NAME);`
fn exported_symbol(line: &str) -> Option<&str> {
    line.strip_prefix("EXPORT_SYMBOL_RUST_GPL(")?
        .strip_suffix(");")
}

/// `CRC<tab>NAME<tab>MODULE<tab>KIND<tab>NAMESPACE`
fn stock_symbol(line: &str) -> Option<&str> {
    line.split('\t').nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(symvers: &str, exports: &str) -> tempfile::TempDir {
        let tree = tempfile::tempdir().unwrap();
        fs::create_dir(tree.path().join("rust")).unwrap();
        fs::write(tree.path().join("Module.symvers"), symvers).unwrap();
        fs::write(tree.path().join("rust/exports_core_generated.h"), exports).unwrap();
        tree
    }

    #[test]
    fn each_symbol_must_be_in_the_stock_kernel() {
        let symvers = "0x0\t_RNa\tvmlinux\tEXPORT_SYMBOL_GPL\t\n0x0\tb\tvmlinux\tx\t\n";
        let good = tree(symvers, "EXPORT_SYMBOL_RUST_GPL(_RNa);\n");
        assert_eq!(check(good.path()).unwrap(), 1);
        let bad = tree(
            symvers,
            "EXPORT_SYMBOL_RUST_GPL(_RNa);\nEXPORT_SYMBOL_RUST_GPL(_RNb);\n",
        );
        let error = check(bad.path()).unwrap_err();
        assert!(error.to_string().starts_with("1 of 2 symbols"), "{error}");
        assert!(error.to_string().contains("_RNb"), "{error}");
    }

    #[test]
    fn a_tree_without_rust_is_no_sdk() {
        assert!(check(tree("", "").path()).is_err());
    }
}
