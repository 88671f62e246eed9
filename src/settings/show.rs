//! `dunlin config show`: every key, its value and where it comes from. Secrets come out as `***`.

use config::ValueKind;

use super::Loaded;
use super::layer::Leaf;
use super::schema::spell;

/// One line a key, as TOML with the origin as a comment; keys in order, values aligned.
pub fn show(loaded: &Loaded) -> String {
    let lines: Vec<_> = loaded
        .effective
        .iter()
        .map(|(key, leaf)| (format!("{key} = {}", value(loaded, key, leaf)), &leaf.origin))
        .collect();
    let width = lines.iter().map(|(line, _)| line.chars().count()).filter(|n| *n <= 60).max();
    let width = width.unwrap_or_default();
    lines.iter().map(|(line, origin)| format!("{line:width$}  # {origin}\n")).collect()
}

fn value(loaded: &Loaded, key: &str, leaf: &Leaf) -> String {
    match &leaf.value {
        ValueKind::String(text) if text.is_empty() => "\"\"".to_owned(),
        ValueKind::Table(_) => "{}".to_owned(),
        // The defaults as well: who reads this elsewhere need not know which they are, and a login in clear invites to
        // write another one like it.
        _ if loaded.schema.is_secret(key) => "***".to_owned(),
        shown => spell(shown),
    }
}
