// SPDX-License-Identifier: GPL-2.0

//! The superblock and the regions as text and as JSON.

use std::fmt::Write;

use layout::{Region, RegionKind, Superblock};
use serde_json::{json, Value};
use uuid::Uuid;

use super::Image;
use crate::{message, Error, SECTOR};

/// Returns what the superblock and the layers' region say, a line for each.
///
/// # Errors
///
/// Those of [`crate::index_reader::IndexReader::layers`].
pub fn lines(image: &Image) -> Result<String, Error> {
    let superblock = image.index.superblock();
    let mut text = String::new();
    let mut add = |key: &str, value: String| {
        let _ = writeln!(text, "{:<20} {value}", format!("{key}:"));
    };
    add("format", layout::VERSION.to_string());
    add("UUID", Uuid::from_bytes(superblock.uuid).to_string());
    add("label", message::quoted(label(superblock)));
    add("features", features(superblock));
    add("archive", format!("{} bytes", superblock.tar_length));
    add(
        "SHA-256",
        superblock
            .tar_sha256
            .map_or("not recorded".into(), |sum| hex(&sum)),
    );
    add(
        "index",
        match superblock.index_offset {
            0 => format!("{} blocks, of its own", superblock.index_blocks),
            offset => format!("{} blocks from byte {offset} on", superblock.index_blocks),
        },
    );
    add("created", seconds(superblock.created));
    add("time base", seconds(superblock.time_base));
    add("hash seed", superblock.hash_seed.to_string());
    for (number, layer) in image.index.layers()?.iter().enumerate() {
        add(
            &format!("archive {number}"),
            format!(
                "{} bytes from byte {} on, SHA-256 {}",
                layer.length,
                layer.sector.saturating_mul(SECTOR),
                layer.sha256.map_or("not recorded".into(), |sum| hex(&sum)),
            ),
        );
    }
    for (kind, region) in regions(superblock) {
        add(
            &format!("region {}", kind.name()),
            format!(
                "{} records of {} bytes, {} blocks from block {} on",
                region.records(),
                kind.record_size(),
                region.blocks(),
                region.first_block(),
            ),
        );
    }
    Ok(text.trim_end().into())
}

/// Returns what the superblock and the layers' region say as an object.
///
/// # Errors
///
/// As for [`lines`].
pub fn object(image: &Image) -> Result<Value, Error> {
    let superblock = image.index.superblock();
    let layers = image.index.layers()?.into_iter().map(|layer| {
        json!({
            "position": layer.sector.saturating_mul(SECTOR),
            "length": layer.length,
            "sha256": layer.sha256.map(|sum| hex(&sum)),
        })
    });
    let regions = regions(superblock).into_iter().map(|(kind, region)| {
        json!({
            "name": kind.name(),
            "first_block": region.first_block(),
            "blocks": region.blocks(),
            "records": region.records(),
        })
    });
    Ok(json!({
        "format": layout::VERSION,
        "uuid": Uuid::from_bytes(superblock.uuid).to_string(),
        "label": message::json(label(superblock)),
        "features_compat": superblock.features_compat,
        "features_ro_compat": superblock.features_ro_compat,
        "features_incompat": superblock.features_incompat,
        "tar_length": superblock.tar_length,
        "tar_sha256": superblock.tar_sha256.map(|sum| hex(&sum)),
        "index_offset": superblock.index_offset,
        "index_blocks": superblock.index_blocks,
        "created": superblock.created,
        "time_base": superblock.time_base,
        "hash_seed": superblock.hash_seed,
        "layers": layers.collect::<Value>(),
        "regions": regions.collect::<Value>(),
    }))
}

/// Returns bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn label(superblock: &Superblock) -> &[u8] {
    let label = superblock.label.split(|&byte| byte == 0).next();
    label.unwrap_or_default()
}

fn features(superblock: &Superblock) -> String {
    format!(
        "compatible {:#x}, read-only compatible {:#x}, incompatible {:#x}",
        superblock.features_compat, superblock.features_ro_compat, superblock.features_incompat
    )
}

fn seconds(time: i64) -> String {
    match chrono::DateTime::from_timestamp(time, 0) {
        Some(date) => date.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        None => format!("@{time}"),
    }
}

fn regions(superblock: &Superblock) -> [(RegionKind, &Region); 8] {
    [
        (RegionKind::Inodes, &superblock.inodes),
        (RegionKind::Extras, &superblock.extras),
        (RegionKind::Leaves, &superblock.leaves),
        (RegionKind::Heap, &superblock.heap),
        (RegionKind::Xattrs, &superblock.xattrs),
        (RegionKind::Extents, &superblock.extents),
        (RegionKind::Layers, &superblock.layers),
        (RegionKind::DataSums, &superblock.data_sums),
    ]
}
