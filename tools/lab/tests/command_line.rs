// SPDX-License-Identifier: GPL-2.0
//! Tests of the program as a person or a script runs it: exit statuses, messages, interruption.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// The program, with nothing of this machine's settings but its cache folder.
fn lab(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    for variable in ["KREL", "KDIR", "BLOCKYARD_MIRROR"] {
        command.env_remove(variable);
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

/// The exit status, and the last line of the standard error.
fn end(output: &Output) -> (Option<i32>, String) {
    let errors = String::from_utf8_lossy(&output.stderr);
    (
        output.status.code(),
        errors.lines().last().unwrap_or_default().to_owned(),
    )
}

#[test]
fn a_guest_s_command_gives_its_output_and_its_status() {
    let output = lab(&["run", "--", "echo", "out;", "exit", "3"])
        .output()
        .unwrap();
    assert_eq!(
        (output.status.code(), output.stdout),
        (Some(3), b"out\n".to_vec())
    );
}

#[test]
fn a_wrong_command_line_is_status_2() {
    assert_eq!(
        lab(&["no-such-command"]).output().unwrap().status.code(),
        Some(2)
    );
    let output = lab(&["sdk"]).env("KDIR", "/nonexistent").output().unwrap();
    let (status, message) = end(&output);
    assert_eq!(status, Some(2));
    assert!(message.contains("KDIR must be a kernel tree"), "{message}");
}

#[test]
fn what_the_machine_lacks_is_status_3() {
    let output = lab(&["run", "--program", "no-such-program", "--", "true"])
        .output()
        .unwrap();
    let (status, message) = end(&output);
    assert_eq!(status, Some(3));
    assert!(
        message.contains("has no program no-such-program"),
        "{message}"
    );
}

#[test]
fn no_network_is_status_4_and_one_sentence() {
    let cache = tempfile::tempdir().unwrap();
    let cache = cache.path().join("cache");
    // Nothing listens on port 1.
    let output = lab(&["sdk", "--release", "7.2.0+none"])
        .env("BLOCKYARD_CACHE", &cache)
        .env("BLOCKYARD_MIRROR", "http://127.0.0.1:1/debian")
        .env_remove("BLOCKYARD_KERNEL")
        .env_remove("http_proxy")
        .output()
        .unwrap();
    let (status, message) = end(&output);
    assert_eq!(status, Some(4), "{message}");
    assert!(message.contains("check the network"), "{message}");
    let log = message.rsplit_once("details: ").unwrap().1;
    assert!(fs::read_to_string(log).unwrap().contains("127.0.0.1"));
    assert!(!cache.join("release-7.2.0+none").exists());
}

#[test]
fn an_interruption_is_status_130_and_leaves_no_guest() {
    for signal in ["INT", "TERM", "HUP"] {
        let mut child = lab(&["run", "--", "sleep", "1000"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let qemu = loop {
            // A child that is still setpriv becomes QEMU.
            match children(child.id())
                .iter()
                .find(|&&id| name(id).contains("ld-linux"))
            {
                Some(&id) => break id,
                None => sleep(Duration::from_millis(20)),
            }
            assert_eq!(child.try_wait().unwrap(), None, "it ended by itself");
        };
        let kill = Command::new("kill")
            .args(["-s", signal, &child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(130), "{signal}");
        assert!(!Path::new(&format!("/proc/{qemu}")).exists(), "{signal}");
    }
}

/// The processes that a process has started and not yet waited for.
fn children(process: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task"))
        .into_iter()
        .flatten()
        .flatten();
    let lists = threads.map(|thread| fs::read_to_string(thread.path().join("children")));
    let text: String = lists.map(Result::unwrap_or_default).collect();
    text.split_whitespace()
        .map(|id| id.parse().unwrap())
        .collect()
}

fn name(process: u32) -> String {
    fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default()
}
