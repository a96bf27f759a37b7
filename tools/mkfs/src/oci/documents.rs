// SPDX-License-Identifier: GPL-2.0

//! The JSON documents of an OCI image layout, as far as they matter here, and their media types.

use std::collections::HashMap;

use serde::Deserialize;

use super::platform::Platform;
use crate::digest::Digest;

/// The annotation by which an index names an image.
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// What refers to a blob.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    pub(super) media_type: String,
    pub(super) digest: Digest,
    /// In bytes.
    pub(super) size: u64,
    pub(super) platform: Option<Platform>,
    #[serde(default)]
    annotations: HashMap<String, String>,
}

/// What a blob is, by its media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    Index,
    Manifest,
    Config,
    /// An archive; whether it is compressed, its first bytes say.
    Layer,
    Other,
}

impl Descriptor {
    /// The name that an index gives to the image.
    pub(super) fn tag(&self) -> Option<&str> {
        self.annotations.get(REF_NAME).map(String::as_str)
    }

    /// What the blob is. Docker's types are those from which OCI's were made.
    pub(super) fn media(&self) -> Media {
        match self.media_type.as_str() {
            "application/vnd.oci.image.index.v1+json"
            | "application/vnd.docker.distribution.manifest.list.v2+json" => Media::Index,
            "application/vnd.oci.image.manifest.v1+json"
            | "application/vnd.docker.distribution.manifest.v2+json" => Media::Manifest,
            "application/vnd.oci.image.config.v1+json"
            | "application/vnd.docker.container.image.v1+json" => Media::Config,
            "application/vnd.oci.image.layer.v1.tar"
            | "application/vnd.oci.image.layer.v1.tar+gzip"
            | "application/vnd.oci.image.layer.v1.tar+zstd"
            | "application/vnd.oci.image.layer.nondistributable.v1.tar"
            | "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
            | "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"
            | "application/vnd.docker.image.rootfs.diff.tar"
            | "application/vnd.docker.image.rootfs.diff.tar.gzip"
            | "application/vnd.docker.image.rootfs.diff.tar.zstd" => Media::Layer,
            _ => Media::Other,
        }
    }
}

/// The file `oci-layout`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Marker {
    pub(super) image_layout_version: String,
}

/// A list of images, or of those of one image for several platforms.
#[derive(Deserialize)]
pub(super) struct Index {
    pub(super) manifests: Vec<Descriptor>,
}

/// An image.
#[derive(Deserialize)]
pub(super) struct Manifest {
    pub(super) config: Descriptor,
    /// The lowest first.
    pub(super) layers: Vec<Descriptor>,
}

/// What an image's configuration says about its layers.
#[derive(Deserialize)]
pub(super) struct Config {
    pub(super) rootfs: RootFs,
}

/// The layers of a configuration.
#[derive(Deserialize)]
pub(super) struct RootFs {
    /// Of each layer, when it is not compressed.
    pub(super) diff_ids: Vec<Digest>,
}
