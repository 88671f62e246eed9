//! The table of boundaries of `tests/it`, for `scripts/mutants`.

#[path = "../../it/boundaries/play.rs"]
mod play;
#[path = "../../it/boundaries/story.rs"]
mod story;
#[path = "../../it/boundaries/table.rs"]
mod table;

pub(crate) use table::failures;
