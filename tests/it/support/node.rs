//! The packages of `tests/asyncapi` for Node: those that `scripts/test` installed, or installed here.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The folder of the packages, `target/test-node`; made if it is missing or has another version of the parser.
pub(crate) fn packages() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(find)
}

fn find() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (wanted, folder) = (root.join("tests/asyncapi"), root.join("target/test-node"));
    if version_of(&folder) != wanted_version(&wanted) {
        std::fs::create_dir_all(&folder).expect("a folder under target");
        for file in ["package.json", "package-lock.json"] {
            std::fs::copy(wanted.join(file), folder.join(file)).expect("a copy");
        }
        let ci = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
        let mut npm = Command::new("npm");
        let status = npm.args(ci).current_dir(&folder).status().expect("npm is installed");
        assert!(status.success(), "npm ci: {status}");
    }
    folder
}

fn wanted_version(folder: &Path) -> Option<String> {
    let text = std::fs::read_to_string(folder.join("package.json")).expect("the list of packages");
    let package: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    package["dependencies"]["@asyncapi/parser"].as_str().map(str::to_owned)
}

fn version_of(folder: &Path) -> Option<String> {
    let path = folder.join("node_modules/@asyncapi/parser/package.json");
    let package: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()?;
    package["version"].as_str().map(str::to_owned)
}
