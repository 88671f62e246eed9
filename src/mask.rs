//! Addresses and numbers of people as they may be shown or passed on: enough to tell two apart, too little to write to one.

/// `y…@example.com` of an address.
pub(crate) fn email(address: &str) -> String {
    let Some((local, domain)) = address.rsplit_once('@') else { return "…".to_owned() };
    let first = local.chars().next().filter(|_| local.chars().count() > 1);
    let first = first.map(String::from).unwrap_or_default();
    format!("{first}…@{domain}")
}

/// `+86…0121` of a number.
pub(crate) fn phone(number: &str) -> String {
    let characters: Vec<char> = number.chars().collect();
    // Of a short number even this much would be most of it.
    let (head, tail) = if characters.len() >= 11 { (3, 4) } else { (0, 2) };
    let (first, last) = (&characters[..head], &characters[characters.len().saturating_sub(tail)..]);
    format!("{}…{}", String::from_iter(first), String::from_iter(last))
}

/// What a server said, without anything that looks like an address or a number.
pub(crate) fn scrubbed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars() {
        if c.is_alphanumeric() || matches!(c, '@' | '.' | '_' | '-' | '+' | '%') {
            word.push(c);
        } else {
            out.push_str(&scrubbed_word(&word));
            word.clear();
            out.push(c);
        }
    }
    out + &scrubbed_word(&word)
}

fn scrubbed_word(word: &str) -> String {
    if word.contains('@') {
        return email(word);
    }
    let digits = word.trim_end_matches('.').strip_prefix('+').unwrap_or_default();
    if digits.len() > 6 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return phone(word.trim_end_matches('.'));
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_its_first_letter_and_its_domain() {
        assert_eq!(email("yizhou.gu@yuanxiu.example"), "y…@yuanxiu.example");
        assert_eq!(email("顾亦舟@yuanxiu.example"), "顾…@yuanxiu.example");
        assert_eq!(email("y@yuanxiu.example"), "…@yuanxiu.example", "one letter is all of it");
        assert_eq!(email("nonsense"), "…");
    }

    #[test]
    fn a_number_keeps_its_ends_and_a_short_one_less() {
        assert_eq!(phone("+8613800000121"), "+86…0121");
        assert_eq!(phone("+290123456"), "…56");
        assert_eq!(phone(""), "…");
    }

    #[test]
    fn what_a_server_quotes_of_a_recipient_is_masked_too() {
        for (said, shown) in [
            (
                "550 5.1.1 <yizhou.gu@yuanxiu.example>: no such user",
                "550 5.1.1 <y…@yuanxiu.example>: no such user",
            ),
            ("refused +8613800000121.", "refused +86…0121"),
            ("8613800000121@sms.example is full", "8…@sms.example is full"),
            ("250 2.0.0 queued as 4F1x-1", "250 2.0.0 queued as 4F1x-1"),
            ("20260302T082000Z-expired-1.eml", "20260302T082000Z-expired-1.eml"),
        ] {
            assert_eq!(scrubbed(said), shown);
        }
    }
}
