// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The rules for several archives behind an index, and for the sums of their data.

mod support;

use layout::{check_data_sum, Error, Layer, Superblock, LAYERS_MAX};
use support::{crc32, superblock, Counts};

const COUNTS: Counts = Counts {
    inodes: 1,
    extras: 0,
    leaves: 0,
    heap: 0,
    xattrs: 0,
    extents: 0,
    layers: 3,
    data_sums: 0,
};

/// Archives of 512, 5000 and 10240 bytes: the second starts at byte 4096, the third at 12288.
fn index_of_three() -> (Superblock, [u8; 4096]) {
    let (mut superblock, _) = superblock(COUNTS);
    superblock.index_offset = 0;
    superblock.tar_length = 12288 + 10240;
    let mut block = [0; 4096];
    for (number, (sector, length)) in [(0u64, 512u64), (8, 5000), (24, 10240)].iter().enumerate() {
        block[64 * number..][..8].copy_from_slice(&sector.to_le_bytes());
        block[64 * number + 8..][..8].copy_from_slice(&length.to_le_bytes());
    }
    block[64 + 16..][..32].fill(7);
    (superblock, block)
}

/// All archives of a block of records.
fn decode(superblock: &Superblock, block: &[u8]) -> Result<Vec<Layer>, Error> {
    let mut layers = Vec::new();
    for number in 0..superblock.layer_count() {
        let position = superblock.layer_position(number)?;
        let layer = Layer::decode(number, layers.last(), block, position.offset, superblock)?;
        layers.push(layer);
    }
    Ok(layers)
}

#[test]
fn archives_follow_each_other_at_multiples_of_a_block() {
    let (superblock, block) = index_of_three();
    let layers = decode(&superblock, &block).unwrap();
    assert_eq!(layers[1].sha256, Some([7; 32]));
    assert_eq!(layers[2].sha256, None);
    let encoded: Vec<u8> = layers.iter().flat_map(Layer::encode).collect();
    assert_eq!(encoded, block[..192]);
    let again = Layer::after(Some(&layers[1]), 10240, None);
    assert_eq!(again, layers[2]);
    assert_eq!(Layer::after(None, 1, None).sector, 0);
    assert_eq!(
        superblock.layer_position(3),
        Err(Error::NoLayer {
            layer: 3,
            layers: 3
        })
    );
}

#[test]
fn an_archive_elsewhere_is_refused() {
    let (superblock, block) = index_of_three();
    let with = |offset: usize, value: u64| {
        let mut block = block;
        block[offset..][..8].copy_from_slice(&value.to_le_bytes());
        decode(&superblock, &block).unwrap_err()
    };
    let second = |sector, length| Error::Layer {
        layer: 1,
        sector,
        length,
        expected_sector: 8,
    };
    assert_eq!(with(64, 16), second(16, 5000));
    assert_eq!(with(72, 0), second(8, 0));
    assert_eq!(with(72, u64::MAX), second(8, u64::MAX));
    assert_eq!(with(64 + 48, 1), second(8, 5000));
    assert_eq!(
        with(128 + 8, 10239),
        Error::LayersEnd {
            end: 22527,
            tar_length: 22528
        }
    );
    assert!(matches!(
        with(128 + 8, 10241),
        Error::Layer { layer: 2, .. }
    ));
}

#[test]
fn the_superblock_limits_archives_and_counts_data_sums() {
    let decoded = |counts, offset, tar_length| {
        let (mut superblock, _) = superblock(counts);
        superblock.index_offset = offset;
        superblock.tar_length = tar_length;
        let bytes = offset + superblock.index_blocks * 4096;
        Superblock::decode(&superblock.encode(crc32), crc32, bytes)
    };
    let layers = |layers| Counts { layers, ..COUNTS };
    assert!(decoded(layers(LAYERS_MAX), 0, 1 << 30).is_ok());
    assert_eq!(
        decoded(layers(LAYERS_MAX + 1), 0, 1 << 30),
        Err(Error::LayerCount { layers: 501 })
    );
    assert_eq!(
        decoded(layers(1), 8192, 512),
        Err(Error::LayerCount { layers: 1 })
    );
    let sums = |data_sums| Counts {
        layers: 0,
        data_sums,
        ..COUNTS
    };
    assert!(decoded(sums(3), 16384, 8193).is_ok());
    let wrong = Error::DataSumCount {
        sums: 2,
        expected: 3,
    };
    assert_eq!(decoded(sums(2), 16384, 8193), Err(wrong));
}

#[test]
fn a_data_sum_is_compared() {
    let (superblock, _) = superblock(Counts {
        layers: 0,
        data_sums: 2000,
        ..COUNTS
    });
    let position = superblock.data_sum_position(1025).unwrap();
    // One block of inodes, then 1023 sums.
    assert_eq!((position.block, position.offset), (2, 8));
    assert_eq!(superblock.data_sum_position(2000), None);
    let sums = [0, 0, 0, 0, 0x78, 0x56, 0x34, 0x12];
    assert_eq!(check_data_sum(1025, 0x1234_5678, &sums, 4), Ok(()));
    assert_eq!(
        check_data_sum(1025, 1, &sums, 4),
        Err(Error::DataSum {
            block: 1025,
            stored: 0x1234_5678,
            computed: 1
        })
    );
    assert!(matches!(
        check_data_sum(1025, 1, &sums, 5),
        Err(Error::OutOfBlock { offset: 5 })
    ));
}
