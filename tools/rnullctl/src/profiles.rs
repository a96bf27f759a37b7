// SPDX-License-Identifier: GPL-2.0

//! Settings of common devices, from `profiles.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::setting::Setting;

/// A kind of device.
#[derive(Clone, Debug, Deserialize)]
pub struct Profile {
    /// What users call it.
    pub name: String,
    /// What it is like.
    pub help: String,
    /// Its settings, in the order in which they are to be written.
    pub settings: Vec<Setting>,
}

#[derive(Deserialize)]
struct File {
    profile: Vec<Profile>,
}

/// All profiles. The file is part of the program and is read by a test, so that it can be read.
pub static PROFILES: LazyLock<Vec<Profile>> = LazyLock::new(|| {
    toml::from_str(include_str!("profiles.toml"))
        .map_or_else(|_| Vec::new(), |file: File| file.profile)
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules;

    #[test]
    fn profiles_keep_the_rules() {
        let names: Vec<_> = PROFILES.iter().map(|profile| &*profile.name).collect();
        assert_eq!(names, ["nvme", "hdd", "zns", "flaky"]);
        for setting in PROFILES.iter().flat_map(|profile| &profile.settings) {
            let rule = rules::find(&setting.attribute).unwrap();
            assert_eq!(rule.broken_by(&setting.value), None, "{setting}");
        }
    }
}
