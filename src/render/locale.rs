//! Which language a reader gets: from the tag that was asked for, step by step to one that there are templates for.
//!
//! Knows names of locales, not templates.

/// Folders whose texts are of a narrower language than their name says, and the tag that messages carry.
///
/// `zh` is the base of all Chinese locales and holds Simplified Chinese.
const WRITTEN_IN: [(&str, &str); 1] = [("zh", "zh-CN")];

/// What to try for `tag`, best first, ending in `default`: `zh-Hans-CN`, `zh-CN`, `zh-Hans`, `zh`, then the default.
///
/// Takes the spelling of POSIX as well (`zh_CN.UTF-8`).
pub fn chain(tag: &str, default: &str) -> Vec<String> {
    let tag = tag.split(['.', '@']).next().unwrap_or(tag).replace('_', "-");
    let mut subtags = tag.split('-').filter(|subtag| !subtag.is_empty());
    let mut chain = vec![tag.trim_matches('-').to_owned()];
    if let Some(language) = subtags.next() {
        let (mut script, mut region) = (None, None);
        for subtag in subtags.take_while(|subtag| subtag.len() > 1) {
            match subtag.len() {
                4 if script.is_none() && region.is_none() => script = Some(subtag),
                2 | 3 if region.is_none() => region = Some(subtag),
                _ => {}
            }
        }
        let both =
            script.zip(region).map(|(script, region)| format!("{language}-{script}-{region}"));
        chain.extend(both);
        chain.extend(region.map(|region| format!("{language}-{region}")));
        chain.extend(script.map(|script| format!("{language}-{script}")));
        chain.push(language.to_owned());
    }
    chain.push(default.to_owned());
    let mut seen: Vec<String> = Vec::with_capacity(chain.len());
    for candidate in chain {
        if !candidate.is_empty() && !seen.iter().any(|tag| tag.eq_ignore_ascii_case(&candidate)) {
            seen.push(candidate);
        }
    }
    seen
}

/// The BCP 47 tag of texts from the folder `locale`.
pub fn language_of(locale: &str) -> &str {
    WRITTEN_IN.iter().find(|(folder, _)| *folder == locale).map_or(locale, |(_, tag)| tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_falls_back_to_its_region_then_its_language_then_the_default() {
        for (tag, expected) in [
            ("zh-Hans-CN", "zh-Hans-CN zh-CN zh-Hans zh en"),
            ("zh-CN", "zh-CN zh en"),
            ("zh_SG.UTF-8", "zh-SG zh en"),
            ("zh-Hans", "zh-Hans zh en"),
            ("pt-BR", "pt-BR pt en"),
            ("en", "en"),
            ("EN-us", "EN-us EN"),
            ("es-419", "es-419 es en"),
            ("zh-Hans-CN-u-ca-chinese", "zh-Hans-CN-u-ca-chinese zh-Hans-CN zh-CN zh-Hans zh en"),
            ("", "en"),
            ("--", "en"),
        ] {
            assert_eq!(chain(tag, "en").join(" "), expected, "{tag}");
        }
    }

    #[test]
    fn the_base_of_chinese_says_that_it_is_simplified() {
        assert_eq!(language_of("zh"), "zh-CN");
        assert_eq!(language_of("pt-BR"), "pt-BR");
    }
}
