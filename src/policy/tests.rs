//! What holds of the language as a whole and of the files that ship.

use super::*;

const SUBSCRIPTION: &str = include_str!("../../tests/policies/alibaba-ecs-subscription.toml");

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

#[test]
fn a_subscription_with_grace_and_five_attempts_can_be_said() {
    if let Err(errors) = parse("alibaba-ecs-subscription.toml", SUBSCRIPTION) {
        panic!("{errors}");
    }
}
