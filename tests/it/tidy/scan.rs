//! A small reader of Rust source: tokens with their lines, what belongs to tests, and the paths that code names.
//!
//! Knows comments, strings and attributes well enough not to be fooled by them. Does not parse Rust.

/// What a piece of source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An identifier or keyword.
    Word,
    /// The contents of a string, without quotes and prefix.
    Text,
    /// One character of anything else; `::` is one token.
    Mark,
}

/// A piece of source that is not a comment.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) text: String,
    pub(super) line: usize,
    /// Whether it stands under `#[cfg(test)]`.
    pub(super) test: bool,
}

impl Token {
    fn is(&self, text: &str) -> bool {
        self.kind != Kind::Text && self.text == text
    }
}

/// A path as it is named in code, `use` groups written out: `std::{fs, io::Read}` is two.
#[derive(Debug)]
pub(super) struct Path {
    pub(super) segments: Vec<String>,
    /// Index of the token where the last segment stands.
    pub(super) end: usize,
}

/// Splits `source` into tokens and marks those under `#[cfg(test)]`.
pub(super) fn tokens(source: &str) -> Vec<Token> {
    let mut out = split(source);
    mark_tests(&mut out);
    out
}

fn split(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let (mut out, mut at, mut line) = (Vec::new(), 0, 1);
    while at < chars.len() {
        let start = at;
        let rest = &chars[at..];
        let piece = if rest.starts_with(&['/', '/']) {
            at += rest.iter().position(|c| *c == '\n').unwrap_or(rest.len());
            None
        } else if rest.starts_with(&['/', '*']) {
            at += block_comment(rest);
            None
        } else if let Some((text, length)) = string(rest) {
            at += length;
            Some((Kind::Text, text))
        } else if rest[0] == '\'' {
            at += char_or_lifetime(rest);
            None
        } else if is_word(rest[0]) {
            at += rest.iter().position(|c| !is_word(*c)).unwrap_or(rest.len());
            Some((Kind::Word, chars[start..at].iter().collect()))
        } else if rest.starts_with(&[':', ':']) {
            at += 2;
            Some((Kind::Mark, "::".to_owned()))
        } else {
            at += 1;
            (!rest[0].is_whitespace()).then(|| (Kind::Mark, rest[0].to_string()))
        };
        if let Some((kind, text)) = piece {
            out.push(Token { kind, text, line, test: false });
        }
        line += chars[start..at].iter().filter(|c| **c == '\n').count();
    }
    out
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of the comment at the start of `rest`; comments nest.
fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// The contents and the length of the string literal at the start of `rest`, if one stands there.
fn string(rest: &[char]) -> Option<(String, usize)> {
    let prefix = rest.iter().take_while(|c| matches!(c, 'b' | 'c' | 'r')).count();
    let raw = rest[..prefix].contains(&'r');
    let hashes = if raw { rest[prefix..].iter().take_while(|c| **c == '#').count() } else { 0 };
    let open = prefix + hashes;
    if prefix > 2 || rest.get(open) != Some(&'"') {
        return None;
    }
    let mut at = open + 1;
    while at < rest.len() {
        if rest[at] == '\\' && !raw {
            at += 2;
        } else if rest[at] == '"'
            && rest[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes
        {
            return Some((rest[open + 1..at].iter().collect(), at + 1 + hashes));
        } else {
            at += 1;
        }
    }
    Some((rest[open + 1..].iter().collect(), rest.len()))
}

/// The length of `'x'`, `'\n'` or `'static` at the start of `rest`.
fn char_or_lifetime(rest: &[char]) -> usize {
    match rest {
        ['\'', '\\', ..] => {
            3 + rest[3.min(rest.len())..].iter().take_while(|c| **c != '\'').count() + 1
        }
        ['\'', _, '\'', ..] => 3,
        _ => 1 + rest[1..].iter().take_while(|c| is_word(**c)).count(),
    }
    .min(rest.len())
}

fn mark_tests(tokens: &mut [Token]) {
    const INNER: [&str; 8] = ["#", "!", "[", "cfg", "(", "test", ")", "]"];
    const OUTER: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut at = 0;
    while at < tokens.len() {
        let end = if starts_with(&tokens[at..], &INNER) {
            tokens.len()
        } else if starts_with(&tokens[at..], &OUTER) {
            item_end(tokens, at)
        } else {
            at += 1;
            continue;
        };
        tokens[at..end].iter_mut().for_each(|token| token.test = true);
        at = end;
    }
}

fn starts_with(tokens: &[Token], wanted: &[&str]) -> bool {
    tokens.len() >= wanted.len() && tokens.iter().zip(wanted).all(|(token, text)| token.is(text))
}

/// Where the item that begins at `start` (attributes included) ends: after its `;` or its closing brace.
fn item_end(tokens: &[Token], start: usize) -> usize {
    const ITEMS: [&str; 8] = ["fn", "struct", "enum", "impl", "trait", "mod", "use", "type"];
    let (mut depth, mut item) = (0_usize, false);
    for (at, token) in tokens.iter().enumerate().skip(start) {
        item |= ITEMS.iter().any(|word| token.is(word));
        if opens(token) {
            depth += 1;
        } else if closes(token) {
            depth = depth.saturating_sub(1);
            if depth == 0 && token.is("}") {
                return at + 1;
            }
        } else if depth == 0 && (token.is(";") || (token.is(",") && !item)) {
            return at + 1;
        }
    }
    tokens.len()
}

fn opens(token: &Token) -> bool {
    ["(", "[", "{"].iter().any(|mark| token.is(mark))
}

fn closes(token: &Token) -> bool {
    [")", "]", "}"].iter().any(|mark| token.is(mark))
}

/// Names of the modules that a file declares and keeps in files of their own.
pub(super) fn modules(tokens: &[Token]) -> Vec<String> {
    declared(tokens).map(|name| name.text.clone()).collect()
}

/// Those of them that are declared under `#[cfg(test)]`.
pub(super) fn test_modules(tokens: &[Token]) -> Vec<String> {
    declared(tokens).filter(|name| name.test).map(|name| name.text.clone()).collect()
}

fn declared(tokens: &[Token]) -> impl Iterator<Item = &Token> {
    let files = tokens.windows(3).filter(|three| three[0].is("mod") && three[2].is(";"));
    files.map(|three| &three[1])
}

/// Every path that the code names, single names included.
pub(super) fn paths(tokens: &[Token]) -> Vec<Path> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at].kind == Kind::Word {
            at = path(tokens, at, &[], &mut out);
        } else {
            at += 1;
        }
    }
    out
}

