// SPDX-License-Identifier: GPL-2.0

//! Images of OCI image layouts, which Python makes: their index is that of the layers as archives.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{json, Value};
use support::header::{archive, directory, file, hard_link};
use support::{
    assert_same_files, broken_rules, list_tars, mkfs, python, read_image, tar, Folder, Run,
};

const REFUSED: i32 = 2;
const DAMAGED: i32 = 4;
const USAGE: i32 = 16;

/// Compresses a file; returns the path of the result.
fn compressed(program: &str, path: &Path) -> PathBuf {
    let mut command = Command::new(program);
    let command = command.arg("-c").arg(path).stderr(Stdio::inherit());
    let output = command.output().unwrap();
    assert!(output.status.success());
    let compressed = path.with_extension(program);
    fs::write(&compressed, output.stdout).unwrap();
    compressed
}

/// Three archives, each over the one before it.
fn archives(folder: &Folder) -> Vec<PathBuf> {
    let layers = [
        vec![
            directory("etc"),
            file("etc/a", b"1"),
            file("etc/gone", &[7; 9000]),
            file("opaque/below", b"x"),
        ],
        vec![
            file("etc/.wh.gone", b""),
            file("opaque/.wh..wh..opq", b""),
            file("opaque/above", &[8; 5000]),
        ],
        vec![file("etc/a", b"22"), hard_link("etc/link", "etc/a")],
    ];
    let layers = layers.iter().enumerate();
    layers
        .map(|(i, members)| folder.write(&format!("{i}.tar"), &archive(members)))
        .collect()
}

/// Makes a layout; returns its path and the digests of the images' layers.
fn layout(folder: &Folder, specification: &Value) -> (PathBuf, Value) {
    let path = folder.path("layout");
    let text = specification.to_string();
    let specification = folder.write("specification", text.as_bytes());
    let digests = python("make_layout.py", &[&path, &specification]);
    (path, serde_json::from_str(&digests).unwrap())
}

/// The specification of an image of archives that are not compressed.
fn plain(platform: &str, archives: &[PathBuf]) -> Value {
    let layers = archives
        .iter()
        .map(|path| json!({"blob": path, "archive": path}));
    json!({"platform": platform, "layers": layers.collect::<Vec<_>>()})
}

fn of_layout(layout: impl AsRef<Path>, index: &Path, options: &[&str]) -> Run {
    let layout = layout.as_ref().as_os_str();
    let arguments = [
        "--oci".as_ref(),
        layout,
        "--index-only".as_ref(),
        index.as_os_str(),
    ];
    mkfs(options.iter().map(AsRef::as_ref).chain(arguments))
}

