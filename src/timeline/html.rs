//! A timeline as one self-contained page: the picture, and the table below it. Made to be printed too.

use super::Timeline;
use super::markup::escape;
use super::svg;
use super::words::{assumptions, clocks, local, relative, said, zone_offset};

const STYLE: &str = include_str!("page.css");

/// The page.
pub fn html(timeline: &Timeline) -> String {
    let title = escape(&timeline.title);
    let key = &timeline.policy;
    let mut rows = String::new();
    let mut last = None;
    for entry in &timeline.entries {
        let said = said(entry, timeline);
        let first = last != Some(entry.at);
        last = Some(entry.at);
        let zone = timeline.zone;
        let when = format!("{} {}", local(entry.at, zone), zone_offset(entry.at, zone));
        let (when, from) = if first {
            (when, relative(timeline, entry.at))
        } else {
            (String::new(), String::new())
        };
        let details: String = said
            .details
            .iter()
            .map(|detail| format!("<br><small>{}</small>", escape(detail)))
            .collect();
        let class = if first { " class=\"first\"" } else { "" };
        rows += &format!(
            "<tr{class}><td>{}</td><td>{}</td><td>{}</td><td>{}{details}</td></tr>\n",
            escape(&when),
            escape(&from),
            said.topic.name(),
            escape(&said.line()),
        );
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<p>{} version {}. {}; {}.</p>\n\
         <figure>\n{}</figure>\n<table>\n<thead><tr><th scope=\"col\">Local time</th><th scope=\"col\">From {}</th>\
         <th scope=\"col\">What</th><th scope=\"col\"></th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n\
         </body>\n</html>\n",
        escape(key.id.as_str()),
        key.version,
        escape(&assumptions(timeline)),
        escape(&clocks(timeline)),
        svg::element(timeline),
        super::words::letter(timeline.clock),
    )
}

#[cfg(test)]
mod tests {
    use super::super::collect;
    use super::super::tests::{policy, with};
    use super::*;

    #[test]
    fn text_of_a_file_and_of_the_command_line_stays_text() {
        let mut policy = policy("tencent-cvm-prepaid");
        policy.title = "<img src=x onerror=alert(1)>".to_owned();
        let story = with(&["E+1d hold.placed reason=<script>x</script>"]);
        let page = html(&collect(&policy, &story).expect("a timeline"));
        assert!(!page.contains("<img") && !page.contains("<script"), "{page}");
        assert!(page.contains("&lt;script&gt;x") && page.contains("&lt;img src=x"), "{page}");
    }

    #[test]
    fn a_page_holds_the_picture_and_every_line_of_the_table() {
        let timeline = collect(&policy("tencent-cvm-prepaid"), &with(&[])).expect("a timeline");
        let page = html(&timeline);
        assert_eq!(page.matches("<svg").count(), 1);
        assert_eq!(page.matches("<tr").count(), timeline.entries.len() + 1);
        assert!(page.contains("@media print") && !page.contains("http-equiv=\"refresh\""));
    }
}
