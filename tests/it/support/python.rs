//! A Python with the foreign clients of `tests/requirements.txt`: the one that `scripts/test` made, or one made here.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// `DUNLIN_TEST_PYTHON`, else `target/test-venv/bin/python`, made if it is missing or lacks a package.
pub(crate) fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(find)
}

#[expect(clippy::disallowed_methods, reason = "which Python the tests use is no setting of dunlin")]
fn find() -> PathBuf {
    if let Some(python) = std::env::var_os("DUNLIN_TEST_PYTHON") {
        return python.into();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let venv = root.join("target/test-venv");
    let python = venv.join("bin/python");
    if !has_packages(&python) {
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv));
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"];
        let requirements = root.join("tests/requirements.txt");
        run(Command::new(&python).args(pip).arg("-r").arg(requirements));
    }
    python
}

fn has_packages(python: &Path) -> bool {
    let import = ["-c", "import aiosmtpd.smtp, cloudevents, pika"];
    python.exists()
        && Command::new(python).args(import).status().is_ok_and(|status| status.success())
}

fn run(command: &mut Command) {
    let status = command.status().expect("python3 is installed");
    assert!(status.success(), "{command:?}: {status}");
}
