// SPDX-License-Identifier: GPL-2.0

//! OCI image layouts: from one to the archives of an image's layers.

mod blobs;
mod documents;
mod platform;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use self::blobs::Blobs;
use self::documents::{Config, Descriptor, Index, Manifest, Marker, Media};
use crate::interrupt::Interrupt;
use crate::layer_files::LayerFile;
use crate::Error;

pub use platform::Platform;

/// How deep indexes may refer to indexes.
const DEPTH_MAX: usize = 4;

/// An image of a layout, as text `PATH` or `PATH:TAG`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The layout: a directory, or an archive of one.
    pub path: PathBuf,
    /// The image's name in there, where it has several.
    pub tag: Option<String>,
}

impl FromStr for Reference {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let whole = Self {
            path: text.into(),
            tag: None,
        };
        Ok(match text.rsplit_once(':') {
            // A path can have a colon, a tag has no slash.
            Some((path, tag)) if !whole.path.exists() && !tag.contains('/') => Self {
                path: path.into(),
                tag: Some(tag.into()),
            },
            _ => whole,
        })
    }
}

/// Finds the layers of an image, the lowest first. What they take beside the index at `index` for a
/// while is as large as the layout where that is an archive.
///
/// # Errors
///
/// [`Error::NoImage`] where there is none or more than one to choose from; [`Error::Layout`] where
/// the layout breaks a rule; [`Error::Media`] where the image has something else than archives as
/// layers; [`Error::Io`] and those of writing.
pub fn layers(
    reference: &Reference,
    platform: &Platform,
    index: &Path,
    interrupt: &Interrupt,
) -> Result<Vec<LayerFile>, Error> {
    let blobs = Blobs::open(&reference.path)?;
    let marker: Marker = blobs.document("oci-layout")?;
    if !marker.image_layout_version.starts_with("1.") {
        let version = &marker.image_layout_version;
        let reason = format!("the layout's version is {version:?}, supported is 1");
        return Err(blobs.broken("oci-layout", &reason));
    }
    let list: Index = blobs.document("index.json")?;
    let manifest = find(&blobs, list, reference.tag.as_deref(), platform)?;
    check_media(&blobs, &manifest.config, Media::Config)?;
    let config: Config = blobs.described(&manifest.config)?;
    let archives = &config.rootfs.diff_ids;
    if archives.len() != manifest.layers.len() {
        let reason = format!(
            "the manifest has {} layers, the configuration {}",
            manifest.layers.len(),
            archives.len()
        );
        return Err(blobs.broken("index.json", &reason));
    }
    let layers = manifest.layers.iter().zip(archives);
    let layers = layers.map(|(layer, &archive)| {
        check_media(&blobs, layer, Media::Layer)?;
        blobs.layer(layer, archive, index, interrupt)
    });
    layers.collect()
}

/// Finds the manifest of the image of this name and platform.
fn find(
    blobs: &Blobs,
    mut list: Index,
    tag: Option<&str>,
    platform: &Platform,
) -> Result<Manifest, Error> {
    if let Some(tag) = tag {
        let tags = names(&list, |image| image.tag().map(Into::into));
        list.manifests.retain(|image| image.tag() == Some(tag));
        if list.manifests.is_empty() {
            let reason = format!("has no image {tag:?}; it has {tags}");
            return Err(no_image(blobs, reason));
        }
    }
    for _ in 0..DEPTH_MAX {
        let platforms = names(&list, |image| {
            image.platform.as_ref().map(Platform::to_string)
        });
        // An index names no platform: each of its images does.
        list.manifests.retain(|image| {
            let other = image.platform.as_ref();
            other.is_none_or(|other| platform.is_served_by(other))
        });
        let image = match list.manifests.as_slice() {
            [image] => image.clone(),
            [] => {
                let reason = format!("has no image for {platform}; it has those for {platforms}");
                return Err(no_image(blobs, reason));
            }
            several => {
                let tags = names(&list, |image| image.tag().map(Into::into));
                let count = several.len();
                let reason = format!(
                    "has {count} images for {platform}; name one, as in PATH:TAG; the tags are {tags}"
                );
                return Err(no_image(blobs, reason));
            }
        };
        match image.media() {
            Media::Index => list = blobs.described(&image)?,
            _ => {
                check_media(blobs, &image, Media::Manifest)?;
                return blobs.described(&image);
            }
        }
    }
    Err(blobs.broken("index.json", "indexes refer to indexes more than 4 times"))
}

/// Lists what the images of an index are called.
fn names(list: &Index, name: impl Fn(&Descriptor) -> Option<String>) -> String {
    let mut names: Vec<_> = list.manifests.iter().filter_map(name).collect();
    names.sort_unstable();
    names.dedup();
    match names.as_slice() {
        [] => "none".into(),
        names => names.join(", "),
    }
}

fn check_media(blobs: &Blobs, what: &Descriptor, expected: Media) -> Result<(), Error> {
    if what.media() == expected {
        return Ok(());
    }
    Err(Error::Media {
        path: blobs.path().into(),
        digest: what.digest,
        media_type: what.media_type.clone(),
        expected: match expected {
            Media::Config => "the configuration of a container",
            Media::Layer => "a layer that is an archive",
            _ => "an image",
        },
    })
}

fn no_image(blobs: &Blobs, reason: String) -> Error {
    Error::NoImage {
        path: blobs.path().into(),
        reason,
    }
}