/// Reads the path at `at` behind `prefix` and answers where it ends.
fn path(tokens: &[Token], mut at: usize, prefix: &[String], out: &mut Vec<Path>) -> usize {
    let mut segments = prefix.to_vec();
    while let Some(token) = tokens.get(at) {
        if token.kind == Kind::Word || token.is("*") {
            segments.push(token.text.clone());
            at += 1;
        }
        if !tokens.get(at).is_some_and(|token| token.is("::")) {
            break;
        }
        at += 1;
        match tokens.get(at) {
            Some(next) if next.kind == Kind::Word || next.is("*") => {}
            Some(next) if next.is("{") => return group(tokens, at + 1, &segments, out),
            _ => break,
        }
    }
    out.push(Path { segments, end: at.saturating_sub(1) });
    at
}

/// Reads the members of a `use` group up to its closing brace and answers where it ends.
fn group(tokens: &[Token], mut at: usize, prefix: &[String], out: &mut Vec<Path>) -> usize {
    while let Some(token) = tokens.get(at) {
        if token.is("}") {
            return at + 1;
        }
        at = if token.is("as") {
            at + 2
        } else if token.kind == Kind::Word || token.is("*") {
            path(tokens, at, prefix, out)
        } else {
            at + 1
        };
    }
    at
}

/// Whether the token at `index` is called as a method, `.name(` or `.name::<…>(`, but not a field.
pub(super) fn is_method(tokens: &[Token], index: usize) -> bool {
    let before = index.checked_sub(1).is_some_and(|at| tokens[at].is("."));
    before && tokens.get(index + 1).is_some_and(|next| next.is("(") || next.is("::"))
}

/// Whether the token at `index` is the name of a macro call.
pub(super) fn is_macro(tokens: &[Token], index: usize) -> bool {
    tokens.get(index + 1).is_some_and(|next| next.is("!"))
        && tokens.get(index + 2).is_some_and(|next| !next.is("="))
}

/// Whether the token at `index` is the name of an attribute, also inside `cfg_attr`.
pub(super) fn is_attribute(tokens: &[Token], index: usize) -> bool {
    let open = tokens[..index].iter().rposition(|token| token.is("[") || token.is("]"));
    open.is_some_and(|at| {
        let marks = &tokens[at.saturating_sub(2)..=at];
        tokens[at].is("[") && marks.iter().any(|token| token.is("#"))
    })
}

/// The tokens between the brackets that follow the macro name at `index`.
pub(super) fn macro_body(tokens: &[Token], index: usize) -> &[Token] {
    let start = index + 2;
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(start) {
        depth = depth + usize::from(opens(token)) - usize::from(closes(token));
        if depth == 0 {
            return &tokens[start..at];
        }
    }
    &tokens[start.min(tokens.len())..]
}
