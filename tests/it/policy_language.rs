//! What the policy language says is what the engine does: small policies of the tests' own, a customer, and what they are told.

mod ahead;
mod calendar;
mod hand;
mod life;
mod news;
mod proof;
mod quiet;
mod told;
mod versions;
mod world;
