//! What holds of the language as a whole and of the files that ship.

use super::*;

#[test]
fn every_file_of_the_folder_ships() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/config/policies");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder of shipped policies")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    files.sort();
    let shipped: Vec<_> =
        Policies::shipped().texts.iter().map(|text| format!("{}.toml", text.key.id)).collect();
    assert_eq!(shipped, files);
}