/// The archives that a run's summary names, and their digests.
fn layers_of(run: &Run) -> (Vec<PathBuf>, Vec<String>) {
    let summary: Value = serde_json::from_str(&run.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_string();
    let layers = summary["layers"].as_array().unwrap().iter();
    layers
        .map(|layer| {
            (
                PathBuf::from(text(&layer["archive"])),
                text(&layer["sha256"]),
            )
        })
        .unzip()
}

/// Whatever the layers are compressed with, and whether the layout is a directory or an archive.
#[test]
fn layers_of_an_image() {
    let folder = Folder::new();
    let archives = archives(&folder);
    let blobs = [
        (compressed("gzip", &archives[0]), "layer.v1.tar+gzip"),
        (archives[1].clone(), "layer.v1.tar"),
        (compressed("zstd", &archives[2]), "layer.v1.tar+zstd"),
    ];
    let layers: Vec<Value> = std::iter::zip(&blobs, &archives)
        .map(|((blob, kind), archive)| {
            let kind = format!("application/vnd.oci.image.{kind}");
            json!({"blob": blob, "archive": archive, "type": kind})
        })
        .collect();
    let images = json!([{"platform": "linux/amd64", "layers": layers}]);
    let (layout, digests) = layout(&folder, &json!({ "images": images }));
    let expected = list_tars(&archives.iter().map(PathBuf::as_path).collect::<Vec<_>>());
    let check = |layout: &Path, index: &Path, written: &[usize]| {
        let run = of_layout(layout, index, &["--json"]).good();
        let (paths, sums) = layers_of(&run);
        for (number, path) in paths.iter().enumerate() {
            assert!(fs::read(path).unwrap() == fs::read(&archives[number]).unwrap());
            let beside = PathBuf::from(format!("{}.layer-{}.tar", index.display(), number + 1));
            assert_eq!(*path == beside, written.contains(&number), "{path:?}");
        }
        assert_eq!(broken_rules(index, &paths), Vec::<String>::new());
        let mut files = vec![index];
        files.extend(paths.iter().map(PathBuf::as_path));
        assert_same_files(&read_image(&files)["files"], &expected);
        // The digests are those of the archives, and the index has them.
        assert_eq!(
            format!("sha256:{}", sums[1]),
            digests[0][1].as_str().unwrap()
        );
        let dump = Command::new(env!("CARGO_BIN_EXE_dump-tarfs"))
            .args(["super".as_ref(), "--json".as_ref(), index.as_os_str()])
            .output();
        let dump: Value = serde_json::from_str(&Run::from(dump.unwrap()).good().stdout).unwrap();
        let recorded = dump["layers"].as_array().unwrap().iter();
        let recorded: Vec<_> = recorded
            .map(|layer| layer["sha256"].as_str().unwrap())
            .collect();
        assert_eq!(recorded, sums);
        (paths, fs::read(index).unwrap())
    };
    let (paths, bytes) = check(&layout, &folder.path("of-directory"), &[0, 2]);
    assert!(paths[1].starts_with(layout.join("blobs")));
    let packed = folder.path("layout.tar");
    let of = [
        "-C",
        layout.to_str().unwrap(),
        "-cf",
        packed.to_str().unwrap(),
        ".",
    ];
    tar(of).good();
    let (_, of_archive) = check(&packed, &folder.path("of-archive"), &[0, 1, 2]);
    assert!(bytes == of_archive);
    // What a layer's archive is no longer, fsck knows.
    let mut changed = fs::read(&paths[1]).unwrap();
    let data = changed.iter().position(|&byte| byte == 8).unwrap();
    changed[data] = 9;
    fs::write(&paths[1], changed).unwrap();
    assert_eq!(broken_rules(&folder.path("of-directory"), &paths).len(), 1);

    // Compressed archives by themselves.
    let index = folder.path("of-archives");
    let arguments = blobs
        .iter()
        .flat_map(|(blob, _)| ["--layer".as_ref(), blob.as_os_str()]);
    mkfs(arguments.chain(["--index-only".as_ref(), index.as_os_str()])).good();
    let beside = |number: usize| folder.path(&format!("of-archives.layer-{number}.tar"));
    let files = [index.clone(), beside(1), archives[1].clone(), beside(3)];
    let files: Vec<_> = files.iter().map(PathBuf::as_path).collect();
    assert_same_files(&read_image(&files)["files"], &expected);
}

#[test]
fn choosing_an_image() {
    let folder = Folder::new();
    let archives = archives(&folder);
    let index = folder.path("index");
    let inodes = |run: Run| {
        let summary: Value = serde_json::from_str(&run.good().stdout).unwrap();
        summary["inodes"].as_u64().unwrap()
    };
    let images = json!([
        plain("linux/amd64", &archives[..1]),
        plain("linux/arm/v7", &archives[..2]),
        plain("linux/arm/v6", &archives[..1]),
        plain("unknown/unknown", &archives[..1]),
    ]);
    for nested in [false, true] {
        let folder = Folder::new();
        let (layout, _) = layout(&folder, &json!({"images": images, "nested": nested}));
        let one = |options: &[&str]| of_layout(&layout, &index, &[options, &["--json"]].concat());
        assert_eq!(inodes(one(&[])), 6);
        assert_eq!(inodes(one(&["--platform=linux/arm/v7"])), 5);
        assert_eq!(inodes(one(&["--platform=linux/arm/v6"])), 6);
        one(&["--platform=linux/arm"]).fails(USAGE, "has 2 images for linux/arm; name one");
        one(&["--platform=plan9/mips"]).fails(
            USAGE,
            "no image for plan9/mips; it has those for linux/amd64, linux/arm/v6, linux/arm/v7, unknown",
        );
    }
    let mut tagged = [
        plain("linux/amd64", &archives[..1]),
        plain("linux/amd64", &archives[..2]),
    ];
    tagged[0]["tag"] = "old".into();
    tagged[1]["tag"] = "new".into();
    let (layout, _) = layout(&folder, &json!({ "images": tagged }));
    let of = |tag: &str| of_layout(format!("{}{tag}", layout.display()), &index, &["--json"]);
    assert_eq!(inodes(of(":old")), 6);
    assert_eq!(inodes(of(":new")), 5);
    of("").fails(USAGE, "the tags are new, old");
    of(":other").fails(USAGE, "has no image \"other\"; it has new, old");
}

/// Nothing is left of an image that is not what its digests say.
#[test]
fn damage_and_refusals() {
    let folder = Folder::new();
    let archives = archives(&folder);
    let gzip = compressed("gzip", &archives[0]);
    let fails = |layer: Value, spoil: &dyn Fn(&Path, &str), status: i32, text: &str| {
        let folder = Folder::new();
        let images = json!([{"platform": "linux/amd64", "layers": [layer]}]);
        let (layout, digests) = layout(&folder, &json!({ "images": images }));
        let digest = digests[0][0].as_str().unwrap().to_string();
        spoil(&layout, &digest.replace("sha256:", "blobs/sha256/"));
        of_layout(&layout, &folder.path("index"), &[]).fails(status, text);
        assert_eq!(folder.names(), ["layout", "specification"]);
    };
    let nothing = |_: &Path, _: &str| ();
    let good = json!({"blob": gzip, "archive": archives[0]});
    let flip = |layout: &Path, blob: &str| {
        let mut bytes = fs::read(layout.join(blob)).unwrap();
        bytes[40] ^= 1;
        fs::write(layout.join(blob), bytes).unwrap();
    };
    fails(
        good.clone(),
        &flip,
        DAMAGED,
        "the digest of the file is sha256:",
    );
    let other = json!({"blob": gzip, "archive": archives[1]});
    fails(
        other,
        &nothing,
        DAMAGED,
        "the digest of its archive is sha256:",
    );
    let not_compressed = json!({"blob": archives[0], "archive": archives[1]});
    fails(
        not_compressed,
        &nothing,
        DAMAGED,
        "the digest of its archive is sha256:",
    );
    let mut encrypted = good.clone();
    encrypted["type"] = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted".into();
    fails(
        encrypted,
        &nothing,
        REFUSED,
        "which is not a layer that is an archive",
    );
    let manifest = |layout: &Path, _: &str| {
        let path = layout.join("index.json");
        let index: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let digest = index["manifests"][0]["digest"].as_str().unwrap();
        let path = layout.join(digest.replace("sha256:", "blobs/sha256/"));
        let text = fs::read_to_string(&path)
            .unwrap()
            .replace("schemaVersion", "SchemaVersion");
        fs::write(path, text).unwrap();
    };
    fails(
        good.clone(),
        &manifest,
        DAMAGED,
        "has not the size and digest",
    );
    let version = |layout: &Path, _: &str| {
        fs::write(
            layout.join("oci-layout"),
            "{\"imageLayoutVersion\": \"2.0.0\"}",
        )
        .unwrap();
    };
    fails(
        good.clone(),
        &version,
        DAMAGED,
        "version is \"2.0.0\", supported is 1",
    );
    let outside = |layout: &Path, _: &str| {
        let path = layout.join("index.json");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, text.replace("sha256:", "sha256:../../")).unwrap();
    };
    fails(good, &outside, DAMAGED, "index.json: the digest");
}
