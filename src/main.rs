//! The `dunlin` program. Hands over to the command line; holds no logic of its own.

fn main() {}
